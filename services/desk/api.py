"""The desk's REST API, version 1, and the stream of its events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from services.desk.accounts.api import router as people
from services.desk.assignment.api import router as assignment
from services.desk.autoreplies.api import router as autoreplies
from services.desk.calls.api import router as calls
from services.desk.dead_letters.api import router as letters
from services.desk.files.api import router as files
from services.desk.live import Live, Reset
from services.desk.mentions.api import router as mentions
from services.desk.notifications.api import router as notifications
from services.desk.policy.api import router as policy
from services.desk.profiles.api import router as customers
from services.desk.reports.api import router as reports
from services.desk.search.api import router as search
from services.desk.security import Reader
from services.desk.service_levels.api import router as levels
from services.desk.steering.api import router as steering
from services.desk.tickets.api import router as tickets
from services.desk.tickets.group_api import router as groups
from services.desk.timeline import EventView
from shared.errors import Unavailable

HEARTBEAT = 15.0
"""Seconds. Proxies close a stream that is silent for 30 to 60."""
live = APIRouter(tags=["live"])


def router() -> APIRouter:
    """Builds the router of everything under /api/v1."""
    whole = APIRouter(prefix="/api/v1")
    parts = (
        search, tickets, assignment, groups, mentions, customers, calls, letters, people, autoreplies, levels, policy,
        files, notifications, reports, steering, live,
    )  # fmt: skip
    for part in parts:
        whole.include_router(part)
    return whole


@live.get("/live", summary="What happens, as it happens", response_class=StreamingResponse)
async def follow(
    request: Request,
    _: Reader,
    after: Annotated[int | None, Query(ge=0, description="The last `seq` that you saw; left out: from now on")] = None,
) -> StreamingResponse:
    """Streams server-sent events: `id` is the sequence number, `data` an event as in a ticket's
    timeline. None is left out. An event named `reset` means that `after` cannot be replayed:
    read what you show again, then continue after its id."""
    feed: Live = request.app.state.live
    start = feed.newest if after is None else after
    return StreamingResponse(stream(feed, start), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


async def stream(feed: Live, after: int) -> AsyncIterator[bytes]:
    """Frames of the stream; ends when the desk stops or PostgreSQL is away, and the caller comes
    back with its last number."""
    yield b": hello\n\n"
    events = feed.subscribe(after)
    coming: asyncio.Future[EventView] = asyncio.ensure_future(anext(events))
    try:
        while True:
            done, _ = await asyncio.wait({coming}, timeout=HEARTBEAT)
            if not done:
                yield b": still here\n\n"
                continue
            event = coming.result()
            yield b"id: %d\ndata: %s\n\n" % (event.seq, msgspec.json.encode(event))
            coming = asyncio.ensure_future(anext(events))
    except Reset as reset:
        yield b"event: reset\nid: %d\ndata: {}\n\n" % reset.seq
    except (StopAsyncIteration, Unavailable):
        return
    finally:
        coming.cancel()
        with suppress(asyncio.CancelledError, StopAsyncIteration, Reset, Unavailable):
            await coming
        await events.aclose()
