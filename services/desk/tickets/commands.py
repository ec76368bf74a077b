"""Changes that agents and machines make to one ticket: reply, note, status."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypedDict
from uuid import uuid4

import msgspec
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.bulk import among
from services.desk.context import Desk
from services.desk.cursors import as_uuid
from services.desk.customers import contacts
from services.desk.people.models import AGENTS
from services.desk.schema import EVENTS
from services.desk.tickets import addressing, grouping, lengths, repository
from services.desk.tickets.domain import NOT_ARRIVED, SETTLED, STATUSES, Wait, is_late, resumed, snippet, taken_by_reply
from services.desk.tickets.escalation import elsewhere
from services.desk.tickets.models import MESSAGES, TICKETS
from services.desk.tickets.repository import message_view
from services.desk.tickets.schemas import MessageView, TicketRow
from services.desk.unit_of_work import UnitOfWork
from shared.clock import utc_now
from shared.errors import Rejected
from shared.events import OutboundMessage
from shared.kernel import stable_id
from shared.metrics import METRICS
from shared.topics import deliveries_requested

LONGEST = 100_000
"""Characters of a reply or note."""
_AFTER_REPLY = ("open", "pending", "solved")


class Known(TypedDict, total=False):
    """What an agent had read when they wrote a reply; see `reply`."""

    seen: int | None
    began: int | None


async def reply(
    desk: Desk,
    ticket: str,
    text: str,
    *,
    agent: str,
    author_name: str = "",
    channel: str = "",
    to: str = "",
    cc: Sequence[str] | None = None,
    bcc: Sequence[str] = (),
    seen: int | None = None,
    began: int | None = None,
    status: str = "pending",
    key: str = "",
) -> MessageView:
    """Store a reply and ask its channel to deliver it.

    channel: empty means the channel of the newest message from the customer. to: a contact point of the customer or of a
    participant; empty means the best one. cc, bcc: addresses that get a copy of a mail; None means whoever the newest mail of the
    conversation went to. seen: `TicketRow.version` that the agent looked at. began: `EventView.seq` of the newest
    event when the agent began to write. status: afterwards, `open`,
    `pending` or `solved`. key: idempotency key; the same key gives the same reply again.

    Rejected 404 no such ticket; 409 `stale` when something arrived unseen; 409 `overtaken` when a colleague wrote since `began`; 422
    `too-long-here` for more than the channel takes in public; 409 `channel-off`, `unreachable`, `opted-out`
    with what to do; 422 empty text, unknown status, or copies that cannot be sent; 422 `key-reused` for a key that was used with
    another text.
    """
    text = checked(text, status)
    async with desk.unit_of_work() as work:
        row = await lock_group(work.session, ticket)
        stored = await answer(
            work,
            desk,
            row,
            text,
            agent=agent,
            author_name=author_name,
            channel=channel,
            to=to,
            cc=cc,
            bcc=bcc,
            seen=seen,
            began=began,
            status=status,
            key=key,
        )
    count_first_reply(row, stored)
    return stored


def checked(text: str, status: str) -> str:
    """The text of a reply as it is stored. Rejected 422."""
    text = _clean(text)
    if status not in _AFTER_REPLY:
        raise Rejected(422, "status", f"After a reply a ticket is one of {', '.join(_AFTER_REPLY)}.")
    return text


async def answer(
    work: UnitOfWork,
    desk: Desk,
    row: Any,
    text: str,
    *,
    agent: str,
    author_name: str,
    status: str,
    key: str,
    channel: str = "",
    to: str = "",
    cc: Sequence[str] | None = None,
    bcc: Sequence[str] = (),
    seen: int | None = None,
    began: int | None = None,
    together: bool = False,
) -> MessageView:
    """As `reply`, for a ticket whose row is locked. together: those that stand under it are answered by the same caller."""
    own = stable_id("reply", row.id, key) if key else str(uuid4())
    repeated = await _repeated(work.session, own, text)
    if repeated:
        return repeated
    _not_stale(row, seen)
    await _not_overtaken(work.session, row.id, began, agent)
    where = await addressing.choose(work.session, desk.channels, row, channel, to, cc, bcc)
    await lengths.check(work.session, desk.channels, row.id, where.channel, text)
    now = utc_now()
    message = OutboundMessage(
        id=own,
        ticket_id=row.id,
        channel=where.channel,
        to=where.to,
        to_name=where.to_name,
        cc=where.cc,
        bcc=where.bcc,
        text=text,
        requested_at=now,
        author_name=author_name,
        subject=where.subject,
        language=row.language,
        mailbox=where.mailbox,
        references=where.references,
        conversation=where.conversation,
    )
    values = {
        "channel": where.channel,
        "recipient": where.to,
        "cc": list(where.cc),
        "bcc": list(where.bcc),
        "conversation": where.conversation,
        "delivery": "requested",
        "mail_after": _mail_after(desk, where.channel, now),
        "ended_wait": msgspec.to_builtins(_wait_of(row)),
    }
    stored = await _add(work, row.id, own, "out", text, agent, author_name, now, values)
    work.record("reply.added", row.id, now, agent, {"message_id": own, "channel": where.channel, "to": where.to})
    work.send(deliveries_requested(where.channel), row.id, message)
    changes: dict[str, Any] = {"waiting_since": None, "due_at": None, "queue_at": now, "messages": row.messages + 1}
    changes["undelivered"] = ""
    if row.first_reply_at is None:
        changes["first_reply_at"] = now
    await _change(work, row, changes, version=row.version + 1, snippet=snippet(text), last_message_at=now)
    if is_late(row.due_at, now):
        await contacts.promise_broken(work.session, row.customer_id, now)
    await _take(work, desk, row, agent, now)
    moved = await _to_status(work, row, status, agent, together=together)
    if status == "open" and not moved and not together:
        await grouping.hand_over(work, row.id, agent)
    work.touch({row.customer_id})
    return stored


def _mail_after(desk: Desk, channel: str, now: datetime) -> datetime | None:
    known, minutes = desk.channels.get(channel), desk.settings.unread_minutes
    return now + timedelta(minutes=minutes) if known and known.tells_read and minutes else None


async def _take(work: UnitOfWork, desk: Desk, row: Any, agent: str, now: datetime) -> None:
    """Whoever answers a ticket of nobody has it from now on, unless its team wants it otherwise. A program takes none."""
    if row.assignee_id is not None or not taken_by_reply(row.team, desk.settings.replies_keep_unassigned):
        return
    known = select(AGENTS.c.id, AGENTS.c.email, AGENTS.c.name).where(AGENTS.c.email == agent.lower(), AGENTS.c.active)
    person = (await work.session.execute(known)).one_or_none()
    if person:
        await _change(work, row, {"assignee_id": person.id})
        data = {"assignee": person.email, "assignee_name": person.name}
        work.record("ticket.assigned", row.id, now, agent, data)


def count_first_reply(row: Any, reply: MessageView) -> None:
    """Once it is committed. row: the ticket as it was before."""
    if row.first_reply_at is None:
        waited = max(0.0, (reply.at - row.created_at).total_seconds())
        METRICS.first_reply_seconds.labels(channel=row.channel, level=row.level).observe(waited)


async def add_note(
    desk: Desk, ticket: str, text: str, *, agent: str, author_name: str = "", key: str = ""
) -> MessageView:
    """A note that only the team sees. Rejected 404, 422."""
    text = _clean(text)
    async with desk.unit_of_work() as work:
        row = await _locked(work.session, ticket)
        own = stable_id("note", row.id, key) if key else str(uuid4())
        repeated = await _repeated(work.session, own, text)
        if repeated:
            return repeated
        now = utc_now()
        stored = await _add(work, row.id, own, "note", text, agent, author_name, now, {"channel": ""})
        work.record("note.added", row.id, now, agent, {"message_id": own})
        await _change(work, row, {"version": row.version + 1})
    return stored


async def set_status(desk: Desk, ticket: str, status: str, *, agent: str) -> TicketRow:
    """`open`, `pending`, `solved` or `closed`. The former status is in the event, so that it can be undone. Rejected 404, 422."""
    if status not in STATUSES:
        raise Rejected(422, "status", f"The status is one of {', '.join(STATUSES)}.")
    async with desk.unit_of_work() as work:
        row = await lock_group(work.session, ticket)
        if await _to_status(work, row, status, agent):
            work.touch({row.customer_id})
        return (await repository.rows(work.session, [row.id]))[row.id]


async def find(session: AsyncSession, ticket: str) -> str:
    """A ticket's id from its id or number. Rejected 404."""
    number = re.fullmatch(r"#?(\d{1,15})", ticket.strip())
    wanted = TICKETS.c.number == int(number[1]) if number else TICKETS.c.id == as_uuid(ticket.strip(), "ticket")
    found = await session.scalar(select(TICKETS.c.id).where(wanted))
    if found is None:
        raise Rejected(404, "no-such-ticket", "Ticket not found.")
    return str(found)


async def assign(
    work: UnitOfWork, ticket: str, changes: dict[str, str | None], data: dict[str, str], agent: str
) -> TicketRow:
    """For the subject of assignment: set `assignee_id` and `team` as given, and tell. Rejected 404."""
    row = await _locked(work.session, ticket)
    if any(getattr(row, name) != value for name, value in changes.items()):
        moved = changes.get("team", row.team) != row.team
        patience = repository.patience_values(elsewhere(repository.patience(row.patience))) if moved else {}
        await _change(work, row, changes | patience)
        work.record("ticket.assigned", row.id, utc_now(), agent, data)
    return (await repository.rows(work.session, [row.id]))[row.id]


def _wait_of(row: Any) -> Wait | None:
    """The wait of a ticket's customer; None where nobody waits."""
    if row.waiting_since is None:
        return None
    names = ("due_at", "team", "level", "score", "rank", "reasons", "skills", "patience")
    return msgspec.convert({"since": row.waiting_since} | {name: getattr(row, name) for name in names}, Wait)


async def not_delivered(work: UnitOfWork, reply: Any, state: str) -> None:
    """This reply (its row) did not reach the customer, or may not have: the ticket is open, and the wait that the reply ended goes
    on as though it had never been written. Where a later reply stands, that one ended the wait. Whoever waited for nothing
    waits since the reply, for no promised time."""
    row = await _locked(work.session, reply.ticket_id)
    ended = msgspec.convert(reply.ended_wait, Wait) if reply.ended_wait else None
    mine = (MESSAGES.c.ticket_id == row.id, MESSAGES.c.direction == "out", MESSAGES.c.delivery.not_in(NOT_ARRIVED))
    first, last = (
        await work.session.execute(select(func.min(MESSAGES.c.at), func.max(MESSAGES.c.at)).where(*mine))
    ).one()
    now = _wait_of(row)
    if ended and last and last > reply.at:
        heir = (await work.session.execute(select(MESSAGES).where(*mine, MESSAGES.c.at == last).limit(1))).one()
        its = msgspec.convert(heir.ended_wait, Wait) if heir.ended_wait else None
        await _change_message(work, heir.id, {"ended_wait": msgspec.to_builtins(resumed(ended, its))})
    elif ended:
        now = resumed(ended, now)
    since = now.since if now else reply.at
    changes: dict[str, Any] = {"status": "open", "solved_at": None, "undelivered": state}
    changes |= {"waiting_since": since, "queue_at": since}
    if now:
        names = ("due_at", "level", "score", "rank", "reasons", "skills")
        changes |= msgspec.to_builtins({name: getattr(now, name) for name in names}, builtin_types=(datetime,))
        changes |= repository.patience_values(now.patience)
    if row.first_reply_at == reply.at:
        changes["first_reply_at"] = first
    await _change(work, row, changes)
    await _change_message(work, reply.id, {"ended_wait": None})
    await grouping.raise_leaders(work.session, [row.id])
    if row.status != "open":
        data = {"from": row.status, "why": f"delivery-{state}", "message_id": reply.id}
        work.record("ticket.reopened", row.id, utc_now(), "desk", data)
    work.touch({row.customer_id})


async def arrived(work: UnitOfWork, reply: Any) -> None:
    """A reply of which that was not known has reached the customer after all: its row stops saying that it did not."""
    row = await _locked(work.session, reply.ticket_id)
    await _change(work, row, {"undelivered": ""})


async def _change_message(work: UnitOfWork, message: str, values: dict[str, Any]) -> None:
    await work.session.execute(update(MESSAGES).where(MESSAGES.c.id == message).values(values))


async def lock(session: AsyncSession, tickets: set[str]) -> None:
    """Nobody else changes these tickets until the commit."""
    owners = set(await session.scalars(select(TICKETS.c.customer_id).where(among(TICKETS.c.id, tickets))))
    await contacts.lock(session, owners)
    await session.execute(
        select(TICKETS.c.id).where(among(TICKETS.c.id, tickets)).order_by(TICKETS.c.id).with_for_update()
    )


async def lock_group(session: AsyncSession, ticket: str) -> Any:
    """The ticket's row; it is locked, and with it those that stand under it, which may need another leader."""
    found = await find(session, ticket)
    await lock(session, {found, *await grouping.members_of(session, found)})
    return (await session.execute(select(TICKETS).where(TICKETS.c.id == found))).one()


async def _locked(session: AsyncSession, ticket: str) -> Any:
    """The ticket's row; first its customer is locked, then it is."""
    found = await find(session, ticket)
    owner = select(TICKETS.c.customer_id).where(TICKETS.c.id == found)
    await contacts.lock(session, {str(await session.scalar(owner))})
    return (await session.execute(select(TICKETS).where(TICKETS.c.id == found).with_for_update())).one()


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


async def _not_overtaken(session: AsyncSession, ticket: str, began: int | None, agent: str) -> None:
    if began is None:
        return
    since = select(EVENTS.c.seq).where(EVENTS.c.ticket_id == ticket, EVENTS.c.seq > began, EVENTS.c.actor != agent)
    if await session.scalar(since.where(EVENTS.c.kind.in_(("reply.added", "note.added"))).limit(1)):
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
    agent: str,
    name: str,
    at: Any,
    values: dict[str, Any],
) -> MessageView:
    row = {
        "id": message,
        "ticket_id": ticket,
        "direction": direction,
        "author": agent,
        "author_name": name,
        "text": text,
        "at": at,
        **values,
    }
    stored = (await work.session.execute(insert(MESSAGES).values(row).returning(MESSAGES))).one()
    work.wrote([row])
    return message_view(stored)


async def _change(work: UnitOfWork, row: Any, changes: dict[str, Any], **more: Any) -> None:
    await work.session.execute(update(TICKETS).where(TICKETS.c.id == row.id).values(changes | more))


async def _to_status(work: UnitOfWork, row: Any, status: str, agent: str, *, together: bool = False) -> bool:
    if row.status == status:
        return False
    now = utc_now()
    changes: dict[str, Any] = {"status": status, "solved_at": (row.solved_at or now) if status in SETTLED else None}
    clock = {}
    if status in SETTLED:
        changes |= {"waiting_since": None, "due_at": None, "undelivered": ""}
        clock = _clock(row)
        if row.status == "open" and is_late(row.due_at, now):
            await contacts.promise_broken(work.session, row.customer_id, now)
    elif row.status in SETTLED and status == "open":
        changes |= await _clock_before(work.session, row)
    await _change(work, row, changes)
    work.record("ticket.status", row.id, now, agent, {"from": row.status, "to": status, **clock})
    if row.status == "open" and not together:
        await grouping.hand_over(work, row.id, agent)
    return True


_CLOCK = ("waiting_since", "due_at")


def _clock(row: Any) -> dict[str, str]:
    """Since when the customer of a ticket that is settled unanswered has waited, and when an answer was due."""
    times = {name: getattr(row, name).isoformat() for name in _CLOCK if getattr(row, name)}
    return times and {"version": str(row.version), "undelivered": row.undelivered, **times}


async def _clock_before(session: AsyncSession, row: Any) -> dict[str, Any]:
    """What settling stopped goes on where it is taken back: the customer has waited all the time, unless somebody wrote since."""
    settled = select(EVENTS.c.data).where(EVENTS.c.ticket_id == row.id, EVENTS.c.kind == "ticket.status")
    data = await session.scalar(settled.order_by(EVENTS.c.seq.desc()).limit(1)) or {}
    if data.get("version") != str(row.version):
        return {}
    times = {name: datetime.fromisoformat(data[name]) for name in _CLOCK if name in data}
    return {"undelivered": data["undelivered"], **times}
