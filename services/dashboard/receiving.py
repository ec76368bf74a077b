"""Receives messages: each is stored with its event, and accepted once Kafka has acknowledged it.

The event is published as it was stored, by the request, by the client's retry or by `sweep`,
whichever comes first. Its id is derived from conversation and idempotency key, so that all of them
publish the same message.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from math import inf
from typing import Any
from uuid import uuid4
from weakref import WeakValueDictionary

import msgspec

from services.dashboard import repository, sessions
from services.dashboard.channel import CHANNEL
from services.dashboard.context import Dashboard
from services.dashboard.domain.drafts import Draft, inbound
from services.dashboard.domain.sites import Speaker
from services.dashboard.repository import Message, Turn
from shared.bus.api import Encoded
from shared.clock import utc_now
from shared.errors import Rejected, Unavailable
from shared.events import Attachment, InboundMessage
from shared.events.codec import decode, encode
from shared.kernel import ContactPoint
from shared.language import detect
from shared.logs import log
from shared.metrics import METRICS
from shared.topics import MESSAGES_RECEIVED, MESSAGES_RECEIVED_LIVE
from shared.waiting import wait

QUEUE_TIMEOUT = 10.0
"""Seconds that a message waits for the one before it in the same conversation; as long as Kafka's
own time-out."""
_SOON, _REST = 0.2, 1.0
"""Seconds between two rounds of writing down what Kafka has: while there is anything, and
otherwise."""
_LOOK, _FORGET = 5.0, 720.0
"""Seconds between two looks for what was left behind, and for what has expired."""
_locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a customer's client gets for its message; the same for each retry."""

    id: str
    conversation: str
    seq: int
    received_at: datetime


@dataclass(frozen=True, slots=True)
class _Stored:
    """What a receipt and an event need of a row."""

    id: str
    conversation: str
    seq: int
    at: datetime
    fingerprint: str
    topic: str
    event: bytes | None


async def receive(
    dashboard: Dashboard,
    speaker: Speaker,
    draft: Draft,
    key: str,
    *,
    live: bool,
    attachments: tuple[Attachment, ...] = (),
) -> Receipt:
    """Stores and publishes a message; returns once Kafka has acknowledged it. Idempotent by `key`.

    Raises Rejected 409 for a key that was used for another message, and 401 for a visitor who has
    signed in since: the same key may be sent again in the new session. Raises Unavailable while
    Kafka or PostgreSQL is: the same key may be retried, and what is stored by then is published in
    any case.
    """
    async with _serialised(speaker.author.point):
        row = await _store(dashboard, speaker, draft, key, live=live, attachments=attachments)
        if row.fingerprint != draft.fingerprint(attachments):
            raise Rejected(
                409,
                "idempotency-key-reused",
                "this Idempotency-Key was used for another message: take a new one for each message",
            )
        if row.event is not None and row.id not in dashboard.acknowledged:
            await dashboard.bus.publish_encoded([_encoded(row, row.event, speaker.author.point)])
            dashboard.acknowledged[row.id] = False
            METRICS.took_in(CHANNEL.name, live=live)
        else:
            METRICS.repeated.labels(channel=CHANNEL.name).inc()
    return Receipt(row.id, row.conversation, row.seq, row.at)


async def sweep(dashboard: Dashboard, stop: asyncio.Event) -> None:
    """Publishes what a crash or an outage of Kafka left behind, and records what Kafka has, until
    `stop`."""
    looked = forgot = -inf
    while not stop.is_set():
        now = time.monotonic()
        try:
            await record_acknowledged(dashboard)
            if now - looked >= min(_LOOK, dashboard.settings.sweep_after):
                await publish_left_behind(dashboard)
                looked = now
            if now - forgot >= _FORGET:
                async with dashboard.database.transaction() as session:
                    await repository.forget_expired(session, utc_now())
                forgot = now
        except Unavailable as error:
            log.warning("messages could not be published yet", error=str(error))
        await wait(stop, _SOON if dashboard.acknowledged else _REST)
    await record_acknowledged(dashboard)


async def record_acknowledged(dashboard: Dashboard) -> None:
    """Marks rows as published, many at once and apart from the requests.

    Where a mark is lost the event is published again, and dropped by its id.
    """
    known = dict(dashboard.acknowledged)
    ids = [message_id for message_id, recorded in known.items() if not recorded]
    if ids:
        async with dashboard.database.transaction() as session:
            await repository.mark_published(session, ids)
        dashboard.acknowledged.update(dict.fromkeys(ids, True))
    for message_id in known.keys() - set(ids):  # a round later: a retry may have read its row just before
        del dashboard.acknowledged[message_id]


async def publish_left_behind(dashboard: Dashboard) -> int:
    """Publishes messages that nobody acknowledged within `sweep_after`. Returns how many."""
    before = utc_now() - timedelta(seconds=dashboard.settings.sweep_after)
    async with dashboard.database.transaction() as session:
        rows = [
            row for row in await repository.unpublished(session, before, 100) if row.id not in dashboard.acknowledged
        ]
        if rows:
            await dashboard.bus.publish_encoded(
                [_encoded(row, row.event, decode(InboundMessage, row.event).sender) for row in rows]
            )
            await repository.mark_published(session, [row.id for row in rows])
            log.info("published messages that were left behind", count=len(rows))
            METRICS.took_in(CHANNEL.name, count=len(rows))
    return len(rows)


@asynccontextmanager
async def _serialised(owner: str) -> AsyncIterator[None]:
    """Holds one lock per person, so that their messages reach Kafka in the order of their sequence
    numbers."""
    lock = _locks.setdefault(owner, asyncio.Lock())
    try:
        async with asyncio.timeout(QUEUE_TIMEOUT):
            await lock.acquire()
    except TimeoutError as error:
        raise Unavailable("an earlier message of this conversation still waits for Kafka") from error
    try:
        yield
    finally:
        lock.release()


async def _store(
    dashboard: Dashboard, speaker: Speaker, draft: Draft, key: str, *, live: bool, attachments: tuple[Attachment, ...]
) -> _Stored:
    now, owner = utc_now(), speaker.author.point
    try:
        async with dashboard.database.transaction() as session:
            visitor = sessions.visitor_of(speaker)
            turn = await repository.take_turn(session, speaker.site.id, owner, visitor, str(uuid4()), now)
            if turn is None:  # what they would write nobody would read
                raise sessions.signed_in_since()
            merged = tuple(ContactPoint(point) for point in turn.also)
            event = inbound(
                draft,
                replace(speaker.author, also=speaker.author.also + merged),
                site=speaker.site.id,
                conversation=turn.conversation,
                key=key,
                now=now,
                language=detect(draft.text, dashboard.languages, (speaker.author.locale,)),
                live=live,
                attachments=attachments,
            )
            values = _values(event, turn, key, draft.fingerprint(attachments))
            await repository.add_message(session, values)
    except repository.Repeated:
        async with dashboard.database.transaction() as session:
            known = await repository.message_under(session, owner, key)
        if known is None:  # it was merged away between the two statements
            raise Unavailable("the conversation has just been merged into another") from None
        return _stored(known)
    dashboard.hub.notify(owner)
    return _stored(values)


def _stored(values: Mapping[Any, Any]) -> _Stored:
    return _Stored(*(values[field.name] for field in fields(_Stored)))


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
        "attachments": msgspec.json.encode(event.attachments).decode(),
        "idempotency_key": key,
        "fingerprint": fingerprint,
        "topic": (MESSAGES_RECEIVED_LIVE if event.live else MESSAGES_RECEIVED).name,
        "event": encode(event),
    }


def _encoded(row: Message | _Stored, event: bytes, sender: str) -> Encoded:
    return Encoded(row.topic, sender, event, InboundMessage.__name__, row.id)
