"""Telephones that a person holds, on the network of Twilio's stand-in: what is said arrives as text
and at the pace of speech, keys are pressed while it is spoken, a call in rings until it is picked
up. Worked over HTTP, below `/demo/phones/<number>`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.providers.twilio_calls import Hung, Line, Person, Speech

if TYPE_CHECKING:
    from tests.providers.twilio import Twilio

T = TypeVar("T")
_LETTERS_A_SECOND = {"ko": 5.0, "ja": 5.0, "zh": 4.0}
_LATIN_LETTERS_A_SECOND = 13.0
_POLL = 20.0
"""Seconds that a request for news waits for them."""
_NEWEST = 200
KEYS = frozenset("0123456789*#")


def speaking_seconds(text: str, language: str) -> float:
    """About as long as a synthesiser takes at the pace of our prompts."""
    return 0.4 + len(text) / _LETTERS_A_SECOND.get(language[:2], _LATIN_LETTERS_A_SECOND)


@dataclass
class Handset(Person):
    """One telephone. `state`: idle, ringing (somebody calls), calling, open (the line speaks),
    talking."""

    number: str = ""
    name: str = ""
    twilio: Twilio | None = None
    state: str = "idle"
    line: Line | None = None
    peer: str = ""
    since: float = 0
    wants_key: bool = False
    recording: bool = False
    lines: list[dict[str, Any]] = field(default_factory=list)
    version: int = 1
    _keys: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    _picked: asyncio.Future[str] | None = None
    _hung: asyncio.Event = field(default_factory=asyncio.Event)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _partner: Person | None = None

    # What the network does with it

    async def picks_up(self, line: Line, seconds: float) -> str:
        if self.state != "idle":
            return "busy"
        self._take(line, "ringing", line.from_)
        self._picked = asyncio.get_running_loop().create_future()
        try:
            return await asyncio.wait_for(self._picked, seconds * line.twilio.pace)
        except TimeoutError:
            return "no-answer"
        finally:
            self._picked = None

    async def listens(self, line: Line, text: str, language: str, rate: str) -> None:
        if self.state in ("calling", "ringing"):
            self.state = "open"
        self._note("line", text, language=language, rate=rate)
        await self._unless_hung(line.twilio.tick(speaking_seconds(text, language)))

    async def presses(self, line: Line, says: Sequence[Speech], seconds: float) -> str:
        while not self._keys.empty():
            self._keys.get_nowait()
        self.wants_key = True

        async def listen() -> str:
            for text, language, rate in says:
                await line.hear(text, language, rate)
            await line.twilio.tick(seconds)
            return ""

        try:
            return await self._unless_hung(_first(listen(), self._keys.get()))
        finally:
            self.wants_key = False
            self._changed()

    async def records(self, line: Line, seconds: float) -> bool:
        self.recording = True
        self._note("event", "The tone sounds: speak now. # ends the message.")

        async def until_hash() -> None:
            while await self._keys.get() != "#":
                pass

        try:
            await self._unless_hung(_first(line.twilio.tick(seconds), until_hash()))
        finally:
            self.recording = False
        return True

    async def converses(self, line: Line, other: Person) -> None:
        self.state, self._partner = "talking", other
        self._note("event", "Connected")
        await self._hung.wait()

    def is_told(self, text: str) -> None:
        self._note("them", text)

    def closed(self, line: Line) -> None:
        if self.line is not line:
            return
        self.line, self.state, self.peer, self._partner, self.wants_key = None, "idle", "", None, False
        self._note("event", "The call is over")

    # What its owner does

    def call(self) -> None:
        """Our line."""
        if self.state == "idle" and self.twilio:
            line = self.twilio.call(self.number, self)
            self._take(line, "calling", line.to)

    def pick_up(self) -> None:
        if self._picked and not self._picked.done():
            self.state = "open"
            self._picked.set_result("answered")
            self._changed()

    def hang_up(self) -> None:
        if self._picked and not self._picked.done():
            self._picked.set_result("busy")
        elif self.line and self.line.has_own_task:
            self.line.hang_up()
        else:
            self._hung.set()

    def press(self, keys: str) -> None:
        for key in keys:
            self._note("me", key)
            self._keys.put_nowait(key)

    def say(self, text: str) -> None:
        self._note("me", text)
        if self._partner:
            self._partner.is_told(text)

    def view(self) -> dict[str, Any]:
        waiting = bool(self.line and self.line.queued)
        texts = [
            {"sid": one.sid, "mine": one.from_ == self.number, "text": one.body, "status": one.status}
            for one in (self.twilio.messages.values() if self.twilio else ())
            if self.number in (one.from_, one.to)
        ]
        return {
            "number": self.number,
            "name": self.name,
            "version": self.version,
            "state": "waiting" if waiting and self.state == "open" else self.state,
            "peer": self.peer,
            "since": self.since,
            "wants_key": self.wants_key,
            "recording": self.recording,
            "lines": self.lines[-_NEWEST:],
            "texts": texts[-_NEWEST:],
        }

    async def after(self, version: int) -> dict[str, Any]:
        """The view, once it is newer than this, or after a while."""
        if self.version <= version:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), _POLL)
        return self.view()

    def changed(self) -> None:
        self._changed()

    def _take(self, line: Line, state: str, peer: str) -> None:
        self.line, self.state, self.peer, self.since = line, state, peer, time.time()
        self.lines = []
        self._hung = asyncio.Event()
        self._keys = asyncio.Queue()
        self._changed()

    def _note(self, who: str, text: str, **more: str) -> None:
        last = self.lines[-1]["n"] if self.lines else 0
        self.lines.append({"n": last + 1, "who": who, "text": text, **more})
        self._changed()

    def _changed(self) -> None:
        self.version += 1
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def _unless_hung(self, work: Coroutine[Any, Any, T]) -> T:
        async def hung() -> Any:
            await self._hung.wait()
            raise Hung

        found: T = await _first(work, hung())
        return found


async def _first(*works: Coroutine[Any, Any, Any]) -> Any:
    """What the one gives that ends first; the others are dropped."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(task for task in tasks if task in done).result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def routes(twilio: Twilio) -> list[Route]:
    """`POST /demo/phones` makes one; `GET …/<number>?after=<version>` is what it shows; `POST
    …/<number>/<what>` works it."""

    async def make(request: Request) -> Response:
        asked = await request.json()
        number = str(asked["number"])
        handset = twilio.people.get(number)
        if not isinstance(handset, Handset):
            handset = Handset(number=number, twilio=twilio)
            twilio.people[number] = handset
        handset.name = str(asked.get("name", handset.name))
        return JSONResponse(handset.view(), 201)

    def with_handset(handle: Callable[[Handset, Request], Awaitable[Response]]) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            handset = twilio.people.get(request.path_params["number"])
            if not isinstance(handset, Handset):
                return JSONResponse({"detail": "there is no such telephone: make it with POST /demo/phones"}, 404)
            return await handle(handset, request)

        return answer

    async def show(handset: Handset, request: Request) -> Response:
        return JSONResponse(await handset.after(int(request.query_params.get("after", 0))))

    async def work(handset: Handset, request: Request) -> Response:
        asked = await request.json() if await request.body() else {}
        match request.path_params["what"]:
            case "call":
                handset.call()
            case "pick-up":
                handset.pick_up()
            case "hang-up":
                handset.hang_up()
            case "keys":
                handset.press("".join(key for key in str(asked.get("keys", "")) if key in KEYS)[:20])
            case "say":
                handset.say(str(asked.get("text", ""))[:500])
            case "text":
                await twilio.text(handset.number, str(asked.get("text", ""))[:1600])
                handset.changed()
            case _:
                return JSONResponse({"detail": "call, pick-up, hang-up, keys, say or text"}, 404)
        return JSONResponse(handset.view())

    return [
        Route("/demo/phones", make, methods=["POST"]),
        Route("/demo/phones/{number}", with_handset(show)),
        Route("/demo/phones/{number}/{what}", with_handset(work), methods=["POST"]),
    ]
