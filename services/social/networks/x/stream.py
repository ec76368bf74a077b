"""X's filtered stream by tweepy. Its client is synchronous and reads in a thread of its own; each
connection is a client, which says what it hears and how it ended. When to connect again is not
decided here."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

import requests
import tweepy

from services.social.domain.pace import Break
from services.social.domain.posts import Account, Post
from services.social.networks.x import wire
from services.social.networks.x.pace import before_reconnect
from services.social.networks.x.posts import query
from services.social.networks.x.transport import ORIGIN, TWEETS, Access, Door, asked, short, used_up
from services.social.ports import Denied, Later, Lost, Page

_TAG = "switchboard:"
"""Begins the tag of each rule of ours; an app may have others."""
_MOST = 1_000
"""Posts that wait to be taken in. Beyond that we hang up, and polling reads the rest."""
_TOGETHER = 100
_FORBIDDEN = (401, 403)
_LIMITED = 429
_SERVER = 500
Heard = bytes | Exception
"""A line, empty for a keep-alive; or how the connection ended."""


class XStream:
    """See `ports.Stream`. `silence`: seconds without a byte after which a connection counts as
    dead; X sends one every 20."""

    def __init__(self, access: Access, silence: float) -> None:
        self._access, self._silence = access, silence
        self._token = ""

    async def listen(self, account: Account) -> AsyncGenerator[Page | None, None]:
        """Yields pages from X's stream (see `Stream.listen`)."""
        try:
            self._token = self._token or await self._bearer()
            ours = await self._rules(account)
            heard: asyncio.Queue[Heard] = asyncio.Queue()
            door = Door(self._access.url, (self._access.timeout, self._silence))
            connection = _Connection(self._token, door, partial(_put, asyncio.get_running_loop(), heard))
            connection.filter(threaded=True, **TWEETS)
            try:
                async for lines in _batches(heard):
                    yield _page(lines, ours)
            finally:
                connection.hang_up()
        except Denied as error:
            self._token = "" if error.credentials else self._token
            raise

    def pause(self, lost: Lost, attempt: int, now: datetime, random: float) -> float:
        """Returns the seconds before connecting again (see `Stream.pause`)."""
        return before_reconnect(lost.kind, attempt, lost.at, now, random)

    async def _bearer(self) -> str:
        """Asks for the app's own token: X's streams take no other. Raises Denied, Lost."""

        def ask() -> requests.Response:
            key, secret = self._access.consumer_key, self._access.consumer_secret
            with requests.Session() as session:
                session.mount(ORIGIN, self._door())
                return session.post(
                    f"{ORIGIN}/oauth2/token", auth=(key, secret), data={"grant_type": "client_credentials"}
                )

        try:
            response = await asyncio.to_thread(ask)
            body = wire.as_object(wire.parsed(response.content))
        except (requests.RequestException, ValueError) as error:
            raise Lost(f"X cannot be reached: {short(error)}", Break.HTTP) from error
        if response.status_code in (400, *_FORBIDDEN):
            raise Denied(f"{response.status_code}: X gives no token for the stream", credentials=True)
        if not (token := str(body.get("access_token") or "")):
            raise Lost(f"X gave no token: {response.status_code}", Break.HTTP, used_up(response.headers))
        return token

    async def _rules(self, account: Account) -> frozenset[str]:
        """Makes our rules at X those of the settings; their ids. Raises Denied, Lost."""
        wanted = {query([f"@{account.username}"], account): f"{_TAG}mentions"}
        if words := self._access.search or query(self._access.names, account):
            wanted[words] = f"{_TAG}search"
        client = tweepy.StreamingClient(self._token, return_type=requests.Response)
        client.session.mount(ORIGIN, self._door())
        present = wire.as_objects((await _asked(client.get_rules)).get("data"))
        old = [str(r["id"]) for r in present if str(r.get("tag")).startswith(_TAG) and r.get("value") not in wanted]
        if old:
            await _asked(lambda: client.delete_rules(old))
        ours = {str(rule["id"]) for rule in present if rule.get("value") in wanted}
        known = {rule.get("value") for rule in present}
        new = [tweepy.StreamRule(value, tag) for value, tag in wanted.items() if value not in known]
        if new:
            body = await _asked(lambda: client.add_rules(new))
            added = wire.as_objects(body.get("data"))
            ours |= {str(rule["id"]) for rule in added if "id" in rule}
            if len(added) < len(new):
                why = {str(error.get("title")) for error in wire.as_objects(body.get("errors"))}
                raise Denied(
                    f"X takes no such rule ({', '.join(sorted(why))}): shorten SOCIAL_X_NAMES or SOCIAL_X_SEARCH"
                )
        return frozenset(ours)

    def _door(self) -> Door:
        return Door(self._access.url, self._access.timeout)


async def _asked(call: Callable[[], Any]) -> dict[str, Any]:
    try:
        return (await asked(call))[0]
    except Later as error:
        raise Lost(str(error), Break.LIMIT if error.at else Break.HTTP, error.at) from error


class _Connection(tweepy.StreamingClient):  # type: ignore[misc] # tweepy has no types
    """One connection, in a daemon thread. `say` is called in that thread."""

    def __init__(self, token: str, door: Door, say: Callable[[Heard], None]) -> None:
        super().__init__(token, daemon=True, max_retries=0)
        self.session.mount(ORIGIN, door)
        self._door, self._say = door, say
        self._connected = False
        self._why: Exception = Lost("X closed the stream", Break.NETWORK)

    def hang_up(self) -> None:
        """Ends the connection, from any thread. One that is still being made ends by its
        time-out."""
        self.running = False
        answer = self._door.last
        if answer is not None:
            with contextlib.suppress(Exception):  # closed already, in any of the ways that urllib3 knows
                answer.raw.shutdown()

    def on_connect(self) -> None:
        if self._connected:
            self.running = False  # tweepy would connect again by itself
            return
        self._connected = True
        self._say(b"")

    def on_data(self, raw_data: bytes) -> None:
        self._say(raw_data)

    def on_keep_alive(self) -> None:
        self._say(b"")

    def on_request_error(self, status_code: int) -> None:
        self._why, self.running = _refusal(status_code, self._door.last), False

    def on_connection_error(self) -> None:
        self._why, self.running = Lost("the stream broke off or fell silent", Break.NETWORK), False

    def on_closed(self, response: requests.Response) -> None:
        del response
        self.running = False

    def on_exception(self, exception: Exception) -> None:
        self._why = Lost(f"the stream broke off: {short(exception)}", Break.NETWORK)

    def on_disconnect(self) -> None:
        self._say(self._why)


def _put(loop: asyncio.AbstractEventLoop, heard: asyncio.Queue[Heard], what: Heard) -> None:
    def put() -> None:
        if heard.qsize() < _MOST:
            heard.put_nowait(what)
        elif heard.qsize() == _MOST:
            heard.put_nowait(Lost("posts come faster than they can be taken in", Break.NETWORK))

    with contextlib.suppress(RuntimeError):  # the loop was closed while the thread was ending
        loop.call_soon_threadsafe(put)


async def _batches(heard: asyncio.Queue[Heard]) -> AsyncIterator[list[bytes]]:
    """Yields what was heard; an empty list where that was nothing for a second."""
    while True:
        lines: list[bytes] = []
        what: Heard | None = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                what = await heard.get()
        while isinstance(what, bytes):
            lines.append(what)
            what = None if heard.empty() or len(lines) >= _TOGETHER else heard.get_nowait()
        yield lines
        if what is not None:
            raise what


def _page(lines: list[bytes], ours: frozenset[str]) -> Page | None:
    if not lines:
        return None
    posts: list[Post] = []
    unreadable: list[bytes] = []
    for line in filter(None, lines):
        try:
            body = wire.parsed(line)
        except ValueError:
            unreadable.append(line)
            continue
        if not isinstance(body, dict) or not isinstance(body.get("data"), dict):
            if not (isinstance(body, dict) and "errors" in body):  # X tells why it is about to hang up
                unreadable.append(line)
            continue
        if _is_ours(body, ours):
            found, odd = wire.posts({**body, "data": [body["data"]]})
            posts += found
            unreadable += odd
    return Page(posts, unreadable=unreadable)


def _is_ours(body: Mapping[str, Any], ours: frozenset[str]) -> bool:
    """Returns whether one of our rules brought it; without a word on rules it may be."""
    rules = wire.as_objects(body.get("matching_rules"))
    return not rules or any(str(rule.get("id")) in ours for rule in rules)


def _refusal(status: int, answer: requests.Response | None) -> Exception:
    said, at = f"{status}", None
    if answer is not None:
        with contextlib.suppress(requests.RequestException, ValueError):
            said = f"{status}: {wire.as_object(wire.parsed(answer.content)).get('detail', '')}"[:300]
        at = used_up(answer.headers)
    if status == _LIMITED:
        return Lost(f"X's rate limit: {said}", Break.LIMIT, at)
    if status >= _SERVER:
        return Lost(f"X is not well: {said}", Break.HTTP)
    return Denied(said, credentials=status == _FORBIDDEN[0])
