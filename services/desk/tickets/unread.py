"""Replies that nobody has read on the page where they were written go by mail too, once.

When that is kept with the reply (`messages.mail_after`), and the copy is a message of its own, of
the same transaction: any number of processes do this, and one that was killed, or away for an hour,
leaves nothing undone and nothing done twice.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.actors import DESK
from services.desk.bulk import among
from services.desk.context import Desk
from services.desk.tickets import addressing
from services.desk.tickets.domain import takes_copies
from services.desk.tickets.models import MESSAGES, TICKETS
from services.desk.unit_of_work import UnitOfWork
from shared.clock import utc_now
from shared.errors import Rejected, Unavailable
from shared.events import Attachment, DeliveryState, OutboundMessage
from shared.events.desk import ReplyAdded
from shared.kernel import stable_id
from shared.logs import log
from shared.topics import deliveries_requested
from shared.waiting import wait

EVERY = 15.0
"""Seconds between two looks: the wait is of minutes."""
_MOST = 100
"""Replies in one transaction, whose tickets are locked until it is over."""
"""The fact by which a copy names the reply that nobody had read."""


async def run(desk: Desk, stop: asyncio.Event) -> None:
    """Mails unread replies until `stop`; waits for PostgreSQL while it is unavailable."""
    while not stop.is_set():
        try:
            await send(desk)
        except Unavailable as error:
            log.warning("replies that nobody has read are mailed later", error=str(error))
        await wait(stop, EVERY)


async def send(desk: Desk) -> int:
    """Mails the replies that are due. Returns how many were sent. Raises Unavailable."""
    mail = next((c for c in desk.channels.values() if takes_copies(c) and c.enabled and c.can_start), None)
    if mail is None:
        return 0
    now = utc_now()
    async with desk.unit_of_work() as work:
        due = select(MESSAGES.c.id, MESSAGES.c.ticket_id).where(MESSAGES.c.mail_after <= now)
        found = {row.id: row.ticket_id for row in await work.session.execute(due.order_by("mail_after").limit(_MOST))}
        await work.lock(tickets=set(found.values()))
        still = select(MESSAGES).where(among(MESSAGES.c.id, found), MESSAGES.c.mail_after <= now)
        rows = list(await work.session.execute(still.order_by(MESSAGES.c.at, MESSAGES.c.id)))
        return sum([await _mail(work, desk, reply, mail.name, now) for reply in rows])


async def was_read_meanwhile(session: AsyncSession, reply: Any) -> bool:
    """Whether this is the copy of a reply that its customer has read by now: then it matters no
    more what becomes of the mail."""
    state = select(MESSAGES.c.delivery).where(MESSAGES.c.id == reply.copy_of)
    return bool(reply.copy_of) and await session.scalar(state) == DeliveryState.DELIVERED.value


async def _mail(work: UnitOfWork, desk: Desk, reply: Any, channel: str, now: datetime) -> bool:
    """Whether there was an address. It is looked at once: who gives one later has read the page."""
    over = update(MESSAGES).where(MESSAGES.c.id == reply.id).values(mail_after=None)
    await work.session.execute(over)
    if reply.delivery == DeliveryState.FAILED.value:
        return False  # an agent has it in hand
    ticket = (await work.session.execute(select(TICKETS).where(TICKETS.c.id == reply.ticket_id))).one()
    try:
        where = await addressing.choose(work.session, desk.channels, ticket, channel, "", cc=())
    except Rejected as error:
        log.info("a reply stays unread", message_id=reply.id, why=error.code)
        return False
    own = stable_id("by-mail", reply.id)
    copy = {
        name: getattr(reply, name)
        for name in ("ticket_id", "author", "author_name", "text", "attachments", "ended_wait")
    }
    await work.session.execute(
        insert(MESSAGES).values(
            copy
            | {"id": own, "direction": "out", "channel": channel, "recipient": where.to, "at": now}
            | {"delivery": "requested", "copy_of": reply.id}
        )
    )
    await work.session.execute(over.values(ended_wait=None))
    message = OutboundMessage(
        id=own,
        ticket_id=ticket.id,
        channel=channel,
        to=where.to,
        to_name=where.to_name,
        text=reply.text,
        requested_at=now,
        author_name=reply.author_name,
        subject=where.subject,
        language=ticket.language,
        attachments=msgspec.convert(reply.attachments, tuple[Attachment, ...]),
        mailbox=where.mailbox,
        references=where.references,
    )
    work.record(ReplyAdded(message_id=own, channel=channel, to=where.to), ticket.id, now, DESK)
    work.send(deliveries_requested(channel), ticket.id, message)
    return True
