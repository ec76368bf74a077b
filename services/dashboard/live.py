"""Serves the socket: replies appear as they are stored, and what is sent while it is open is live.

Frames are JSON objects with a `type`. From the client: `hello {site, token, after}` first, then
`send {id, text, …}`, `seen {seq}`, `pong`. From us: `ready {conversation, last_seq}`, `message
{message}`, `ack {id, seq}`, `error {id?, code, detail, retry}`, `ping`. The token is in the first
frame, because addresses end up in logs. After a disconnection `after` brings back whatever was
missed: the database is read, nothing is kept for the socket.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import msgspec
from fastapi import APIRouter
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from services.dashboard import conversation, delivering, receiving, sessions
from services.dashboard.context import Dashboard
from services.dashboard.domain.drafts import idempotency_key
from services.dashboard.domain.sites import Speaker
from services.dashboard.requests import NewMessage, Scalar, address, check_origin, parse, refusals
from services.dashboard.schemas import message_view
from shared.clock import utc_now
from shared.errors import Rejected, Unavailable
from shared.logs import log
from shared.metrics import METRICS
from shared.waiting import wait
from shared.web import problem

MAX_FRAME = 16 << 10
"""Bytes: a long message; longer ones and files go by POST."""
HELLO_WITHIN = 10.0
PING_EVERY = 20.0
LOOK_EVERY = 30.0
"""Seconds between polls: how late a reply is seen whose process died before it notified."""
SILENT_FOR = 65.0
"""Three pings without an answer: nobody is there any more."""
GOING_AWAY, POLICY, TOO_BIG, TRY_LATER, UNAUTHORISED = 1001, 1008, 1009, 1013, 4401
"""Close codes: RFC 6455, 7.4.1, IANA's registry, and one of our own."""
_FULL = problem(429, "too-many-sockets", "Too many chats are open from here: close one.", {"Retry-After": "60"})
_encode = msgspec.json.Encoder().encode


class Hello(msgspec.Struct, tag_field="type", tag="hello", frozen=True):
    """The first frame."""

    site: str
    token: str
    after: int = 0


class Send(msgspec.Struct, tag_field="type", tag="send", frozen=True):
    """A message; `id` is the client's own and its idempotency key."""

    id: str
    text: str = ""
    subject: str = ""
    facts: dict[str, Scalar] = {}
    page: str = ""


class Seen(msgspec.Struct, tag_field="type", tag="seen", frozen=True):
    """The client has everything up to here."""

    seq: int


class Pong(msgspec.Struct, tag_field="type", tag="pong", frozen=True):
    """Still there."""


_frames = msgspec.json.Decoder(Send | Seen | Pong)


class Closed(Exception):
    """Closes the socket with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


def routes(dashboard: Dashboard) -> APIRouter:
    """Returns the route `/api/v1/live`."""
    api = APIRouter(prefix="/api/v1")

    @api.websocket("/live")
    async def live(socket: WebSocket) -> None:
        origin = socket.headers.get("origin", "")
        own = urlsplit(origin).netloc == socket.headers.get("host")
        try:
            if origin and not own and not await dashboard.sites.know_origin(origin):
                await socket.close(POLICY, "origin not allowed")  # before accepting: the browser sees a 403
                return
        except Unavailable:
            await socket.close(TRY_LATER)
            return
        try:
            with dashboard.gate.sockets_of_address.seat(address(socket)) as free:
                if not free:
                    METRICS.refused.labels(channel="chat", reason="too-many-sockets").inc()
                    await socket.send_denial_response(_FULL)
                    return
                await socket.accept()
                await _converse(dashboard, socket)
        except Closed as end:
            await _close(socket, end)
        except Rejected as refused:
            await _close(socket, Closed(UNAUTHORISED, refused.code))
        except Unavailable as error:
            log.warning("socket closed", error=str(error))
            await _close(socket, Closed(TRY_LATER, "temporarily unavailable: connect again in a moment"))
        except WebSocketDisconnect:
            pass

    return api


@dataclass
class _Connection:
    """An open socket."""

    dashboard: Dashboard
    socket: WebSocket
    site: str
    speaker: Speaker
    after: int
    heard_at: float = field(default_factory=lambda: asyncio.get_running_loop().time())

    async def send(self, kind: str, **values: object) -> None:
        """Sends a frame."""
        await _send(self.socket, {"type": kind, **values})


async def _converse(dashboard: Dashboard, socket: WebSocket) -> None:
    line = await _greet(dashboard, socket)
    with (
        dashboard.gate.sockets_of_site.seat(line.site) as free,
        dashboard.hub.follow(line.speaker.author.point) as news,
    ):
        if not free:
            METRICS.refused.labels(channel="chat", reason="too-many-sockets").inc()
            raise Closed(TRY_LATER, "too many chats are open: connect again in a minute")
        state = await conversation.state(dashboard, line.speaker)
        line.after = min(line.after, state.seq if state else 0)
        await line.send("ready", conversation=state.conversation if state else None, last_seq=state.seq if state else 0)
        news.set()
        stop: asyncio.Event = socket.app.state.stop
        parts = {
            asyncio.ensure_future(part) for part in (_listen(line), _push(line, news), _keep_alive(line), _until(stop))
        }
        try:
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)
        for part in done:
            part.result()


async def _greet(dashboard: Dashboard, socket: WebSocket) -> _Connection:
    try:
        async with asyncio.timeout(HELLO_WITHIN):
            data = await _frame(socket)
        hello = parse(Hello, data)
        dashboard.gate.check_address(address(socket))
        site = await dashboard.sites.of_key(hello.site)
        check_origin(socket, site)
        speaker = await sessions.speaker(dashboard, site, hello.token)
    except TimeoutError as error:
        raise Closed(POLICY, "send a hello frame first") from error
    except Rejected as refused:
        await _send(socket, _problem(refused))
        code = UNAUTHORISED if refused.status in (401, 403) else TRY_LATER if refused.status == 429 else POLICY
        raise Closed(code, refused.code) from refused
    return _Connection(dashboard, socket, site.id, speaker, max(hello.after, 0))


async def _listen(line: _Connection) -> None:
    while True:
        data = await _frame(line.socket)
        line.heard_at = asyncio.get_running_loop().time()
        try:
            frame = _frames.decode(data)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            await line.send(
                "error", code="json-wrong", detail=f"not a frame that is expected here: {error}", retry=False
            )
            continue
        match frame:
            case Send():
                await _receive(line, frame)
            case Seen(seq=seq):
                await delivering.mark_read(line.dashboard, line.speaker, min(max(seq, 0), line.after))


async def _receive(line: _Connection, frame: Send) -> None:
    """Receives a message as `POST /api/v1/messages` does; an error ends the message, not the
    connection.

    Raises Rejected 401 for a visitor who has signed in since: their client sends it again in a new
    session.
    """
    try:
        line.dashboard.gate.check_visitor(line.speaker.author.point)
        with refusals(422):
            key = idempotency_key(frame.id)
            draft = NewMessage(frame.text, frame.subject, frame.facts, frame.page).draft()
        receipt = await receiving.receive(line.dashboard, line.speaker, draft, key, live=True)
    except Rejected as refused:
        if refused.status == 401:
            raise
        await _send(line.socket, {**_problem(refused), "id": frame.id})
    except Unavailable:
        detail = "Temporarily unavailable. Send it again with the same id."
        await line.send("error", id=frame.id, code="unavailable", detail=detail, retry=True)
    else:
        await line.send("ack", id=frame.id, seq=receipt.seq, message=receipt.id)


async def _push(line: _Connection, news: asyncio.Event) -> None:
    while True:
        await wait(news, LOOK_EVERY)
        news.clear()
        while rows := await conversation.after(line.dashboard, line.speaker, line.after, 50):
            for row in rows:
                await line.send("message", message=message_view(row))
                line.after = row.seq


async def _keep_alive(line: _Connection) -> None:
    loop = asyncio.get_running_loop()
    while True:
        left = (line.speaker.expires_at - utc_now()).total_seconds()
        await asyncio.sleep(max(0, min(PING_EVERY, left)))
        if utc_now() >= line.speaker.expires_at:
            raise Closed(UNAUTHORISED, "the session has run out: open a new one")
        if loop.time() - line.heard_at > SILENT_FOR:
            raise Closed(GOING_AWAY, "no pong received")
        await line.send("ping")


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()
    raise Closed(GOING_AWAY, "restarting: connect again")


async def _frame(socket: WebSocket) -> str:
    try:
        data = await socket.receive_text()
    except KeyError as error:
        raise Closed(POLICY, "send text frames") from error
    if len(data.encode()) > MAX_FRAME:
        raise Closed(TOO_BIG, f"a frame has at most {MAX_FRAME >> 10} KB: use POST")
    return data


async def _send(socket: WebSocket, frame: dict[str, object]) -> None:
    await socket.send_text(_encode(frame).decode())


def _problem(refused: Rejected) -> dict[str, object]:
    return {"type": "error", "code": refused.code, "detail": refused.message, "retry": refused.status == 429}


async def _close(socket: WebSocket, end: Closed) -> None:
    if socket.application_state is WebSocketState.CONNECTED:
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            await socket.close(end.code, end.reason)
