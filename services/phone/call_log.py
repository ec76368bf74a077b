"""Keeps the event log of each call, and publishes what changed in the same transaction, whatever
the order of webhooks."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import reduce

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from services.phone import repository
from services.phone.domain.call_events import CalledBack, CallEvent
from services.phone.domain.calls import Attempt, Call, apply, fold, outcome
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


class OpenCall:
    """Holds a locked call in the caller's transaction: its row, and the call as folded from its
    events."""

    def __init__(self, log: CallLog, session: AsyncSession, row: CallRow, call: Call) -> None:
        self._log, self._session, self.row, self.call = log, session, row, call

    async def append(self, *events: tuple[str, CallEvent], sid: str = "") -> Call:
        """Appends events, each under a key that is the same when it comes again, and publishes what
        changed.

        `sid`: the provider's CallSid, kept where none is known. Returns the call with these events.
        """
        keys = await repository.add_events(self._session, self.row.id, events) if events else set()
        if keys:
            self.call = reduce(apply, (event for key, event in events if key in keys), self.call)
            await self._publish_changes()
        elif events and sid:
            METRICS.repeated.labels(channel="phone").inc()
        if sid and not self.row.sid:
            self.row = replace(self.row, sid=sid)
            await repository.change_call(self._session, self.row.id, sid=sid)
        elif not keys:
            await self.touch()
        return self.call

    async def touch(self) -> None:
        """Records that the call still goes on."""
        await repository.change_call(self._session, self.row.id)

    async def _publish_changes(self) -> None:
        call, now = self.call, utc_now()
        changes, outcomes = _changes(self.row, call, now)
        published = list(self.row.published)
        for kind in due(call):
            if kind not in published:
                published.append(kind)
                await self._publish(kind, now)
        await self._log.outbox.add_all(self._session, [(CALLS_CHANGED, call.id, change) for change in changes])
        if call.begun and call.begun.about and call.connected_at:
            answered = await self._log.open(self._session, call.begun.about)
            await answered.append(("called-back", CalledBack(call.connected_at)))
        self.row = replace(
            self.row,
            version=self.row.version + len(changes),
            view=encode(changes[-1]) if changes else self.row.view,
            outcomes=outcomes,
            published=tuple(published),
        )
        await repository.change_call(
            self._session,
            call.id,
            state=str(call.state),
            version=self.row.version,
            view=self.row.view,
            outcomes=outcomes,
            told=published,
            waiting_since=call.waiting_since,
            connected_at=call.connected_at,
            over=call.over is not None,
            due_at=self._log.next_timer(call),
        )
        if changes:
            log.info("call changed", call_id=call.id, state=str(call.state), version=changes[-1].version)

    async def _publish(self, kind: Kind, now: datetime) -> None:
        message = compose(self.call, kind, now)
        # What is rolled back comes again, and is counted then.
        event.listen(self._session.sync_session, "after_commit", lambda _: METRICS.took_in("phone", live=message.live))
        recording = self.call.recording
        if kind is Kind.VOICEMAIL and recording:
            file = WantedFile(f"{recording.url}.mp3", "audio/mpeg", f"voicemail-{recording.seconds}s.mp3")
            await repository.want_files(self._session, message, [file])
        else:
            topic = MESSAGES_RECEIVED_LIVE if message.live else MESSAGES_RECEIVED
            await self._log.outbox.add(self._session, topic, message.sender, message)


class CallLog:
    """Opens, reads and appends to calls. `notes_within`: how long an agent may write notes after a
    call."""

    def __init__(self, database: Database, outbox: Outbox, notes_within: timedelta) -> None:
        self.database, self.outbox, self._notes_within = database, outbox, notes_within

    async def open(self, session: AsyncSession, call_id: str) -> OpenCall:
        """Locks a call until the transaction ends; creates it where it is not known. Wake the
        outbox after the commit."""
        await repository.create_call(session, call_id)
        opened = await self.open_known(session, call_id)
        assert opened is not None  # noqa: S101 - just created
        return opened

    async def open_known(self, session: AsyncSession, call_id: str) -> OpenCall | None:
        """Locks a call as `open` does; None where it is not known."""
        row = await repository.lock_call(session, call_id)
        if row is None:
            return None
        return OpenCall(self, session, row, fold(call_id, await repository.events(session, call_id)))

    async def append(self, call_id: str, *events: tuple[str, CallEvent], sid: str = "") -> Call:
        """Appends events in a transaction of its own, as `OpenCall.append` does. Raises
        Unavailable."""
        async with self.database.transaction() as session:
            call = await (await self.open(session, call_id)).append(*events, sid=sid)
        self.outbox.wake()
        return call

    async def touch(self, call_id: str) -> None:
        """Records that the call still goes on."""
        async with self.database.transaction() as session:
            await repository.change_call(session, call_id)

    async def run_timers(self, call_id: str, now: datetime) -> None:
        """Appends what follows from the timers that have run out."""
        async with self.database.transaction() as session:
            opened = await self.open_known(session, call_id)
            if opened is None:
                return
            ended = [(one.key, one.event) for one in timers(opened.call, self._notes_within) if one.due <= now]
            if ended:
                await opened.append(*ended)
            else:
                await repository.change_call(session, call_id, due_at=self.next_timer(opened.call))
        self.outbox.wake()

    def next_timer(self, call: Call) -> datetime | None:
        """Returns when the next timer of a call runs out; None where none runs."""
        return min((timer.due for timer in timers(call, self._notes_within)), default=None)


def _changes(row: CallRow, call: Call, now: datetime) -> tuple[list[CallChanged], dict[str, str]]:
    """Returns what to publish on `calls-changed`: an event for each request with a new outcome, one
    where anything else changed."""
    changes: list[CallChanged] = []
    outcomes = dict(row.outcomes)
    for attempt in sorted(call.attempts.values(), key=lambda one: one.asked_at):
        became = outcome(call, attempt)
        if became and outcomes.get(attempt.id) != became:
            outcomes[attempt.id] = str(became)
            changes.append(_view(call, attempt, row.version + len(changes) + 1, now))
    newest = _view(call, call.newest, row.version + len(changes) + 1, now)
    last = changes[-1] if changes else (decode(CallChanged, row.view) if row.view else None)
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
