"""What the dashboard does: receive a message, let its customer read, deliver an answer.

A message that came in is stored with its event before Kafka is asked, and the event is published as it was stored,
by the request, by the customer's retry or by `sweep`, whichever comes first. Its id is made from conversation and
idempotency key, so that all of them make one message.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from weakref import WeakValueDictionary

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from services.dashboard import repository, sessions
from services.dashboard.channel import CHANNEL
from services.dashboard.context import Dashboard
from services.dashboard.domain.drafts import Draft, clean, inbound
from services.dashboard.domain.sites import Speaker
from services.dashboard.repository import Message, Turn
from shared.bus import Record
from shared.bus.api import Encoded
from shared.clock import utc_now
from shared.errors import Rejected, Unavailable
from shared.events import Attachment, DeliveryReport, DeliveryState, InboundMessage, OutboundMessage
from shared.events.codec import decode, encode
from shared.kernel import ContactPoint, stable_id
from shared.language import detect
from shared.logs import log
from shared.metrics import METRICS
from shared.topics import DELIVERIES_REPORTED, MESSAGES_RECEIVED, MESSAGES_RECEIVED_LIVE
from shared.waiting import wait

PATIENCE = 10.0
"""Seconds that a message waits for the one before it in the same conversation; as long as Kafka's own time-out."""
PAGE = 200
"""Messages of a conversation in one answer."""
_turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a customer's client gets for its message; the same for each repetition."""

    id: str
    conversation: str
    seq: int
    received_at: datetime


async def receive(
    dashboard: Dashboard,
    speaker: Speaker,
    draft: Draft,
    key: str,
    *,
    live: bool,
    attachments: tuple[Attachment, ...] = (),
) -> Receipt:
    """Returns once Kafka has acknowledged the message. Raises Rejected 409 for a key that was used for another one.

    Raises Rejected 401 for a visitor who has signed in since: the same key may be sent again in the new session.
    Raises Unavailable where Kafka or PostgreSQL is away: the same key may be sent again, and what is stored by then
    is published in any case.
    """
    async with _turn(speaker.author.point):
        row = await _store(dashboard, speaker, draft, key, live=live, attachments=attachments)
        if row.fingerprint != draft.fingerprint(attachments):
            raise Rejected(
                409,
                "idempotency-key-reused",
                "this Idempotency-Key was used for another message: take a new one for each message",
            )
        if row.event is not None and row.id not in dashboard.acknowledged:
            await dashboard.bus.publish_encoded([_encoded(row, speaker.author.point)])
            dashboard.acknowledged[row.id] = False
            METRICS.took_in(CHANNEL.name, live=live)
        else:
            METRICS.repeated.labels(channel=CHANNEL.name).inc()
    return Receipt(row.id, row.conversation, row.seq, row.at)


async def state(dashboard: Dashboard, speaker: Speaker) -> Turn | None:
    """The speaker's conversation with its last sequence number; None before the first message."""
    async with dashboard.database.transaction() as session:
        return await repository.conversation_of(session, speaker.author.point)


async def conversation(dashboard: Dashboard, speaker: Speaker, after: int, limit: int = PAGE) -> Sequence[Message]:
    """The speaker's own messages and answers after a sequence number, oldest first. Does not say that they arrived.

    Raises Rejected 401 for a visitor who has signed in since.
    """
    async with dashboard.database.transaction() as session:
        own = await repository.conversation_of(session, speaker.author.point)
        if own is None:
            await sessions.check(session, speaker)
            return []
        return await repository.messages_after(session, own.conversation, after, limit)


async def newest(dashboard: Dashboard, speaker: Speaker) -> Sequence[Message]:
    """The end of the conversation, oldest first: what a page shows."""
    known = await state(dashboard, speaker)
    return await conversation(dashboard, speaker, max(0, known.seq - PAGE)) if known else []


async def file(dashboard: Dashboard, speaker: Speaker, message_id: str, place: int) -> Attachment:
    """An attachment of the speaker's own conversation. Raises Rejected 404."""
    async with dashboard.database.transaction() as session:
        row = await repository.message(session, speaker.author.point, message_id)
    if row is None or not 0 <= place < len(row.attachments):
        raise Rejected(404, "file-not-found", "your conversation has no such file")
    return msgspec.convert(row.attachments[place], Attachment)


async def seen(dashboard: Dashboard, speaker: Speaker, up_to: int) -> None:
    """The customer's client has everything up to this sequence number: report what was not reported."""
    now = utc_now()
    async with dashboard.database.transaction() as session:
        own = await repository.conversation_of(session, speaker.author.point)
        if own is None:
            return
        rows = await repository.mark_delivered(session, own.conversation, up_to, now)
        for row in rows:
            report = _report(row.id, row.ticket_id, DeliveryState.DELIVERED, now)
            await dashboard.outbox.add(session, DELIVERIES_REPORTED, row.ticket_id, report)
    dashboard.outbox.wake()
    METRICS.delivered.labels(channel=CHANNEL.name, state="delivered").inc(len(rows))


async def deliver(dashboard: Dashboard, records: Sequence[Record[OutboundMessage]]) -> None:
    """Put answers into their conversations, and report it in the same transaction: both happen, or neither, and once."""
    async with dashboard.database.transaction() as session:
        await repository.lock_conversations(session, {record.event.conversation for record in records})
        done = [await _deliver_one(dashboard, session, record.event) for record in records]
    dashboard.outbox.wake()
    for owner, state in filter(None, done):
        METRICS.delivered.labels(channel=CHANNEL.name, state=state).inc()
        if owner:
            dashboard.hub.tell(owner)


async def sweep(dashboard: Dashboard, stop: asyncio.Event) -> None:
    """Publish what a crash or an absent Kafka left behind, and note what Kafka has, until `stop`."""
    rounds = 0
    while not stop.is_set():
        try:
            await note_acknowledged(dashboard)
            if rounds % 5 == 0:
                await publish_left_behind(dashboard)
            if rounds % 3600 == 0:
                async with dashboard.database.transaction() as session:
                    await repository.forget_expired(session, utc_now())
        except Unavailable as error:
            log.warning("messages wait to be published", error=str(error))
        rounds += 1
        await wait(stop, 0.2)
    await note_acknowledged(dashboard)


async def note_acknowledged(dashboard: Dashboard) -> None:
    """Apart from the requests, many at once: where it is lost the event is published again, and dropped as known."""
    known = dict(dashboard.acknowledged)
    ids = [message_id for message_id, noted in known.items() if not noted]
    if ids:
        async with dashboard.database.transaction() as session:
            await repository.mark_published(session, ids)
        dashboard.acknowledged.update(dict.fromkeys(ids, True))
    for message_id in known.keys() - set(ids):  # a round later: a repetition may have read its row just before
        del dashboard.acknowledged[message_id]


async def publish_left_behind(dashboard: Dashboard) -> int:
    """Returns how many."""
    before = utc_now() - timedelta(seconds=dashboard.settings.sweep_after)
    async with dashboard.database.transaction() as session:
        rows = [
            row for row in await repository.unpublished(session, before, 100) if row.id not in dashboard.acknowledged
        ]
        if rows:
            await dashboard.bus.publish_encoded(
                [_encoded(row, decode(InboundMessage, row.event).sender) for row in rows]
            )
            await repository.mark_published(session, [row.id for row in rows])
            log.info("published messages that were left behind", count=len(rows))
            METRICS.took_in(CHANNEL.name, count=len(rows))
    return len(rows)


@asynccontextmanager
async def _turn(owner: str) -> AsyncIterator[None]:
    """One message of a person at a time, so that they reach Kafka in the order of their sequence numbers."""
    lock = _turns.setdefault(owner, asyncio.Lock())
    try:
        async with asyncio.timeout(PATIENCE):
            await lock.acquire()
    except TimeoutError as error:
        raise Unavailable("an earlier message of this conversation still waits for Kafka") from error
    try:
        yield
    finally:
        lock.release()


class _Known(Exception):
    """Rolls back the turn that a repeated message or answer took."""


async def _store(
    dashboard: Dashboard, speaker: Speaker, draft: Draft, key: str, *, live: bool, attachments: tuple[Attachment, ...]
) -> Message:
    now, owner = utc_now(), speaker.author.point
    try:
        async with dashboard.database.transaction() as session:
            await sessions.check(session, speaker, hold=True)
            turn = await repository.take_turn(session, speaker.site.id, owner, str(uuid4()), now)
            merged = tuple(ContactPoint(point) for point in turn.also)
            event = inbound(
                draft,
                replace(speaker.author, also=speaker.author.also + merged),
                site=speaker.site.id,
                conversation=turn.conversation,
                key=key,
                now=now,
                language=detect(draft.text, dashboard.languages),
                live=live,
                attachments=attachments,
            )
            row = await repository.add_message(session, _values(event, turn, key, draft.fingerprint(attachments)))
            if row is None:
                raise _Known
    except _Known:
        async with dashboard.database.transaction() as session:
            known = await repository.message_under(session, owner, key)
        if known is None:  # it was merged away between the two statements
            raise Unavailable("the conversation has just changed hands") from None
        return known
    dashboard.hub.tell(owner)
    return row


def _values(event: InboundMessage, turn: Turn, key: str, fingerprint: str) -> dict[str, Any]:
    return {
        "id": event.id,
        "conversation": turn.conversation,
        "seq": turn.seq,
        "incoming": True,
        "at": event.received_at,
        "author": event.sender_name,
        "verified": event.sender_verified,
        "subject": event.subject,
        "text": event.text,
        "attachments": msgspec.to_builtins(event.attachments),
        "idempotency_key": key,
        "fingerprint": fingerprint,
        "topic": (MESSAGES_RECEIVED_LIVE if event.live else MESSAGES_RECEIVED).name,
        "event": encode(event),
    }


def _answer_values(answer: OutboundMessage, turn: Turn, now: datetime) -> dict[str, Any]:
    return {
        "id": answer.id,
        "conversation": turn.conversation,
        "seq": turn.seq,
        "incoming": False,
        "at": now,
        "author": clean(answer.author_name),
        "subject": clean(answer.subject),
        "text": clean(answer.text),
        "attachments": msgspec.to_builtins(answer.attachments),
        "ticket_id": answer.ticket_id,
    }


async def _deliver_one(
    dashboard: Dashboard, session: AsyncSession, answer: OutboundMessage
) -> tuple[str, DeliveryState] | None:
    """The conversation's owner, or an empty string, and what is reported. None where the answer was there already."""
    now = utc_now()
    try:
        async with session.begin_nested():
            turn = await repository.take_answers_turn(session, answer.conversation, answer.to)
            if turn and await repository.add_message(session, _answer_values(answer, turn, now)) is None:
                raise _Known
    except _Known:
        return None
    if turn:
        owner, state, detail = turn.owner, DeliveryState.SENT, ""
    else:
        owner, state, detail = "", DeliveryState.FAILED, "No conversation of this customer is known here."
    report = _report(answer.id, answer.ticket_id, state, now, detail)
    await dashboard.outbox.add(session, DELIVERIES_REPORTED, answer.ticket_id, report)
    return owner, state


def _report(outbound_id: str, ticket_id: str, state: DeliveryState, now: datetime, detail: str = "") -> DeliveryReport:
    return DeliveryReport(
        id=stable_id("delivery", outbound_id, state),
        outbound_id=outbound_id,
        ticket_id=ticket_id,
        channel=CHANNEL.name,
        state=state,
        at=now,
        provider_id=outbound_id,
        detail=detail,
    )


def _encoded(row: Message, sender: str) -> Encoded:
    return Encoded(row.topic, sender, row.event, InboundMessage.__name__, row.id)
