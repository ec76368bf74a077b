"""Settings of the social service. Prefix SOCIAL_."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings

_CREDENTIALS = ("x_consumer_key", "x_consumer_secret", "x_access_token", "x_access_token_secret")


class SocialSettings(ServiceSettings):
    """What only this service needs."""

    model_config = SettingsConfigDict(env_prefix="SOCIAL_", extra="ignore", frozen=True)

    port: int = Field(8005, description="HTTP port for mentions, health and metrics", ge=1, le=65535)
    database: SecretStr = Field(
        SecretStr("postgresql://social@127.0.0.1:8032/switchboard"),
        description="PostgreSQL DSN of this service's own role",
    )
    api_token: SecretStr = Field(
        SecretStr(""), description="Bearer token of `/api/v1`, at least 16 characters; empty: that API is off"
    )
    x_consumer_key: SecretStr = Field(SecretStr(""), description="X: API key of the app (OAuth 1.0a)")
    x_consumer_secret: SecretStr = Field(SecretStr(""), description="X: API key secret of the app")
    x_access_token: SecretStr = Field(SecretStr(""), description="X: access token of the company's account")
    x_access_token_secret: SecretStr = Field(
        SecretStr(""), description="X: access token secret of the company's account"
    )
    x_api_url: str = Field(
        "https://api.twitter.com",
        description="X: where its API is; another address for a local server in tests",
        pattern="^https?://",
    )
    x_web_url: str = Field(
        "https://x.com",
        description="X: where people read posts, for links to them; another address for a local server in tests",
        pattern="^https?://[^/]+",
    )
    x_names: str = Field(
        "", description="X: the brand's names, comma-separated; posts with one of them are found. Empty: mentions only"
    )
    x_search: str = Field(
        "", description="X: a search query of your own, instead of the one made from the names", max_length=512
    )
    x_every: float = Field(
        60,
        description="X: seconds between two looks at mentions and at the search; each look costs quota of the plan",
        gt=0,
    )
    x_messages_every: float = Field(
        90,
        description="X: seconds between two looks at direct messages (15 are allowed in 15 minutes); 0 turns them off",
        ge=0,
    )
    x_first_hours: float = Field(
        24,
        description="X: how far back the very first look goes, in hours; at most 160, X's search keeps a week",
        ge=0,
        le=160,
    )
    x_overlap: float = Field(
        30,
        description="X: seconds that each look goes back behind the last one, for posts that were indexed late",
        ge=0,
    )
    x_stream: Literal["auto", "off"] = Field(
        "auto",
        description="X: `auto` uses the filtered stream where the plan has it, beside polling; `off` only polls",
    )
    x_stream_every: float = Field(
        600,
        description="X: seconds between two looks at mentions and at the search while the stream brings posts",
        gt=0,
    )
    x_stream_silence: float = Field(
        30,
        description="X: seconds without a byte after which the stream counts as broken; X sends one at least every 20",
        gt=0,
    )
    x_timeout: float = Field(10, description="X: seconds for one request", gt=0)
    x_answers: Literal["summoned", "all"] = Field(
        "summoned",
        description="X: whom its plan lets us answer: `summoned` only who mentioned or quoted us, as on self-serve plans; `all` "
        "everybody, as on Enterprise plans",
    )
    x_longest_reply: int = Field(
        280,
        description="X: weighted characters of a public reply: 280, or 25000 where the account pays for more",
        ge=280,
    )
    complaint_from: float = Field(
        0.5,
        description="How probable a complaint has to be for a post to open a ticket; lower finds more, with more false alarms",
        ge=0,
        le=1,
    )
    question_from: float = Field(
        0.5,
        description="Question score from which a post opens a ticket; more than 1: questions are only mentions",
        ge=0,
    )
    burst_minutes: float = Field(
        60, description="Complaints with a common cause are counted over so many minutes", gt=0
    )
    burst_from: int = Field(5, description="So many people with a common cause are told to the agent as a burst", ge=2)
    keep_days: int = Field(90, description="Days after which mentions that nobody labelled are forgotten", ge=1)
    retrain_hours: float = Field(
        24,
        description="Hours between two trainings on agents' corrections, where there are new ones; 0: only by command",
        ge=0,
    )

    @property
    def missing(self) -> list[str]:
        """The environment variables that X still needs."""
        return [f"SOCIAL_{name.upper()}" for name in _CREDENTIALS if not getattr(self, name).get_secret_value()]

    @property
    def names(self) -> tuple[str, ...]:
        """The brand's names."""
        return tuple(name.strip() for name in self.x_names.split(",") if name.strip())
