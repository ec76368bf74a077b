"""Telephone calls as Twilio plays them: a line fetches TwiML, walks through it verb by verb, and tells of what happens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from tests.providers.twilio import Twilio

ALLOWED_WHILE_WAITING = {"Say", "Play", "Pause", "Gather", "Redirect", "Leave", "Hangup"}
HANG_UP = "hang up"
TERMINAL = ("completed", "busy", "no-answer", "failed", "canceled")


def _nothing(_: str) -> str:
    return ""


@dataclass
class Person:
    """At the other end of a line. `keys`: what they press (or HANG_UP) after hearing this; nothing by default."""

    keys: Callable[[str], str] = _nothing
    answers: bool | str = True
    """True, False, or `busy`."""
    talks: float = 5
    """Seconds until they hang up once connected."""
    message: bytes = b"ID3 a message"
    """What they leave on a voicemail; empty: they hang up at the tone."""
    heard: list[str] = field(default_factory=list)
    connected_to: list[str] = field(default_factory=list)

    @property
    def transcript(self) -> str:
        return "\n".join(self.heard)


class Hung(Exception):
    """The line is closed."""


class Left(Exception):
    """`<Leave>`: out of the queue."""


@dataclass(eq=False)
class Line:
    """One leg of a call."""

    twilio: Twilio
    sid: str
    from_: str
    to: str
    direction: str
    person: Person
    parent: str = ""
    extra: dict[str, str] = field(default_factory=dict)
    status: str = "queued"
    queued: bool = False
    waited: float = 0
    voices: set[tuple[str, str]] = field(default_factory=set)
    recording: str = ""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    _task: asyncio.Task[Any] | None = None
    _since: float = 0
    _next: str = ""
    _status_url: str = ""

    @property
    def over(self) -> bool:
        return self.status in TERMINAL

    def view(self) -> dict[str, Any]:
        date = format_datetime(self.created)
        names = ("to_formatted", "from_formatted", "phone_number_sid", "price", "answered_by", "forwarded_from")
        return dict.fromkeys(
            (*names, "group_sid", "caller_name", "trunk_sid", "start_time", "end_time", "duration")
        ) | {
            "sid": self.sid,
            "status": self.status,
            "to": self.to,
            "from": self.from_,
            "direction": self.direction,
            "parent_call_sid": self.parent or None,
            "date_created": date,
            "date_updated": date,
            "api_version": "2010-04-01",
            "queue_time": str(int(self.waited)),
            "price_unit": "USD",
            "subresource_uris": {},
            "uri": f"/Calls/{self.sid}.json",
        }

    def start(self, url: str, status_url: str) -> None:
        """The call has reached Twilio."""
        self.status, self._status_url = "ringing", status_url
        self._task = self.twilio.spawn(self._live(url))

    def ring(self, url: str, status_url: str, seconds: float) -> None:
        """Call this person."""
        self.status, self._status_url = "ringing", status_url
        self._task = self.twilio.spawn(self._ring(url, seconds))

    def redirect(self, url: str) -> None:
        """By the REST API."""
        self._next = url
        if self._task:
            self._task.cancel()

    def hang_up(self) -> None:
        if self._task and not self._task.done():
            self._task.cancel()

    def stop(self) -> None:
        self._status_url = ""
        self.hang_up()

    async def _ring(self, url: str, seconds: float) -> None:
        if self.person.answers is True:
            await self.twilio.tick(1)
            await self._live(url)
            return
        await self.twilio.tick(1 if self.person.answers else seconds)
        await self._end("busy" if self.person.answers == "busy" else "no-answer")

    async def _live(self, url: str) -> None:
        self.status = "in-progress"
        while True:
            try:
                await self._walk(url, {})
            except Hung:
                pass
            except asyncio.CancelledError:
                if self._next:
                    url, self._next = self._next, ""
                    await self._out_of_queue("redirected")
                    continue
                await self._out_of_queue("hangup")
            break
        await self._end("completed")

    async def _out_of_queue(self, result: str) -> None:
        """Twilio tells the queue's action, and does nothing with its answer."""
        if self.queued:
            self.queued = False
            await self._post(self._left_url, {"QueueResult": result, "QueueTime": str(int(self.waited))})

    async def _end(self, status: str) -> None:
        self.status = status
        if self._status_url:
            await self._post(self._status_url, {"CallDuration": "10"})
        if self.recording and self.twilio.late_recordings:
            await self._tell_recording()
        self.ended.set()

    async def _walk(self, url: str, fields: dict[str, str]) -> None:
        """To the end of the instructions at this address, and of all that follow them."""
        target: str | None = url
        while target:
            root, base = await self._fetch(target, fields)
            target, fields = await self._perform(root, base), {}

    async def _perform(self, root: ET.Element, base: str) -> str | None:
        """Returns where the markup redirects to; None where it or what follows it is at its end."""
        for verb in root:
            match verb.tag:
                case "Say":
                    self._hear(verb)
                case "Play" | "Pause":
                    await self.twilio.tick(float(verb.get("length", "15")))
                case "Gather":
                    if await self._gather(verb, base):
                        return None
                case "Redirect":
                    return urljoin(base, verb.text or "")
                case "Enqueue":
                    await self._enqueue(verb, base)
                    return None
                case "Dial":
                    await self._dial(verb, base)
                    return None
                case "Record":
                    await self._record(verb, base)
                    return None
                case "Leave":
                    raise Left
                case "Hangup":
                    raise Hung
                case other:
                    raise AssertionError(f"no such verb: {other}")
        return None

    def _hear(self, verb: ET.Element) -> str:
        text = " ".join("".join(verb.itertext()).split())
        self.voices.add((verb.get("language", ""), verb.get("voice", "")))
        self.person.heard.append(text)
        return text

    async def _gather(self, verb: ET.Element, base: str) -> bool:
        heard = " ".join(self._hear(child) for child in verb if child.tag == "Say")
        digits = self.person.keys(heard)
        if digits == HANG_UP:
            raise Hung
        if not digits:
            await self.twilio.tick(float(verb.get("timeout", "5")))
            if verb.get("actionOnEmptyResult") != "true":
                return False
        digits = digits[: int(verb.get("numDigits", "99"))]
        await self._walk(urljoin(base, verb.get("action", "")), {"Digits": digits} if digits else {"msg": "Gather End"})
        return True

    async def _enqueue(self, verb: ET.Element, base: str) -> None:
        self._left_url = urljoin(base, verb.get("action", ""))
        wait_url = urljoin(base, verb.get("waitUrl", ""))
        self._since = asyncio.get_running_loop().time()
        self.queued, self.waited = True, 0.0
        try:
            while True:
                await self._walk(wait_url, {})
                await self.twilio.tick(1)
        except Left:
            pass
        waited = self._in_queue()["QueueTime"]
        self.queued = False
        await self._walk(self._left_url, {"QueueResult": "leave", "QueueTime": waited})

    def _in_queue(self) -> dict[str, str]:
        self.waited = (asyncio.get_running_loop().time() - self._since) / self.twilio.pace
        return {"QueuePosition": "1", "QueueTime": str(int(self.waited)), "AvgQueueTime": "0", "CurrentQueueSize": "1"}

    async def _dial(self, verb: ET.Element, base: str) -> None:
        target = next((child for child in verb if child.tag in ("Number", "Client")), None)
        assert target is not None
        called = (target.text or "").strip() if target.tag == "Number" else f"client:{(target.text or '').strip()}"
        other = self.twilio.people.get(called, Person(answers=False))
        child = Line(self.twilio, f"CA{id(other):032x}"[-34:], verb.get("callerId", ""), called, "outbound-dial", other)
        child.parent, child.status = self.sid, "ringing"
        events = (target.get("statusCallbackEvent") or "").split()
        callback = target.get("statusCallback", "")

        async def tell(event: str, status: str) -> None:
            child.status = status
            if callback and event in events:
                await child._post(urljoin(base, callback), {})

        await tell("ringing", "ringing")
        result = "no-answer"
        if other.answers is True:
            await self.twilio.tick(1)
            await tell("answered", "in-progress")
            try:
                if target.get("url"):
                    await child._walk(urljoin(base, target.get("url", "")), {})
                other.connected_to.append(self.from_ if self.direction == "inbound" else self.to)
                self.person.connected_to.append(called)
                await self.twilio.tick(min(self.person.talks, other.talks))
            except Hung:
                pass
            result = "completed"
        elif other.answers == "busy":
            result = "busy"
        else:
            await self.twilio.tick(float(verb.get("timeout", "30")))
        await tell("completed", result)
        await self._walk(urljoin(base, verb.get("action", "")), {"DialCallStatus": result, "DialCallSid": child.sid})

    async def _record(self, verb: ET.Element, base: str) -> None:
        self._recorded_url = urljoin(base, verb.get("recordingStatusCallback", ""))
        self.recording = f"RE{self.sid[2:]}"
        if self.person.message:
            from tests.providers.twilio import ACCOUNT

            path = f"/2010-04-01/Accounts/{ACCOUNT}/Recordings/{self.recording}"
            self.twilio.files[f"{path}.mp3"] = ("audio/mpeg", self.person.message)
        if not self.twilio.late_recordings:
            await self._tell_recording()
        raise Hung

    async def _tell_recording(self) -> None:
        from tests.providers.twilio import ACCOUNT

        fields = {"RecordingSid": self.recording, "RecordingStatus": "absent", "RecordingDuration": "0"}
        if self.person.message:
            url = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Recordings/{self.recording}"
            fields |= {"RecordingUrl": url, "RecordingStatus": "completed", "RecordingDuration": "7"}
        await self._post(self._recorded_url, fields)

    async def _fetch(self, url: str, fields: dict[str, str]) -> tuple[ET.Element, str]:
        answer = await self._post(url, {**(self._in_queue() if self.queued else {}), **fields})
        assert answer.status_code == 200, f"{url}: {answer.status_code} {answer.text[:300]}"
        assert answer.headers["content-type"].startswith("text/xml")
        root = ET.fromstring(answer.text)
        if self.queued:
            for each in root.iter():
                assert each.tag in ALLOWED_WHILE_WAITING | {"Response", "prosody"}, f"not while waiting: {each.tag}"
        return root, url

    async def _post(self, url: str, fields: dict[str, str]) -> Any:
        own = {
            "CallSid": self.sid,
            "From": self.from_,
            "To": self.to,
            "CallStatus": self.status,
            "Direction": self.direction,
        }
        if self.parent:
            own["ParentCallSid"] = self.parent
        return await self.twilio.post(url, {**own, **self.extra, **fields})
