"""Calls X by tweepy, which is synchronous: each call runs in a thread, with a time-out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import requests
import tweepy
from urllib3.exceptions import NewConnectionError

from services.social.domain.posts import Account, Post
from services.social.networks.x import wire
from services.social.networks.x.posts import query
from services.social.networks.x.transport import ORIGIN, TWEETS, Access, Door, asked, denied, moment, short, words
from services.social.ports import Later, Page, Refused, Source, Unseen

_TWEETS = {"max_results": 100, **TWEETS}
_EVENTS = {
    "max_results": 100,
    "event_types": "MessageCreate",
    "expansions": ["sender_id", "attachments.media_keys"],
    "dm_event_fields": [
        *("id", "text", "event_type", "created_at", "dm_conversation_id", "sender_id", "attachments", "entities")
    ],
    "user_fields": ["id", "name", "username"],
    "media_fields": ["media_key", "type", "url", "preview_image_url"],
}


class XClient:
    """One account. OAuth 1.0a for reading and writing."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._clients: dict[str, tweepy.Client] = {}

    async def me(self) -> Account:
        """Returns our own account (see `Network.me`)."""
        body, _ = await self._read("me", lambda x: x.get_me())
        data = wire.as_object(body.get("data"))
        return Account(str(data["id"]), str(data["username"])) if "id" in data and "username" in data else _not_us()

    async def page(self, source: Source, account: Account, since: int, token: str) -> Page:
        """Reads a page of new posts or messages (see `Network.page`)."""
        more = {"since_id": str(since)} if since else {}
        match source:
            case Source.MENTIONS:
                more |= {"pagination_token": token} if token else {}
                call = lambda x: x.get_users_mentions(account.id, user_auth=True, **_TWEETS, **more)  # noqa: E731
            case Source.SEARCH:
                more |= {"next_token": token} if token else {}
                wanted = self._access.search or query(self._access.names, account)
                call = lambda x: x.search_recent_tweets(wanted, user_auth=True, **_TWEETS, **more)  # noqa: E731
            case Source.MESSAGES:
                more = {"pagination_token": token} if token else {}
                call = lambda x: x.get_direct_message_events(**_EVENTS, **more)  # noqa: E731
        body, rest_until = await self._read(source, call)
        found, odd = wire.messages(body) if source is Source.MESSAGES else wire.posts(body)
        following = str(wire.as_object(body.get("meta")).get("next_token") or "")
        new = [post for post in found if int(post.id) > since]
        if len(new) < len(found):  # direct messages come without since_id: we have reached what is known
            following = ""
        return Page(new, following, odd, rest_until)

    async def reply(self, text: str, to_post: str) -> str:
        """Posts publicly under a post; the new post's id. Raises Refused, Unseen."""
        body = await self._write(lambda x: x.create_tweet(text=text, in_reply_to_tweet_id=to_post))
        return str(body["id"]) if "id" in body else _unseen("no id in X's answer")

    async def message(self, text: str, to_user: str) -> str:
        """Sends a direct message; its id. Raises Refused, Unseen."""
        body = await self._write(lambda x: x.create_direct_message(participant_id=to_user, text=text))
        return str(body["dm_event_id"]) if "dm_event_id" in body else _unseen("no id in X's answer")

    async def sent_replies(self, account: Account, since: datetime) -> Sequence[Post]:
        """Reads our own newest posts, at least all since then unless there are more than 100."""
        body, _ = await self._read(
            "sent", lambda x: x.get_users_tweets(account.id, user_auth=True, start_time=since, **_TWEETS)
        )
        return wire.posts(body)[0]

    async def sent_messages(self, account: Account, to_user: str) -> Sequence[Post]:
        """Reads our own newest direct messages to this person, at most 100."""
        body, _ = await self._read("sent", lambda x: x.get_direct_message_events(participant_id=to_user, **_EVENTS))
        return [post for post in wire.messages(body)[0] if post.author == account.id]

    async def _read(self, use: str, call: Callable[[tweepy.Client], Any]) -> tuple[dict[str, Any], datetime | None]:
        return await asked(lambda: call(self._client(use)))

    async def _write(self, call: Callable[[tweepy.Client], Any]) -> dict[str, Any]:
        try:
            response: requests.Response = await asyncio.to_thread(call, self._client("write"))
            body = wire.parsed(response.content)
        except tweepy.TooManyRequests as error:
            raise Later(f"X's rate limit: {words(error)}", moment(error.reset_time)) from error
        except tweepy.TwitterServerError as error:
            raise Unseen(words(error)) from error
        except tweepy.HTTPException as error:
            operators = denied(error)
            raise (operators if operators.altogether else Refused(words(error))) from error
        except requests.RequestException as error:
            if _never_left(error):
                raise Later(f"X cannot be reached: {short(error)}") from error
            raise Unseen(short(error)) from error
        except ValueError as error:
            raise Unseen(f"X's answer was cut off: {short(error)}") from error
        data = body.get("data") if isinstance(body, dict) else None
        return data if isinstance(data, dict) else {}

    def _client(self, use: str) -> tweepy.Client:
        """Returns one for each use: a requests session is not made for several threads."""
        if use not in self._clients:
            access = self._access
            client = tweepy.Client(
                consumer_key=access.consumer_key,
                consumer_secret=access.consumer_secret,
                access_token=access.access_token,
                access_token_secret=access.access_token_secret,
                return_type=requests.Response,
            )
            client.session.mount(ORIGIN, Door(access.url, access.timeout))
            self._clients[use] = client
        return self._clients[use]


def _never_left(error: requests.RequestException) -> bool:
    if isinstance(error, requests.ConnectTimeout):
        return True
    return any(isinstance(getattr(cause, "reason", None), NewConnectionError) for cause in error.args)


def _not_us() -> Account:
    raise Later("X did not say who we are")


def _unseen(why: str) -> str:
    raise Unseen(why)
