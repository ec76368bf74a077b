"""What the email service tells of mailboxes, as far as it is shown, and what it is asked for."""

from __future__ import annotations

from datetime import date, datetime

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How a mailbox is read, as `services.email.imap_mailboxes` describes it. There is no secret in
    it: what is given goes to the email service and never comes back."""

    address: str
    host: str = ""
    port: int = 993
    security: str = "tls"
    username: str = ""
    sign_in: str = "password"
    secret_from: str = ""
    folders: list[str] = msgspec.field(default_factory=lambda: ["INBOX"])
    junk: str = "auto"
    after: str = "leave"
    move_to: str = ""
    since: date | None = None
    enabled: bool = True


class Mailbox(Settings, frozen=True, kw_only=True):
    """A mailbox and what becomes of it."""

    id: str
    state: str
    detail: str
    state_at: datetime
    signed_in: bool
    progress: tuple[int, int] | None = None

    @property
    def shown(self) -> str:
        """What to show of it: its state, or why it has none."""
        if not self.signed_in:
            return "sign-in"
        if not self.enabled:
            return "setup" if self.state == "new" else "off"
        return self.state

    @property
    def settings(self) -> Settings:
        """How it is read."""
        return Settings(**{name: getattr(self, name) for name in Settings.__struct_fields__})


class Listed(msgspec.Struct, frozen=True):
    """All mailboxes, by address."""

    mailboxes: list[Mailbox]


class Found(msgspec.Struct, frozen=True):
    """The IMAP server of an address."""

    host: str
    port: int
    security: str
    sign_in: str


class Tested(msgspec.Struct, frozen=True):
    """What a test found. `problem`: empty where the mailbox can be read; `trouble`: its kind."""

    problem: str
    trouble: str
    folders: list[str]
    counts: dict[str, int]
    missing: list[str]
    junk: str
    tells: bool


class Begun(msgspec.Struct, frozen=True):
    """A sign-in that a person goes on with at the provider's page."""

    page: str
    code: str
    ticket: str


class Ended(msgspec.Struct, frozen=True):
    """Whether the person has agreed there."""

    done: bool
