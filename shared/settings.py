"""Settings come from the environment. Each service has a class of its own, with a prefix of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.errors import Misconfigured


class Settings(BaseSettings):
    """What every service needs. Prefix SWITCHBOARD_."""

    model_config = SettingsConfigDict(env_prefix="SWITCHBOARD_", extra="ignore", frozen=True)

    kafka: str = Field("127.0.0.1:8092", description="Kafka's bootstrap servers, comma-separated")
    storage: str = Field("file://var/storage", description="Where attachments and raw mail are kept: an fsspec URL")
    secret: SecretStr = Field(
        description="Signs reply tokens and sessions; at least 32 characters, the same for all services",
        min_length=32,
    )
    host: str = Field("127.0.0.1", description="The address that the service's HTTP port listens on")
    public_url: str = Field(
        "http://127.0.0.1:8000", description="Where agents reach the desk, without a slash at the end"
    )
    log_format: str = Field("json", description="`json` or `console`", pattern="^(json|console)$")
    log_level: str = Field("info", description="`debug`, `info`, `warning` or `error`")
    languages: str = Field("en,fr,ko,de,es,pt,it,ja", description="Languages that customers write in, ISO 639-1")

    @property
    def storage_folder(self) -> Path | None:
        """The folder behind `storage` where it is a local one."""
        return Path(self.storage.removeprefix("file://")) if self.storage.startswith("file://") else None


S = TypeVar("S", bound=BaseSettings)


def load(kind: type[S]) -> S:
    """Read settings from the environment. Raises Misconfigured naming the variables that are missing or wrong."""
    try:
        return kind()
    except ValidationError as error:
        prefixes = kind.model_config.get("env_prefix", "")
        lines = []
        for item in error.errors():
            field = str(item["loc"][0]) if item["loc"] else ""
            info = kind.model_fields.get(field)
            name = (info.alias if info and info.alias else f"{prefixes}{field}").upper()
            lines.append(
                f"{name}: {item['msg'].lower()}" + (f" ({info.description})" if info and info.description else "")
            )
        raise Misconfigured("wrong settings:\n  " + "\n  ".join(lines)) from error
