"""What is learned of a call is kept, and told on: one transaction with the outbox in it, whatever the order of
webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from services.phone import repository
from services.phone.domain.call_events import CalledBack, CallEvent
from services.phone.domain.calls import Attempt, Call, fold, outcome
from services.phone.domain.messages import Kind, compose, due, opening_id
from services.phone.domain.timers import timers
from services.phone.repository import CallRow, WantedFile
from shared.clock import utc_now
from shared.db import Database
from shared.events import CallChanged
from shared.events.codec import decode, encode
from shared.kernel import stable_id
from shared.logs import log
from shared.metrics import METRICS
from shared.outbox import Outbox
from shared.topics import CALLS_CHANGED, MESSAGES_RECEIVED, MESSAGES_RECEIVED_LIVE


@dataclass(frozen=True, slots=True)
class KnownCall:
    """A call, and the place that the desk has told it."""

    call: Call
    sid: str
    position: int = 0
    expected_wait: int = 0


class CallLog:
    """All calls. `notes_within`: how long an agent may write notes after a call."""

    def __init__(self, database: Database, outbox: Outbox, notes_within: timedelta) -> None:
        self.database, self._outbox, self._notes_within = database, outbox, notes_within

    async def append(self, call_id: str, *events: tuple[str, CallEvent], sid: str = "") -> Call:
        """Keep events, each with a key that is the same when it is heard again. Returns the call with all that is known.

        `sid`: the provider's CallSid. Raises Unavailable.
        """
        async with self.database.transaction() as session:
            call = await self.append_within(session, call_id, events, sid)
        self._outbox.wake()
        return call

    async def append_within(
        self, session: AsyncSession, call_id: str, events: Sequence[tuple[str, CallEvent]], sid: str = ""
    ) -> Call:
        """As `append`, in a transaction of the caller's, who wakes the outbox after it."""
        kept = await repository.lock_call(session, call_id, make=True)
        assert kept is not None  # noqa: S101 - just made
        new = await repository.add_events(session, call_id, events) if events else False
        call = fold(call_id, await repository.events(session, call_id))
        if new:
            await self._publish_changes(session, kept, call)
        elif events and sid:
            METRICS.repeated.labels(channel="phone").inc()
        named = {"sid": sid} if sid and not kept.sid else {}
        await repository.change_call(session, call_id, **named)
        return call

    async def find(self, call_id: str) -> KnownCall | None:
        """What is known of a call."""
        async with self.database.transaction() as session:
            kept = await repository.call_row(session, call_id)
            if kept is None:
                return None
            call = fold(call_id, await repository.events(session, call_id))
        return KnownCall(call, kept.sid, kept.position, kept.expected_wait)

    async def appended_at(self, call_id: str, keys: Sequence[str]) -> datetime | None:
        """When all of these events were known; None where one of them is new."""
        async with self.database.transaction() as session:
            return await repository.appended_at(session, call_id, keys)

    async def touch(self, call_id: str) -> None:
        """The call still goes on."""
        async with self.database.transaction() as session:
            await repository.change_call(session, call_id)

    async def run_timers(self, call_id: str, now: datetime) -> None:
        """Conclude what is due."""
        async with self.database.transaction() as session:
            if await repository.lock_call(session, call_id, make=False) is None:
                return
            call = fold(call_id, await repository.events(session, call_id))
            ended = [(timer.key, timer.event) for timer in timers(call, self._notes_within) if timer.due <= now]
            if ended:
                await self.append_within(session, call_id, ended)
            else:
                await repository.change_call(session, call_id, due_at=self._next(call))
        self._outbox.wake()

    def wake(self) -> None:
        """Something was committed that is to be published."""
        self._outbox.wake()

    def _next(self, call: Call) -> datetime | None:
        return min((timer.due for timer in timers(call, self._notes_within)), default=None)

    async def _publish_changes(self, session: AsyncSession, kept: CallRow, call: Call) -> None:
        now = utc_now()
        changes, outcomes = _changes(kept, call, now)
        told = list(kept.told)
        for kind in due(call):
            if kind not in told:
                told.append(kind)
                await self._publish(session, call, kind, now)
        await self._outbox.add_all(session, [(CALLS_CHANGED, call.id, change) for change in changes])
        if call.begun and call.begun.about and call.connected_at:
            await self.append_within(session, call.begun.about, [("called-back", CalledBack(call.connected_at))])
        await repository.change_call(
            session,
            call.id,
            state=str(call.state),
            version=kept.version + len(changes),
            view=encode(changes[-1]) if changes else kept.view,
            outcomes=outcomes,
            told=told,
            waiting_since=call.waiting_since,
            connected_at=call.connected_at,
            over=call.over is not None,
            due_at=self._next(call),
        )
        if changes:
            log.info("call changed", call_id=call.id, state=str(call.state), version=changes[-1].version)

    async def _publish(self, session: AsyncSession, call: Call, kind: Kind, now: datetime) -> None:
        message = compose(call, kind, now)
        # What is rolled back comes again, and is counted then.
        event.listen(session.sync_session, "after_commit", lambda _: METRICS.took_in("phone", live=message.live))
        if kind is Kind.VOICEMAIL and call.recording:
            name = f"voicemail-{call.recording.seconds}s.mp3"
            await repository.want_files(session, message, [WantedFile(f"{call.recording.url}.mp3", "audio/mpeg", name)])
        else:
            topic = MESSAGES_RECEIVED_LIVE if message.live else MESSAGES_RECEIVED
            await self._outbox.add(session, topic, message.sender, message)


def _changes(kept: CallRow, call: Call, now: datetime) -> tuple[list[CallChanged], dict[str, str]]:
    """What is to be told on `calls-changed`: one event for each request whose outcome is new, and one where anything
    else is."""
    changes: list[CallChanged] = []
    outcomes = dict(kept.outcomes)
    for attempt in sorted(call.attempts.values(), key=lambda one: one.asked_at):
        became = outcome(call, attempt)
        if became and outcomes.get(attempt.id) != became:
            outcomes[attempt.id] = str(became)
            changes.append(_view(call, attempt, kept.version + len(changes) + 1, now))
    newest = _view(call, call.newest, kept.version + len(changes) + 1, now)
    last = changes[-1] if changes else (decode(CallChanged, kept.view) if kept.view else None)
    if last is None or _content(last) != _content(newest):
        changes.append(newest)
    return changes, outcomes


def _view(call: Call, attempt: Attempt | None, version: int, now: datetime) -> CallChanged:
    begun = call.begun
    return CallChanged(
        id=stable_id("call", call.id, str(version)),
        call_id=call.id,
        version=version,
        state=call.state,
        at=now,
        direction="out" if call.outgoing else "in",
        customer=begun.customer if begun else None,
        recipient=begun.ours if begun else "",
        language=call.language,
        ticket_id=begun.ticket_id if begun else "",
        message_id=opening_id(call) if call.waiting_since else "",
        waiting_since=call.waiting_since,
        connected_at=call.connected_at,
        ended_at=call.over.at if call.over else None,
        agent=attempt.agent if attempt else "",
        request_id=attempt.id if attempt else "",
        outcome=outcome(call, attempt) if attempt else None,
        detail=attempt.detail if attempt else "",
    )


def _content(change: CallChanged) -> tuple[object, ...]:
    names = (name for name in CallChanged.__struct_fields__ if name not in ("id", "version", "at"))
    return tuple(getattr(change, name) for name in names)
