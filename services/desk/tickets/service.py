"""What can be done with tickets. Every function is one transaction; errors are `Rejected` with what
to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.bulk import among
from services.desk.context import Desk
from services.desk.cursors import as_uuid, is_uuid
from services.desk.customers import contacts
from services.desk.people.models import AGENTS
from services.desk.tickets import addressing, grouping, repository, store, teams
from services.desk.tickets.commands import Draft, add_note, reply, set_status
from services.desk.tickets.escalation import asked
from services.desk.tickets.models import MESSAGES, TICKETS
from services.desk.tickets.repository import message_view
from services.desk.tickets.schemas import (
    GroupedTicket,
    LinkedTicket,
    MessageView,
    TicketPage,
    TicketQuery,
    TicketRow,
    TicketView,
    ViewCount,
)
from services.desk.timeline import event_view
from shared.clock import utc_now
from shared.errors import Rejected

__all__ = [
    "Draft",
    "add_note",
    "get_message",
    "get_messages",
    "get_rows",
    "get_ticket",
    "list_tickets",
    "reply",
    "set_status",
    "view_counts",
]
_EVENTS = 200
_MOST_TEAMS = 30


async def list_tickets(desk: Desk, query: TicketQuery) -> TicketPage:
    """Lists one page of the tickets that the filters ask for, by keyset: stable while tickets are
    added.

    Rejected 422 for a cursor, order or limit that cannot be.
    """
    statement = repository.page(query)
    async with desk.database.statements() as session:
        rows = (await session.execute(statement)).all()
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    return TicketPage(
        items=tuple(repository.row_view(row) for row in rows),
        next=repository.cursor_after(rows[-1], query.order) if more else "",
    )


async def view_counts(desk: Desk, agent: str, *, grouped: bool = True) -> tuple[ViewCount, ...]:
    """Badges for `mine`, `unassigned`, `open`, `waiting`, `urgent`, `overdue`, `soon`, `pending`,
    `solved` and each `team:<name>`; each counted to 100. grouped: whether tickets that show under
    another one count too."""
    is_open = TICKETS.c.status == "open"
    mine = TICKETS.c.assignee_id == select(AGENTS.c.id).where(AGENTS.c.email == agent.lower()).scalar_subquery()
    views: dict[str, list[ColumnElement[bool]]] = {
        "mine": [is_open, mine],
        "unassigned": [TICKETS.c.status.in_(("open", "pending")), TICKETS.c.assignee_id.is_(None)],
        "open": [is_open],
        "waiting": repository.waits(),
        "urgent": [is_open, TICKETS.c.level == "urgent", *repository.ranks("urgent")],
        "overdue": repository.due("overdue"),
        "soon": repository.due("soon"),
        "pending": [TICKETS.c.status == "pending"],
        "solved": [TICKETS.c.status == "solved"],
    }
    async with desk.database.statements() as session:
        for team in await teams.team_names(session, _MOST_TEAMS):
            views[f"team:{team}"] = [is_open, TICKETS.c.team == team]
        single = [] if grouped else [~grouping.stands_under_its_leader()]
        counts: dict[str, ColumnElement[int]] = {
            name: repository.counted(*where, *single).scalar_subquery() for name, where in views.items()
        }
        counts["overdue"] = repository.counted_overdue(*single)
        row = (await session.execute(select(*(count.label(name) for name, count in counts.items())))).one()
    return tuple(ViewCount(name=name, count=count) for name, count in zip(views, row, strict=True))


async def get_ticket(desk: Desk, ticket: str, *, messages: int = 30, before: str = "") -> TicketView:
    """Returns a ticket by id or number (`1042` or `#1042`). `before`: the `earlier` cursor of a
    former answer. Raises Rejected 404."""
    messages = max(1, min(messages, 200))
    async with desk.database.snapshot() as session:
        found_as = (await session.execute(repository.WHOLE.where(store.known_as(ticket)))).one_or_none()
        if found_as is None:
            raise store.not_found()
        row: Any = found_as
        own = row.id
        linked = (await session.execute(repository.links(own, row.linked_to))).all()
        found = (await session.execute(repository.messages_before(own, before, messages))).all()
        events = (await session.execute(repository.events_of(own, _EVENTS))).all()
        group = (await session.execute(repository.group_of(own))).mappings().all()
        points = await contacts.points_of(session, row.customer_id)
        leader = (await session.execute(repository.link(row.group_id))).one_or_none() if row.group_id else None
    shown, patience = found[:messages], repository.patience(row.patience)
    goes = patience.overflow_at and row.status == "open" and row.waiting_since and row.assignee_id is None
    return TicketView(
        row=repository.row_view(row),
        skills=tuple(row.skills),
        reasons=repository.reasons(row.reasons),
        routing_reasons=repository.reasons(row.routing_reasons),
        channels=addressing.as_of_now(repository.choices(row.channels), desk.channels, points),
        thread_key=row.thread_key,
        generation=row.generation,
        participants=tuple(row.participants),
        linked=tuple(_linked(each) for each in linked),
        messages=tuple(message_view(message) for message in reversed(shown)),
        events=tuple(event_view(event) for event in reversed(events)),
        earlier=repository.message_cursor(shown[-1]) if len(found) > messages else "",
        first_reply_at=row.first_reply_at,
        solved_at=row.solved_at,
        group=tuple(GroupedTicket(**each) for each in group),
        leader=_linked(leader) if leader else None,
        asked=asked(row.skills, patience, utc_now()),
        next_team=patience.overflow.team if patience.overflow and goes else "",
        next_team_at=patience.overflow_at if goes else None,
    )


def _linked(row: Any) -> LinkedTicket:
    return LinkedTicket(id=row.id, number=row.number, subject=row.subject, status=row.status, created_at=row.created_at)


async def get_rows(desk: Desk, tickets: Sequence[str]) -> dict[str, TicketRow]:
    """Returns rows of these ticket ids, for rendering live changes; ids that do not exist are
    left out."""
    async with desk.database.statements() as session:
        return await repository.rows(session, tickets)


async def get_message(desk: Desk, message: str) -> MessageView:
    """Returns one message by id. Raises Rejected 404."""
    found = await get_messages(desk, [as_uuid(message, "message")])
    if not found:
        raise Rejected(404, "no-such-message", "Message not found.")
    return next(iter(found.values()))


async def get_messages(desk: Desk, messages: Sequence[str]) -> dict[str, MessageView]:
    """Returns these messages by id, for rendering live changes; ids that do not exist are left
    out."""
    async with desk.database.statements() as session:
        return await _messages(session, messages)


async def _messages(session: AsyncSession, messages: Sequence[str]) -> dict[str, MessageView]:
    rows = await session.execute(
        select(MESSAGES).where(among(MESSAGES.c.id, [message for message in messages if is_uuid(message)]))
    )
    return {row.id: message_view(row) for row in rows}
