"""A stand-in for Twilio on loopback: its REST API in its own wire format, and a telephone network
that calls our webhooks with the right signatures. Twilio's own client runs against it. `python -m
tests.providers.twilio <port> <webhooks> [pace]` starts one by itself; `/demo/text`, `/demo/person`,
`/demo/call` and `/demo/phones` work its network by hand.

It follows Twilio's public documents as `twilio_facts.py` has them: what they refuse is refused, and
what they ignore is noted in `complaints`.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.providers import twilio_facts, twilio_handsets
from tests.providers.facts import Exchange, Object, operation
from tests.providers.twilio_calls import Line, Person

ACCOUNT, TOKEN = "AC" + "0" * 31 + "1", "a" * 31 + "1"
OURS = "+33199001234"
BASE = f"/2010-04-01/Accounts/{ACCOUNT}"
_MESSAGES = {
    20003: (401, "Authenticate"),
    20404: (404, "The requested resource was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "Internal Server Error"),
    21201: (400, "No 'To' number is specified"),
    21205: (400, "Url is not a valid URL"),
    21210: (400, "'From' phone number not verified"),
    21211: (400, "Invalid 'To' Phone Number"),
    21212: (400, "Invalid 'From' Phone Number"),
    21213: (400, "'From' phone number is required"),
    21220: (400, "Call is not in-progress. Cannot redirect."),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (
        400,
        "The From phone number is not a valid, SMS-capable inbound phone number or short code for your account.",
    ),
    21609: (400, "The StatusCallback URL is not a valid URL."),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit."),
}
_OF_A_MESSAGE = {"To": (21604, 21211), "From": (21603, 21606), "Body": (21602, 21617), "StatusCallback": (0, 21609)}
_OF_A_CALL = {"To": (21201, 21211), "From": (21213, 21212), "Url": (21205, 21205)}
"""Error codes of parameters that are missing (0: they may be) or wrong."""


class Fault(Exception):
    """An answer that Twilio would give instead of the right one."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def new_sid(kind: str) -> str:
    return kind + secrets.token_hex(16)


def sign(url: str, fields: Mapping[str, str], token: str = TOKEN) -> str:
    """As Twilio's security page describes it: URL, then each field's name and value in order of
    names, HMAC-SHA1, base64."""
    text = url + "".join(name + fields[name] for name in sorted(fields))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


@dataclass
class Message:
    sid: str
    to: str
    from_: str
    body: str
    status: str
    direction: str
    created: datetime
    callback: str = ""
    media: int = 0
    sent: datetime | None = None
    error: int | None = None


@dataclass
class Twilio:
    """One account with one number. `public_url` is what it signs; `webhooks` is where that really
    is, behind the proxy.

    `pace`: real seconds for each second that is spoken, played or waited.
    """

    public_url: str = "https://phone.example.org"
    webhooks: str = ""
    pace: float = 0.01
    messages: dict[str, Message] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)
    faults: list[tuple[str, str]] = field(default_factory=list)
    """(part of a path, what happens once): an error's code, `drop` (no answer, nothing done),
    `lose` (done, then no answer), `half` (done, then half an answer), `hang` (done, and whoever
    waits for the answer waits in vain)."""
    statuses: tuple[str, ...] = ("sent", "delivered")
    """The webhooks that follow a text, in the order in which they come."""
    late_recordings: bool = False
    """The recording's webhook comes after the call's end."""
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    """With the REST API, as far as they were seen to their end."""
    complaints: list[str] = field(default_factory=list)
    """What Twilio's documents do not know of what it took: it warns of that (20001), and so do
    we."""
    hooks: list[tuple[str, dict[str, str], int]] = field(default_factory=list)
    url: str = ""
    _closing: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    _http: httpx.AsyncClient | None = None

    @property
    def settings(self) -> dict[str, str]:
        """Of a phone service that uses this account and does not wait long for it."""
        return {
            "PHONE_ACCOUNT_SID": ACCOUNT,
            "PHONE_AUTH_TOKEN": TOKEN,
            "PHONE_NUMBER": OURS,
            "PHONE_PUBLIC_URL": self.public_url,
            "PHONE_API_URL": self.url,
            "PHONE_TIMEOUT": "1",
            "PHONE_RETRY_FIRST": "0.1",
            "PHONE_SETTLE_SECONDS": "0.5",
        }

    # --- the network -----------------------------------------------------------------------------

    async def text(self, from_: str, body: str, media: int = 0, sid: str = "", **more: str) -> int:
        """Somebody texts us. Returns the status that our webhook answered with."""
        sid = sid or new_sid("MM" if media else "SM")
        if body.strip().upper() == "STOP":
            self.stopped.add(from_)
        elif body.strip().upper() in ("START", "UNSTOP"):
            self.stopped.discard(from_)
        fields = {"MessageSid": sid, "SmsSid": sid, "SmsMessageSid": sid, "From": from_, "To": OURS, "Body": body}
        fields |= {"NumMedia": str(media), "NumSegments": "1", "SmsStatus": "received"}
        for place in range(media):
            path = f"{BASE}/Messages/{sid}/Media/ME{place:032x}"
            self.files.setdefault(path, ("image/png", b"\x89PNG" + bytes([place])))
            fields |= {f"MediaUrl{place}": f"https://api.twilio.com{path}", f"MediaContentType{place}": "image/png"}
        now = datetime.now(UTC)
        self.messages[sid] = Message(sid, OURS, from_, body, "received", "inbound", now, media=media, sent=now)
        return (await self.post(f"{self.public_url}/webhooks/sms", {**fields, **more})).status_code

    def call(self, from_: str, person: Person, **more: str) -> Line:
        """Somebody calls us."""
        line = Line(self, new_sid("CA"), from_, OURS, "inbound", person, extra=more)
        self.lines[line.sid] = line
        line.start(f"{self.public_url}/webhooks/voice", f"{self.public_url}/webhooks/status")
        return line

    async def post(self, url: str, fields: Mapping[str, str], token: str = TOKEN) -> httpx.Response:
        """A webhook, with what all but a recording's have."""
        return await self.hook(url, {"ApiVersion": "2010-04-01", **fields}, token)

    async def hook(self, url: str, fields: Mapping[str, str], token: str = TOKEN) -> httpx.Response:
        """A webhook, signed for the public address and sent to where that is. Repeated as Twilio
        does on a 5xx or no answer."""
        assert self._http is not None
        whole = {"AccountSid": ACCOUNT, **fields}
        target = self.webhooks + url.removeprefix(self.public_url)
        headers = {"X-Twilio-Signature": sign(url, whole, token), "I-Twilio-Idempotency-Token": secrets.token_hex(8)}
        answer = httpx.Response(503)
        for attempt in range(120):  # for a minute: a service that was killed twice is back only then on a busy machine
            try:
                answer = await self._http.post(target, data=whole, headers=headers)
            except httpx.TransportError:
                answer = httpx.Response(502)
            if answer.status_code < 500:
                break
            await asyncio.sleep(0.05 * min(attempt + 1, 10))
        self.hooks.append((url.removeprefix(self.public_url), whole, answer.status_code))
        return answer

    def spawn(self, work: Any) -> asyncio.Task[Any]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def tick(self, seconds: float) -> None:
        await asyncio.sleep(seconds * self.pace)

    # --- the REST API ----------------------------------------------------------------------------

    def app(self) -> Starlette:
        route = self._guarded
        return Starlette(
            routes=[
                Route(f"{BASE}.json", route(self._account)),
                Route(f"{BASE}/Messages.json", route(self._list), methods=["GET"]),
                Route(f"{BASE}/Messages.json", route(self._send), methods=["POST"]),
                Route(f"{BASE}/Messages/{{sid}}/Media/{{media}}", route(self._file)),
                Route(f"{BASE}/Calls.json", route(self._dial), methods=["POST"]),
                Route(f"{BASE}/Calls/{{sid}}.json", route(self._call), methods=["GET", "POST"]),
                Route(f"{BASE}/Recordings/{{file}}", route(self._file)),
                Route("/demo/text", self._demo_text, methods=["POST"]),
                Route("/demo/person", self._demo_person, methods=["POST"]),
                Route("/demo/call", self._demo_call, methods=["POST"]),
                Route("/demo/call/{sid}", self._demo_heard),
                *twilio_handsets.routes(self),
                Route("/{rest:path}", self._nothing, methods=["GET", "POST"]),
            ]
        )

    def _guarded(self, handle: Callable[[Request, dict[str, str]], Any]) -> Callable[[Request], Any]:
        expected = "Basic " + base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()

        async def answer(request: Request) -> Response:
            form = {name: str(value) for name, value in (await request.form()).items()}
            self.asked.append((request.method, request.url.path, form))
            genuine = request.headers.get("authorization") == expected
            what = self._fault(request.url.path) if genuine else "20003"
            if what == "drop":
                return _Cut(b"")
            try:
                found: Response = _error(int(what)) if what.isdecimal() else await handle(request, form)
            except Fault as error:
                found = _error(error.code)
            if what == "hang":
                await self._closing.wait()
            if what in ("lose", "hang"):
                return _Cut(b"")
            if what == "half":
                return Response(
                    bytes(found.body)[: len(found.body) // 2], found.status_code, media_type="application/json"
                )
            found.headers.update({"Twilio-Request-Id": new_sid("RQ"), "Twilio-Concurrent-Requests": "1"})
            self._note(request, form, found)
            return found

        return answer

    def _fault(self, path: str) -> str:
        fault = next((one for one in self.faults if one[0] in path), None)
        if fault is None:
            return ""
        self.faults.remove(fault)
        return fault[1]

    def _note(self, request: Request, form: dict[str, str], found: Response) -> None:
        method, path, query = request.method, request.url.path, dict(request.query_params)
        is_json = found.headers.get("content-type", "") == "application/json"
        answer = json.loads(bytes(found.body)) if is_json else None
        self.exchanges.append(Exchange(method, path, query, form, found.status_code, answer, dict(found.headers)))
        known = operation(twilio_facts.OPERATIONS, method, path)
        if known and found.status_code < 400:
            self.complaints += [f"{method} {path}: {one}" for one in known.unfit(query, form)]

    async def _account(self, _: Request, __: dict[str, str]) -> Response:
        date = format_datetime(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
        return JSONResponse(
            {
                "auth_token": TOKEN,
                "date_created": date,
                "date_updated": date,
                "friendly_name": "Practice",
                "owner_account_sid": ACCOUNT,
                "sid": ACCOUNT,
                "status": "active",
                "subresource_uris": {"calls": f"{BASE}/Calls.json", "messages": f"{BASE}/Messages.json"},
                "type": "Full",
                "uri": f"{BASE}.json",
            }
        )

    async def _list(self, request: Request, _: dict[str, str]) -> Response:
        """Newest first, by pages. What still waits has no date of being sent, so no filter by that
        date finds it."""
        asked = dict(request.query_params)
        since = datetime.fromisoformat(asked["DateSent>"]) if "DateSent>" in asked else None
        found = [
            one
            for one in reversed(self.messages.values())
            if asked.get("To", one.to) == one.to
            and asked.get("From", one.from_) == one.from_
            and (since is None or (one.sent is not None and one.sent >= since))
        ]
        size, page = int(asked.get("PageSize", 50)), int(asked.get("Page", 0))
        shown = found[page * size :][:size]

        def uri(number: int) -> str:
            token = {"PageToken": f"PA{shown[-1].sid}"} if number > page else {}
            return f"{request.url.path}?{urlencode({**asked, 'PageSize': size, 'Page': number, **token})}"

        return JSONResponse(
            {
                "messages": [_message(one) for one in shown],
                "page": page,
                "page_size": size,
                "start": page * size,
                "end": page * size + max(len(shown) - 1, 0),
                "uri": uri(page),
                "first_page_uri": uri(0),
                "previous_page_uri": uri(page - 1) if page else None,
                "next_page_uri": uri(page + 1) if len(found) > (page + 1) * size else None,
            }
        )

    async def _send(self, _: Request, form: dict[str, str]) -> Response:
        _check(twilio_facts.CREATE_MESSAGE, form, _OF_A_MESSAGE)
        to = form["To"]
        if form["From"] != OURS:
            raise Fault(21606)
        if to in self.stopped:
            raise Fault(21610)
        callback = form.get("StatusCallback", "")
        message = Message(new_sid("SM"), to, OURS, form["Body"], "queued", "outbound-api", datetime.now(UTC), callback)
        self.messages[message.sid] = message
        if isinstance(reader := self.people.get(to), twilio_handsets.Handset):
            reader.changed()
        answer = JSONResponse(_message(message), 201)
        self.spawn(self._deliver(message))
        return answer

    async def _deliver(self, message: Message) -> None:
        for status in self.statuses:
            await self.tick(0.2)
            message.status, message.sent = status, message.sent or datetime.now(UTC)
            fields = {"MessageSid": message.sid, "SmsSid": message.sid, "MessageStatus": status, "SmsStatus": status}
            fields |= {"To": message.to, "From": message.from_}
            if status in ("undelivered", "failed"):
                message.error = 30003
                fields["ErrorCode"] = "30003"
            if message.callback:
                await self.post(message.callback, fields)

    async def _dial(self, _: Request, form: dict[str, str]) -> Response:
        _check(twilio_facts.CREATE_CALL, form, _OF_A_CALL)
        to = form["To"]
        if form["From"] != OURS:
            raise Fault(21210)
        line = Line(self, new_sid("CA"), OURS, to, "outbound-api", self.people.get(to, Person(answers=False)))
        self.lines[line.sid] = line
        line.ring(form["Url"], form.get("StatusCallback", ""), float(form.get("Timeout", "60")))
        return JSONResponse(line.view(), 201)

    async def _call(self, request: Request, form: dict[str, str]) -> Response:
        line = self.lines.get(request.path_params["sid"])
        if line is None:
            raise Fault(20404)
        if request.method == "POST":
            _check(twilio_facts.UPDATE_CALL, form, {"Url": (0, 21205)})
            if line.over:
                raise Fault(21220)
            if form.get("Status") == "completed":
                line.hang_up()
            elif "Url" in form:
                line.redirect(form["Url"])
        return JSONResponse(line.view())

    async def _file(self, request: Request, _: dict[str, str]) -> Response:
        path = request.url.path
        if path in self.redirects:
            return RedirectResponse(self.redirects[path], 307)
        if path not in self.files:
            raise Fault(20404)
        media_type, data = self.files[path]
        return Response(data, media_type=media_type)

    # --- for a demonstration: the network, worked by hand ----------------------------------------

    async def _demo_text(self, request: Request) -> Response:
        """`{"from": "+33…", "body": "…"}`: somebody texts us."""
        asked = await request.json()
        return JSONResponse({"answered": await self.text(asked["from"], asked["body"])})

    async def _demo_person(self, request: Request) -> Response:
        """`{"number": "+33…", "presses": {"press 1": "1"}}`: who answers there, and what they press
        after which words."""
        asked = await request.json()
        self.people[asked["number"]] = _person(asked)
        return JSONResponse({"number": asked["number"]})

    async def _demo_call(self, request: Request) -> Response:
        """As a person, with `"from"`: they call us."""
        asked = await request.json()
        return JSONResponse(self.call(asked["from"], _person(asked)).view(), 201)

    async def _demo_heard(self, request: Request) -> Response:
        """What a caller has heard so far."""
        line = self.lines.get(request.path_params["sid"])
        if line is None:
            return _error(20404)
        return JSONResponse(
            {"status": line.status, "heard": line.person.heard, "connected_to": line.person.connected_to}
        )

    async def _nothing(self, request: Request) -> Response:
        self.asked.append((request.method, request.url.path, {}))
        return _error(20404)

    @asynccontextmanager
    async def running(self, port: int) -> AsyncIterator[Twilio]:
        """Serve the REST API on this port, and the network with it."""
        config = uvicorn.Config(self.app(), host="127.0.0.1", port=port, log_config=None, lifespan="off")
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        serving = asyncio.ensure_future(server._serve())
        self.url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(timeout=15, limits=httpx.Limits(max_connections=200)) as self._http:
            while not server.started:
                await asyncio.sleep(0.01)
            try:
                yield self
            finally:
                self._closing.set()
                for line in self.lines.values():
                    line.stop()
                for task in list(self._tasks):
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)
                server.should_exit = True
                server.force_exit = True
                await serving


class _Cut(Response):
    """The connection breaks in the middle of the answer."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 201, "headers": [(b"content-length", b"1000")]})
        await send({"type": "http.response.body", "body": b'{"sid": "SM', "more_body": True})
        raise ConnectionResetError


def _error(code: int) -> Response:
    status, words = _MESSAGES[code]
    body = {"code": code, "message": words, "more_info": f"https://www.twilio.com/docs/errors/{code}", "status": status}
    return JSONResponse(body, status)


def _person(asked: Mapping[str, Any]) -> Person:
    """`presses`: after which words which key; a list has the key for each time that they hear them,
    and the last one stays."""
    presses = {
        words: [keys] if isinstance(keys, str) else list(keys) for words, keys in asked.get("presses", {}).items()
    }

    def keys(heard: str) -> str:
        for words, left in presses.items():
            if words in heard:
                return str(left.pop(0) if len(left) > 1 else left[0])
        return ""

    return Person(keys=keys, talks=float(asked.get("talks", 60)), says=tuple(asked.get("says", ())))


def _check(document: Object, form: Mapping[str, str], refusals: Mapping[str, tuple[int, int]]) -> None:
    for name, (missing, wrong) in refusals.items():
        if not form.get(name):
            if missing:
                raise Fault(missing)
        elif any(document.known[name].wrong(form[name], name)):
            raise Fault(wrong)


def _message(message: Message) -> dict[str, Any]:
    date, sent = format_datetime(message.created), message.sent and format_datetime(message.sent)
    return {
        "sid": message.sid,
        "account_sid": ACCOUNT,
        "api_version": "2010-04-01",
        "body": message.body,
        "date_created": date,
        "date_sent": sent,
        "date_updated": sent or date,
        "direction": message.direction,
        "error_code": message.error,
        "error_message": None,
        "from": message.from_,
        "messaging_service_sid": None,
        "num_media": str(message.media),
        "num_segments": "1",
        "price": None,
        "price_unit": "USD",
        "status": message.status,
        "subresource_uris": {"media": f"{BASE}/Messages/{message.sid}/Media.json"},
        "to": message.to,
        "uri": f"{BASE}/Messages/{message.sid}.json",
    }


async def _main(port: int, webhooks: str, pace: float = 0.5) -> None:
    twilio = Twilio(public_url=webhooks, webhooks=webhooks, pace=pace)
    async with twilio.running(port):
        print(json.dumps({"url": twilio.url, "account_sid": ACCOUNT, "auth_token": TOKEN, "number": OURS}), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), sys.argv[2], *map(float, sys.argv[3:4])))
