"""Changes that agents and machines make to one ticket: reply, note, status."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.actors import Actor, Kind, Permission
from services.desk.context import Desk
from services.desk.people.models import AGENTS
from services.desk.schema import EVENTS
from services.desk.tickets import addressing, grouping, lengths, repository, store
from services.desk.tickets.domain import NOT_ARRIVED, SETTLED, STATUSES, Ticket, Wait, taken_by_reply
from services.desk.tickets.domain.lifecycle import (
    AnsweredLate,
    Assign,
    Assignee,
    Command,
    DeliveryArrived,
    DeliveryFailed,
    LeadPassed,
    Note,
    PriorityChanged,
    ProfileChanged,
    Recorded,
    RepliesStand,
    Reply,
    SetStatus,
    WaitKept,
    apply,
    wait_of,
)
from services.desk.tickets.models import MESSAGES, TICKETS
from services.desk.tickets.repository import message_view
from services.desk.tickets.schemas import MessageView, TicketRow
from services.desk.unit_of_work import UnitOfWork
from shared.clock import utc_now
from shared.errors import Rejected
from shared.events import OutboundMessage
from shared.events.desk import NoteAdded, ReplyAdded, TicketStatusChanged, kind_of
from shared.kernel import stable_id
from shared.metrics import METRICS
from shared.topics import deliveries_requested

LONGEST = 100_000
"""Characters of a reply or note."""
_AFTER_REPLY = ("open", "pending", "solved")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A reply as it is handed in."""

    text: str
    author_name: str = ""
    """Shown to the customer as the sender's name."""
    channel: str = ""
    """Empty: that of the newest message from the customer."""
    to: str = ""
    """A contact point of the customer or of a participant; empty: the best one."""
    cc: Sequence[str] | None = None
    """Addresses that get a copy of a mail; None: whoever the newest mail of the conversation went
    to."""
    bcc: Sequence[str] = ()
    seen: int | None = None
    """`TicketRow.version` that its author looked at."""
    began: int | None = None
    """`EventView.seq` of the newest event when they began to write."""
    status: str = "pending"
    """The ticket's, afterwards: `open`, `pending` or `solved`."""
    key: str = ""
    """Idempotency key: the same one gives the same reply again."""


async def reply(desk: Desk, ticket: str, draft: Draft, *, actor: Actor) -> MessageView:
    """Stores a reply and asks its channel to deliver it.

    Rejected 403; 404 no such ticket; 409 `stale` when something arrived unseen; 409 `overtaken`
    when a colleague wrote since `began`; 422 `too-long-here` for more than the channel takes in
    public; 409 `channel-off`, `unreachable`, `opted-out` with what to do; 422 empty text, unknown
    status, or copies that cannot be sent; 422 `key-reused` for a key that was used with another
    text.
    """
    actor.require(Permission.REPLY)
    draft = checked(draft)
    async with desk.unit_of_work() as work:
        row = await lock_group(work, ticket)
        stored = await answer(work, desk, row, draft, actor=actor)
    count_first_reply(row, stored)
    return stored


def checked(draft: Draft) -> Draft:
    """Returns a draft whose text is as it is stored. Rejected 422."""
    stored = replace(draft, text=_clean(draft.text))
    if draft.status not in _AFTER_REPLY:
        raise Rejected(422, "status", f"After a reply a ticket is one of {', '.join(_AFTER_REPLY)}.")
    return stored


async def answer(
    work: UnitOfWork, desk: Desk, row: Any, draft: Draft, *, actor: Actor, together: bool = False
) -> MessageView:
    """Stores a reply like `reply`, for a ticket whose row is locked. together: those that stand
    under it are answered by the same caller."""
    own = stable_id("reply", row.id, draft.key) if draft.key else str(uuid4())
    repeated = await _repeated(work.session, own, draft.text)
    if repeated:
        return repeated
    _not_stale(row, draft.seen)
    await _not_overtaken(work.session, row.id, draft.began, actor)
    where = await addressing.choose(work.session, desk.channels, row, draft.channel, draft.to, draft.cc, draft.bcc)
    await lengths.check(work.session, desk.channels, row.id, where.channel, draft.text)
    now = utc_now()
    message = OutboundMessage(
        id=own,
        ticket_id=row.id,
        channel=where.channel,
        to=where.to,
        to_name=where.to_name,
        cc=where.cc,
        bcc=where.bcc,
        text=draft.text,
        requested_at=now,
        author_name=draft.author_name,
        subject=where.subject,
        language=row.language,
        mailbox=where.mailbox,
        references=where.references,
        conversation=where.conversation,
    )
    ticket = store.ticket_of(row)
    values = {
        "channel": where.channel,
        "recipient": where.to,
        "cc": list(where.cc),
        "bcc": list(where.bcc),
        "conversation": where.conversation,
        "delivery": "requested",
        "mail_after": _mail_after(desk, where.channel, now),
        "ended_wait": msgspec.to_builtins(wait_of(ticket)),
    }
    stored = await _add(work, row.id, own, "out", draft.text, actor, draft.author_name, now, values)
    work.send(deliveries_requested(where.channel), row.id, message)
    command = Reply(
        message=own,
        text=draft.text,
        actor=actor,
        channel=where.channel,
        to=where.to,
        status=draft.status,
        taker=await _taker(work.session, desk, row, actor),
    )
    await execute(work, ticket, command, now, together=together)
    return stored


def _mail_after(desk: Desk, channel: str, now: datetime) -> datetime | None:
    known, minutes = desk.channels.get(channel), desk.settings.unread_minutes
    return now + timedelta(minutes=minutes) if known and known.tells_read and minutes else None


async def _taker(session: AsyncSession, desk: Desk, row: Any, actor: Actor) -> Assignee | None:
    """Returns who takes an unassigned ticket from now on: the agent who answers it, unless its
    team wants it otherwise. A program takes none."""
    if row.assignee_id is not None or not taken_by_reply(row.team, desk.settings.replies_keep_unassigned):
        return None
    if actor.kind is not Kind.AGENT:
        return None
    known = select(AGENTS.c.id, AGENTS.c.email, AGENTS.c.name).where(AGENTS.c.email == actor.id, AGENTS.c.active)
    person = (await session.execute(known)).one_or_none()
    return Assignee(person.id, person.email, person.name) if person else None


def count_first_reply(row: Any, reply: MessageView) -> None:
    """Records the time to the first reply, once the reply is committed. row: the ticket as it
    was before."""
    if row.first_reply_at is None:
        waited = max(0.0, (reply.at - row.created_at).total_seconds())
        METRICS.first_reply_seconds.labels(channel=row.channel, level=row.level).observe(waited)


async def add_note(
    desk: Desk, ticket: str, text: str, *, actor: Actor, author_name: str = "", key: str = ""
) -> MessageView:
    """Adds a note that only the team sees. Rejected 403, 404, 422."""
    actor.require(Permission.NOTE)
    async with desk.unit_of_work() as work:
        row = await store.locked(work, await store.find(work.session, ticket))
        return await note(work, row, text, actor=actor, author_name=author_name, key=key)


async def note(
    work: UnitOfWork, row: Any, text: str, *, actor: Actor, author_name: str = "", key: str = ""
) -> MessageView:
    """Adds a note like `add_note`, to a ticket whose row is locked."""
    text = _clean(text)
    own = stable_id("note", row.id, key) if key else str(uuid4())
    repeated = await _repeated(work.session, own, text)
    if repeated:
        return repeated
    now = utc_now()
    stored = await _add(work, row.id, own, "note", text, actor, author_name, now, {"channel": ""})
    await execute(work, store.ticket_of(row), Note(message=own, actor=actor), now)
    return stored


async def set_status(desk: Desk, ticket: str, status: str, *, actor: Actor) -> TicketRow:
    """Sets the status: `open`, `pending`, `solved` or `closed`. The former status is in the
    event, so that it can be undone. Rejected 403, 404, 422."""
    actor.require(Permission.CHANGE_TICKETS)
    if status not in STATUSES:
        raise Rejected(422, "status", f"The status is one of {', '.join(STATUSES)}.")
    async with desk.unit_of_work() as work:
        row = await lock_group(work, ticket)
        stopped = await _stopped(work.session, row) if row.status in SETTLED else TicketStatusChanged()
        command = SetStatus(status=status, actor=actor, stopped=stopped)
        await execute(work, store.ticket_of(row), command, utc_now())
    return await row_of(desk, row.id)


async def row_of(desk: Desk, ticket: str) -> TicketRow:
    """Returns the row of a ticket as the transaction left it: with what followed from a change."""
    async with desk.database.statements() as session:
        return (await repository.rows(session, [ticket]))[ticket]


async def _stopped(session: AsyncSession, row: Any) -> TicketStatusChanged:
    """Returns the change that settled a ticket, which holds the clock that it stopped."""
    kind = kind_of(TicketStatusChanged)
    settled = select(EVENTS.c.data).where(EVENTS.c.ticket_id == row.id, EVENTS.c.kind == kind)
    data = await session.scalar(settled.order_by(EVENTS.c.seq.desc()).limit(1))
    return msgspec.convert({**(data or {}), "kind": kind}, TicketStatusChanged)


async def assign_all(work: UnitOfWork, commands: Sequence[tuple[Ticket, Assign]], now: datetime) -> None:
    """Assigns many tickets, which are locked and keep their team, in one statement."""
    after = []
    for ticket, command in commands:
        given, events = apply(ticket, command, now)
        after.append(given)
        for event in events:
            if isinstance(event, Recorded):
                work.record(event.change, ticket.id, event.at, event.actor)
    await store.give_all(work.session, after)


async def execute(
    work: UnitOfWork, ticket: Ticket, command: Command, now: datetime, *, together: bool = False
) -> Ticket:
    """Applies a command to a ticket that is locked, writes it, and does what follows. together:
    tickets that stand under it are answered by the same caller. Returns the ticket afterwards."""
    after, events = apply(ticket, command, now)
    await store.save(work.session, ticket, after)
    work.clocks.add(ticket.id)
    for event in events:
        match event:
            case Recorded(change, at, actor):
                work.record(change, ticket.id, at, actor)
            case AnsweredLate(at):
                work.answered_late(ticket.customer_id, at)
            case ProfileChanged():
                work.touch({ticket.customer_id})
            case WaitKept(message, wait):
                kept = update(MESSAGES).where(MESSAGES.c.id == message)
                await work.session.execute(kept.values(ended_wait=msgspec.to_builtins(wait)))
            case RepliesStand(until):
                mine = (MESSAGES.c.ticket_id == ticket.id, MESSAGES.c.direction == "out", MESSAGES.c.at <= until)
                await work.session.execute(update(MESSAGES).where(*mine).values(ended_wait=None))
            case LeadPassed(actor) if not together:
                await grouping.hand_over(work, ticket.id, actor)
            case PriorityChanged():
                await grouping.raise_leaders(work, [ticket.id])
    return after


async def delivery_failed(work: UnitOfWork, reply: Any, state: str) -> None:
    """Reverts the effects of a reply (its row) that did not reach the customer, or may not have."""
    ticket = store.ticket_of(await store.locked(work, reply.ticket_id))
    written = (MESSAGES.c.ticket_id == ticket.id, MESSAGES.c.direction == "out", MESSAGES.c.automatic == "")
    mine = (*written, MESSAGES.c.delivery.not_in(NOT_ARRIVED))
    first, last = (
        await work.session.execute(select(func.min(MESSAGES.c.at), func.max(MESSAGES.c.at)).where(*mine))
    ).one()
    later = None
    if reply.ended_wait and last and last > reply.at:
        later = (await work.session.execute(select(MESSAGES).where(*mine, MESSAGES.c.at == last).limit(1))).one()
    command = DeliveryFailed(
        message=reply.id,
        at=reply.at,
        state=state,
        ended=_wait(reply),
        later=later.id if later else "",
        later_ended=_wait(later) if later else None,
        first=first,
    )
    await execute(work, ticket, command, utc_now())


async def delivery_arrived(work: UnitOfWork, ticket: str) -> None:
    """Records that a reply whose delivery was in doubt has reached the customer after all."""
    await execute(work, store.ticket_of(await store.locked(work, ticket)), DeliveryArrived(), utc_now())


def _wait(reply: Any) -> Wait | None:
    return msgspec.convert(reply.ended_wait, Wait) if reply.ended_wait else None


async def lock_group(work: UnitOfWork, ticket: str) -> Any:
    """Locks a ticket, and with it those that stand under it, which may need another leader.
    Returns its row. Raises Rejected 404."""
    found = await store.find(work.session, ticket)
    await work.lock(tickets={found, *await grouping.members_of(work.session, found)})
    return (await work.session.execute(select(TICKETS).where(TICKETS.c.id == found))).one()


async def _repeated(session: AsyncSession, message: str, text: str) -> MessageView | None:
    row = (await session.execute(select(MESSAGES).where(MESSAGES.c.id == message))).one_or_none()
    if row is None:
        return None
    if row.text != text:
        raise Rejected(
            422,
            "key-reused",
            "This idempotency key was already used with another text. Use a new key for a new message.",
        )
    return message_view(row)


def _not_stale(row: Any, seen: int | None) -> None:
    if seen is not None and seen != row.version:
        raise Rejected(409, "stale", "This ticket has a new message that you have not seen. Read it, then send again.")


async def _not_overtaken(session: AsyncSession, ticket: str, began: int | None, actor: Actor) -> None:
    if began is None:
        return
    since = select(EVENTS.c.seq).where(
        EVENTS.c.ticket_id == ticket, EVENTS.c.seq > began, EVENTS.c.actor != actor.stored
    )
    if await session.scalar(since.where(EVENTS.c.kind.in_((kind_of(ReplyAdded), kind_of(NoteAdded)))).limit(1)):
        raise Rejected(
            409, "overtaken", "A colleague added a message since this was started. Read it, then send anyway."
        )


def _clean(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\x00", "\ufffd").strip()
    if not text:
        raise Rejected(422, "empty", "The text is empty.")
    if len(text) > LONGEST:
        raise Rejected(422, "too-long", f"A message has at most {LONGEST:,} characters.")
    return text


async def _add(
    work: UnitOfWork,
    ticket: str,
    message: str,
    direction: str,
    text: str,
    actor: Actor,
    name: str,
    at: Any,
    values: dict[str, Any],
) -> MessageView:
    row = {
        "id": message,
        "ticket_id": ticket,
        "direction": direction,
        "author": actor.stored,
        "author_name": name,
        "text": text,
        "at": at,
        **values,
    }
    stored = (await work.session.execute(insert(MESSAGES).values(row).returning(MESSAGES))).one()
    work.wrote([row])
    return message_view(stored)
