"""Ports to the telephone network."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared import attempts


@dataclass(frozen=True, slots=True)
class ProviderResult(attempts.Outcome):
    """The result of a request. `sid`: what the provider made; `code`: its error number, or 0."""

    sid: str = ""
    code: int = 0


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
    """Texts and calls at a provider. Errors are returned as `ProviderResult`, except where it says
    "Raises"."""

    async def send_text(self, to: str, body: str, status_url: str) -> ProviderResult:
        """Sends a text. `to`: E.164."""

    async def texts_to(self, to: str, since: datetime) -> list[SentText]:
        """Lists what we have sent to this number since then. Raises Unavailable."""

    async def redirect(self, sid: str, url: str) -> ProviderResult:
        """Redirects a call that goes on: it takes its next instructions from `url`."""

    async def dial(self, to: str, url: str, status_url: str, seconds: int) -> ProviderResult:
        """Calls somebody and lets it ring so long. `to`: E.164, or `client:<identity>`."""

    async def hang_up(self, sid: str) -> ProviderResult:
        """Ends a call."""

    async def call_status(self, sid: str) -> str:
        """Returns the provider's word for the state of a call; empty for an unknown call. Raises
        Unavailable."""

    async def fetch(self, url: str) -> File:
        """Fetches a recording or a picture. Raises Unavailable, or Malformed where it can never be
        fetched."""

    async def check(self) -> str:
        """Checks our account. Returns what to show on the health page. Raises
        `shared.channels.Denied` where the credentials are refused, Unavailable for any other
        error."""
