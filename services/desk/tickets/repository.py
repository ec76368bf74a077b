"""Reading tickets. Reading joins what belongs to other subjects; changing goes through their
service functions."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    DateTime,
    Select,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONPATH
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.bulk import among
from services.desk.cursors import (
    as_uuid,
    damaged,
    is_uuid,
    read_cursor,
    read_place,
    read_time,
    write_cursor,
    write_place,
)
from services.desk.customers.models import CONTACT_POINTS, CUSTOMERS
from services.desk.people.models import AGENTS
from services.desk.schema import EVENTS
from services.desk.tickets import domain, grouping
from services.desk.tickets.domain import SOON, TELLING
from services.desk.tickets.escalation import Patience
from services.desk.tickets.models import MESSAGES, TICKETS
from services.desk.tickets.schemas import (
    AttachmentView,
    ChannelChoiceView,
    MessageView,
    PostView,
    ReasonView,
    TicketQuery,
    TicketRow,
)
from shared.errors import Rejected

_ROW = (
    "id", "number", "subject", "snippet", "status", "level", "score", "channel", "language", "team", "customer_id",
    "created_at", "last_message_at", "waiting_since", "messages", "version", "due_at", "undelivered",
    "imported",
)  # fmt: skip
_REST = func.split_part(CONTACT_POINTS.c.point, ":", 2)
_ADDRESS = (
    select(
        case((CONTACT_POINTS.c.point.startswith("chat:"), func.concat("Visitor ", func.left(_REST, 4))), else_=_REST)
    )
    .where(CONTACT_POINTS.c.customer_id == TICKETS.c.customer_id)
    .order_by(CONTACT_POINTS.c.created_at, CONTACT_POINTS.c.point)
    .limit(1)
    .scalar_subquery()
)
_TELEPHONE = (
    select(CONTACT_POINTS.c.point)
    .where(
        CONTACT_POINTS.c.customer_id == TICKETS.c.customer_id,
        CONTACT_POINTS.c.point.startswith("tel:+"),
        CONTACT_POINTS.c.opted_out.is_(False),
    )
    .order_by(CONTACT_POINTS.c.created_at, CONTACT_POINTS.c.point)
    .limit(1)
    .scalar_subquery()
)
_SAID = func.jsonb_path_query_first(
    TICKETS.c.channels, cast('$[*].contact_point ? (@ starts with "tel:+")', JSONPATH)
).op("#>>", return_type=Text)(cast([], ARRAY(Text)))
_SAID_TELEPHONE = case(
    (
        _SAID.not_in(select(CONTACT_POINTS.c.point).where(CONTACT_POINTS.c.opted_out, CONTACT_POINTS.c.point == _SAID)),
        _SAID,
    )
)
"""A number that the customer gave where they wrote, proven or not."""
_BEST = TICKETS.c.channels[0]
_PREFERRED = func.coalesce(
    CUSTOMERS.c.stated["channel"].astext,
    case((_BEST["reasons"][0]["code"].astext.in_(TELLING), _BEST["channel"].astext)),
    TICKETS.c.channel,
)
CALLED = func.coalesce(func.nullif(CUSTOMERS.c.name, ""), _ADDRESS, "")
"""How the customer of a ticket is called in lists."""
_FIRST_REASON = TICKETS.c.reasons[0]
_CALM = case(
    (
        and_(TICKETS.c.level == "low", _FIRST_REASON["code"].astext.in_(("calm", "filtered"))),
        _FIRST_REASON["values"]["kind"].astext,
    ),
    else_="",
)
"""An agent who gives the ticket another level has said that it is not so."""
ROWS = (
    select(
        *(TICKETS.c[name] for name in _ROW),
        CALLED.label("customer_name"),
        _PREFERRED.label("preferred_channel"),
        func.coalesce(_CALM, "").label("calm"),
        func.coalesce(_TELEPHONE, _SAID_TELEPHONE, "").label("telephone"),
        func.coalesce(AGENTS.c.email, "").label("assignee"),
        func.coalesce(AGENTS.c.name, "").label("assignee_name"),
        TICKETS.c.rank,
        TICKETS.c.queue_at,
        TICKETS.c.group_id,
        grouping.stands_under_its_leader().label("grouped"),
        *grouping.size_of_group(),
    )
    .join(CUSTOMERS, CUSTOMERS.c.id == TICKETS.c.customer_id)
    .outerjoin(AGENTS, AGENTS.c.id == TICKETS.c.assignee_id)
)
WHOLE = ROWS.add_columns(
    *(column for column in TICKETS.c if column.name not in {*_ROW, "rank", "queue_at", "group_id"})
)
"""With all that a ticket has."""
_PRIORITY = (TICKETS.c.rank, TICKETS.c.queue_at, TICKETS.c.id)
_NEWEST = (TICKETS.c.last_message_at, TICKETS.c.id)
_TIMELINE = (MESSAGES.c.at, MESSAGES.c.id)
_ACTIVE = ("open", "pending", "solved", "closed")
_LINK = tuple(TICKETS.c[name] for name in ("id", "number", "subject", "status", "created_at"))
_MOST_SHOWN = 200
"""Tickets of a group that are listed one by one."""
DUE = ("overdue", "soon")
SEEN = TICKETS.c.overdue_since == TICKETS.c.due_at
"""Overdue, and an index in the order of lists knows it."""
UNSEEN = TICKETS.c.overdue_since.is_distinct_from(TICKETS.c.due_at)
"""Not overdue, or since a moment only: few of those that are."""


def row_view(row: Any) -> TicketRow:
    """Converts a ticket's row into the form that lists show."""
    values = {name: getattr(row, name) for name in _ROW}
    return TicketRow(
        **values,
        customer_name=row.customer_name,
        preferred_channel=row.preferred_channel,
        calm=row.calm,
        telephone=row.telephone,
        assignee=row.assignee,
        assignee_name=row.assignee_name,
        group_id=row.group_id or "",
        grouped=row.grouped,
        group_size=row.group_size,
        group_people=row.group_people,
    )


async def rows(session: AsyncSession, tickets: Collection[str]) -> dict[str, TicketRow]:
    """Returns rows of tickets by id; those that do not exist are left out."""
    wanted = among(TICKETS.c.id, [ticket for ticket in tickets if is_uuid(ticket)])
    return {row.id: row_view(row) for row in await session.execute(ROWS.where(wanted))}


def page(query: TicketQuery, *conditions: ColumnElement[bool]) -> Select[Any]:
    """Builds the statement for one page of tickets and one row more. Raises Rejected 422."""
    return _page(ROWS, query, *conditions)


def places(query: TicketQuery, *conditions: ColumnElement[bool]) -> Select[Any]:
    """Builds the statement of `page`, with only the id of a ticket and its place in the order.
    Raises Rejected 422."""
    return _page(
        select(TICKETS.c.id, TICKETS.c.last_message_at, TICKETS.c.rank, TICKETS.c.queue_at), query, *conditions
    )


def _page(found: Select[Any], query: TicketQuery, *conditions: ColumnElement[bool]) -> Select[Any]:
    if not 1 <= query.limit <= 100:
        raise Rejected(422, "limit", "A page has 1 to 100 tickets.")
    if query.order not in ("newest", "priority"):
        raise Rejected(422, "order", "The order is `priority` or `newest`.")
    wanted = [*filters(query), *conditions]
    if not query.grouped:
        wanted.append(~grouping.stands_under_its_leader())
    order: list[Any] = [*_PRIORITY]
    if query.order == "newest":
        wanted += before_newest(query.cursor)
        order = [column.desc() for column in _NEWEST]
    elif query.cursor:
        rank, at, ticket = read_cursor(query.cursor, "p", 3)
        wanted.append(tuple_(*_PRIORITY) > _values(_PRIORITY, _rank(rank), read_time(at), ticket))
    if parts := _parts(query):
        own = select(TICKETS.c.id).order_by(*order).limit(query.limit + 1)
        wanted = [TICKETS.c.id.in_(union_all(*(select(own.where(*wanted, part).subquery()) for part in parts)))]
    return found.where(*wanted).order_by(*order).limit(query.limit + 1)


def _parts(query: TicketQuery) -> list[ColumnElement[bool]]:
    """Returns what to read one after the other, each from an index that has the order of the
    list: what all of them have would be sorted."""
    if query.due == "overdue" and query.order == "priority":
        return [SEEN, UNSEEN]
    return [TICKETS.c.status == status for status in query.status] if len(query.status) > 1 else []


def before_newest(cursor: str) -> list[ColumnElement[bool]]:
    """Builds the condition for tickets older than where this cursor of the order `newest`
    stands. Raises Rejected 422."""
    if not cursor:
        return []
    return [tuple_(*_NEWEST) < newest_place(*read_place(cursor, "n"))]


def newest_place(at: datetime, ticket: str) -> Any:
    """Builds a place in the order `newest`, to compare with."""
    return _values(_NEWEST, at, ticket)


def cursor_after(row: Any, order: str) -> str:
    """Returns the cursor of the next page, which begins after this row."""
    if order == "newest":
        return write_place("n", row.last_message_at, row.id)
    return write_cursor("p", str(row.rank), row.queue_at.isoformat(), row.id)


def messages_before(ticket: str, before: str, limit: int) -> Select[Any]:
    """Selects a ticket's messages, newest first, one more than asked."""
    statement = select(MESSAGES).where(MESSAGES.c.ticket_id == ticket)
    if before:
        place = read_place(before, "m")
        statement = statement.where(tuple_(*_TIMELINE) < _values(_TIMELINE, *place))
    return statement.order_by(MESSAGES.c.at.desc(), MESSAGES.c.id.desc()).limit(limit + 1)


def message_cursor(row: Any) -> str:
    """Returns the cursor at which earlier messages end."""
    return write_place("m", row.at, row.id)


def events_of(ticket: str, limit: int) -> Select[Any]:
    """Selects the events of a ticket, newest first."""
    return select(EVENTS).where(EVENTS.c.ticket_id == ticket).order_by(EVENTS.c.seq.desc()).limit(limit)


def counted(*conditions: ColumnElement[bool], most: int = 100) -> Select[Any]:
    """Selects the number of tickets, counted no further than `most`."""
    return select(func.count()).select_from(select(TICKETS.c.id).where(*conditions).limit(most).subquery())


def counted_overdue(*conditions: ColumnElement[bool], most: int = 100) -> ColumnElement[int]:
    """Counts as `counted` does, those of them that are overdue."""
    parts = (counted(*due("overdue"), part, *conditions, most=most).scalar_subquery() for part in (SEEN, UNSEEN))
    return func.least(most, sum(parts, literal(0)))


def waits() -> list[ColumnElement[bool]]:
    """Builds the conditions for tickets whose customer waits for an answer."""
    return [TICKETS.c.status == "open", TICKETS.c.waiting_since.is_not(None)]


def still_asked(now: ColumnElement[Any]) -> ColumnElement[Any]:
    """Selects those of a ticket's skills that are asked for at this time, like `patience.asked`."""
    skill = func.unnest(TICKETS.c.skills).column_valued("skill")
    until = cast(TICKETS.c.patience["skills"][skill].astext, DateTime(timezone=True))
    found = select(skill).where(func.coalesce(until > now, True)).correlate(TICKETS)
    return func.array(found.scalar_subquery(), type_=ARRAY(Text))


def ranks(*levels: str) -> list[ColumnElement[bool]]:
    """Returns what these levels say of a ticket's rank: a list in its order then begins where
    the first of them does, and ends."""
    first, end = domain.ranks(levels)
    return [TICKETS.c.rank >= first, TICKETS.c.rank < end]


def due(which: str) -> list[ColumnElement[bool]]:
    """Builds the conditions for waiting tickets that are due: `overdue`, or `soon`; none if it
    is empty. Raises Rejected 422."""
    if not which:
        return []
    _known((which,), DUE, "due")
    now = func.now()
    if which == "overdue":
        return [*waits(), TICKETS.c.due_at <= now]
    return [*waits(), UNSEEN, TICKETS.c.due_at > now, TICKETS.c.due_at <= now + SOON]


def message_view(row: Any) -> MessageView:
    """Converts a message's row into the view for readers."""
    return MessageView(
        id=row.id,
        ticket_id=row.ticket_id,
        direction=row.direction,
        channel=row.channel,
        author=row.author,
        author_name=row.author_name,
        verified=row.verified,
        doubt=row.doubt,
        other_address=row.other_address,
        subject=row.subject,
        text=row.text,
        html=row.html,
        attachments=msgspec.convert(row.attachments, tuple[AttachmentView, ...]),
        at=row.at,
        automatic=row.automatic,
        to=row.recipient,
        also_to=tuple(row.also_to),
        cc=tuple(row.cc),
        bcc=tuple(row.bcc),
        delivery=row.delivery,
        delivery_detail=row.delivery_detail,
        facts=row.facts,
        forwarded_by=row.forwarded_by,
        missing_files=row.missing_files,
        copy_of=row.copy_of,
        account=row.account,
        post=post_view(row.post),
        public=row.public,
        reach=row.reach,
        complaint=row.complaint,
        label=row.label,
        label_by=row.label_by,
        raw_uri=row.raw_uri,
        decision=row.decision,
    )


def post_view(value: Any) -> PostView | None:
    """Converts a post from its stored form; None if there is none."""
    return msgspec.convert(value, PostView) if value else None


def reasons(value: Any) -> tuple[ReasonView, ...]:
    """Converts reasons from their stored form."""
    return msgspec.convert(value, tuple[ReasonView, ...])


def patience(value: Any) -> Patience:
    """Converts a patience from its stored form."""
    return msgspec.convert(value, Patience)


def choices(value: Any) -> tuple[ChannelChoiceView, ...]:
    """Converts channel choices from their stored form, in which defaults were left out."""
    filled = [
        {"contact_point": None, "confidence": 0.0, "available": True, "open_until": None} | choice for choice in value
    ]
    return msgspec.convert(filled, tuple[ChannelChoiceView, ...])


def filters(query: TicketQuery) -> list[ColumnElement[bool]]:
    """Builds the conditions that the fields of a query set; its words are the search's. Raises
    Rejected 422."""
    wanted = [*due(query.due), *(waits() if query.waiting else ())]
    if any("\x00" in value for value in (query.assignee, query.team, query.channel, query.language, query.q)):
        raise Rejected(422, "filter", "A filter contains a NUL character. Leave it out.")
    if query.status:
        _known(query.status, _ACTIVE, "status")
        wanted.append(TICKETS.c.status.in_(query.status))
    if query.level:
        _known(query.level, ("urgent", "high", "normal", "low"), "level")
        wanted.append(TICKETS.c.level.in_(query.level))
        wanted += ranks(*query.level)
    if query.assignee == "none":
        wanted.append(TICKETS.c.assignee_id.is_(None))
    elif query.assignee:
        agent = select(AGENTS.c.id).where(AGENTS.c.email == query.assignee.lower()).scalar_subquery()
        wanted.append(TICKETS.c.assignee_id == agent)
    for name in ("team", "channel", "language"):
        value = getattr(query, name)
        if value:
            wanted.append(TICKETS.c[name] == value)
    if query.customer:
        wanted.append(TICKETS.c.customer_id == as_uuid(query.customer, "customer"))
    return wanted


def _known(values: Collection[str], known: Collection[str], what: str) -> None:
    if not set(values) <= set(known):
        raise Rejected(422, what, f"The {what} is one of {', '.join(known)}.")


def _values(columns: tuple[Column[Any], ...], *values: Any) -> Any:
    return tuple_(*(literal(value, column.type) for column, value in zip(columns, values, strict=True)))


def _rank(value: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > 4:
        raise damaged()
    return int(value)


def group_of(leader: str) -> Select[Any]:
    """Selects the tickets under this one, oldest first, whether or not they show there now."""
    return (
        select(*_LINK, CALLED.label("customer_name"))
        .join(CUSTOMERS, CUSTOMERS.c.id == TICKETS.c.customer_id)
        .where(TICKETS.c.group_id == leader)
        .order_by(TICKETS.c.created_at, TICKETS.c.id)
        .limit(_MOST_SHOWN)
    )


def link(ticket: str) -> Select[Any]:
    """Selects one ticket in the form in which others link to it."""
    return select(*_LINK).where(TICKETS.c.id == ticket)


def links(ticket: str, linked_to: str | None) -> Select[Any]:
    """Selects the ticket before and those after this one."""
    return (
        select(*_LINK)
        .where(or_(TICKETS.c.linked_to == ticket, TICKETS.c.id == linked_to))
        .order_by(TICKETS.c.created_at)
        .limit(20)
    )
