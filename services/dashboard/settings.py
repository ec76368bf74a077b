"""Settings of the dashboard service. Prefix DASHBOARD_."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings


class DashboardSettings(ServiceSettings):
    """Settings of this service."""

    model_config = SettingsConfigDict(env_prefix="DASHBOARD_", extra="ignore", frozen=True)

    port: int = Field(8001, description="HTTP and WebSocket port", ge=1, le=65535)
    database: SecretStr = Field(
        SecretStr("postgresql://dashboard@127.0.0.1:8032/switchboard"),
        description="PostgreSQL DSN of this service's own role",
    )
    rate_per_visitor: int = Field(60, description="Messages a minute from one visitor or person; 0 sets no limit", ge=0)
    rate_per_address: int = Field(
        120,
        description="Requests a minute that write from one IP address, signed ones not counted; 0 sets no limit",
        ge=0,
    )
    sockets_per_address: int = Field(
        100, description="Open chats of one IP address in one process; 0 sets no limit", ge=0
    )
    sockets_per_site: int = Field(5000, description="Open chats of one site in one process; 0 sets no limit", ge=0)
    visitor_days: int = Field(30, description="Days after which a browser that never came back is forgotten", ge=1)
    max_files: int = Field(5, description="Attachments of one message", ge=0)
    max_file_bytes: int = Field(10_000_000, description="Size of one attachment in bytes", ge=1)
    file_types: str = Field(
        "image/png,image/jpeg,image/gif,image/webp,image/heic,application/pdf,text/plain,text/csv,application/json,application/zip",
        description="Media types that customers may attach, comma-separated",
    )
    sweep_after: float = Field(
        15,
        description="Seconds after which a message that Kafka has not acknowledged is published again; longer than Kafka's 10 s time-out",
        gt=0,
    )
    region: str = Field(
        "US",
        description="Country of phone numbers written without a country code, where the page's language does not tell",
    )
