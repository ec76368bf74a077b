"""The few verbs that this service needs from outside."""

from __future__ import annotations

from typing import Protocol

from services.email.domain.outgoing import OutgoingMail
from shared.delivery import SendResult


class MailSender(Protocol):
    """Hands mails over to whoever delivers them."""

    @property
    def name(self) -> str:
        """Where mails go, for the health page: `relay mail.example.org:587` or `folder
        var/outbox`."""

    async def send(self, mail: OutgoingMail) -> SendResult:
        """Sends the mail in one attempt. Never raises for what the other side does or fails to
        do. `reason`: a `Reason` where it is about the recipient or the content."""

    async def was_sent(self, outbound_id: str) -> bool | None:
        """Whether this mail went out in an attempt that nobody saw the end of; None where that
        cannot be known."""

    async def close(self) -> None:
        """Closes what is kept open."""

    async def check(self) -> str:
        """Checks whether mails can be sent; returns an empty string, or what is wrong."""


class TooLarge(Exception):
    """The scanner does not take this file whole, today or tomorrow."""


class Scanner(Protocol):
    """Tells what is in a file."""

    async def scan(self, data: bytes) -> str:
        """Returns the name of what was found, empty where that is nothing. Raises TooLarge, and
        Unavailable where there is no answer."""
