"""Answers a search within a bound of time, however common its words are.

PostgreSQL's statistics tell whether a word is a common one. Few matches are read whole from the
index of words. Of many, the newest conversations are looked through in windows that grow, until a
page is full or the time is up; then the page says how far it came, and its cursor goes on from
there. Common words that do not stand together are many by the statistics and few in truth: where
the first windows do not fill a page, the index of words is asked before the next.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from time import monotonic as clock
from typing import Any, TypeAlias, cast

from sqlalchemy import (
    ColumnElement,
    Executable,
    Select,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    true,
    tuple_,
    union_all,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import TSQUERY

from services.desk.bulk import among
from services.desk.context import Desk
from services.desk.search.domain import Asked, asked
from services.desk.search.models import CUSTOMER_WORDS, MESSAGE_WORDS
from services.desk.tickets import repository
from services.desk.tickets import service as tickets
from services.desk.tickets.models import MESSAGES, TICKETS
from services.desk.tickets.schemas import TicketPage, TicketQuery
from shared.clock import utc_now
from shared.errors import Rejected

SECONDS = 2.5
"""For all statements of a search: longer, and people think that nothing happens (Nielsen, "Response
times": 1 s keeps a thought, 10 s an attention)."""
_FEW = 5000
"""Matches that are read whole. A word with more stands in one of a few hundred tickets at least, so
that a page fills soon."""
_COUNTING = 1.0
"""Seconds of these to find out whether they are few."""
_FIRST_WINDOW, _GROWS = 500, 5
"""Conversations."""
_LIMITS = text(
    "SELECT set_config('statement_timeout', :left, true), set_config('work_mem', '64MB', true),"
    " set_config('max_parallel_workers_per_gather', '0', true)"
)
"""With less memory PostgreSQL forgets which rows a common word stands in, and reads every one of
their pages again; there are two such connections in a process. To start workers takes longer than
most searches."""
_SLACK = 50
"""Milliseconds by which a statement may end too late: to tell PostgreSQL the bound anew costs as
much as a search for a rare word."""
_STATE = text(
    "SELECT EXISTS (SELECT FROM desk.search_progress WHERE what = 'tickets') AS indexing,"
    " (SELECT reltuples FROM pg_class WHERE oid = CAST('desk.message_words' AS regclass)) AS messages"
)
_KNOWN = 0.02
"""The share of messages from which on PostgreSQL's expectation says something: a word that its
statistics do not have is expected in up to 0.005 of them (DEFAULT_TS_MATCH_SEL), and one that was
typed has up to three forms."""
_EXPECTED = text(
    "EXPLAIN (FORMAT JSON) SELECT FROM desk.message_words WHERE words @@ CAST(:words AS tsquery)"
    " UNION ALL SELECT FROM desk.customer_words WHERE words @@ CAST(:words AS tsquery)"
)
_Run: TypeAlias = Callable[..., Awaitable[list[Any]]]


@dataclass(slots=True)
class _Search:
    query: TicketQuery
    asked: Asked
    cheap: list[ColumnElement[bool]]
    """Conditions on a ticket alone."""
    filters: list[ColumnElement[bool]]
    """These, and those that look elsewhere."""
    deadline: float
    cursor: str
    size: int
    """Conversations in the next window."""
    indexing: bool = False
    rows: list[Any] = field(default_factory=list)
    """What the windows so far have found."""
    reached: datetime | None = None


async def list_tickets(desk: Desk, query: TicketQuery) -> TicketPage:
    """Lists one page of tickets: what was searched for, or all that the filters ask for. Raises
    Rejected like `find` and `tickets.list_tickets`."""
    return await (find if query.q.strip() else tickets.list_tickets)(desk, query)


async def find(desk: Desk, query: TicketQuery) -> TicketPage:
    """Returns a page of the tickets that match `query.q`. Raises Rejected 422 for an invalid
    filter, 503 if nothing was found in time."""
    wanted, own = asked(query.q), repository.filters(query)
    if wanted.empty:
        return TicketPage(items=(), next="")
    cheap, others = _filters(wanted, query.me)
    cheap += own
    filters = [*cheap, *others]
    search = _Search(query, wanted, cheap, filters, clock() + SECONDS, query.cursor, _FIRST_WINDOW)
    try:
        try:
            async with _asking(desk, min(search.deadline, clock() + _COUNTING)) as run:
                return await _answer(run, search)
        except Rejected as error:  # so many that they could not even be counted
            if error.code != "too-slow":
                raise
        async with _asking(desk, search.deadline) as run:
            return await _among_many(run, search)
    except Rejected as error:
        if error.code != "too-slow" or search.reached is None:
            raise
    async with _asking(desk, clock() + SECONDS) as run:
        return await _page(run, search)


async def _answer(run: _Run, search: _Search) -> TicketPage:
    (state,) = await run(_STATE)
    search.indexing = state.indexing
    common = search.query.order == "newest" and await _is_common(run, search.asked, state.messages)
    if common and (page := await _newest(run, search, _FIRST_WINDOW * _GROWS)):
        return page
    few = await _few(run, search.asked)
    if few is None:
        return await _among_many(run, search)
    return await _whole(run, search, among(TICKETS.c.id, few)) if few else _shown(search, [])


async def _among_many(run: _Run, search: _Search) -> TicketPage:
    page = await _newest(run, search) if search.query.order == "newest" else None
    return page or await _whole(run, search, *_matches(search.asked))


async def _is_common(run: _Run, wanted: Asked, messages: float) -> bool:
    """Whether the statistics know what is asked for as common. Of what begins with a word they know
    nothing."""
    if wanted.only_number or not wanted.words:
        return False
    ((plan,),) = await run(_EXPECTED, words=wanted.words.replace(":*", ""))
    return bool(plan[0]["Plan"]["Plan Rows"] > max(_FEW, messages * _KNOWN))


async def _few(run: _Run, wanted: Asked) -> list[str] | None:
    """Returns all tickets with a match, if they are few; None if they are many, or only filters
    narrow them down."""
    found: list[Select[Any]] = []
    numbered = select(TICKETS.c.id).where(TICKETS.c.number == wanted.number)
    if wanted.only_number:
        return [row.id for row in await run(numbered)]
    of_customer = select(TICKETS.c.id).join(CUSTOMER_WORDS, CUSTOMER_WORDS.c.customer_id == TICKETS.c.customer_id)
    if wanted.words:
        of_message = select(MESSAGE_WORDS.c.ticket_id)
        found += [
            part.where(_has(words, wanted.index), _holds(words, wanted.words)).limit(_FEW + 1)
            for part, words in ((of_message, MESSAGE_WORDS.c.words), (of_customer, CUSTOMER_WORDS.c.words))
        ]
    elif wanted.customer:
        found.append(of_customer.where(_has(CUSTOMER_WORDS.c.words, wanted.customer)).limit(_FEW + 1))
    if not found:
        return None
    each = [select(part.subquery()) for part in found]
    ids = [row[0] for row in await run(union_all(*each).limit(_FEW + 1))]
    if len(ids) > _FEW:
        return None
    if wanted.number is not None:
        ids += [row.id for row in await run(numbered)]
    return list(set(ids))


async def _newest(run: _Run, search: _Search, most: int = 0) -> TicketPage | None:
    """Looks through window after window. most: conversations in the last of them; none where
    that did not fill a page."""
    query, place = search.query, (TICKETS.c.last_message_at, TICKETS.c.id)
    while not most or search.size <= most:
        before = [*search.cheap, *repository.before_newest(search.cursor)]
        edge = select(*place).where(*before).order_by(*(column.desc() for column in place)).offset(search.size).limit(1)
        last = next(iter(await run(edge)), None)
        window = [tuple_(*place) >= repository.newest_place(last.last_message_at, last.id)] if last else []
        statement = repository.places(
            replace(query, cursor=search.cursor), *search.filters, *_matches(search.asked), *window
        )
        search.rows += await run(statement)
        if len(search.rows) > query.limit or last is None:
            search.cursor, search.reached = "", None
            return await _page(run, search)
        search.cursor, search.reached = repository.cursor_after(last, "newest"), last.last_message_at
        search.size *= _GROWS
    return None


async def _whole(run: _Run, search: _Search, *matching: ColumnElement[bool]) -> TicketPage:
    search.cursor, search.reached = "", None
    return _shown(search, await run(repository.page(search.query, *search.filters, *matching)))


async def _page(run: _Run, search: _Search) -> TicketPage:
    """Makes a page of what the windows found."""
    found = {row.id: row for row in await run(repository.ROWS.where(among(TICKETS.c.id, [r.id for r in search.rows])))}
    return _shown(search, [found[row.id] for row in search.rows if row.id in found])


def _shown(search: _Search, rows: Sequence[Any]) -> TicketPage:
    shown = rows[: search.query.limit]
    if len(rows) > search.query.limit:
        search.cursor, search.reached = repository.cursor_after(shown[-1], search.query.order), None
    return TicketPage(
        items=tuple(repository.row_view(row) for row in shown),
        next=search.cursor,
        searched_back_to=search.reached,
        indexing=search.indexing,
    )


def _has(words: Any, query: str) -> ColumnElement[bool]:
    return cast("ColumnElement[bool]", words.bool_op("@@")(sql_cast(literal(query), TSQUERY)))


def _holds(words: Any, query: str) -> ColumnElement[bool]:
    """Builds the same condition as `_has`, but without the index of words: for rows that were
    found by their ticket or customer."""
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
    """Builds a condition like EXISTS that is never turned into a join with all matches that
    there are."""
    return found.limit(1).scalar_subquery().is_not(None)


def _filters(wanted: Asked, me: str) -> tuple[list[ColumnElement[bool]], list[ColumnElement[bool]]]:
    """Returns the filters on a ticket alone, and those that look elsewhere."""
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
    others: list[ColumnElement[bool]] = []
    if "has" in values:
        others.append(exists().where(MESSAGES.c.ticket_id == TICKETS.c.id, MESSAGES.c.attachments != text("'[]'")))
    if wanted.customer:
        others.append(_one(_customer(wanted.customer)))
    if wanted.older:
        found.append(TICKETS.c.last_message_at < now - wanted.older)
    if wanted.newer:
        found.append(TICKETS.c.last_message_at >= now - wanted.newer)
    return found, others


@asynccontextmanager
async def _asking(desk: Desk, deadline: float) -> AsyncIterator[_Run]:
    """Opens one transaction whose statements end at this time. Rejected 503 `too-slow`, with
    which it is over."""
    told = float("inf")
    async with desk.pools.searches.transaction() as session:

        async def run(statement: Executable, **values: Any) -> list[Any]:
            nonlocal told
            left = int((deadline - clock()) * 1000)
            if left < 1:
                raise Rejected(
                    503, "too-slow", "The search took too long and was stopped. Add a word or a filter, or try again."
                )
            if told - left > _SLACK:
                await session.execute(_LIMITS, {"left": f"{left}ms"})
                told = left
            return list((await session.execute(statement, values)).all())

        yield run
