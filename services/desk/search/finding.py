"""Answers a search within a bound of time, however common its words are.

Few matches are read whole. Of many, the newest conversations are looked through in windows that grow, until a page is full or the
time is up; then the page says how far it came, and its cursor goes on from there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic as clock
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, exists, func, literal, or_, select, text, true, tuple_, union_all
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import TSQUERY

from services.desk.bulk import among
from services.desk.context import Desk
from services.desk.search.domain import Asked, asked
from services.desk.search.models import CUSTOMER_WORDS, MESSAGE_WORDS, SEARCH_PROGRESS
from services.desk.tickets import repository
from services.desk.tickets import service as tickets
from services.desk.tickets.models import MESSAGES, TICKETS
from services.desk.tickets.schemas import TicketPage, TicketQuery
from shared.clock import utc_now
from shared.errors import Rejected

SECONDS = 2.5
"""For all statements of a search: longer, and people think that nothing happens (Nielsen, "Response times": 1 s keeps a thought, 10 s
an attention)."""
_FEW = 5000
"""Matches that are read whole. A word with more stands in one of a few hundred tickets at least, so that a page fills soon."""
_COUNTING = 1.0
"""Seconds of these to find out whether they are few."""
_FIRST_WINDOW, _GROWS = 500, 5
"""Conversations."""


@dataclass(frozen=True, slots=True)
class _Search:
    query: TicketQuery
    asked: Asked
    filters: list[ColumnElement[bool]]


async def list_tickets(desk: Desk, query: TicketQuery) -> TicketPage:
    """List one page of tickets: what was searched for, or all that the filters ask for. Rejected as `find` and `tickets.list_tickets`."""
    return await (find if query.q.strip() else tickets.list_tickets)(desk, query)


async def find(desk: Desk, query: TicketQuery) -> TicketPage:
    """A page of what was asked for in `query.q`. Rejected 422 for a filter that cannot be, 503 where nothing was found in time."""
    wanted, filters = asked(query.q), repository.filters(query)
    if wanted.empty:
        return TicketPage(items=(), next="")
    search = _Search(query, wanted, [*filters, *_filters(wanted, query.me)])
    deadline = clock() + SECONDS
    indexing = bool(
        await _run(desk, select(SEARCH_PROGRESS.c.what).where(SEARCH_PROGRESS.c.what == "tickets"), deadline)
    )
    try:
        few = await _few(desk, search, min(deadline, clock() + _COUNTING))
    except Rejected as error:  # so many that they could not even be counted
        if error.code != "too-slow":
            raise
        few = None
    if few is not None or query.order != "newest":
        matching = _matches(wanted) if few is None else [among(TICKETS.c.id, few)]
        rows = await _run(desk, repository.places(query, *search.filters, *matching), deadline)
        return await _page(desk, rows, query, indexing=indexing)
    return await _newest(desk, search, deadline, indexing=indexing)


async def _few(desk: Desk, search: _Search, deadline: float) -> list[str] | None:
    """All tickets with a match, where they are few; None where they are many, or nothing narrows them down but filters."""
    wanted, found = search.asked, []
    if wanted.only_number:
        return [
            row.id for row in await _run(desk, select(TICKETS.c.id).where(TICKETS.c.number == wanted.number), deadline)
        ]
    of_customer = select(TICKETS.c.id).join(CUSTOMER_WORDS, CUSTOMER_WORDS.c.customer_id == TICKETS.c.customer_id)
    if wanted.words:
        found.append(select(MESSAGE_WORDS.c.ticket_id).where(_has(MESSAGE_WORDS.c.words, wanted.words)).limit(_FEW + 1))
        found.append(of_customer.where(_has(CUSTOMER_WORDS.c.words, wanted.words)).limit(_FEW + 1))
    elif wanted.customer:
        found.append(of_customer.where(_has(CUSTOMER_WORDS.c.words, wanted.customer)).limit(_FEW + 1))
    if not found:
        return None
    each = [select(part.subquery()) for part in found]
    ids = [row[0] for row in await _run(desk, union_all(*each).limit(_FEW + 1), deadline)]
    if len(ids) > _FEW:
        return None
    if wanted.number is not None:
        ids += [
            row.id for row in await _run(desk, select(TICKETS.c.id).where(TICKETS.c.number == wanted.number), deadline)
        ]
    return list(set(ids))


async def _newest(desk: Desk, search: _Search, deadline: float, *, indexing: bool) -> TicketPage:
    query, place = search.query, (TICKETS.c.last_message_at, TICKETS.c.id)
    rows: list[Any] = []
    cursor, size, reached = query.cursor, _FIRST_WINDOW, None
    while True:
        before = repository.before_newest(cursor)
        edge = select(*place).where(*before).order_by(*(column.desc() for column in place)).offset(size).limit(1)
        try:
            last = next(iter(await _run(desk, edge, deadline)), None)
            window = [tuple_(*place) >= repository.newest_place(last.last_message_at, last.id)] if last else []
            statement = repository.places(
                replace(query, cursor=cursor), *search.filters, *_matches(search.asked), *window
            )
            rows += await _run(desk, statement, deadline)
        except Rejected as error:
            if error.code != "too-slow" or reached is None:
                raise
            return await _page(desk, rows, query, indexing=indexing, cursor=cursor, reached=reached)
        if len(rows) > query.limit or last is None:
            return await _page(desk, rows, query, indexing=indexing)
        cursor, reached, size = repository.cursor_after(last, "newest"), last.last_message_at, size * _GROWS


async def _page(
    desk: Desk,
    rows: list[Any],
    query: TicketQuery,
    *,
    indexing: bool,
    cursor: str = "",
    reached: datetime | None = None,
) -> TicketPage:
    shown = rows[: query.limit]
    if len(rows) > query.limit:
        cursor, reached = repository.cursor_after(shown[-1], query.order), None
    async with desk.pools.searches.transaction() as session:
        views = await repository.rows(session, [row.id for row in shown])
    return TicketPage(
        items=tuple(views[row.id] for row in shown if row.id in views),
        next=cursor,
        searched_back_to=reached,
        indexing=indexing,
    )


def _has(words: Any, query: str) -> ColumnElement[bool]:
    return cast("ColumnElement[bool]", words.bool_op("@@")(sql_cast(literal(query), TSQUERY)))


def _holds(words: Any, query: str) -> ColumnElement[bool]:
    """As `_has`, but not by the index of words: for rows that were found by their ticket or customer."""
    return func.ts_match_vq(words, sql_cast(literal(query), TSQUERY))


def _matches(wanted: Asked) -> list[ColumnElement[bool]]:
    """Conditions on one ticket, looked at one by one."""
    if not wanted.words:
        return []
    message = select(true()).where(
        MESSAGE_WORDS.c.ticket_id == TICKETS.c.id, _holds(MESSAGE_WORDS.c.words, wanted.words)
    )
    either = [_one(message), _one(_customer(wanted.words))]
    if wanted.number is not None:
        either.append(TICKETS.c.number == wanted.number)
    return [or_(*either)]


def _customer(query: str) -> Select[Any]:
    return select(true()).where(
        CUSTOMER_WORDS.c.customer_id == TICKETS.c.customer_id, _holds(CUSTOMER_WORDS.c.words, query)
    )


def _one(found: Select[Any]) -> ColumnElement[bool]:
    """As EXISTS, but never made a join with all matches that there are."""
    return found.limit(1).scalar_subquery().is_not(None)


def _filters(wanted: Asked, me: str) -> list[ColumnElement[bool]]:
    values, now = wanted.filters, utc_now()
    assignee = values.get("assignee", "")
    found = repository.filters(
        TicketQuery(
            status=(values["status"],) if "status" in values else (),
            level=(values["level"],) if "level" in values else (),
            assignee=me if assignee == "me" and me else assignee,
            language=values.get("language", ""),
        )
    )
    found += [func.lower(TICKETS.c[name]) == values[name] for name in ("channel", "team") if name in values]
    if "has" in values:
        found.append(exists().where(MESSAGES.c.ticket_id == TICKETS.c.id, MESSAGES.c.attachments != text("'[]'")))
    if wanted.customer:
        found.append(_one(_customer(wanted.customer)))
    if wanted.older:
        found.append(TICKETS.c.last_message_at < now - wanted.older)
    if wanted.newer:
        found.append(TICKETS.c.last_message_at >= now - wanted.newer)
    return found


async def _run(desk: Desk, statement: Any, deadline: float) -> list[Any]:
    left = int((deadline - clock()) * 1000)
    if left < 1:
        raise Rejected(
            503, "too-slow", "The search took too long and was stopped. Add a word or a filter, or try again."
        )
    async with desk.pools.searches.transaction() as session:
        await session.execute(text(f"SET LOCAL statement_timeout = {left}"))
        return list((await session.execute(statement)).all())
