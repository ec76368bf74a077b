"""Telephone calls as Twilio plays them: a line fetches TwiML, walks through it verb by verb, and
tells of what happens."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
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
QUEUE = f"QU{'0' * 31}1"
Speech = tuple[str, str, str]
"""What is spoken: text, language, rate."""
TERMINAL = ("completed", "busy", "no-answer", "failed", "canceled")


def _speech(verb: ET.Element) -> Speech:
    prosody = verb.find("prosody")
    text = " ".join("".join(verb.itertext()).split())
    return text, verb.get("language", ""), prosody.get("rate", "") if prosody is not None else ""


def _nothing(_: str) -> str:
    return ""


@dataclass
class Person:
    """At the other end of a line. `keys`: what they press (or HANG_UP) after hearing this; nothing
    by default."""

    keys: Callable[[str], str] = _nothing
    answers: bool | str = True
    """True, False, or `busy`."""
    talks: float = 5
    """Seconds until they hang up once connected."""
    message: bytes = b"ID3 a message"
    """What they leave on a voicemail; empty: they hang up at the tone."""
    says: tuple[str, ...] = ()
    """Their words once connected, for whoever is at the other end."""
    heard: list[str] = field(default_factory=list)
    connected_to: list[str] = field(default_factory=list)

    @property
    def transcript(self) -> str:
        return "\n".join(self.heard)

    async def picks_up(self, line: Line, seconds: float) -> str:
        """`answered`, `busy` or `no-answer`, which takes all these seconds."""
        await line.twilio.tick(1 if self.answers else seconds)
        return "answered" if self.answers is True else "busy" if self.answers else "no-answer"

    async def listens(self, line: Line, text: str, language: str, rate: str) -> None:
        """For as long as it is spoken; no time at all to a program."""

    async def presses(self, line: Line, says: Sequence[Speech], seconds: float) -> str:
        """The keys, or nothing after these seconds. Raises Hung."""
        heard = []
        for text, language, rate in says:
            await line.hear(text, language, rate)
            heard.append(text)
        digits = self.keys(" ".join(heard))
        if digits == HANG_UP:
            raise Hung
        if not digits:
            await line.twilio.tick(seconds)
        return digits

    async def records(self, line: Line, seconds: float) -> bool:
        """Speaks after the tone. True: ended it by a key and is still there."""
        return False

    async def converses(self, line: Line, other: Person) -> None:
        """Until they want to hang up."""
        for text in self.says:
            await line.twilio.tick(3)
            other.is_told(text)
        await line.twilio.tick(self.talks)

    def is_told(self, text: str) -> None:
        """By whom they are connected to."""

    def closed(self, line: Line) -> None:
        """This line is over."""


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
    begun: datetime | None = None
    """When it was answered."""
    finished: datetime | None = None
    bridged: bool = False
    _told: int = 0
    _task: asyncio.Task[Any] | None = None
    _since: float = 0
    _next: str = ""
    _status_url: str = ""

    @property
    def has_own_task(self) -> bool:
        """False for a line that another one dialled."""
        return self._task is not None

    @property
    def over(self) -> bool:
        return self.status in TERMINAL

    def view(self) -> dict[str, Any]:
        from tests.providers.twilio import ACCOUNT, BASE

        empty = ("answered_by", "caller_name", "forwarded_from", "group_sid", "phone_number_sid", "price")
        ended = self.finished if self.begun else None
        return dict.fromkeys((*empty, "stir_verstat", "trunk_sid")) | {
            "account_sid": ACCOUNT,
            "api_version": "2010-04-01",
            "date_created": format_datetime(self.created),
            "date_updated": format_datetime(self.finished or self.begun or self.created),
            "direction": self.direction,
            "duration": str(self._seconds) if ended else None,
            "end_time": ended and format_datetime(ended),
            "from": self.from_,
            "from_formatted": self.from_,
            "parent_call_sid": self.parent or None,
            "price_unit": "USD",
            "queue_time": "0",
            "sid": self.sid,
            "start_time": self.begun and format_datetime(self.begun),
            "status": self.status,
            "subresource_uris": {"recordings": f"{BASE}/Calls/{self.sid}/Recordings.json"},
            "to": self.to,
            "to_formatted": self.to,
            "uri": f"{BASE}/Calls/{self.sid}.json",
        }

    @property
    def _seconds(self) -> int:
        """Since it was answered, as spoken."""
        if self.begun is None:
            return 0
        return int(((self.finished or datetime.now(UTC)) - self.begun).total_seconds() / self.twilio.pace)

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
        try:
            result = await self.person.picks_up(self, seconds)
        except asyncio.CancelledError:
            result = "canceled"
        if result == "answered":
            await self._live(url)
        else:
            await self._end(result)

    async def _live(self, url: str) -> None:
        self.status, self.begun = "in-progress", datetime.now(UTC)
        try:
            await self._follow(url)
        finally:
            self.person.closed(self)

    async def _follow(self, url: str) -> None:
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
            await self._post(self._left_url, self._left(result))

    async def _end(self, status: str) -> None:
        self.status, self.finished = status, datetime.now(UTC)
        self.person.closed(self)
        if self._status_url:
            await self._tell(self._status_url)
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
                    await self.hear(*_speech(verb))
                    self.voices.add((verb.get("language", ""), verb.get("voice", "")))
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
                    if await self._record(verb, base):
                        return None
                case "Leave":
                    raise Left
                case "Hangup":
                    raise Hung
                case other:
                    raise AssertionError(f"no such verb: {other}")
        return None

    async def hear(self, text: str, language: str, rate: str) -> None:
        self.person.heard.append(text)
        await self.person.listens(self, text, language, rate)

    async def _gather(self, verb: ET.Element, base: str) -> bool:
        says = [child for child in verb if child.tag == "Say"]
        self.voices |= {(child.get("language", ""), child.get("voice", "")) for child in says}
        digits = await self.person.presses(self, [_speech(child) for child in says], float(verb.get("timeout", "5")))
        if not digits and verb.get("actionOnEmptyResult") != "true":
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
        self._in_queue()
        self.queued = False
        await self._walk(self._left_url, self._left("leave"))

    def _in_queue(self) -> dict[str, str]:
        self.waited = (asyncio.get_running_loop().time() - self._since) / self.twilio.pace
        waited = {"QueueTime": str(int(self.waited)), "AvgQueueTime": "0"}
        return {"QueueSid": QUEUE, "QueuePosition": "1", "CurrentQueueSize": "1", **waited}

    def _left(self, result: str) -> dict[str, str]:
        return {"QueueResult": result, "QueueSid": QUEUE, "QueueTime": str(int(self.waited))}

    async def _dial(self, verb: ET.Element, base: str) -> None:
        target = next((child for child in verb if child.tag in ("Number", "Client")), None)
        assert target is not None
        called = (target.text or "").strip() if target.tag == "Number" else f"client:{(target.text or '').strip()}"
        other = self.twilio.people.get(called, Person(answers=False))
        sid = f"CA{secrets.token_hex(16)}"
        child = Line(self.twilio, sid, verb.get("callerId", ""), called, "outbound-dial", other)
        child.parent, child.status = self.sid, "ringing"
        events = (target.get("statusCallbackEvent") or "").split()
        callback = target.get("statusCallback", "")

        async def tell(event: str, status: str) -> None:
            child.status = status
            if event == "answered":
                child.begun = datetime.now(UTC)
            elif event == "completed":
                child.finished = datetime.now(UTC)
            if callback and event in events:
                await child._tell(urljoin(base, callback))

        await tell("ringing", "ringing")
        result = "completed"
        try:
            result = await other.picks_up(child, float(verb.get("timeout", "30")))
            if result == "answered":
                result = "completed"
                await tell("answered", "in-progress")
                await self._connect(child, urljoin(base, target.get("url", "")) if target.get("url") else "")
        finally:
            other.closed(child)
            await tell("completed", result)
        ended = {"DialCallStatus": result, "DialCallSid": child.sid, "DialBridged": str(child.bridged).lower()}
        lasted = {"DialCallDuration": str(child._seconds)} if child.begun else {}
        await self._walk(urljoin(base, verb.get("action", "")), ended | lasted)

    async def _connect(self, child: Line, whisper: str) -> None:
        """The words for who was called, then both can talk, until one of them hangs up."""
        other = child.person
        try:
            if whisper:
                await child._walk(whisper, {})
        except Hung:
            return
        child.bridged = True
        other.connected_to.append(self.from_ if self.direction == "inbound" else self.to)
        self.person.connected_to.append(child.to)
        both = [
            asyncio.ensure_future(self.person.converses(self, other)),
            asyncio.ensure_future(other.converses(child, self.person)),
        ]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in both:
                one.cancel()
            await asyncio.gather(*both, return_exceptions=True)

    async def _record(self, verb: ET.Element, base: str) -> bool:
        """False after silence: what follows is done. The same address is told of callers who ended
        by a key and who hung up."""
        self._recorded_url, action = (
            urljoin(base, verb.get("recordingStatusCallback", "")),
            urljoin(base, verb.get("action", "")),
        )
        self.recording = f"RE{self.sid[2:]}"
        try:
            stays = await self.person.records(self, float(verb.get("maxLength", "3600")))
        except asyncio.CancelledError:
            stays = False
        if self.person.message:
            self.twilio.files[f"{self._recording_path}.mp3"] = ("audio/mpeg", self.person.message)
        if not self.twilio.late_recordings:
            await self._tell_recording()
        if not self.person.message:
            return False
        recorded = {"RecordingUrl": f"https://api.twilio.com{self._recording_path}", "RecordingDuration": "7"}
        recorded |= {"RecordingSid": self.recording, "Digits": "#" if stays else "hangup"}
        if stays:
            await self._walk(action, recorded)
            return True
        await self._post(action, {**recorded, "CallStatus": "completed"})
        raise Hung

    @property
    def _recording_path(self) -> str:
        from tests.providers.twilio import BASE

        return f"{BASE}/Recordings/{self.recording}"

    async def _tell_recording(self) -> None:
        fields = {
            "CallSid": self.sid,
            "RecordingSid": self.recording,
            "RecordingStatus": "absent",
            "RecordingDuration": "0",
        }
        if self.person.message:
            url = f"https://api.twilio.com{self._recording_path}"
            fields |= {"RecordingUrl": url, "RecordingStatus": "completed", "RecordingDuration": "7"}
        fields |= {"RecordingChannels": "1", "RecordingSource": "RecordVerb", "RecordingTrack": "inbound"}
        await self.twilio.hook(self._recorded_url, {**fields, "RecordingStartTime": format_datetime(datetime.now(UTC))})

    async def _fetch(self, url: str, fields: dict[str, str]) -> tuple[ET.Element, str]:
        answer = await self._post(url, {**(self._in_queue() if self.queued else {}), **fields})
        assert answer.status_code == 200, f"{url}: {answer.status_code} {answer.text[:300]}"
        assert answer.headers["content-type"].startswith("text/xml")
        root = ET.fromstring(answer.text)
        if self.queued:
            for each in root.iter():
                assert each.tag in ALLOWED_WHILE_WAITING | {"Response", "prosody"}, f"not while waiting: {each.tag}"
        return root, url

    async def _tell(self, url: str) -> Any:
        """How this call goes on."""
        self._told += 1
        fields = {"Timestamp": format_datetime(datetime.now(UTC)), "CallbackSource": "call-progress-events"}
        if self.status == "completed":
            fields |= {"CallDuration": str(self._seconds), "Duration": str(-(-self._seconds // 60))}
        return await self._post(url, {**fields, "SequenceNumber": str(self._told - 1)})

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
