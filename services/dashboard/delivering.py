"""Delivers replies into their conversations, and reports it in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from services.dashboard import repository
from services.dashboard.channel import CHANNEL
from services.dashboard.context import Dashboard
from services.dashboard.domain.drafts import clean
from services.dashboard.domain.sites import Speaker
from services.dashboard.repository import Turn
from shared.bus import Record
from shared.clock import utc_now
from shared.delivery import report
from shared.events import DeliveryState, OutboundMessage
from shared.metrics import METRICS
from shared.topics import DELIVERIES_REPORTED


async def deliver(dashboard: Dashboard, records: Sequence[Record[OutboundMessage]]) -> None:
    """Stores replies and their reports: both or neither, and once each."""
    async with dashboard.database.transaction() as session:
        await repository.lock_conversations(session, {record.event.conversation for record in records})
        done = [await _deliver_one(dashboard, session, record.event) for record in records]
    dashboard.outbox.wake()
    for owner, state in filter(None, done):
        METRICS.delivered.labels(channel=CHANNEL.name, state=state).inc()
        if owner:
            dashboard.hub.notify(owner)


async def mark_read(dashboard: Dashboard, speaker: Speaker, up_to: int) -> None:
    """Reports as delivered what the customer's client has: up to this sequence number, each reply
    once."""
    now = utc_now()
    async with dashboard.database.transaction() as session:
        own = await repository.conversation_of(session, speaker.author.point)
        if own is None:
            return
        rows = await repository.mark_delivered(session, own.conversation, up_to, now)
        for row in rows:
            told = report(CHANNEL.name, row.ticket_id, row.id, DeliveryState.DELIVERED, provider_id=row.id)
            await dashboard.outbox.add(session, DELIVERIES_REPORTED, row.ticket_id, told)
    dashboard.outbox.wake()
    METRICS.delivered.labels(channel=CHANNEL.name, state="delivered").inc(len(rows))


async def _deliver_one(
    dashboard: Dashboard, session: AsyncSession, reply: OutboundMessage
) -> tuple[str, DeliveryState] | None:
    """Returns the conversation's owner (empty: none is known) and the state; None for a reply that
    was there already."""
    now = utc_now()
    try:
        async with session.begin_nested():
            turn = await repository.take_reply_turn(session, reply.conversation, reply.to)
            if turn:
                await repository.add_message(session, _values(reply, turn, now))
    except repository.Repeated:
        return None
    if turn:
        owner, state, detail = turn.owner, DeliveryState.SENT, ""
    else:
        owner, state, detail = "", DeliveryState.FAILED, "No conversation of this customer is known here."
    told = report(CHANNEL.name, reply.ticket_id, reply.id, state, detail, provider_id=reply.id)
    await dashboard.outbox.add(session, DELIVERIES_REPORTED, reply.ticket_id, told)
    return owner, state


def _values(reply: OutboundMessage, turn: Turn, now: datetime) -> dict[str, Any]:
    return {
        "id": reply.id,
        "conversation": turn.conversation,
        "seq": turn.seq,
        "incoming": False,
        "at": now,
        "author": clean(reply.author_name),
        "subject": clean(reply.subject),
        "text": clean(reply.text),
        "attachments": msgspec.json.encode(reply.attachments).decode(),
        "ticket_id": reply.ticket_id,
    }
