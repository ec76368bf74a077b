"""Settings come from the environment. Each service has a class of its own, with a prefix of its
own."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

from shared.errors import Misconfigured


class KafkaSettings(BaseSettings):
    """What a command needs that only looks at topics. Prefix SWITCHBOARD_."""

    model_config = SettingsConfigDict(env_prefix="SWITCHBOARD_", extra="ignore", frozen=True)

    kafka: str = Field(
        "",
        description="Kafka's servers, comma-separated, after `user:password@` where it asks who is there; empty: that of `make run`",
        validate_default=True,
    )

    @field_validator("kafka")
    @classmethod
    def _beside_us(cls, value: str) -> str:
        """Reads the Kafka address, with its password, from the run on this machine where none is
        set."""
        if value:
            return value
        try:
            return str(json.loads(Path(os.environ.get("SWITCHBOARD_HOME") or "var", "run.json").read_text())["kafka"])
        except (OSError, ValueError, KeyError):
            return "127.0.0.1:8092"


class Settings(KafkaSettings):
    """What every service needs."""

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
    languages: Annotated[tuple[str, ...], NoDecode] = Field(
        ("en", "fr", "ko", "de", "es", "pt", "it", "ja"),
        description="Languages that customers write in, ISO 639-1, comma-separated",
    )

    @field_validator("languages", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Splits the language codes, each once and however they are spaced."""
        if not isinstance(value, str):
            return value
        codes = tuple(dict.fromkeys(code.strip().lower() for code in value.split(",") if code.strip()))
        if wrong := [code for code in codes if not re.fullmatch("[a-z]{2}", code)]:
            raise ValueError(
                f"{wrong[0]!r} is not a language: write ISO 639-1 codes with commas between them, as in en, fr, ko"
            )
        if not codes:
            raise ValueError("at least one language is needed, as in en, fr, ko")
        return codes


class ServiceSettings(BaseSettings):
    """What every service with tables has among its own settings, each with its default and
    description."""

    port: int
    """The HTTP port."""
    database: SecretStr
    """PostgreSQL's DSN for the service's own role."""


S = TypeVar("S", bound=BaseSettings)
SECRETS = Path("/run/secrets")
"""Where Docker and Kubernetes put files with secrets: one for each setting, with its variable's
name, as in `phone_auth_token`."""


def load(kind: type[S]) -> S:
    """Reads settings from the environment, then from files in SECRETS; a variable wins over a file.

    Raises Misconfigured naming the variables that are missing or wrong.
    """
    try:
        return kind(_secrets_dir=SECRETS if SECRETS.is_dir() else None)
    except SettingsError as error:
        raise Misconfigured(
            f"a secret cannot be read: {error.__cause__}. Let the user that this runs as read it"
        ) from error
    except ValidationError as error:
        prefixes = kind.model_config.get("env_prefix", "")
        lines = []
        for item in error.errors():
            if not item["loc"]:  # of several together, which the message names
                lines.append(item["msg"].removeprefix("Value error, "))
                continue
            field = str(item["loc"][0])
            info = kind.model_fields.get(field)
            name = (info.alias if info and info.alias else f"{prefixes}{field}").upper()
            lines.append(f"{name}: {_why(item)}" + (f" ({info.description})" if info and info.description else ""))
        raise Misconfigured("wrong settings:\n  " + "\n  ".join(lines)) from error


def _why(item: ErrorDetails) -> str:
    """Returns pydantic's message, worded for the middle of a line. The length of a secret is in
    characters."""
    text = item["msg"].removeprefix("Value error, ")
    if item["type"] == "too_short" and isinstance(item["input"], str):
        text = text.replace(" items after validation", " characters")
    return text[:1].lower() + text[1:]


def single(name: str) -> str:
    """Returns one setting by the name of its variable, as `load` finds it; empty where it is not
    set."""
    file = SECRETS / name.lower()
    return os.environ.get(name) or (file.read_text().strip() if file.is_file() else "")
