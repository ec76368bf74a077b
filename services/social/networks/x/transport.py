"""Requests to X through tweepy: time-outs, another address for tests, and what its errors mean."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
import tweepy
from requests.adapters import HTTPAdapter

from services.social.networks.x import wire
from services.social.ports import Denied, Later, TooOld
from shared.text import storable

HOST = "api.twitter.com"
"""tweepy has no setting for it."""
ORIGIN = f"https://{HOST}"
TWEETS = {
    "expansions": ["author_id", "attachments.media_keys"],
    "tweet_fields": [
        *("id", "text", "author_id", "created_at", "conversation_id", "lang", "referenced_tweets", "entities"),
        *("edit_history_tweet_ids", "note_tweet", "attachments"),
    ],
    "user_fields": ["id", "name", "username", "public_metrics"],
    "media_fields": ["media_key", "type", "url", "preview_image_url"],
}
"""What we ask of a post."""


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach X as our account. `names`, `search`: see the settings; `timeout`: seconds."""

    consumer_key: str
    consumer_secret: str
    access_token: str
    access_token_secret: str
    url: str
    timeout: float
    names: tuple[str, ...]
    search: str


class Door(HTTPAdapter):
    """Adds the time-out (seconds, or those to connect and between two bytes), and sends requests to
    another address where one is set. `last`: the newest answer."""

    def __init__(self, base: str, timeout: float | tuple[float, float]) -> None:
        super().__init__()
        self._base, self._timeout = urlsplit(base), timeout
        self.last: requests.Response | None = None

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Sends a request."""
        kwargs["timeout"] = self._timeout
        if self._base.hostname != HOST:
            parts = urlsplit(request.url or "")
            request.url = urlunsplit((self._base.scheme, self._base.netloc, str(parts.path), str(parts.query), ""))
            kwargs["proxies"] = {}
        self.last = super().send(request, *args, **kwargs)
        return self.last


async def asked(call: Callable[[], Any]) -> tuple[dict[str, Any], datetime | None]:
    """Returns what X answers to a reading call in a thread, and when its limit opens again where it
    is used up. Raises Later, Denied, TooOld."""
    try:
        response: requests.Response = await asyncio.to_thread(call)
        body = wire.parsed(response.content)
    except tweepy.TooManyRequests as error:
        raise Later(f"X's rate limit: {words(error)}", moment(error.reset_time)) from error
    except tweepy.TwitterServerError as error:
        raise Later(f"X is not well: {words(error)}") from error
    except tweepy.HTTPException as error:
        said = words(error)
        if isinstance(error, tweepy.BadRequest) and "since_id" in said:
            raise TooOld(said) from error
        raise denied(error) from error
    except (requests.RequestException, ValueError) as error:  # ValueError: half an answer
        raise Later(f"X cannot be reached: {short(error)}") from error
    if not isinstance(body, dict):
        raise Later("X's answer is not an object")
    return body, used_up(response.headers)


def denied(error: tweepy.HTTPException) -> Denied:
    """Returns what an operator has to act on."""
    unpaid = error.response.status_code == HTTPStatus.PAYMENT_REQUIRED
    return Denied(words(error), credentials=isinstance(error, tweepy.Unauthorized), unpaid=unpaid)


def used_up(headers: Any) -> datetime | None:
    """Returns when the limit opens again, where nothing of it is left."""
    return moment(headers.get("x-rate-limit-reset")) if headers.get("x-rate-limit-remaining") == "0" else None


def moment(seconds: object) -> datetime | None:
    """Reads a moment, UTC; None for what is no time."""
    try:
        return datetime.fromtimestamp(int(str(seconds)), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def words(error: tweepy.HTTPException) -> str:
    """Returns X's own words, on one line."""
    detail = ""
    with contextlib.suppress(ValueError):
        detail = str(wire.as_object(wire.parsed(error.response.content)).get("detail", ""))
    line = " ".join(str(error).split())
    return storable(line if not detail or detail in line else f"{line}: {detail}")[:500]


def short(error: Exception) -> str:
    """Returns an error in one line."""
    return f"{type(error).__name__}: {error}"[:200]
