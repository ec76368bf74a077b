"""Settings of the phone service. Prefix PHONE_."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from services.phone.domain.prompts import LANGUAGES
from shared.hours import Hours, parse
from shared.settings import ServiceSettings


class PhoneSettings(ServiceSettings):
    """Settings of this service. Without account, token, number and public URL both channels are
    off."""

    model_config = SettingsConfigDict(env_prefix="PHONE_", extra="ignore", frozen=True)

    port: int = Field(8004, description="HTTP port for Twilio's webhooks, health and metrics", ge=1, le=65535)
    database: SecretStr = Field(
        SecretStr("postgresql://phone@127.0.0.1:8032/switchboard"),
        description="PostgreSQL DSN of this service's own role",
    )
    account_sid: str = Field("", description="Twilio's Account SID, AC…")
    auth_token: SecretStr = Field(
        SecretStr(""), description="Twilio's Auth Token: signs their webhooks and our requests"
    )
    number: str = Field(
        "", description="Our Twilio number in E.164, such as +33199001234: calls and texts go out from it"
    )
    public_url: str = Field(
        "",
        description="Where Twilio reaches this service, without a slash at the end, such as https://phone.example.org. "
        "Signatures are checked against it, whatever a proxy makes of the request",
    )
    api_url: str = Field("https://api.twilio.com", description="Twilio's API; another one is for tests")
    media_hosts: str = Field(
        "media.twiliocdn.com,mms.twiliocdn.com,api.twilio.com,s3-external-1.amazonaws.com",
        description="Hosts, comma-separated, to which the API may redirect for recordings and pictures",
    )
    company: str = Field("our support", description="Spoken in the greeting", max_length=100)
    default_language: str = Field("en", description="Spoken where a caller's number does not tell: en, fr or ko")
    speech_rate: str = Field("88%", description="How fast it is spoken; slower than usual, for older callers")
    menu_seconds: int = Field(6, description="Seconds without a key until a caller is put in line", ge=2, le=30)
    hours: str = Field(
        "", description="When somebody answers: `mon-fri 09:00-12:00,13:00-18:00; sat 10:00-13:00`; empty: always"
    )
    timezone: str = Field("UTC", description="Time zone of these hours, such as Europe/Paris")
    holidays: str = Field("", description="Days on which nobody answers: `2026-12-25,2027-01-01`")
    ring_seconds: int = Field(20, description="Seconds that an agent's telephone rings", ge=5, le=120)
    wait_limit: int = Field(
        600, description="Seconds in line after which a caller is offered a callback or a voicemail", ge=30
    )
    wait_music: str = Field(
        "", description="URL of music for waiting callers (MP3, WAV); empty: silence between the words"
    )
    notes_seconds: int = Field(600, description="Seconds that an agent has for notes after a call", ge=10)
    callback_tries: int = Field(3, description="How often a customer is called back for one call", ge=1)
    voicemail_seconds: int = Field(180, description="Longest voicemail", ge=10, le=3600)
    fallback_number: str = Field(
        "", description="Number that callers are put through to where this service has had no database for a minute"
    )
    max_file_bytes: int = Field(20_000_000, description="Largest recording or picture that is fetched", ge=10_000)
    senders: int = Field(4, description="Texts sent at a time by one process", ge=1, le=100)
    timeout: float = Field(10, description="Seconds for one request to Twilio", gt=0)
    retry_first: float = Field(2, description="Seconds before the first repeat; doubles up to 5 minutes", gt=0)
    give_up_hours: float = Field(
        4, description="Hours after which a text that could not be sent is reported as failed", gt=0
    )
    settle_seconds: float = Field(
        15,
        description="Seconds after which Twilio is asked whether a text went out whose sending was cut short; "
        "longer than it takes to show in their list",
        gt=0,
    )

    @property
    def why_off(self) -> str:
        """What to set before the channels can work; empty: nothing is missing."""
        missing = [
            name
            for name, value in (
                ("PHONE_ACCOUNT_SID", self.account_sid),
                ("PHONE_AUTH_TOKEN", self.auth_token.get_secret_value()),
                ("PHONE_NUMBER", self.number),
                ("PHONE_PUBLIC_URL", self.public_url),
            )
            if not value
        ]
        return f"set {', '.join(missing)}" if missing else ""

    @property
    def opening(self) -> Hours:
        """The opening hours."""
        return parse(self.hours, self.timezone, self.holidays)

    @field_validator("number", "fallback_number")
    @classmethod
    def _e164(cls, value: str) -> str:
        if value and not (value.startswith("+") and value[1:].isdecimal() and len(value) <= 16):
            raise ValueError("write it in E.164: a plus, the country code and the number, without spaces")
        return value

    @field_validator("public_url", "api_url")
    @classmethod
    def _url(cls, value: str) -> str:
        if value and not value.startswith(("https://", "http://")):
            raise ValueError("write the whole address, with https://")
        return value.rstrip("/")

    @field_validator("default_language")
    @classmethod
    def _spoken(cls, value: str) -> str:
        if value not in LANGUAGES:
            raise ValueError(f"it is one of {', '.join(LANGUAGES)}")
        return value

    @field_validator("hours")
    @classmethod
    def _hours(cls, value: str) -> str:
        parse(value, "UTC", "")
        return value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        parse("", value, "")
        return value

    @field_validator("holidays")
    @classmethod
    def _days_off(cls, value: str) -> str:
        parse("", "UTC", value)
        return value
