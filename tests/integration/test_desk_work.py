"""What work people get: supervisors say it on a page or by a program, it is kept, and the audit log
tells."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy import text

from services.desk.accounts import service as accounts
from services.desk.actors import COMMAND
from services.desk.context import Desk
from services.desk.live import Live
from services.desk.people import audit, leaving, presence, work
from services.desk.people.work import WorkChange
from services.desk.tickets import teams
from shared.errors import Rejected
from tests.integration.desk_calls import agent
from tests.integration.desk_parts import acting, desk_on, migrate, scalar, with_channels
from tests.integration.test_desk_permissions import as_program, browser

SUE = acting("sue@desk.example", "supervisor")


@pytest.fixture
async def desk(database: str, storage_url: str) -> AsyncIterator[Desk]:
    await migrate(database)
    async with desk_on(database, storage_url) as made:
        yield with_channels(made)


async def test_what_is_said_of_somebody_s_work_is_kept_and_the_rest_stays(desk: Desk) -> None:
    ann = await agent(desk, "Ann", "french:5", "voice", state="away")
    await teams.create(desk, "billing", actor=SUE)
    await teams.add_member(desk, "billing", ann, actor=SUE)
    before = await work.work_of(desk, ann)
    assert (before.skills, before.teams, before.capacity["mail"]) == ({"french": 5, "voice": 3}, ("billing",), 10)
    await work.set_work(desk, ann, WorkChange(languages=["fr"], capacity={"chat": 1, "mail": 10}), actor=SUE)
    said = WorkChange(hours="mon-fri 09:00-17:00", timezone="Europe/Paris", time_off="2026-12-24..2027-01-03")
    after = await work.set_work(desk, ann, said, actor=SUE)
    assert (after.skills, after.languages, after.capacity["chat"]) == (before.skills, ("fr",), 1)
    assert (after.hours, after.timezone) == ("mon-fri 09:00-17:00", "Europe/Paris")
    assert await work.set_work(desk, ann, said, actor=SUE) == after
    logged = [each.data["what"] for each in await audit.entries(desk.database, kind="person.changed")]
    assert logged == ["hours, time_off, timezone", "capacity, languages"], "what changed nothing is not logged"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (WorkChange(skills=["a:9"]), "skills"),
        (WorkChange(languages=["french"]), "languages"),
        (WorkChange(capacity={"mail": -1}), "capacity"),
        (WorkChange(timezone="Mars"), "schedule"),
    ],
)
async def test_what_cannot_be_read_changes_nothing(desk: Desk, change: WorkChange, code: str) -> None:
    ann = await agent(desk, "Ann", state="away")
    before = await work.work_of(desk, ann)
    with pytest.raises(Rejected) as caught:
        await work.set_work(desk, ann, change, actor=SUE)
    assert (caught.value.status, caught.value.code) == (422, code)
    assert await work.work_of(desk, ann) == before
    with pytest.raises(Rejected, match="Nobody has the address"):
        await work.set_work(desk, "nobody@desk.example", WorkChange(), actor=SUE)
    with pytest.raises(Rejected, match="Nobody has the address"):
        await work.work_of(desk, "nobody@desk.example")


async def test_a_program_says_what_work_somebody_gets(desk: Desk) -> None:
    ann = await agent(desk, "Ann", state="away")
    async with await as_program(desk, "write") as api:
        answer = await api.patch(f"/api/v1/agents/{ann}/work", json={"skills": ["billing:4"], "capacity": {"mail": 3}})
        assert (answer.json()["skills"], answer.json()["capacity"]["mail"]) == ({"billing": 4}, 3)
        assert (await api.get(f"/api/v1/agents/{ann}/work")).json() == answer.json()
        wrong = await api.patch(f"/api/v1/agents/{ann}/work", json={"hours": "9 to 5"})
        assert (wrong.status_code, "mon-fri" in wrong.json()["detail"]) == (422, True)
    assert (await presence.state(desk, ann)).skills == ("billing",), "calls ask for the same skills"


async def test_a_supervisor_looks_after_teams_and_work_without_javascript(desk: Desk) -> None:
    ann, sue = await agent(desk, "Ann", state="away"), await agent(desk, "Sue", state="away")
    await accounts.set_role(desk, sue, "supervisor", COMMAND)
    client, _ = await browser(desk, sue, "long enough 1")
    async with client:
        assert "no teams yet" in (await client.get("/teams")).text
        assert (await client.post("/teams", data={"team": "a / b"})).headers["location"] == "/teams?team=a%20%2F%20b"
        assert (await client.post("/teams", data={"team": " "})).status_code == 422
        for path, there in (("join", True), ("leave", False)):
            done = await client.post(f"/teams/{path}", data={"team": "a / b", "agent": ann})
            page = await client.get(done.headers["location"])
            assert (done.status_code, f'value="{ann}">Ann' in page.text) == (303, not there)
        gone = await client.post("/teams/join", data={"team": "a / b", "agent": "nobody@desk.example"})
        assert (gone.status_code, "no longer exists" in gone.text) == (404, True)
        form = {"skills": "billing:4", "capacity-mail": "many", "hours": "", "timezone": "", "time_off": ""}
        wrong = await client.post(f"/teams/people/{ann}", data=form)
        assert (wrong.status_code, 'value="many"' in wrong.text) == (422, True)
        assert (await client.post(f"/teams/people/{ann}", data=form | {"capacity-mail": "4"})).status_code == 303
        assert (await work.work_of(desk, ann)).capacity["mail"] == 4
        assert (await client.post("/teams/remove", data={"team": "a / b"})).headers["location"] == "/teams"
        assert (await client.get("/teams?team=a%20%2F%20b")).status_code == 404


class There(Live):
    """The consoles that a process has."""

    def __init__(self, desk: Desk, *agents: str) -> None:
        super().__init__(desk.database, 10)
        self.consoles.update(agents)


async def passes(desk: Desk, seconds: int, *columns: str) -> None:
    moved = ", ".join(f"{name} = {name} - interval '{seconds} s'" for name in columns or ("seen_at",))
    async with desk.database.transaction() as session:
        await session.execute(text(f"UPDATE desk.agents SET {moved}"))


async def states(desk: Desk) -> dict[str, tuple[str, str]]:
    return {each.name: (each.presence, each.reason) for each in await presence.states(desk)}


async def test_a_lost_connection_ends_nothing_before_its_grace_and_a_program_s_agent_needs_none(desk: Desk) -> None:
    """Requirement 3 (Chatwoot 5436)."""
    ann, bo = await agent(desk, "Ann"), await agent(desk, "Bo")
    await agent(desk, "Cleo")
    await leaving.Rounds(desk, There(desk, ann, bo)).look()
    await passes(desk, 40)
    await leaving.away(desk)
    assert set((await states(desk)).values()) == {("ready", "")}
    await leaving.Rounds(desk, There(desk, bo)).look()
    await passes(desk, 10)
    await leaving.away(desk)
    assert await states(desk) == {"Ann": ("away", "connection lost"), "Bo": ("ready", ""), "Cleo": ("ready", "")}
    await presence.set_presence(desk, ann, "ready", actor=acting(ann))
    await leaving.away(desk)
    assert (await states(desk))["Ann"] == ("ready", ""), "what was before they came back does not count"


async def test_consoles_are_noted_in_the_order_in_which_others_lock_people_so_that_nobody_waits_for_ever(
    desk: Desk,
) -> None:
    """Whoever gives out work locks several people too."""
    people = [await agent(desk, name) for name in ("Ann", "Bo")]
    async with desk.database.transaction() as session:
        first, last = await session.scalars(text("SELECT email FROM desk.agents ORDER BY id"))
        await session.execute(text("UPDATE desk.agents SET name = name WHERE email = :own"), {"own": first})
    noting = leaving.Rounds(desk, There(desk, *people)).look()
    async with desk.unit_of_work() as work_:
        await presence.locked(work_.session, [first])
        task = asyncio.create_task(noting)
        waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ILIKE '%UPDATE desk.agents%'"
        while not await scalar(desk, waits):
            await asyncio.sleep(0.01)
        await presence.locked(work_.session, [last])
    await task
    assert await scalar(desk, "SELECT count(seen_at) FROM desk.agents") == 2


async def test_after_a_restart_everybody_has_the_whole_grace_to_come_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await agent(desk, "Ann")
    await leaving.Rounds(desk, There(desk, ann)).look()
    await passes(desk, 300)
    clock = 1000.0
    monkeypatch.setattr(leaving.time, "monotonic", lambda: clock)
    rounds = leaving.Rounds(desk, There(desk))
    for clock in (1000.0, 1010.0, 1020.0, 1030.0, 1040.0, 1044.9):
        await rounds.look()
        assert (await states(desk))["Ann"] == ("ready", ""), clock
    clock = 1100.0  # PostgreSQL was away for a minute
    await rounds.look()
    assert (await states(desk))["Ann"] == ("ready", "")
    for seconds in range(10, 60, 10):
        clock = 1100.0 + seconds
        await rounds.look()
    assert (await states(desk))["Ann"] == ("away", "connection lost")


async def test_whoever_does_nothing_becomes_away_and_a_call_in_progress_goes_on(desk: Desk) -> None:
    ann, bo = await agent(desk, "Ann"), await agent(desk, "Bo")
    patient = replace(desk, settings=desk.settings.model_copy(update={"idle_minutes": 10}))
    async with desk.unit_of_work() as work_:
        (row,) = await presence.locked(work_.session, [bo])
        await presence.change(work_, row, "busy", after="ready")
    await passes(desk, 601, "active_at")
    await leaving.away(desk)
    assert (await states(desk))["Ann"] == ("ready", ""), "it is off unless it is set"
    await presence.did(desk, await scalar(desk, f"SELECT id FROM desk.agents WHERE email = '{ann}'"))
    await leaving.away(patient, lost=False)
    assert await states(desk) == {"Ann": ("ready", ""), "Bo": ("busy", "")}
    assert await scalar(desk, "SELECT presence_after FROM desk.agents WHERE name = 'Bo'") == "away"
    await passes(desk, 601, "active_at")
    await leaving.away(patient, lost=False)
    assert (await states(desk))["Ann"] == ("away", "idle")


async def test_an_agent_says_in_the_console_which_work_they_take(desk: Desk) -> None:
    ann = await agent(desk, "Ann", state="away")
    client, _ = await browser(desk, ann, "long enough 1")
    async with client:
        assert (await client.post("/presence/takes", data={"take": ["mail", "chat"]})).status_code == 303
        assert 'value="mail" checked' in (await client.get("/calls")).text
    assert (await presence.state(desk, ann)).paused == ("post", "text", "voice")
    async with await as_program(desk, "write") as api:
        assert (await api.put(f"/api/v1/agents/{ann}/paused", json={"paused": []})).json()["paused"] == []
        assert (await api.put(f"/api/v1/agents/{ann}/paused", json={"paused": ["fax"]})).status_code == 422
