"""X by tweepy. Its client is synchronous: each call runs in a thread, and gets the time-out that tweepy does not set."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
import tweepy
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NewConnectionError

from services.social.adapters import x_wire
from services.social.domain.posts import Account, Post, query
from services.social.ports import Denied, Later, Page, Refused, Source, TooOld, Unseen

_HOST = "api.twitter.com"
"""tweepy has no setting for it."""
_TWEETS = {
    "max_results": 100,
    "expansions": ["author_id", "attachments.media_keys"],
    "tweet_fields": [
        *("id", "text", "author_id", "created_at", "conversation_id", "lang", "referenced_tweets", "entities"),
        *("edit_history_tweet_ids", "note_tweet", "attachments"),
    ],
    "user_fields": ["id", "name", "username", "public_metrics"],
    "media_fields": ["media_key", "type", "url", "preview_image_url"],
}
_EVENTS = {
    "max_results": 100,
    "event_types": "MessageCreate",
    "expansions": ["sender_id", "attachments.media_keys"],
    "dm_event_fields": [
        "id",
        "text",
        "event_type",
        "created_at",
        "dm_conversation_id",
        "sender_id",
        "attachments",
        "entities",
    ],
    "user_fields": ["id", "name", "username"],
    "media_fields": ["media_key", "type", "url", "preview_image_url"],
}


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach X as the company's account. `names`, `search`: see the settings; `timeout`: seconds."""

    consumer_key: str
    consumer_secret: str
    access_token: str
    access_token_secret: str
    url: str
    timeout: float
    names: tuple[str, ...]
    search: str


class XNetwork:
    """See `ports.Network`. OAuth 1.0a for reading and writing."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._clients: dict[str, tweepy.Client] = {}

    async def me(self) -> Account:
        """See `Network.me`."""
        body, _ = await self._read("me", lambda x: x.get_me())
        data = x_wire.as_object(body.get("data"))
        return Account(str(data["id"]), str(data["username"])) if "id" in data and "username" in data else _not_us()

    async def page(self, source: Source, account: Account, since: int, token: str) -> Page:
        """See `Network.page`."""
        more = {"since_id": str(since)} if since else {}
        match source:
            case Source.MENTIONS:
                more |= {"pagination_token": token} if token else {}
                call = lambda x: x.get_users_mentions(account.id, user_auth=True, **_TWEETS, **more)  # noqa: E731
            case Source.SEARCH:
                more |= {"next_token": token} if token else {}
                words = self._access.search or query(self._access.names, account)
                call = lambda x: x.search_recent_tweets(words, user_auth=True, **_TWEETS, **more)  # noqa: E731
            case Source.MESSAGES:
                more = {"pagination_token": token} if token else {}
                call = lambda x: x.get_direct_message_events(**_EVENTS, **more)  # noqa: E731
        body, rest_until = await self._read(source, call)
        posts, odd = x_wire.messages(body) if source is Source.MESSAGES else x_wire.posts(body)
        following = str(x_wire.as_object(body.get("meta")).get("next_token") or "")
        new = [post for post in posts if int(post.id) > since]
        if len(new) < len(posts):  # direct messages come without since_id: we have reached what is known
            following = ""
        return Page(new, following, odd, rest_until)

    async def reply(self, text: str, to_post: str) -> str:
        """See `Network.reply`."""
        body = await self._write(lambda x: x.create_tweet(text=text, in_reply_to_tweet_id=to_post))
        return str(body["id"]) if "id" in body else _unseen("no id in X's answer")

    async def message(self, text: str, to_user: str) -> str:
        """See `Network.message`."""
        body = await self._write(lambda x: x.create_direct_message(participant_id=to_user, text=text))
        return str(body["dm_event_id"]) if "dm_event_id" in body else _unseen("no id in X's answer")

    async def sent_replies(self, account: Account, since: datetime) -> Sequence[Post]:
        """See `Network.sent_replies`."""
        body, _ = await self._read(
            "sent", lambda x: x.get_users_tweets(account.id, user_auth=True, start_time=since, **_TWEETS)
        )
        return x_wire.posts(body)[0]

    async def sent_messages(self, account: Account, to_user: str) -> Sequence[Post]:
        """See `Network.sent_messages`."""
        body, _ = await self._read("sent", lambda x: x.get_direct_message_events(participant_id=to_user, **_EVENTS))
        return [post for post in x_wire.messages(body)[0] if post.author == account.id]

    async def _read(self, use: str, call: Callable[[tweepy.Client], Any]) -> tuple[dict[str, Any], datetime | None]:
        try:
            response: requests.Response = await asyncio.to_thread(call, self._client(use))
            body = response.json()
        except tweepy.TooManyRequests as error:
            raise Later(f"X's rate limit: {_words(error)}", _moment(error.reset_time)) from error
        except tweepy.TwitterServerError as error:
            raise Later(f"X is not well: {_words(error)}") from error
        except tweepy.HTTPException as error:
            words = _words(error)
            if isinstance(error, tweepy.BadRequest) and "since_id" in words:
                raise TooOld(words) from error
            raise Denied(words, credentials=isinstance(error, tweepy.Unauthorized)) from error
        except (requests.RequestException, ValueError) as error:  # ValueError: half an answer
            raise Later(f"X cannot be reached: {_short(error)}") from error
        if not isinstance(body, dict):
            raise Later("X's answer is not an object")
        return body, _used_up(response.headers)

    async def _write(self, call: Callable[[tweepy.Client], Any]) -> dict[str, Any]:
        try:
            response: requests.Response = await asyncio.to_thread(call, self._client("write"))
            body = response.json()
        except tweepy.TooManyRequests as error:
            raise Later(f"X's rate limit: {_words(error)}", _moment(error.reset_time)) from error
        except tweepy.Unauthorized as error:
            raise Denied(_words(error), credentials=True) from error
        except tweepy.TwitterServerError as error:
            raise Unseen(_words(error)) from error
        except tweepy.HTTPException as error:
            raise Refused(_words(error)) from error
        except requests.RequestException as error:
            if _never_left(error):
                raise Later(f"X cannot be reached: {_short(error)}") from error
            raise Unseen(_short(error)) from error
        except ValueError as error:
            raise Unseen(f"X's answer was cut off: {_short(error)}") from error
        data = body.get("data") if isinstance(body, dict) else None
        return data if isinstance(data, dict) else {}

    def _client(self, use: str) -> tweepy.Client:
        """One for each use: a requests session is not made for several threads."""
        if use not in self._clients:
            access = self._access
            client = tweepy.Client(
                consumer_key=access.consumer_key,
                consumer_secret=access.consumer_secret,
                access_token=access.access_token,
                access_token_secret=access.access_token_secret,
                return_type=requests.Response,
            )
            client.session.mount(f"https://{_HOST}", _Door(access.url, access.timeout))
            self._clients[use] = client
        return self._clients[use]


class _Door(HTTPAdapter):
    """Adds the time-out, and sends requests to another address where one is set."""

    def __init__(self, base: str, timeout: float) -> None:
        super().__init__()
        self._base, self._timeout = urlsplit(base), timeout

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs["timeout"] = self._timeout
        if self._base.hostname != _HOST:
            parts = urlsplit(request.url or "")
            request.url = urlunsplit((self._base.scheme, self._base.netloc, str(parts.path), str(parts.query), ""))
            kwargs["proxies"] = {}
        return super().send(request, *args, **kwargs)


def _used_up(headers: Any) -> datetime | None:
    """When the limit opens again, where nothing of it is left."""
    return _moment(headers.get("x-rate-limit-reset")) if headers.get("x-rate-limit-remaining") == "0" else None


def _moment(seconds: object) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(str(seconds)), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _words(error: tweepy.HTTPException) -> str:
    """X's own words, on one line."""
    detail = ""
    try:
        body = error.response.json()
        detail = str(body.get("detail", "")) if isinstance(body, dict) else ""
    except ValueError:
        pass
    line = " ".join(str(error).split())
    return (line if not detail or detail in line else f"{line}: {detail}")[:500]


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]


def _never_left(error: requests.RequestException) -> bool:
    if isinstance(error, requests.ConnectTimeout):
        return True
    return any(isinstance(getattr(cause, "reason", None), NewConnectionError) for cause in error.args)


def _not_us() -> Account:
    raise Later("X did not say who we are")


def _unseen(words: str) -> str:
    raise Unseen(words)
