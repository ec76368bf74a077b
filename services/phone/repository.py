"""Stores calls, callers, consents and texts that came in, in transactions of the caller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.phone.domain.call_events import KINDS, CallEvent
from services.phone.models import CALLERS, CALLS, CONSENTS, DELIVERIES, EVENTS, FETCHES, TEXTS
from shared.events import CallState, InboundMessage
from shared.events.codec import encode
from shared.kernel import ContactPoint

_WAITING = (CallState.QUEUED, CallState.OFFERED)


@dataclass(frozen=True, slots=True)
class CallRow:
    """The row of a call, beside its events."""

    id: str
    sid: str
    version: int
    view: bytes
    outcomes: dict[str, str]
    published: tuple[str, ...]
    """Kinds of messages that were published."""
    position: int
    expected_wait: int


@dataclass(frozen=True, slots=True)
class WantedFile:
    """A file that is at the provider."""

    url: str
    media_type: str
    name: str


async def create_call(session: AsyncSession, call_id: str) -> None:
    """Adds a call's row where there is none."""
    await session.execute(insert(CALLS).values(id=call_id).on_conflict_do_nothing())


async def lock_call(session: AsyncSession, call_id: str) -> CallRow | None:
    """Locks a call's row until the transaction ends; None where there is none."""
    row = (await session.execute(select(CALLS).where(CALLS.c.id == call_id).with_for_update())).first()
    if row is None:
        return None
    return CallRow(
        row.id, row.sid, row.version, row.view, row.outcomes, tuple(row.told), row.position, row.expected_wait
    )


async def add_events(session: AsyncSession, call_id: str, events: Sequence[tuple[str, CallEvent]]) -> set[str]:
    """Appends events. Returns the keys of those that are new."""
    rows = [
        {"call_id": call_id, "key": key, "kind": type(event).__name__, "event": msgspec.json.encode(event)}
        for key, event in events
    ]
    added = insert(EVENTS).values(rows).on_conflict_do_nothing().returning(EVENTS.c.key)
    return set(await session.scalars(added))


async def events(session: AsyncSession, call_id: str) -> list[CallEvent]:
    """Loads all events of a call."""
    rows = await session.execute(select(EVENTS.c.kind, EVENTS.c.event).where(EVENTS.c.call_id == call_id))
    return [msgspec.json.decode(row.event, type=KINDS[row.kind]) for row in rows]


async def appended_at(session: AsyncSession, call_id: str, keys: Sequence[str]) -> datetime | None:
    """Returns when the last of these events was appended; None where one of them is new."""
    kept = select(EVENTS.c.heard_at).where(EVENTS.c.call_id == call_id, EVENTS.c.key.in_(keys))
    found = (await session.scalars(kept)).all()
    return max(found, default=None) if len(found) == len(keys) else None


async def change_call(session: AsyncSession, call_id: str, **values: Any) -> None:
    """Updates these columns of a call, and when it was last heard of."""
    await session.execute(update(CALLS).where(CALLS.c.id == call_id).values(**values, heard_at=func.now()))


async def ahead(session: AsyncSession, since: datetime) -> int:
    """Returns the number of callers who have waited longer."""
    longer = select(func.count()).where(CALLS.c.state.in_(_WAITING), CALLS.c.waiting_since < since)
    return int((await session.execute(longer)).scalar_one())


async def taken(session: AsyncSession, limit: int = 10) -> list[datetime]:
    """Lists when the last calls of the last two hours were connected."""
    recent = (
        select(CALLS.c.connected_at)
        .where(CALLS.c.connected_at > func.now() - timedelta(hours=2))
        .order_by(CALLS.c.connected_at.desc())
        .limit(limit)
    )
    return list((await session.scalars(recent)).all())


async def due_calls(session: AsyncSession, limit: int) -> list[str]:
    """Lists calls of which a timer has run out."""
    due = select(CALLS.c.id).where(CALLS.c.due_at <= func.now()).order_by(CALLS.c.due_at).limit(limit)
    return list((await session.scalars(due)).all())


async def next_timer(session: AsyncSession) -> datetime | None:
    """Returns when the next timer of any call runs out; None where none runs."""
    found: datetime | None = await session.scalar(select(func.min(CALLS.c.due_at)))
    return found


async def silent_calls(session: AsyncSession, silent: timedelta, limit: int) -> list[tuple[str, str]]:
    """Lists calls (id, provider's CallSid) that are not over but were not heard of for so long."""
    quiet = (
        select(CALLS.c.id, CALLS.c.sid)
        .where(~CALLS.c.over, CALLS.c.heard_at < func.now() - silent)
        .order_by(CALLS.c.heard_at)
        .limit(limit)
    )
    return [(row.id, row.sid) for row in await session.execute(quiet)]


async def language_of(session: AsyncSession, point: ContactPoint) -> str:
    """Returns the language that a caller chose at an earlier call; empty where they never did."""
    return (await session.scalar(select(CALLERS.c.language).where(CALLERS.c.point == point))) or ""


async def remember_language(session: AsyncSession, point: ContactPoint, language: str) -> None:
    """Stores the language in which to greet a caller from now on."""
    row = insert(CALLERS).values(point=point, language=language)
    await session.execute(
        row.on_conflict_do_update(index_elements=["point"], set_={"language": language, "changed_at": func.now()})
    )


async def take_text(session: AsyncSession, sid: str, at: datetime) -> datetime | None:
    """Records that a text came in. Returns when it had come before; None for a new one."""
    row = insert(TEXTS).values(sid=sid, received_at=at).on_conflict_do_nothing().returning(TEXTS.c.sid)
    if (await session.execute(row)).first():
        return None
    return (await session.scalar(select(TEXTS.c.received_at).where(TEXTS.c.sid == sid))) or at


async def set_consent(session: AsyncSession, point: ContactPoint, stopped: bool, sid: str, at: datetime) -> None:
    """Stores whether a customer opted out; of several messages the newest counts."""
    row = insert(CONSENTS).values(point=point, stopped=stopped, sid=sid, changed_at=at)
    newer = {"stopped": row.excluded.stopped, "sid": row.excluded.sid, "changed_at": row.excluded.changed_at}
    await session.execute(
        row.on_conflict_do_update(
            index_elements=["point"], set_=newer, where=CONSENTS.c.changed_at <= row.excluded.changed_at
        )
    )


async def has_stopped(session: AsyncSession, point: ContactPoint) -> bool:
    """Tells whether a contact point has opted out of texts."""
    return bool(await session.scalar(select(CONSENTS.c.stopped).where(CONSENTS.c.point == point)))


async def heard(session: AsyncSession, outbound_id: str, status: str, at: datetime) -> tuple[bool, datetime | None]:
    """Records that the provider told this status of a text. Returns whether the text is one of
    ours, and when the same status came first; None where that is now."""
    row = select(DELIVERIES.c.heard).where(DELIVERIES.c.outbound_id == outbound_id).with_for_update()
    known: dict[str, str] | None = await session.scalar(row)
    if known is None:
        return False, None
    if status in known:
        return True, datetime.fromisoformat(known[status])
    values = {"heard": {**known, status: at.isoformat()}}
    await session.execute(update(DELIVERIES).where(DELIVERIES.c.outbound_id == outbound_id).values(values))
    return True, None


async def want_files(session: AsyncSession, message: InboundMessage, files: Sequence[WantedFile]) -> None:
    """Queues files to be fetched, and their message to be published with them."""
    row = {"id": message.id, "message": encode(message), "files": msgspec.to_builtins(files)}
    await session.execute(insert(FETCHES).values(row).on_conflict_do_nothing())


@dataclass(frozen=True, slots=True)
class Fetch:
    """A message that waits for its files."""

    id: str
    message: bytes
    files: tuple[WantedFile, ...]
    attempts: int
    created_at: datetime


async def claim_fetch(session: AsyncSession, lease: timedelta) -> Fetch | None:
    """Claims a message whose files are due, until the lease ends; None where none is due."""
    due = (
        select(FETCHES.c.id)
        .where(FETCHES.c.due_at <= func.now())
        .order_by(FETCHES.c.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    claimed = (
        update(FETCHES)
        .where(FETCHES.c.id == due.scalar_subquery())
        .values(due_at=func.now() + lease, attempts=FETCHES.c.attempts + 1)
        .returning(FETCHES)
    )
    row = (await session.execute(claimed)).first()
    if row is None:
        return None
    files = msgspec.convert(row.files, tuple[WantedFile, ...])
    return Fetch(row.id, row.message, files, row.attempts, row.created_at)


async def fetches(session: AsyncSession) -> bool:
    """Whether files of any message are still to be fetched."""
    return bool(await session.scalar(select(FETCHES.select().exists())))


async def reschedule_fetch(session: AsyncSession, fetch_id: str, due_at: datetime) -> None:
    """Reschedules the fetching of a message's files."""
    await session.execute(update(FETCHES).where(FETCHES.c.id == fetch_id).values(due_at=due_at))


async def end_fetch(session: AsyncSession, fetch_id: str) -> bool | None:
    """Ends the fetching of a message's files. Returns whether the message was published before
    them; None where another process was faster."""
    ended = FETCHES.delete().where(FETCHES.c.id == fetch_id).returning(FETCHES.c.told)
    return (await session.execute(ended)).scalar()


async def go_ahead(session: AsyncSession, older_than: timedelta) -> list[bytes]:
    """Claims messages that have waited so long for their files: each once, to be published now."""
    waiting = (
        select(FETCHES.c.id)
        .where(~FETCHES.c.told, FETCHES.c.created_at < func.now() - older_than)
        .order_by(FETCHES.c.created_at)
        .limit(100)
        .with_for_update(skip_locked=True)
    )
    sent = update(FETCHES).where(FETCHES.c.id.in_(waiting)).values(told=True).returning(FETCHES.c.message)
    return list(await session.scalars(sent))


async def set_place(session: AsyncSession, call_id: str, position: int, expected_wait: int, placed_by: int) -> None:
    """Stores what a caller is told of their place, unless a newer request has. `expected_wait`:
    seconds; `placed_by`: the request's own `place`."""
    row = update(CALLS).where(CALLS.c.id == call_id, CALLS.c.placed_by < placed_by)
    await session.execute(row.values(position=position, expected_wait=expected_wait, placed_by=placed_by))
