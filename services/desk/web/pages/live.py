"""The stream of everything that happens, as server-sent events, rendered once for each language."""

from __future__ import annotations

import asyncio
import json
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import closing, suppress
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse

from services.desk.actors import Permission
from services.desk.calls import service as calls
from services.desk.calls.schemas import CallView
from services.desk.live import Reset
from services.desk.notifications import service as notifications
from services.desk.people import service as people
from services.desk.tickets import service as tickets
from services.desk.tickets.domain import telephone
from services.desk.tickets.schemas import MessageView, TicketRow
from services.desk.timeline import EventView
from services.desk.web.answers import HEADERS, ConsoleRoute
from services.desk.web.console import Console
from services.desk.web.conversation import pane
from services.desk.web.inbox import lists
from services.desk.web.notifications.bell import frame as bell_frame
from services.desk.web.pages import post_parts, watching
from services.desk.web.render import gettext
from services.desk.web.viewer import Viewer, actor_of_session, viewer
from shared.clock import utc_now
from shared.errors import Rejected, Unavailable
from shared.events.desk import (
    AgentCalled,
    AgentPresenceChanged,
    AgentSignedOut,
    AutoReplied,
    CallMoved,
    CallOffered,
    CustomerChanged,
    DeliveryChanged,
    MessageAdded,
    NoteAdded,
    PostLabelled,
    ReplyAdded,
    TicketOffered,
    TicketOpened,
    TicketRouted,
)
from shared.logs import log

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
BEAT = 15.0
"""Seconds of silence before we say that we are still here; the browser gives up after 35."""
KEPT = 1000
"""Rendered events that are kept for other viewers and for reconnects: about 4 MB."""
COUNTS_EVERY = 2.0
"""Seconds between two looks at the badges of one agent: counting is the dearest part of an
event."""
BELL_EVERY = 1.0
"""Seconds between two looks at the notifications of one agent."""
TOGETHER = 100
"""Events that are rendered with one look at the database: what came within a tenth of a second in a
flood."""
_SILENT = (TicketOpened, TicketRouted)
"""Always followed by `message.added` of the same transaction, which shows all of it."""
_LINE = (CallMoved, CallOffered, AgentCalled, AgentPresenceChanged, TicketOffered)
"""What changes the telephone line. Their data travels along: each tab sees whether its own agent is
meant."""
_MESSAGES = (MessageAdded, ReplyAdded, AutoReplied, NoteAdded, DeliveryChanged, PostLabelled)


class Feed:
    """Renders each event once per language; all viewers get the same bytes. In a flood, many at a
    time."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._frames: OrderedDict[tuple[int, str], asyncio.Task[dict[int, bytes]]] = OrderedDict()

    async def frame(self, event: EventView, language: str) -> bytes:
        """Returns an event in the form in which the stream sends it."""
        task = self._frames.get((event.seq, language))
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            held = self._console.live.held(event.seq, TOGETHER)
            batch = [event, *(each for each in held if (each.seq, language) not in self._frames)]
            task = asyncio.create_task(self._render(batch, language))
            self._frames |= {(each.seq, language): task for each in batch}
            while len(self._frames) > KEPT:
                self._frames.popitem(last=False)
        return (await asyncio.shield(task))[event.seq]

    async def _render(self, events: Sequence[EventView], language: str) -> dict[int, bytes]:
        changes = {event.seq: event.change for event in events}
        shown = [event for event in events if not isinstance(changes[event.seq], (CustomerChanged, *_SILENT))]
        rows = await tickets.get_rows(self._console.desk, list({event.ticket_id for event in shown}))
        wanted = [
            change.message_id for change in changes.values() if isinstance(change, _MESSAGES) and change.message_id
        ]
        messages = await tickets.get_messages(self._console.desk, wanted) if wanted else {}
        agents = await self._console.agents()
        line = await self._line(events, rows, language)
        talks = await self._talks(shown, messages)
        told = pane.call_notes(talks.values())
        frames = {}
        for event in events:
            topic, html, data = f"ticket:{event.ticket_id}", "", {}
            what = changes[event.seq]
            if isinstance(what, CustomerChanged):
                topic, html = (
                    "customer",
                    await self._console.customer_parts(language, what.customer_id),
                )
            elif isinstance(what, post_parts.MENTIONS):
                topic, html = "mentions", await post_parts.mention_parts(self._console, language, event)
            elif not isinstance(what, _SILENT) and (row := rows.get(event.ticket_id)):
                message = messages.get(what.message_id) if isinstance(what, _MESSAGES) else None
                if message and message.id in told:
                    message = None
                call = talks.get(what.call_id) if isinstance(what, CallMoved) else None
                change = self._console.line(event, agents, language)
                talk = pane.talk(call, event.at) if call else None
                html = self._console.ticket_parts(language, row, message, change, talk)
                if isinstance(what, post_parts.GROUPED):
                    html += await post_parts.group_part(self._console, language, row.id)
            if isinstance(what, _LINE):
                topic, data = "calls", {"kind": event.kind, **event.data}
            if event is events[-1]:
                html += line
            frames[event.seq] = encode(event.seq, topic, html, data)
        return frames

    async def _line(self, events: Sequence[EventView], rows: Mapping[str, TicketRow], language: str) -> str:
        """Renders the telephone line, if these events may have changed it: calls, presence,
        consent, and customers who would rather phone."""
        changed = any(isinstance(event.change, (CustomerChanged, *_LINE)) for event in events)
        line = telephone(self._console.channels.values())
        phone = line and any(line.name in (row.channel, row.preferred_channel) for row in rows.values())
        await self._console.lookout.look(since=time.monotonic() if changed or phone else 0.0)
        return self._console.render("parts/calls-changed.html", language, viewer=None) if changed or phone else ""

    async def _talks(self, events: Sequence[EventView], messages: Mapping[str, MessageView]) -> dict[str, CallView]:
        """Calls by id that these events are about, and those of which a note tells."""
        about = {event.ticket_id for event in events if isinstance(event.change, CallMoved) and event.ticket_id}
        about |= {note.ticket_id for note in messages.values() if (note.direction, note.channel) == ("note", "phone")}
        return {call.call_id: call for call in await calls.of_tickets(self._console.desk, sorted(about))}


def encode(
    seq: int, topic: str, html: str = "", data: Mapping[str, object] | None = None, *, numbered: bool = True
) -> bytes:
    """Encodes one server-sent event. Only numbered ones move the place from which a browser
    resumes."""
    body = {"seq": seq, "topic": topic, "html": html} | ({"data": data} if data else {})
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return (f"id: {seq}\n" if numbered else "").encode() + f"data: {text}\n\n".encode()


@router.get("/live")
async def live(
    request: Request, who: Annotated[Viewer, Depends(viewer)], after: Annotated[int, Query(ge=0)] = 0
) -> StreamingResponse:
    """Streams everything after `after`, then what comes."""
    headers = HEADERS | {"X-Accel-Buffering": "no"}
    return StreamingResponse(
        _stream(request.app.state.feed, request.app.state.console, who, after),
        media_type="text/event-stream",
        headers=headers,
    )


async def _stream(feed: Feed, console: Console, who: Viewer, after: int) -> AsyncIterator[bytes]:
    yield b": hello\n\n"
    while True:
        try:
            async for frame in _events(feed, console, who, after):
                yield frame
            return
        except Reset as reset:
            after = reset.seq
            yield encode(reset.seq, "reset")
        except Unavailable as error:
            log.warning("live stream ends, the browser will come back", error=str(error))
            return


def _left(moment: float, *, wanted: bool) -> float:
    """Returns the seconds until a moment; where nothing is wanted then, those until we say that we
    are still here."""
    return min(BEAT, max(0.0, moment - time.monotonic())) if wanted else BEAT


class _Bell:
    """Notifications of one agent for one stream: at first, and whenever they have changed."""

    def __init__(self, console: Console, who: Viewer, rung: asyncio.Event) -> None:
        self._console, self._who, self._rung = console, who, rung
        self._last, self._told = 0.0, 0
        self._waiting: asyncio.Task[Any] | None = None

    def left(self) -> float:
        """Returns the seconds until there is something to tell, 0 where it is now."""
        return _left(self._last + BELL_EVERY, wanted=self._rung.is_set())

    def waits(self) -> set[asyncio.Task[Any]]:
        """Returns what to wait for besides the time."""
        if self._rung.is_set():
            return set()
        if self._waiting is None or self._waiting.done():
            self._waiting = asyncio.ensure_future(self._rung.wait())
        return {self._waiting}

    async def frame(self) -> bytes:
        """Returns the newest state. Raises Unavailable."""
        self._rung.clear()
        self._last = time.monotonic()
        fresh = await notifications.fresh(self._console.desk, self._who.agent.id, self._told)
        self._told = max([self._told, *(line.seq for line in fresh.items)])
        data = bell_frame(fresh, gettext(self._who.language), utc_now())
        return encode(0, "bell", data=data, numbered=False)

    def close(self) -> None:
        """Waits no more."""
        if self._waiting:
            self._waiting.cancel()


async def _events(feed: Feed, console: Console, who: Viewer, after: int) -> AsyncIterator[bytes]:
    source = console.live.subscribe(after)
    coming: asyncio.Task[EventView] | None = None
    looks: asyncio.Task[str] | None = None
    counted, stale, checked = 0.0, False, time.monotonic()
    try:
        with (
            console.live.watched() as watched,
            console.live.console(who.agent.email),
            console.live.bell(who.agent.id) as rung,
            closing(_Bell(console, who, rung)) as bell,
        ):
            while True:
                coming = coming or asyncio.ensure_future(anext(source))
                looks = looks or asyncio.ensure_future(watched.get())
                tasks: set[asyncio.Task[Any]] = {coming, looks, *bell.waits()}
                wait = min(_left(counted + COUNTS_EVERY, wanted=stale), bell.left())
                done, _ = await asyncio.wait(tasks, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
                if looks in done:
                    ticket = looks.result()
                    looks = None
                    yield encode(0, "watchers", data=watching.on(console.live, ticket), numbered=False)
                if coming in done:
                    event = coming.result()
                    coming = None
                    if isinstance(event.change, AgentSignedOut) and event.actor == who.agent.email:
                        checked = 0.0
                    else:
                        yield await feed.frame(event, who.language)
                        stale = True
                elif not done and wait == BEAT:
                    yield b": still here\n\n"
                if time.monotonic() >= checked + BEAT:
                    checked = time.monotonic()
                    await _check(console, who)
                if bell.left() <= 0:
                    yield await bell.frame()
                if stale and time.monotonic() >= counted + COUNTS_EVERY:
                    counted, stale = time.monotonic(), False
                    yield encode(0, "counts", data=await lists.counts(console.desk, who.agent.email), numbered=False)
    except (StopAsyncIteration, Rejected):
        return
    finally:
        await _close(source, coming, looks)


async def _check(console: Console, who: Viewer) -> None:
    """Raises Rejected where the viewer is signed out, or may read no more."""
    session = await people.session(console.desk, who.token, prolong=False)
    if session is None:
        raise Rejected(401, "signed-out", "Nobody is signed in here any more.")
    actor_of_session(session, who.ip).require(Permission.READ)


async def _close(
    source: AsyncGenerator[EventView], coming: asyncio.Task[EventView] | None, looks: asyncio.Task[str] | None
) -> None:
    if looks:
        looks.cancel()
    if coming:
        coming.cancel()
        with suppress(asyncio.CancelledError, StopAsyncIteration, Reset):
            await coming
    await source.aclose()
