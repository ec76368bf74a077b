"""What the phone service needs from its provider."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared import attempts
from shared.errors import Unavailable


@dataclass(frozen=True, slots=True)
class ProviderResult(attempts.Outcome):
    """`sid`: what the provider made; `code`: its error number, or 0."""

    sid: str = ""
    code: int = 0


class Denied(Unavailable):
    """Our credentials are wrong or our account is suspended (401, 403): an operator has to act, then it goes on."""


@dataclass(frozen=True, slots=True)
class SentText:
    """A text message as the provider lists it."""

    sid: str
    body: str
    status: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class File:
    """A recording or picture."""

    data: bytes
    media_type: str


class Provider(Protocol):
    """Texts and calls. Nothing raises: what went wrong is a `ProviderResult`, except where it says so."""

    async def send_text(self, to: str, body: str, status_url: str) -> ProviderResult:
        """Send a text. `to`: E.164."""

    async def texts_to(self, to: str, since: datetime) -> list[SentText]:
        """What we have sent to this number since then. Raises Unavailable."""

    async def redirect(self, sid: str, url: str) -> ProviderResult:
        """Let a call that goes on take its instructions from `url`."""

    async def dial(self, to: str, url: str, status_url: str, seconds: int) -> ProviderResult:
        """Call somebody, letting it ring so long. `to`: E.164, or `client:<identity>`."""

    async def hang_up(self, sid: str) -> ProviderResult:
        """End a call."""

    async def call_status(self, sid: str) -> str:
        """The provider's word for where a call is; empty for a call that it does not know. Raises Unavailable."""

    async def fetch(self, url: str) -> File:
        """A recording or a picture. Raises Unavailable, or Malformed where it never will be had."""

    async def check(self) -> None:
        """Ask for our own account. Raises Denied where we are refused, Unavailable for anything else that is wrong."""
