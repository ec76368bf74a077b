"""Work changes hands: by whom, why, and nobody takes what somebody else has just taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec import structs
from sqlalchemy import event, text

from services.desk.actors import ROLES, Permission
from services.desk.assignment import offers, pushing
from services.desk.assignment import service as assignment
from services.desk.assignment.choices import choices
from services.desk.assignment.handing import Asked, Handover
from services.desk.context import Desk
from services.desk.people import presence
from services.desk.tickets import service as tickets
from shared.errors import Rejected
from tests.integration.desk_parts import acting, desk_on, migrate, scalar, with_channels
from tests.integration.test_desk_assignment import EMAIL, LIVE, SUE, come, owners, row, sql, team_of, told, wrote
from tests.integration.test_desk_limits import WAITING
from tests.integration.test_desk_permissions import as_program, browser


@pytest.fixture
async def desk(database: str, storage_url: str) -> AsyncIterator[Desk]:
    await migrate(database)
    async with desk_on(database, storage_url) as made:
        yield with_channels(made, EMAIL, LIVE)


async def test_of_two_who_take_it_at_once_one_has_it_and_the_other_is_told_who(desk: Desk) -> None:
    ann, bo = await team_of(desk, "Ann", "Bo", delivery="pull")
    (ticket,) = await come(desk, wrote(1))
    taking = [assignment.assign(desk, ticket, actor=acting(who), assignee=who, was="") for who in (ann, bo)]
    first, second = await asyncio.gather(*taking, return_exceptions=True)
    (won,), (lost,) = (
        [each for each in (first, second) if isinstance(each, Rejected) is told] for told in (False, True)
    )
    assert isinstance(lost, Rejected)
    assert not isinstance(won, BaseException)
    assert (lost.status, lost.code) == (409, "taken")
    assert won.assignee_name in lost.message
    again = await assignment.assign(desk, ticket, actor=acting(won.assignee), assignee=won.assignee, was="")
    assert again.assignee == won.assignee, "who has it already is told nothing"
    assert len(await told(desk, ticket)) == 1


async def test_a_transfer_goes_with_a_note_and_the_timeline_has_who_and_whose_it_was(desk: Desk) -> None:
    ann, bo = await team_of(desk, "Ann", "Bo", delivery="pull")
    (ticket,) = await come(desk, wrote(1))
    await assignment.assign(desk, ticket, actor=acting(ann), assignee=ann)
    await assignment.assign(desk, ticket, actor=acting(ann), assignee=bo, note="She was charged twice, see May.")
    view = await tickets.get_ticket(desk, ticket)
    note = view.messages[-1]
    assert (note.direction, note.text, note.author) == ("note", "She was charged twice, see May.", ann)
    assert (await told(desk, ticket))[-1] == {"assignee": bo, "assignee_name": "Bo", "had": ann, "note": note.id}
    moved = await assignment.assign(desk, ticket, actor=acting(bo), assignee="", team="billing-2")
    assert (moved.assignee, moved.team) == ("", "billing-2")


async def test_what_somebody_gives_back_goes_to_a_colleague_with_its_age(desk: Desk) -> None:
    ann, bo = await team_of(desk, "Ann", "Bo")
    await presence.set_presence(desk, bo, "away", actor=acting(bo))
    (ticket,) = await come(desk, wrote(1, minutes_ago=30))
    await pushing.serve(desk)
    before = await row(desk, ticket)
    assert before.assignee == ann
    await assignment.assign(desk, ticket, actor=acting(ann), assignee="")
    await pushing.serve(desk)
    after = await row(desk, ticket)
    assert (after.assignee, after.waiting_since) == ("", before.waiting_since), "not to who gave it back"
    assert {each.agent: each.why_not for each in (await offers.why(desk, ticket)).verdicts} == {
        ann: "asked",
        bo: "away",
    }
    await sql(desk, "UPDATE desk.agents SET presence = 'ready'")
    await pushing.serve(desk)
    assert (await row(desk, ticket)).assignee == bo


async def test_many_are_handed_over_at_once_and_each_that_was_not_says_why(desk: Desk) -> None:
    ann, bo = await team_of(desk, "Ann", "Bo", delivery="pull")
    mine = await come(desk, *(wrote(number) for number in range(4)))
    await tickets.set_status(desk, mine[2], "solved", actor=SUE)
    await assignment.assign(desk, mine[3], actor=acting(ann), assignee=ann)
    asked = [*(Asked(ticket, "") for ticket in mine), Asked("#99999", "")]
    done = await assignment.assign_all(desk, asked, Handover(assignee=bo, note="For you"), actor=SUE, key="k")
    assert [each.id for each in done.done] == mine[:2]
    assert {each.assignee for each in done.done} == {bo}
    assert [(each.code, each.number > 0) for each in done.left_out] == [
        ("settled", True), ("taken", True), ("no-such-ticket", False),
    ]  # fmt: skip
    again = await assignment.assign_all(desk, asked[:2], Handover(assignee=bo, note="For you"), actor=SUE, key="k")
    assert len(again.done) == 2
    assert await scalar(desk, "SELECT count(*) FROM desk.messages WHERE direction = 'note'") == 2, "the same key, once"
    assert [len(await told(desk, ticket)) for ticket in mine[:2]] == [1, 1], "nor is it told twice"
    with pytest.raises(Rejected, match="1 to 100"):
        await assignment.assign_all(desk, [], Handover(assignee=bo), actor=SUE)


async def test_nobody_writes_a_note_by_handing_over_who_may_not_write_any(desk: Desk) -> None:
    ann, bo = await team_of(desk, "Ann", "Bo", delivery="pull")
    (ticket,) = await come(desk, wrote(1))
    mute = structs.replace(acting(ann), permissions=ROLES["agent"] - {Permission.NOTE})
    for handed in (
        assignment.assign(desk, ticket, actor=mute, assignee=bo, note="Hm"),
        assignment.assign_all(desk, [Asked(ticket)], Handover(assignee=bo, note="Hm"), actor=mute),
    ):
        with pytest.raises(Rejected, match=r"tickets\.note"):
            await handed
    assert (await assignment.assign(desk, ticket, actor=mute, assignee=bo)).assignee == bo


async def test_who_gives_back_waits_for_who_disables_the_owner_and_neither_stops_the_other(desk: Desk) -> None:
    ann, _ = await team_of(desk, "Ann", "Bo", delivery="pull")
    (ticket,) = await come(desk, wrote(1))
    await assignment.assign(desk, ticket, actor=acting(ann), assignee=ann)
    async with desk.unit_of_work() as work:
        await work.session.execute(text("SELECT 1 FROM desk.agents WHERE email = :who FOR UPDATE"), {"who": ann})
        giving = asyncio.create_task(assignment.assign(desk, ticket, actor=SUE, assignee=""))
        while not await scalar(desk, WAITING):
            assert not giving.done()
        await work.lock(tickets=[ticket])
    assert (await giving).assignee == ""


async def test_a_person_who_is_ill_leaves_no_work_behind(desk: Desk) -> None:
    ann, bo = await team_of(desk, "Ann", "Bo")
    await presence.set_presence(desk, bo, "away", actor=acting(bo))
    mine = await come(desk, *(wrote(number, minutes_ago=20) for number in range(3)))
    await pushing.serve(desk)
    await tickets.reply(desk, mine[0], tickets.Draft(text="We look into it."), actor=acting(ann))
    await tickets.set_status(desk, mine[1], "solved", actor=acting(ann))
    before = await row(desk, mine[2])
    (chat,) = await come(desk, wrote(9, channel="chat"))
    await pushing.serve(desk)
    assert len(await offers.of_agent(desk, ann)) == 1
    assert await assignment.release(desk, ann, "not in today", actor=SUE) == 2
    state = await presence.state(desk, ann)
    assert (state.presence, state.reason) == ("away", "not in today")
    assert (await told(desk, chat))[-1] == {"agent": ann, "state": "withdrawn"}
    after = await row(desk, mine[2])
    assert (after.assignee, after.waiting_since) == ("", before.waiting_since)
    assert (await told(desk, mine[2]))[-1] == {"assignee": "", "assignee_name": "", "why": "released", "had": ann}
    assert (await row(desk, mine[1])).assignee == ann, "what is solved stays as it was"
    await sql(desk, "UPDATE desk.agents SET presence = 'ready' WHERE name = 'Bo'")
    await pushing.serve(desk)
    assert (await owners(desk))["bo"] == 1
    assert await scalar(desk, "SELECT data ->> 'tickets' FROM desk.audit_log WHERE kind = 'work.released'") == "2"


async def test_whoever_can_be_given_it_is_listed_with_what_they_have(desk: Desk) -> None:
    ann, bo, cleo = await team_of(desk, "Ann", "Bo", "Cleo", delivery="pull")
    await sql(desk, f"DELETE FROM desk.team_members USING desk.agents WHERE id = agent_id AND email = '{cleo}'")
    await presence.set_presence(desk, ann, "away", actor=acting(ann))
    first, second = await come(desk, wrote(1), wrote(2))
    await assignment.assign(desk, second, actor=acting(bo), assignee=bo)
    found = await choices(desk, [first, second])
    assert [(each.email, each.why_not, each.has, each.most, each.member) for each in found.people] == [
        (bo, "", 1, 10, True), (cleo, "", 0, 10, False), (ann, "away", 0, 10, True),
    ]  # fmt: skip
    assert found.teams == (("billing", 1),)
    assert [each.id for each in found.rows] == [first, second]


async def test_queues_for_which_nobody_is_there_are_not_read_again_and_again(desk: Desk) -> None:
    await team_of(desk, "Ann")
    await sql(desk, "UPDATE desk.agents SET skills = '{french}'")
    await come(desk, *(wrote(number) for number in range(5)))
    await sql(desk, "UPDATE desk.tickets SET skills = '{korean}'")
    looks, read, asks = pushing.Looks(), list[str](), "SELECT desk.tickets.id, desk.tickets.team, desk.tickets.channel"

    @event.listens_for(desk.database.engine.sync_engine, "before_cursor_execute")
    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith(asks) and "ticket_events.seq >" not in statement:
            read.append(statement)

    for _ in range(4):
        await pushing.serve(desk, looks)
    assert len(read) == 1, "one look at everything"
    (fits,) = await come(desk, wrote(9))
    await pushing.serve(desk, looks)
    assert (await row(desk, fits)).assignee, "what is new is looked at at once"
    await sql(desk, "UPDATE desk.agents SET skills = '{}'")
    while (await owners(desk))[""]:
        await pushing.serve(desk, looks)


async def test_a_program_and_a_page_hand_over(desk: Desk) -> None:
    ann, bo = await team_of(desk, "Ann", "Bo", delivery="pull")
    first, second, third = await come(desk, wrote(1), wrote(2), wrote(3))
    async with await as_program(desk, "write") as api:
        body = {"tickets": [first, second], "assignee": ann, "note": "Yours"}
        done = (await api.post("/api/v1/tickets/assign", json=body)).json()
        assert ([each["assignee"] for each in done["done"]], done["left_out"]) == ([ann, ann], [])
        taken = await api.patch(f"/api/v1/tickets/{first}", json={"assignee": bo, "was": ""})
        assert (taken.status_code, taken.json()["type"].rpartition(":")[2]) == (409, "taken")
        lost = await api.patch(f"/api/v1/tickets/{first}", json={"status": "open", "note": "Nobody would see it"})
        assert (lost.status_code, lost.json()["type"].rpartition(":")[2]) == (422, "note")
        assert (await api.post(f"/api/v1/agents/{ann}/release", json={})).json() == {"tickets": 2}
    client, _ = await browser(desk, bo, "long enough 1")
    async with client:
        page = (await client.get("/hand-over", params={"ticket": [first, third]})).text
        assert "Hand over 2 conversations" in page
        assert f'value="agent:{ann}"' in page
        part = {"HX-Request": "true"}
        form = {"ticket": [first], "was": [""], "to": f"agent:{bo}", "note": "She called twice"}
        assert "Assigned to Bo" in (await client.post("/hand-over", data=form, headers=part)).text
        assert "She called twice" in (await client.get(f"/c/{first}")).text.partition('class="handed"')[2]
        form = {"ticket": [first, third], "was": ["", ""], "to": "team:second"}
        refused = await client.post("/hand-over", data=form, headers=part)
        assert refused.status_code == 409
        assert "Bo has it now" in refused.text
        assert ((await row(desk, first)).assignee, (await row(desk, third)).team) == (bo, "second")
        assert (await client.post("/hand-over", data=form | {"to": ""}, headers=part)).status_code == 422
        late = await client.post(f"/c/{first}/assign", data={"to": ann, "was": "none"}, headers=part)
        assert (late.status_code, "Bo has it now" in late.text) == (409, True)
        back = await client.post("/hand-over", data={"ticket": first, "was": bo, "to": "queue"})
        assert (back.status_code, back.headers["location"]) == (303, f"/c/{first}")
        assert "Bo gave this back to the queue" in (await client.get(f"/c/{first}")).text
