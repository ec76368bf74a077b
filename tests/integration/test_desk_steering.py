"""What supervisors see and do, on a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest

from services.desk.accounts import service as accounts
from services.desk.actors import COMMAND
from services.desk.assignment import pushing
from services.desk.assignment import service as assignment
from services.desk.calls import distribution
from services.desk.calls import service as calls
from services.desk.context import Desk
from services.desk.notifications import deriving
from services.desk.notifications import service as notifications
from services.desk.people import presence, work
from services.desk.people.work import WorkChange
from services.desk.steering import repository
from services.desk.steering import service as steering
from services.desk.steering.domain import WEEK, this_hour
from services.desk.tickets import service as tickets
from shared.clock import utc_now
from shared.errors import Rejected, Unavailable
from shared.kernel import ContactPoint
from tests.integration.desk_calls import LINE, agent, caller, ticket_of
from tests.integration.desk_parts import EMAIL, acting, desk_on, migrate, scalar, with_channels
from tests.integration.test_desk_assignment import LIVE, SUE, come, row, sql, team_of, wrote
from tests.integration.test_desk_permissions import as_program, browser


@pytest.fixture
async def desk(database: str, storage_url: str) -> AsyncIterator[Desk]:
    await migrate(database)
    async with desk_on(database, storage_url) as made:
        yield with_channels(made, EMAIL, LIVE)


async def test_who_does_what_is_seen_at_a_glance(desk: Desk) -> None:
    ann, bo = await team_of(desk, "Ann", "Bo", delivery="pull")
    await presence.set_presence(desk, bo, "away", "lunch", actor=acting(bo))
    await presence.set_paused(desk, ann, ["chat"], actor=acting(ann))
    mine, his, free = await come(desk, *(wrote(number, minutes_ago=20) for number in range(3)))
    await assignment.assign(desk, mine, actor=SUE, assignee=ann)
    await assignment.assign(desk, his, actor=SUE, assignee=bo)
    await sql(desk, f"UPDATE desk.tickets SET due_at = now() + interval '20 min' WHERE id = '{free}'")
    await sql(desk, f"UPDATE desk.tickets SET due_at = now() - interval '1 min' WHERE id = '{his}'")
    floor = await steering.floor(desk, utc_now(), await steering.history(desk, utc_now()))
    first, second = floor.agents
    assert (first.name, first.presence, [each.id for each in first.work]) == ("Ann", "ready", [mine])
    assert {each.kind: (each.has, each.most, each.why_not) for each in first.loads} == {
        "voice": (0, 1, ""), "mail": (1, 10, ""), "chat": (0, 3, "paused"), "text": (0, 5, ""), "post": (0, 10, ""),
    }  # fmt: skip
    assert (second.name, second.reason, second.left_behind, second.loads[1].why_not) == ("Bo", "lunch", True, "away")
    (queue,) = floor.queues
    assert (queue.team, queue.waiting, queue.late, queue.accepting, queue.members) == ("billing", 1, 0, 1, 2)
    assert queue.oldest == (await row(desk, free)).waiting_since
    assert queue.forecast
    assert queue.forecast.arrivals is None, "a desk of today has no history"
    assert ([each.id for each in floor.at_risk], floor.risks, floor.late) == ([free], 1, 1)


async def test_a_visitor_without_a_name_is_called_as_in_the_list(desk: Desk) -> None:
    (ann,) = await team_of(desk, "Ann", delivery="pull")
    guest = msgspec.structs.replace(
        (written := wrote(1, channel="chat")).message, sender=ContactPoint("chat:32af3372-267e-4cba"), sender_name=""
    )
    (ticket,) = await come(desk, msgspec.structs.replace(written, message=guest))
    await assignment.assign(desk, ticket, actor=SUE, assignee=ann)
    floor = await steering.floor(desk, utc_now(), None)
    assert [each.customer for each in floor.agents[0].work] == ["Visitor 32af"]
    assert (await row(desk, ticket)).customer_name == "Visitor 32af"


async def test_who_waits_on_the_telephone_and_who_speaks_is_seen(database: str, storage_url: str) -> None:
    await migrate(database)
    async with desk_on(database, storage_url) as bare:
        desk = with_channels(bare, EMAIL, LINE)
        ann = await agent(desk, "Ann")
        call = await caller(desk)
        await distribution.serve(desk)
        floor = await steering.floor(desk, utc_now(), None)
        assert (floor.callers, floor.calling_since is None, floor.agents[0].call) == (1, False, None)
        await calls.answer(desk, call, actor=acting(ann))
        floor = await steering.floor(desk, utc_now(), None)
        (hers,) = floor.agents
        assert (floor.callers, floor.queues[0].forecast) == (0, None)
        assert hers.call
        assert (hers.call.ticket_id, hers.loads[0].has, hers.loads[0].why_not) == (ticket_of(call), 1, "busy")
        await accounts.set_role(desk, ann, "supervisor", COMMAND)
        client, _ = await browser(desk, ann, "long enough 1")
        async with client:
            assert f"/c/{ticket_of(call)}" in (await client.get("/supervisor")).text.partition('class="on-call"')[2]


async def test_the_forecast_is_counted_from_the_same_hours_of_the_last_weeks(desk: Desk) -> None:
    (ann,) = await team_of(desk, "Ann", delivery="pull")
    begins = this_hour(utc_now())
    mine = await come(desk, *(wrote(number) for number in range(8)))
    for ticket in mine[:6]:
        await tickets.reply(desk, ticket, tickets.Draft(text="Done."), actor=acting(ann))
    for week, ids in ((1, mine[:4]), (2, mine[4:7]), (4, mine[7:])):
        for place, ticket in enumerate(ids):
            at = (begins - week * WEEK + timedelta(minutes=place)).isoformat()
            await sql(desk, f"UPDATE desk.messages SET at = '{at}' WHERE ticket_id = '{ticket}' AND direction = 'in'")
            await sql(
                desk, f"UPDATE desk.messages SET sent_at = '{at}' WHERE ticket_id = '{ticket}' AND direction = 'out'"
            )
    found = await steering.history(desk, utc_now())
    past = found.teams["billing"]
    assert (found.weeks, past.arrivals) == (4, {(1, 0): 4, (2, 0): 3, (4, 0): 1})
    assert (past.replies, past.seconds) == (4, 60.0), "three gaps in one week, one in another"
    told = found.forecast("billing", 2)
    assert told.arrivals
    assert (told.arrivals[0], told.handling, told.needed) == (2.0, None, None), "four replies are too few"


async def test_what_is_to_be_expected_is_counted_once_an_hour_and_not_tried_again_at_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await team_of(desk, "Ann", delivery="pull")
    seen, now = steering.Steering(desk), utc_now()
    first = await seen.past()
    assert first
    assert await seen.past() is first, "once for all who look"
    monkeypatch.setattr(steering, "utc_now", lambda: now + timedelta(hours=1))
    assert await seen.past() is not first, "an hour on, other hours come"
    tries = []

    async def fails(*_: object) -> None:
        tries.append(1)
        raise Unavailable("too slow")

    monkeypatch.setattr(repository, "history", fails)
    broken = steering.Steering(desk)
    for _ in range(3):
        assert await broken.past() is None
    assert len(tries) == 1
    found = (await broken.current()).value
    assert found
    assert found.queues[0].forecast is None, "the rest is there all the same"


async def test_a_queue_says_why_nobody_has_what_waits(desk: Desk) -> None:
    ann, bo, cleo = await team_of(desk, "Ann", "Bo", "Cleo")
    await presence.set_presence(desk, bo, "away", actor=acting(bo))
    await work.set_work(desk, cleo, WorkChange(capacity={"mail": 0}), actor=SUE)
    await work.set_work(desk, ann, WorkChange(capacity={"mail": 1}), actor=SUE)
    first, second, third = await come(desk, *(wrote(number, minutes_ago=9 - number) for number in range(3)))
    page = await steering.queue(desk, "billing", None)
    assert [each.item.id for each in page.waiting] == [first, second, third]
    assert [[(why.why, why.people) for why in each.why] for each in page.waiting] == [
        [("now", 1)], [("full", 2), ("away", 1)], [("full", 2), ("away", 1)],
    ]  # fmt: skip
    assert [each.could for each in page.waiting] == [("Ann",), (), ()]
    await pushing.serve(desk)
    assert [each.item.id for each in (await steering.queue(desk, "billing", None)).waiting] == [second, third]
    (chat,) = await come(desk, wrote(7, channel="chat"))
    await pushing.serve(desk)
    offered = {each.item.id: each for each in (await steering.queue(desk, "billing", None)).waiting}[chat]
    assert (offered.offered_to in ("Ann", "Cleo"), offered.why[0].why) == (True, "offered")
    with pytest.raises(Rejected, match="no team"):
        await steering.queue(desk, "nowhere", None)


async def test_whoever_is_asked_to_come_in_reads_it_until_they_say_whether_they_are_there(desk: Desk) -> None:
    (ann,) = await team_of(desk, "Ann", delivery="pull")
    with pytest.raises(Rejected, match="ready already"):
        await steering.call_in(desk, ann, actor=SUE)
    with pytest.raises(Rejected, match="No active agent"):
        await steering.call_in(desk, "nobody@desk.example", actor=SUE)
    await presence.set_presence(desk, ann, "away", actor=acting(ann))
    await steering.call_in(desk, ann, " The shop is \x00down ", actor=SUE)
    state = await presence.state(desk, ann)
    assert (state.called_by, state.called_for) == (SUE.stored, "The shop is down")
    assert await scalar(desk, "SELECT data ->> 'agent' FROM desk.ticket_events WHERE kind = 'agent.called'") == ann
    own = await scalar(desk, f"SELECT id FROM desk.agents WHERE email = '{ann}'")
    while await deriving.derive(desk):
        pass
    assert await notifications.unread_count(desk, own) == 1
    client, _ = await browser(desk, ann, "long enough 1")
    async with client:
        assert "The shop is down" in (await client.get("/calls", headers={"Accept": "text/html"})).text
        assert await notifications.unread_count(desk, own) == 0, "the bell is quiet where it led"
        assert (await client.get("/supervisor")).status_code == 403
        assert "Members take it from the queue" in (await client.get("/queues/billing")).text
        assert (await client.post("/presence", data={"presence": "ready"})).status_code == 303
        assert "The shop is down" not in (await client.get("/calls", headers={"Accept": "text/html"})).text
    assert (await presence.state(desk, ann)).called_at is None


async def test_a_program_and_a_page_steer(desk: Desk) -> None:
    ann, bo = await team_of(desk, "Ann", "Bo", delivery="pull")
    (ticket,) = await come(desk, wrote(1))
    await assignment.assign(desk, ticket, actor=SUE, assignee=ann)
    async with await as_program(desk, "write") as api:
        seen = (await api.get("/api/v1/supervisor")).json()
        assert [each["email"] for each in seen["agents"]] == [ann, bo]
        assert seen["agents"][0]["work"][0]["id"] == ticket
        assert (await api.get("/api/v1/queues/billing")).json()["queue"]["waiting"] == 0
        assert (await api.post(f"/api/v1/agents/{bo}/call-in", json={})).status_code == 409
    await accounts.set_role(desk, bo, "supervisor", COMMAND)
    client, _ = await browser(desk, bo, "long enough 1")
    async with client:
        page = (await client.get("/supervisor")).text
        assert "Not enough history for a forecast" in page
        assert f'data-drop="agent:{ann}"' in page
        assert (await client.post("/supervisor/release", data={"agent": ann})).headers["location"] == "/supervisor"
        assert (await row(desk, ticket)).assignee == ""
        assert (await client.post("/supervisor/call-in", data={"agent": ann})).status_code == 303
        part = {"HX-Request": "true"}
        assert (
            "back in the queues: 0"
            in (await client.post("/supervisor/release", data={"agent": ann}, headers=part)).text
        )
        asked = await client.post("/supervisor/call-in", data={"agent": ann, "reason": "Busy"}, headers=part)
        assert "Asked to come in: Ann" in asked.text
