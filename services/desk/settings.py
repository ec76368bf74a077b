"""The desk's own settings."""

from __future__ import annotations

from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from shared.hours import Hours, parse
from shared.settings import ServiceSettings


class DeskSettings(ServiceSettings):
    """Prefix DESK_."""

    model_config = SettingsConfigDict(env_prefix="DESK_", extra="ignore", frozen=True)

    database: SecretStr = Field(description="PostgreSQL: postgresql://role:password@host:port/database")
    port: int = Field(8000, description="The desk's HTTP port: console and API")
    router_url: str = Field(
        "http://127.0.0.1:8003",
        description="Where the desk reaches the router, for messages that an admin tests and for the policy; without a slash at the end",
        pattern="^https?://[^/]+$",
    )
    email_url: str = Field(
        "http://127.0.0.1:8002",
        description="Where the desk reaches the email service, for the page of mailboxes; without a slash at the end",
        pattern="^https?://[^/]+$",
    )
    two_person: bool = Field(
        default=False,
        description="Whether a routing policy has to be published by somebody else than who wrote it",
    )
    reopen_days: int = Field(14, ge=0, description="A message to a ticket solved longer ago opens a new, linked ticket")
    session_hours: int = Field(12, ge=1, description="An agent who did nothing for this long signs in again")
    session_longest: int = Field(24, ge=1, description="Hours after which an agent signs in again, whatever they did")
    second_step: bool = Field(
        default=False, description="Whether agents have to set up an authenticator app before they see anything"
    )
    grace_seconds: int = Field(
        45,
        ge=15,
        description="How long a console may be without connection before its agent counts as away",
    )
    idle_minutes: int = Field(
        0,
        ge=0,
        description="Minutes without doing anything in the console after which an agent counts as away; 0: never",
    )
    live_ring: int = Field(2000, ge=10, description="Events kept in memory for consoles that reconnect")
    sign_in_tries: int = Field(
        10,
        ge=1,
        description="Failed sign-ins within 15 minutes for one account from one IP before they must wait; ten times as many for one IP",
    )
    offer_seconds: int = Field(20, ge=1, description="How long an agent is shown a call before it goes on to the next")
    chat_offer_seconds: int = Field(
        30, ge=5, description="How long an agent is asked to accept a chat before it goes on to the next"
    )
    decision_days: int = Field(
        30,
        ge=1,
        description="How long the desk keeps what it decided on when it gave conversations, for “who gets this conversation”",
    )
    phone_head_start: int = Field(
        300, ge=0, description="Seconds that a caller who prefers the phone counts as having waited longer"
    )
    callback_tries: int = Field(3, ge=1, description="Callbacks that nobody answers before the ticket says so instead")
    callback_pause: int = Field(30, ge=1, description="Minutes after a callback that nobody answered until the next")
    unread_minutes: int = Field(
        10,
        ge=0,
        description="Minutes after which a reply that nobody has read on the page goes by mail too, where the customer gave an address; "
        "0: never",
    )
    replies_keep_unassigned: str = Field(
        "",
        description="Teams whose tickets stay nobody's when somebody replies, comma-separated; `*`: of all teams. "
        "Otherwise who replies first takes the ticket",
    )
    autoreplies_per_minute: int = Field(
        60,
        ge=1,
        description="Automatic replies to all customers within a minute, beyond which all are paused until an admin resumes them",
    )
    private_feeds: bool = Field(
        False,
        description="Whether feeds of holidays may be at loopback and private addresses, such as an intranet's; "
        "otherwise these are refused, as whoever writes an address could have the desk look around inside",
    )
    business_hours: str = Field(
        "",
        description="When your people answer, for times in business hours: `mon-fri 09:00-12:00,13:00-18:00; sat 10:00-13:00`; "
        "empty: always. Where it changes, reports are counted anew",
    )
    business_zone: str = Field("UTC", description="Time zone of these hours, and of the days of reports: Europe/Paris")
    business_holidays: str = Field("", description="Days without business hours: `2026-12-25,2027-01-01`")
    mention_days: int = Field(
        30, ge=1, description="Mentions (posts that opened no ticket) are forgotten after this long"
    )
    notification_days: int = Field(
        30, ge=1, description="Agents' notifications, read or not, are forgotten after this long"
    )

    @property
    def opening(self) -> Hours:
        """The business hours."""
        return parse(self.business_hours, self.business_zone, self.business_holidays)

    @model_validator(mode="after")
    def _check_hours(self) -> Self:
        try:
            _ = self.opening
        except ValueError as error:
            raise ValueError(f"DESK_BUSINESS_HOURS, DESK_BUSINESS_ZONE or DESK_BUSINESS_HOLIDAYS: {error}") from error
        return self
