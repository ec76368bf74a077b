"""What agents look at all day costs the same however many tickets there are and however many wait:
held by the rows that are visited."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text

from services.desk import metrics
from services.desk.calls import callbacks
from services.desk.context import Desk
from services.desk.intake.messages import apply
from services.desk.live import Live
from services.desk.profiles import sla
from services.desk.tickets import service as tickets
from services.desk.tickets.schemas import TicketQuery, TicketRow
from services.desk.web.calls import line
from services.desk.web.inbox import lists
from shared.clock import utc_now
from tests.benchmarks.filled import fill
from tests.integration.desk_parts import acting, desk_on, migrate, scalar, with_channels
from tests.unit.desk.examples import routed

MOST = 450
"""Rows of a table or an index that one step of a statement may visit: a page, a badge that stops at
100, 300 callbacks."""


@pytest.fixture
async def desk(database: str, storage_url: str) -> AsyncIterator[Desk]:
    await migrate(database)
    async with desk_on(database, storage_url) as made:
        yield with_channels(made)


@contextmanager
def told(desk: Desk) -> Iterator[list[tuple[str, Any]]]:
    """All statements meanwhile, as PostgreSQL gets them, with their values."""
    found: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, _many: bool) -> None:
        found.append((statement, values))

    engine = desk.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


def visited(plan: dict[str, Any]) -> Iterator[tuple[int, str]]:
    """Rows that each scan of this plan looked at."""
    if "Scan" in plan["Node Type"] and plan["Node Type"] not in (
        "Subquery Scan",
        "CTE Scan",
        "Function Scan",
        "WorkTable Scan",
    ):
        each = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        yield (
            int(each * plan["Actual Loops"]),
            f"{plan['Node Type']} {plan.get('Index Name', '')} {plan.get('Relation Name', '')}",
        )
    for part in plan.get("Plans", ()):
        yield from visited(part)


async def test_no_list_badge_or_look_visits_more_rows_where_more_tickets_wait(desk: Desk, database: str) -> None:
    await fill(database, 6000, texts=50, working=1.0)
    waiting = await scalar(
        desk, "SELECT count(*) FROM desk.tickets WHERE status = 'open' AND waiting_since IS NOT NULL"
    )
    assert waiting > 3 * MOST
    while (await sla._look(desk))[1]:
        pass
    with told(desk) as statements:
        for view in lists.VIEWS:
            await lists.page(desk, view, "agent1@example.org")
        for more in (
            {"waiting": True},
            {"assignee": "none", "status": ("open",)},
            {"level": ("low",), "status": ("open",)},
        ):
            await tickets.list_tickets(desk, TicketQuery(**more))
        await tickets.view_counts(desk, "agent1@example.org", grouped=False)
        await sla.record_breaches(desk)
        await callbacks.to_make(desk)
    async with desk.database.transaction() as session:
        raw = (await (await session.connection()).get_raw_connection()).driver_connection
        assert raw
        for statement, values in statements:
            plan = await raw.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *values)
            found = max(visited((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]), default=(0, ""))
            assert found[0] <= MOST, f"{found} in {statement[-900:]}"


async def test_who_is_overdue_is_listed_in_order_page_by_page_whether_that_was_seen_or_not(desk: Desk) -> None:
    now = utc_now()
    scores = (40, 70, 55, 70, 40, 90, 10)
    await apply(
        desk,
        [
            routed(
                f"<{number}@x>",
                thread=f"email:{number}",
                sender=f"email:p{number}@example.org",
                subject=str(number),
                score=score,
                received_at=now - timedelta(minutes=60 + number),
                reply_within=1800,
            )
            for number, score in enumerate(scores)
        ],
    )
    await apply(desk, [routed("<new@x>", thread="email:new", subject="not yet", received_at=now, reply_within=1800)])
    right = ["5", "3", "1", "2", "4", "0", "6"]
    assert await overdue(desk) == right
    await sla.record_breaches(desk)
    assert await overdue(desk) == right
    assert await scalar(desk, "SELECT count(*) FROM desk.tickets WHERE overdue_since = due_at") == len(right)
    async with desk.database.transaction() as session:
        await session.execute(text("UPDATE desk.tickets SET overdue_since = NULL WHERE number % 2 = 0"))
    assert await overdue(desk) == right, "some were seen and others not"
    counts = {count.name: count.count for count in await tickets.view_counts(desk, "")}
    assert (counts["overdue"], counts["soon"]) == (7, 1)


async def overdue(desk: Desk) -> list[str]:
    query, found = TicketQuery(due="overdue", limit=2), list[TicketRow]()
    while True:
        page = await tickets.list_tickets(desk, query)
        found += page.items
        if not page.next:
            return [row.subject for row in found]
        query = replace(query, cursor=page.next)


async def test_a_ticket_that_is_answered_late_and_waits_again_is_seen_and_told_again(desk: Desk) -> None:
    late = routed(received_at=utc_now() - timedelta(hours=1), reply_within=60)
    await apply(desk, [late])
    assert await sla.record_breaches(desk) == 1
    async with desk.database.transaction() as session:  # the router forgot it, as after a month
        await session.execute(text("UPDATE desk.customers SET late_at = NULL"))
    thread = late.decision.thread.key
    await apply(desk, [routed("<2@x>", thread=thread, rule="root", received_at=utc_now(), reply_within=60)])
    assert await sla.record_breaches(desk) == 1


async def test_callbacks_are_read_again_when_somebody_did_something_and_not_for_each_message(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads, real = 0, callbacks.to_make

    async def counted(own: Desk, agent: str = "") -> tuple[Any, ...]:
        nonlocal reads
        reads += 1
        return await real(own, agent)

    monkeypatch.setattr(callbacks, "to_make", counted)
    monkeypatch.setattr(line, "FRESH", 0.0)
    monkeypatch.setattr(line, "_LISTED", 1000.0)
    live = Live(desk.database, 100)
    live._started = True
    lookout = line.Lookout(desk, live)
    await lookout.look()
    await lookout.look()
    assert reads == 1
    await apply(desk, [routed()])
    await live._take()
    await lookout.look()
    assert reads == 1
    await tickets.add_note(desk, "#1001", "Called", actor=acting("sam@example.org"))
    await live._take()
    await lookout.look()
    assert reads == 2


async def test_counting_takes_a_share_of_the_time_and_not_all_of_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    rests: list[float] = []

    class Over(Exception):
        pass

    async def wait(_stop: Any, seconds: float) -> None:
        rests.append(seconds)
        raise Over

    times = iter([0.0, 0.01, 0.0, 0.2, 0.0, 9.0])
    monkeypatch.setattr(metrics, "wait", wait)
    monkeypatch.setattr(metrics, "clock", lambda: next(times))
    for _ in range(3):
        with pytest.raises(Over):
            await metrics.run(desk, asyncio.Event())
    assert rests == [5.0, 10.0, 30.0]
