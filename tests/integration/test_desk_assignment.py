"""Conversations reach agents by themselves, on a real database: the right one, once, and nobody who
does not accept work."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from services.desk.accounts import service as accounts
from services.desk.actors import COMMAND
from services.desk.assignment import offers, pushing
from services.desk.assignment import service as assignment
from services.desk.assignment.domain import Snapshot
from services.desk.context import Desk
from services.desk.intake.messages import apply
from services.desk.people import presence, work
from services.desk.people.work import WorkChange
from services.desk.tickets import service as tickets
from services.desk.tickets import teams
from services.desk.tickets.schemas import TicketQuery, TicketRow
from shared.clock import utc_now
from shared.errors import Rejected
from shared.events import RoutedMessage
from shared.metrics import METRICS
from tests.integration.desk_calls import agent
from tests.integration.desk_parts import CHAT, EMAIL, acting, desk_on, migrate, with_channels
from tests.integration.test_desk_permissions import as_program, browser
from tests.unit.desk.examples import routed

LIVE = msgspec.structs.replace(CHAT, live=True)
SUE = acting("sue@desk.example", "supervisor")


@pytest.fixture
async def two(database: str, storage_url: str) -> AsyncIterator[tuple[Desk, Desk]]:
    """Two processes of the desk."""
    await migrate(database)
    async with AsyncExitStack() as stack:
        made = [await stack.enter_async_context(desk_on(database, storage_url)) for _ in range(2)]
        yield with_channels(made[0], EMAIL, LIVE), with_channels(made[1], EMAIL, LIVE)


@pytest.fixture
def desk(two: tuple[Desk, Desk]) -> Desk:
    return two[0]


async def team_of(desk: Desk, *names: str, team: str = "billing", delivery: str = "push", **more: Any) -> list[str]:
    """A team; these agents became ready an hour ago."""
    values = {"turn": "spare", "weight": 1} | more
    await teams.set_up(desk, team, delivery=delivery, actor=SUE, **values)
    emails = [await agent(desk, name) for name in names]
    for email in emails:
        await teams.add_member(desk, team, email, actor=SUE)
    await sql(desk, "UPDATE desk.agents SET presence_since = presence_since - interval '1 hour'")
    return emails


async def sql(desk: Desk, statement: str) -> list[Any]:
    async with desk.database.transaction() as session:
        result = await session.execute(text(statement))
        return list(result) if result.returns_rows else []


def wrote(number: int, *, again: int = 0, minutes_ago: float = 5, channel: str = "email", **more: Any) -> RoutedMessage:
    """A customer's message, or one more in the same conversation."""
    return routed(
        f"<{number}.{again}@example.org>",
        thread=f"{channel}:<{number}@example.org>",
        rule="reference" if again else "new",
        channel=channel,
        sender=f"{channel}:c{number}@example.org",
        received_at=utc_now() - timedelta(minutes=minutes_ago),
        **{"team": "billing"} | more,
    )


async def come(desk: Desk, *messages: RoutedMessage) -> list[str]:
    await apply(desk, list(messages))
    return [message.decision.ticket_id for message in messages]


async def row(desk: Desk, ticket: str) -> TicketRow:
    return (await tickets.get_ticket(desk, ticket)).row


async def owners(desk: Desk, team: str = "%") -> Counter[str]:
    found = await sql(
        desk,
        "SELECT coalesce(a.email, '') AS who FROM desk.tickets t LEFT JOIN desk.agents a ON a.id = t.assignee_id"
        f" WHERE t.team LIKE '{team}'",
    )
    return Counter(each.who.partition("@")[0] for each in found)


async def told(desk: Desk, ticket: str, *kinds: str) -> list[dict[str, str]]:
    wanted = kinds or ("ticket.assigned", "ticket.offered")
    return [event.data for event in (await tickets.get_ticket(desk, ticket)).events if event.kind in wanted]


async def test_mail_of_a_team_that_wants_it_goes_to_who_is_ready_and_says_why(desk: Desk) -> None:
    ann, bo, cleo = await team_of(desk, "Ann", "Bo", "Cleo")
    await presence.set_presence(desk, bo, "away", actor=acting(bo))
    await work.set_work(desk, cleo, WorkChange(capacity={"mail": 0}), actor=SUE)
    mine = await come(desk, *(wrote(number) for number in range(3)))
    (elsewhere,) = await come(desk, wrote(9, team="other"))
    await pushing.serve(desk)
    assert {(await row(desk, ticket)).assignee for ticket in mine} == {ann}
    assert (await row(desk, elsewhere)).assignee == "", "teams that nobody set up take from their queue"
    (event,) = await told(desk, mine[0])
    assert (event["assignee"], event["why"]) == (ann, "pushed")
    why = await offers.why(desk, mine[0])
    assert (why.decided, why.pushed, why.offered) == (ann, True, False)
    assert {each.agent: each.why_not for each in why.verdicts} == {ann: "", bo: "away", cleo: "full"}
    await presence.set_presence(desk, cleo, "away", actor=acting(cleo))
    assert await offers.why(desk, mine[0]) == why, "as it was then"
    (kept,) = await sql(desk, "SELECT snapshot FROM desk.assignment_passes")
    again = msgspec.json.decode(kept.snapshot, type=Snapshot).decided()
    assert sorted(each.conversation for each in again) == sorted(mine), "what was recorded decides the same again"


async def test_while_nobody_is_there_the_queue_is_seen_and_operators_are_told(desk: Desk) -> None:
    """Requirement 2 (Chatwoot 5672)."""
    (ann,) = await team_of(desk, "Ann")
    await presence.set_presence(desk, ann, "away", actor=acting(ann))
    mine = await come(desk, *(wrote(number) for number in range(2)))
    await pushing.serve(desk)
    assert METRICS.teams_unstaffed._value.get() == 1
    queue = await tickets.list_tickets(desk, TicketQuery(team="billing", assignee="none"))
    assert {each.id for each in queue.items} == set(mine)
    await presence.set_presence(desk, ann, "ready", actor=acting(ann))
    await pushing.serve(desk)
    assert METRICS.teams_unstaffed._value.get() == 0
    assert await owners(desk) == {"ann": 2}


async def test_a_team_that_takes_from_its_queue_goes_on_to_do_so(desk: Desk) -> None:
    await team_of(desk, "Ann", delivery="pull")
    (ticket,) = await come(desk, wrote(1))
    await pushing.serve(desk)
    assert (await row(desk, ticket)).assignee == ""
    why = await offers.why(desk, ticket)
    assert (why.decided, why.pushed, [each.why_not for each in why.verdicts]) == ("", False, [""])


async def test_two_processes_at_once_give_each_conversation_once_and_evenly(two: tuple[Desk, Desk]) -> None:
    await team_of(two[0], "Ann", "Bo", "Cleo")
    await come(two[0], *(wrote(number) for number in range(25)))
    while (await owners(two[0]))[""]:
        await asyncio.gather(*(pushing.serve(each) for each in (*two, *two)))
    assert sorted((await owners(two[0])).values()) == [8, 8, 9]
    events = await sql(two[0], "SELECT ticket_id FROM desk.ticket_events WHERE kind = 'ticket.assigned'")
    assert len(events) == len({each.ticket_id for each in events}) == 25


async def test_whoever_became_ready_just_now_does_not_get_the_night_s_backlog(desk: Desk) -> None:
    (ann,) = await team_of(desk, "Ann")
    await presence.set_presence(desk, ann, "away", actor=acting(ann))
    await come(desk, *(wrote(number) for number in range(8)))
    await presence.set_presence(desk, ann, "ready", actor=acting(ann))
    for _ in range(3):
        await pushing.serve(desk)
    assert await owners(desk) == {"ann": 2, "": 6}
    await sql(desk, "UPDATE desk.assignments SET at = at - interval '61 s'")
    await pushing.serve(desk)
    assert await owners(desk) == {"ann": 4, "": 4}


async def test_work_goes_back_when_its_agent_leaves_and_goes_on_with_its_age(desk: Desk) -> None:
    ann, bo = await team_of(desk, "Ann", "Bo")
    await presence.set_presence(desk, bo, "away", actor=acting(bo))
    (ticket,) = await come(desk, wrote(1, minutes_ago=30))
    await pushing.serve(desk)
    before = await row(desk, ticket)
    assert before.assignee == ann
    await sql(desk, "UPDATE desk.agents SET presence = 'ready' WHERE name = 'Bo'")
    await presence.set_presence(desk, ann, "busy", actor=acting(ann))
    await pushing.serve(desk)
    assert (await row(desk, ticket)).assignee == ann, "who is busy comes back to it"
    await presence.set_presence(desk, ann, "away", actor=acting(ann))
    await pushing.serve(desk)
    after = await row(desk, ticket)
    assert (after.assignee, after.waiting_since) == (bo, before.waiting_since)
    assert [event.get("why") for event in await told(desk, ticket)] == ["pushed", "away", "pushed"]


async def test_an_answer_finds_its_agent_while_they_accept_work_and_their_team_at_once_otherwise(desk: Desk) -> None:
    """Requirement 1 (Chatwoot 7204)."""
    ann, bo = await team_of(desk, "Ann", "Bo")
    (ticket,) = await come(desk, wrote(1))
    await assignment.assign(desk, ticket, actor=acting(ann), assignee=ann)
    await tickets.reply(desk, ticket, tickets.Draft(text="Try again."), actor=acting(ann))
    await pushing.serve(desk)
    assert (await row(desk, ticket)).status == "pending"

    await apply(desk, [wrote(1, again=1, minutes_ago=0)])
    await pushing.serve(desk)
    assert (await row(desk, ticket)).assignee == ann
    await tickets.reply(desk, ticket, tickets.Draft(text="And now?"), actor=acting(ann))
    await presence.set_presence(desk, ann, "away", actor=acting(ann))
    await pushing.serve(desk)
    assert (await row(desk, ticket)).assignee == ann, "nobody waits"
    await apply(desk, [wrote(1, again=2, minutes_ago=0)])
    await pushing.serve(desk)
    assert (await row(desk, ticket)).assignee == bo
    await assignment.assign(desk, ticket, actor=SUE, assignee=ann)
    await pushing.serve(desk)
    assert (await row(desk, ticket)).assignee == ann, "a supervisor may give it to whom they want"


async def test_a_chat_is_offered_accepted_declined_or_missed_and_keeps_its_age(desk: Desk) -> None:
    ann, bo = await team_of(desk, "Ann", "Bo", turn="round")
    await sql(desk, "UPDATE desk.agents SET assigned_at = now() - interval '2 h' WHERE name = 'Ann'")
    await sql(desk, "UPDATE desk.agents SET assigned_at = now() - interval '1 h' WHERE name = 'Bo'")
    (chat,) = await come(desk, wrote(1, channel="chat", minutes_ago=1))
    await pushing.serve(desk)
    (offer,) = await offers.of_agent(desk, ann)
    assert (offer.ticket.id, offer.ticket.assignee, await offers.of_agent(desk, bo)) == (chat, "", ())
    assert 25 < offer.left() <= 30
    assert (await offers.why(desk, chat)).offered
    with pytest.raises(Rejected, match="not offered to you"):
        await offers.accept(desk, chat, actor=acting(bo))
    await offers.decline(desk, chat, actor=acting(ann))
    await pushing.serve(desk)
    assert (await offers.of_agent(desk, ann), len(await offers.of_agent(desk, bo))) == ((), 1)
    await sql(desk, "UPDATE desk.assignments SET until = until - interval '31 s', at = at - interval '31 s'")
    await pushing.serve(desk)
    assert (await presence.state(desk, bo)).reason == "missed a chat"
    with pytest.raises(Rejected, match="not offered to you"):
        await offers.accept(desk, chat, actor=acting(bo))
    await sql(desk, "UPDATE desk.assignments SET until = until - interval '1 min'")
    await pushing.serve(desk)
    taken = await offers.accept(desk, chat, actor=acting(ann))
    assert (taken.assignee, taken.waiting_since) == (ann, offer.ticket.waiting_since)
    said = [event.get("state") or event.get("why") for event in await told(desk, chat)]
    assert said == ["offered", "declined", "offered", "missed", "offered", "accepted", "accepted"]


async def test_what_a_colleague_took_meanwhile_is_offered_to_nobody_any_more(desk: Desk) -> None:
    ann, bo = await team_of(desk, "Ann", "Bo")
    (chat,) = await come(desk, wrote(1, channel="chat"))
    await pushing.serve(desk)
    whose = ann if await offers.of_agent(desk, ann) else bo
    other = bo if whose == ann else ann
    await assignment.assign(desk, chat, actor=acting(other), assignee=other)
    assert await offers.of_agent(desk, whose) == ()
    with pytest.raises(Rejected, match="not offered to you"):
        await offers.accept(desk, chat, actor=acting(whose))
    await pushing.serve(desk)
    assert (await presence.state(desk, whose)).presence == "ready", "that was no fault of theirs"
    assert [each.outcome for each in await sql(desk, "SELECT outcome FROM desk.assignments")] == ["withdrawn"]


async def test_archived_and_settled_conversations_are_nobody_s_work(desk: Desk) -> None:
    await team_of(desk, "Ann")
    first, second = await come(desk, wrote(1), wrote(2))
    await tickets.set_status(desk, first, "closed", actor=SUE)
    await tickets.set_status(desk, second, "solved", actor=SUE)
    await pushing.serve(desk)
    assert await owners(desk) == {"": 2}


async def test_a_program_and_a_page_set_a_team_up_and_answer_offers(desk: Desk) -> None:
    (ann,) = await team_of(desk, "Ann", delivery="pull")
    (chat,) = await come(desk, wrote(1, channel="chat"))
    async with await as_program(desk, "admin") as api:
        work_ = {"delivery": "push", "turn": "round", "weight": 2}
        assert (await api.put("/api/v1/teams/billing/work", json=work_)).status_code == 204
        assert (await api.put("/api/v1/teams/billing/work", json={"weight": 11})).status_code == 422
        assert (await api.get("/api/v1/teams/billing/work")).json() == {"name": "billing", "members": ["Ann"], **work_}
        assert (await api.get("/api/v1/teams/nowhere/work")).status_code == 404
        await pushing.serve(desk)
        (offer,) = (await api.get(f"/api/v1/agents/{ann}/offers")).json()
        assert offer["ticket"]["id"] == chat
        assert (await api.get(f"/api/v1/tickets/{chat}/assignment")).json()["offered"] is True
        assert (await api.post(f"/api/v1/tickets/{chat}/decline", json={"agent": ann})).status_code == 200
        assert (await api.post(f"/api/v1/tickets/{chat}/accept", json={"agent": ann})).status_code == 409
    await sql(desk, "UPDATE desk.assignments SET at = at - interval '10 min', until = until - interval '10 min'")
    await pushing.serve(desk)
    client, _ = await browser(desk, ann, "long enough 1")
    async with client:
        assert "Accept this within" in (await client.get("/calls", headers={"Accept": "text/html"})).text
        assert "Offered to them" in (await client.get(f"/c/{chat}/assignment")).text
        done = await client.post(f"/c/{chat}/accept")
        assert (done.status_code, done.headers["location"]) == (303, f"/c/{chat}")
        assert (await client.post(f"/c/{chat}/decline")).status_code == 409
    await accounts.set_role(desk, ann, "supervisor", COMMAND)
    client, _ = await browser(desk, ann, "long enough 1")
    async with client:
        form = {"team": "billing", "delivery": "pull", "turn": "spare", "weight": "3"}
        assert (await client.post("/teams/work", data=form)).status_code == 303
        assert (await client.post("/teams/work", data=form | {"weight": "heavy"})).status_code == 422
        assert 'value="pull" checked' in (await client.get("/teams?team=billing")).text
