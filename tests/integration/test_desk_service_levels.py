"""What is due when, on a real PostgreSQL: two processes, kills in the middle, and policies that
change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from aiohttp import web
from sqlalchemy import text

from services.desk.assignment import service as assignment
from services.desk.calls import service as calls
from services.desk.context import Desk
from services.desk.intake.messages import apply
from services.desk.service_levels import feeds, following, service
from services.desk.service_levels.domain import Actions, Calendar, Policy, Situation
from services.desk.tickets import corrections, teams
from services.desk.tickets import service as tickets
from shared.clock import utc_now
from shared.errors import Rejected
from shared.events import RoutedMessage
from shared.events.desk import kind_of
from shared.kernel import Level
from tests.integration.desk_calls import caller, ticket_of
from tests.integration.desk_parts import acting, desk_on, migrate, outbox, with_channels
from tests.integration.test_desk_permissions import as_program
from tests.unit.desk.examples import routed
from tests.waiting import until

BO = acting("bo@desk.example")
ADMIN = acting("ada@desk.example", "admin")
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def two(database: str, storage_url: str) -> AsyncIterator[tuple[Desk, Desk]]:
    """Two processes of the desk."""
    await migrate(database)
    async with AsyncExitStack() as stack:
        made = [
            await stack.enter_async_context(desk_on(database, storage_url, private_feeds=private))
            for private in (False, True)
        ]
        one, other = (with_channels(each) for each in made)
        for team in ("support", "billing"):
            await teams.create(one, team, actor=ADMIN)
        yield one, other


@pytest.fixture
def desk(two: tuple[Desk, Desk]) -> Desk:
    return two[0]


def asked(minutes_ago: float = 0, **more: Any) -> RoutedMessage:
    """A new matter of Ann's."""
    own, at = f"<{uuid4()}@example.org>", utc_now() - minutes_ago * MINUTE
    return routed(own, thread=f"email:{own}", received_at=at, **more)


async def opened(desk: Desk, message: RoutedMessage) -> str:
    await apply(desk, [message])
    return message.decision.ticket_id


async def policy(desk: Desk, name: str = "All", **fields: Any) -> Policy:
    return await service.put_policy(desk, Policy(name=name, **fields), actor=ADMIN)


async def row(desk: Desk, ticket: str) -> Any:
    return (await tickets.get_rows(desk, [ticket]))[ticket]


async def states(desk: Desk, ticket: str) -> dict[str, str]:
    return {each.kind: each.state for each in (await service.of_ticket(desk, ticket)).targets}


async def told(desk: Desk, ticket: str) -> list[str]:
    """What the timeline and the topic have of service levels, and they have the same."""
    async with desk.database.transaction() as session:
        kinds = "SELECT kind FROM desk.ticket_events WHERE ticket_id = :ticket AND kind LIKE 'sla.%' ORDER BY seq"
        shown = list(await session.scalars(text(kinds), {"ticket": ticket}))
    sent = [kind_of(each.change) for each in await outbox(desk, "tickets-changed") if each.ticket_id == ticket]
    assert shown == [kind for kind in sent if kind.startswith("sla.")]
    return shown


async def later(desk: Desk, ticket: str, minutes: float) -> None:
    """So much time goes by for this ticket, without the desk."""
    moved = """
        UPDATE desk.tickets SET created_at = created_at - CAST(:by AS interval),
            waiting_since = waiting_since - CAST(:by AS interval) WHERE id = :ticket
    """
    forgotten = "UPDATE desk.sla_standings SET targets = '[]', next_at = now() WHERE ticket_id = :ticket"
    async with desk.database.transaction() as session:
        await session.execute(text(moved), {"by": minutes * MINUTE, "ticket": ticket})
        await session.execute(text(forgotten), {"ticket": ticket})


async def test_without_policies_the_routers_promise_counts_as_ever(desk: Desk) -> None:
    message = asked(reply_within=1800)
    ticket = await opened(desk, message)
    assert (await row(desk, ticket)).due_at == message.message.received_at + 30 * MINUTE
    await following.look(desk)
    standing = await service.of_ticket(desk, ticket)
    assert (standing.policy, standing.promised) == ("", message.message.received_at + 30 * MINUTE)

    await policy(desk, teams=("billing",), first=5)
    other = asked(reply_within=1800)
    assert (await row(desk, await opened(desk, other))).due_at == other.message.received_at + 30 * MINUTE


async def test_a_reply_pauses_and_a_next_message_has_its_own_target(desk: Desk) -> None:
    await policy(desk, first=30, next=60, solution=240)
    message = asked(reply_within=60)
    ticket, at = await opened(desk, message), message.message.received_at
    assert (await row(desk, ticket)).due_at == at + 30 * MINUTE
    await tickets.reply(desk, ticket, tickets.Draft(text="Here."), actor=BO)
    assert (await row(desk, ticket)).due_at is None
    assert await states(desk, ticket) == {"first-reply": "met", "solution": "paused"}
    more = msgspec.structs.replace(message.message, id=str(uuid4()), provider_id="<2@x>", received_at=utc_now())
    decision = msgspec.structs.replace(message.decision, message_id=more.id)
    await apply(desk, [RoutedMessage(message=more, decision=decision)])
    assert (await row(desk, ticket)).due_at == more.received_at + 60 * MINUTE
    assert await states(desk, ticket) == {"next-reply": "running", "solution": "running", "first-reply": "met"}
    pending = await tickets.set_status(desk, ticket, "pending", actor=BO)
    assert pending.due_at is None, "the answer shows what followed"
    solved = await tickets.set_status(desk, ticket, "solved", actor=BO)
    assert solved.due_at is None
    assert set((await states(desk, ticket)).values()) == {"met"}
    assert await told(desk, ticket) == []


async def test_policies_that_change_stop_nobody_who_works_on_what_is_due(desk: Desk) -> None:
    await policy(desk, first=30)
    ticket = await opened(desk, asked())
    await policy(desk, "Late", teams=("billing",), first=60)
    async with desk.database.transaction() as session:
        await session.execute(text("UPDATE desk.sla_standings SET next_at = now(), version = 2"))
    waits = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with desk.unit_of_work() as work:
        await work.lock(tickets={ticket})
        looking = asyncio.create_task(following.look(desk))

        async def looks() -> bool:
            async with desk.database.statements() as session:
                return (await session.execute(text(waits))).first() is not None

        await until(looks, "it waits for the ticket", 10)
        work.clocks.add(ticket)
    await looking
    async with desk.database.transaction() as session:
        assert (await session.execute(text("SELECT version, applied FROM desk.sla_versions"))).one() == (2, 2)


async def test_a_priority_by_hand_moves_what_is_due_at_once_and_so_does_another_team(desk: Desk) -> None:
    await policy(desk, "Urgent", levels=("urgent",), first=15)
    await policy(desk, "Billing has none", teams=("billing",))
    await policy(desk, first=480)
    message = asked(reply_within=60)
    ticket, at = await opened(desk, message), message.message.received_at
    assert (await row(desk, ticket)).due_at == at + 480 * MINUTE
    urgent = await corrections.prioritise(desk, ticket, "urgent", actor=BO)
    assert urgent.due_at == at + 15 * MINUTE
    assert (await service.of_ticket(desk, ticket)).policy == "Urgent"
    calm = await corrections.prioritise(desk, ticket, "low", actor=BO)
    assert calm.due_at == at + 480 * MINUTE
    moved = await assignment.assign(desk, ticket, team="billing", actor=BO)
    assert moved.due_at is None
    assert (await service.of_ticket(desk, ticket)).policy == "Billing has none"


async def test_who_waits_too_long_is_told_once_and_rises_and_goes_to_another_team(two: tuple[Desk, Desk]) -> None:
    desk, other = two
    raising, handing = Actions(level="high", notify=("assignee",)), Actions(team="billing", notify=("supervisors",))
    made = await policy(desk, first=30, warn_share=50, on_warning=raising, on_breach=handing)
    ticket = await opened(desk, asked(16))
    assert await told(desk, ticket) == ["sla.warned"]
    assert (await row(desk, ticket)).level == "high", "at once, though it came late"
    async with desk.database.transaction() as session:
        await session.execute(
            text(
                "UPDATE desk.sla_standings SET next_at = now(), targets = jsonb_set(targets, '{0,stretches,0,0}', to_jsonb(now() - interval '31 minutes'))"
            )
        )
    await asyncio.gather(*(following.look(each) for each in (desk, other, desk, other)))
    await following.look(desk)
    assert await told(desk, ticket) == ["sla.warned", "sla.breached"]
    assert (await row(desk, ticket)).team == "billing"
    changes = [each.change for each in await outbox(desk, "tickets-changed") if each.kind.startswith("sla.")]
    assert [(each.target, each.policy, each.notify) for each in changes] == [
        ("first-reply", "All", "assignee"),
        ("first-reply", "All", "supervisors"),
    ]

    await service.put_policy(desk, msgspec.structs.replace(made, enabled=False), actor=ADMIN)
    await following.look(desk)
    assert await states(desk, ticket) == {}
    await service.put_policy(desk, made, actor=ADMIN)
    await following.look(desk)
    assert await states(desk, ticket) == {"first-reply": "breached"}
    assert (await told(desk, ticket)).count("sla.breached") == 1


async def test_a_process_that_dies_in_the_middle_leaves_nothing_undone_and_tells_nothing_twice(
    two: tuple[Desk, Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, other = two
    await policy(desk, first=30, on_breach=Actions(level="urgent"))
    ticket = await opened(desk, asked())
    await later(desk, ticket, 40)

    async def killed(*_: Any, **__: Any) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as dying:
        dying.setattr(following.commands, "execute", killed)
        with pytest.raises(asyncio.CancelledError):
            await following.look(desk)
    assert await told(desk, ticket) == []
    for each in (other, desk):
        await following.look(each)
    assert await told(desk, ticket) == ["sla.breached"]
    assert (await row(desk, ticket)).level == "urgent"


async def test_new_policies_and_calendars_count_for_whoever_waits_already(desk: Desk) -> None:
    message = asked(reply_within=1800)
    ticket, at = await opened(desk, message), message.message.received_at
    calendar = await service.put_calendar(desk, Calendar(name="Always"), actor=ADMIN)
    made = await policy(desk, first=60, calendar=calendar.id)
    await following.look(desk)
    assert (await row(desk, ticket)).due_at == at + 60 * MINUTE
    assert await told(desk, ticket) == ["sla.changed"], "so that lists that are open show it"
    with pytest.raises(Rejected, match="counts the time"):
        await service.remove_calendar(desk, calendar.id, actor=ADMIN)

    today = ",".join(str(at.date() + timedelta(days=days)) for days in (-1, 0, 1))
    closed = msgspec.structs.replace(calendar, days_off=today)
    await service.put_calendar(desk, closed, actor=ADMIN)
    await following.look(desk)
    opens = datetime.combine(at.date() + timedelta(days=2), datetime.min.time(), UTC)
    assert (await row(desk, ticket)).due_at == opens + 60 * MINUTE

    await service.remove_policy(desk, made.id, actor=ADMIN)
    await following.look(desk)
    assert (await row(desk, ticket)).due_at == at + 30 * MINUTE, "the router's promise again"
    await following.look(desk)
    assert await told(desk, ticket) == ["sla.changed"] * 3


async def test_policies_are_kept_in_order_and_what_cannot_be_is_refused(desk: Desk) -> None:
    first, second = await policy(desk, "One", first=10), await policy(desk, "Two", first=20)
    await service.move_policy(desk, second.id, -1, actor=ADMIN)
    await service.put_policy(desk, msgspec.structs.replace(first, tiers=("Pro", " Pro ", "")), actor=ADMIN)
    found = await service.overview(desk, actor=ADMIN)
    assert [each.name for each in found.policies] == ["Two", "One"]
    assert found.policies[1].tiers == ("Pro",)
    shown = await service.preview(desk, Situation(created_at=utc_now(), waiting_since=utc_now()), actor=ADMIN)
    assert shown.policy == "Two"
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("sla-name", {"name": "Two"}),
        ("sla-name", {"name": " "}),
        ("sla-team", {"teams": ("nobody",)}),
        ("sla-team", {"on_breach": Actions(team="nobody")}),
        ("sla-level", {"levels": ("dire",)}),
        ("sla-minutes", {"first": -1}),
        ("sla-share", {"warn_share": 100}),
        ("sla-match", {"channels": tuple(map(str, range(51)))}),
        ("sla-actions", {"on_warning": Actions(level="dire")}),
        ("sla-calendar", {"calendar": str(uuid4())}),
    ]
    for code, fields in wrong:
        with pytest.raises(Rejected) as refused:
            await service.put_policy(desk, Policy(**({"name": "Three"} | fields)), actor=ADMIN)
        assert refused.value.code == code
    calendars: list[tuple[str, dict[str, Any]]] = [
        ("calendar-hours", {"hours": "daily"}),
        ("calendar-country", {"country": "XX"}),
        ("feed-address", {"feed": "file:///etc/passwd"}),
        ("sla-name", {"name": ""}),
    ]
    for code, fields in calendars:
        with pytest.raises(Rejected) as refused:
            await service.put_calendar(desk, Calendar(**({"name": "C"} | fields)), actor=ADMIN)
        assert refused.value.code == code
    gone = str(uuid4())
    for call in (
        service.remove_policy(desk, gone, actor=ADMIN),
        service.move_policy(desk, gone, 1, actor=ADMIN),
        service.put_policy(desk, Policy(id=gone, name="Gone"), actor=ADMIN),
        service.put_calendar(desk, Calendar(id=gone, name="Gone"), actor=ADMIN),
        service.remove_calendar(desk, gone, actor=ADMIN),
        service.of_ticket(desk, gone),
    ):
        with pytest.raises(Rejected) as refused:
            await call
        assert refused.value.status == 404


class Site:
    """Where a feed is."""

    def __init__(self) -> None:
        self.answer: bytes | int = b""
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        if request.path == "/moved":
            raise web.HTTPFound("/days.ics")
        return web.Response(status=self.answer) if isinstance(self.answer, int) else web.Response(body=self.answer)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    own = Site()
    app = web.Application()
    app.router.add_get("/{path:.*}", own.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    own.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield own
    await runner.cleanup()


async def feed_of(desk: Desk) -> tuple[int, str]:
    """How many days its feed brought, and what is wrong with it."""
    (found,) = (await service.overview(desk, actor=ADMIN)).calendars
    return len(found.calendar.feed_days), found.feed_error


async def read(desk: Desk) -> tuple[int, str]:
    async with desk.database.transaction() as session:
        await session.execute(text("UPDATE desk.sla_calendars SET feed_next_at = now()"))
    assert await feeds.read_next(desk)
    assert not await feeds.read_next(desk), "it is read again in hours"
    return await feed_of(desk)


async def test_a_feed_that_is_away_gigantic_or_no_calendar_keeps_the_last_good_one(
    two: tuple[Desk, Desk], site: Site
) -> None:
    _, desk = two
    day = utc_now().date() + timedelta(days=1)
    event = f"BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:{day:%Y%m%d}\r\nEND:VEVENT\r\n"
    site.answer = f"BEGIN:VCALENDAR\r\n{event}END:VCALENDAR\r\n".encode()
    await service.put_calendar(desk, Calendar(name="Fed", feed=f"{site.url}/moved"), actor=ADMIN)
    assert await read(desk) == (1, "")
    wrong: list[tuple[bytes | int, str]] = [
        (500, "it answers 500"),
        (b"x" * (feeds.MOST_BYTES + 1), "longer than"),
        (b"<html>Hello</html>", "no iCalendar file"),
        (b"BEGIN:VCALENDAR\x00\r\n", "no iCalendar file"),
    ]
    for site.answer, problem in wrong:
        days, error = await read(desk)
        assert days == 1
        assert problem in error
    site.answer = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
    assert await read(desk) == (0, "")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"])
async def test_a_feed_inside_our_own_network_is_not_asked(desk: Desk, site: Site, host: str) -> None:
    site.answer = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
    port = site.url.rpartition(":")[2]
    await service.put_calendar(desk, Calendar(name="Inside", feed=f"http://{host}:{port}/"), actor=ADMIN)
    days, error = await read(desk)
    assert (days, error) == (0, "This address is inside a private network. Use one of the internet.")


async def test_programs_keep_policies_and_calendars_and_read_where_a_ticket_stands(desk: Desk) -> None:
    ticket = await opened(desk, asked())
    async with await as_program(desk, "admin", "read") as api:
        calendar = (await api.post("/api/v1/service-levels/calendars", json={"name": "Office", "country": "FR"})).json()
        body = {"name": "All", "first": 30, "calendar": calendar["id"], "on_breach": {"level": "high"}}
        made = (await api.post("/api/v1/service-levels/policies", json=body)).json()
        own = f"/api/v1/service-levels/policies/{made['id']}"
        assert (await api.put(own, json=body | {"first": 45, "calendar": None})).json()["first"] == 45
        assert (await api.post(f"{own}/move", json={"by": 1})).status_code == 204
        found = (await api.get("/api/v1/service-levels")).json()
        assert [each["name"] for each in found["policies"] + found["calendars"]] == ["All", "Office"]
        closed = {"name": "Office", "feed": "https://example.org/days.ics"}
        shown = await api.put(f"/api/v1/service-levels/calendars/{calendar['id']}", json=closed)
        assert (shown.json()["feed_days"], shown.json()["feed_error"]) == ([], "")
        asked_at = "2026-12-01T09:00:00Z"
        preview = (await api.post("/api/v1/service-levels/preview", json={"at": asked_at})).json()
        assert preview["targets"][0]["due_at"] == "2026-12-01T09:45:00Z"
        await following.look(desk)
        standing = (await api.get(f"/api/v1/tickets/{ticket}/service-level")).json()
        assert (standing["policy"], standing["targets"][0]["state"]) == ("All", "running")
        assert (await api.delete(own)).status_code == 204
        assert (await api.delete(f"/api/v1/service-levels/calendars/{calendar['id']}")).status_code == 204


async def test_a_waiting_caller_is_given_another_priority_by_rule_or_by_hand_and_moves_at_once(desk: Desk) -> None:
    await policy(desk, channels=("phone",), first=10, warn_share=50, on_warning=Actions(level="urgent"))
    one = await caller(desk, waited=60, level=Level.HIGH, number="+33600000001")
    other = await caller(desk, waited=240, number="+33600000002")
    assert [call.call_id for call in await calls.waiting(desk)] == [one, other]
    await later(desk, ticket_of(other), 2)
    await following.look(desk)
    assert [call.call_id for call in await calls.waiting(desk)] == [other, one]
    await corrections.prioritise(desk, ticket_of(other), "low", actor=BO)
    assert [call.call_id for call in await calls.waiting(desk)] == [one, other]


async def test_a_ticket_that_leads_others_is_due_when_the_first_of_them_is(desk: Desk) -> None:
    await policy(desk, "Urgent", levels=("urgent",), first=15)
    await policy(desk, first=480)
    leader, member = await opened(desk, asked()), await opened(desk, asked())
    async with desk.database.transaction() as session:
        put = "UPDATE desk.tickets SET group_id = :leader WHERE id = :member"
        await session.execute(text(put), {"leader": leader, "member": member})
    urgent = await corrections.prioritise(desk, member, "urgent", actor=BO)
    raised = await row(desk, leader)
    assert raised.level == "urgent"
    assert raised.due_at == raised.created_at + 15 * MINUTE, "it came first, so it is due before what it leads"
    async with desk.database.transaction() as session:
        put = "UPDATE desk.tickets SET group_id = CASE id WHEN CAST(:leader AS uuid) THEN CAST(:member AS uuid) END"
        await session.execute(text(put), {"leader": leader, "member": member})
    await tickets.add_note(desk, leader, "Look.", actor=BO)
    assert (await row(desk, member)).due_at == urgent.due_at
    await corrections.prioritise(desk, member, "high", actor=BO)
    assert (await row(desk, member)).due_at == raised.due_at, "what it leads is due before"
