"""Settings of the pigeon service. Prefix PIGEON_."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings


class PigeonSettings(ServiceSettings):
    """What only the pigeon service needs."""

    model_config = SettingsConfigDict(env_prefix="PIGEON_", extra="ignore", frozen=True)

    port: int = Field(8010, description="HTTP port for health and metrics", ge=1, le=65535)
    database: SecretStr = Field(
        SecretStr("postgresql://pigeon:pigeon@127.0.0.1:8032/switchboard"),
        description="PostgreSQL, for the delivery ledger, as the role `pigeon`",
    )
    inbox: str = Field("", description="Folder in which letters arrive. Empty: the channel is off")
    outbox: str = Field("", description="Folder in which answers leave. Empty: the channel is off")

    @property
    def why_off(self) -> str:
        """What is missing, in words; empty: nothing is."""
        return "" if self.inbox and self.outbox else "set PIGEON_INBOX and PIGEON_OUTBOX"
