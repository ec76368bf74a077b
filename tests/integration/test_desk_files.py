"""Settings live in git: what was written is what another desk gets, all of it or nothing."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from argparse import Namespace
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from msgspec import structs

from services.desk import commands
from services.desk.actors import COMMAND
from services.desk.autoreplies import service as autoreplies
from services.desk.autoreplies.domain import Rule, Texts
from services.desk.context import Desk
from services.desk.files import service as files
from services.desk.people import audit, work
from services.desk.people import service as people
from services.desk.policy import service as policy
from services.desk.service_levels import service as levels
from services.desk.service_levels.domain import Actions, Calendar, Policy
from services.desk.tickets import teams
from shared.errors import Rejected, Unavailable
from shared.policies import PolicyChecked, PolicyProblem, PolicyPublished, PolicyState, PolicyVersion
from shared.yaml_sections import Section, document
from tests.integration.desk_parts import acting, desk_on, migrate, scalar
from tests.integration.test_desk_limits import WAITING

ANN, BO = "ann@desk.example", "bo@desk.example"


class Router:
    """What the desk asks of it."""

    def __init__(self) -> None:
        self.yaml, self.version, self.problems = "name: default\n", 3, ()
        self.skills: tuple[str, ...] | None = ()
        self.away = False

    async def state(self, _: Desk) -> PolicyState:
        if self.away:
            raise Unavailable("the router is away")
        return PolicyState(
            name="default", version=self.version, yaml=self.yaml, versions=(PolicyVersion(version=self.version),)
        )

    async def check(self, _: Desk, draft: Any) -> PolicyChecked:
        self.skills = draft.skills
        return PolicyChecked(problems=self.problems)

    async def publish(self, _: Desk, asked: Any) -> PolicyPublished:
        if self.away:
            raise Unavailable("the router is away")
        assert asked.base == self.version
        self.yaml, self.version = asked.yaml, self.version + 1
        return PolicyPublished(version=self.version)


@pytest.fixture
def router(monkeypatch: pytest.MonkeyPatch) -> Router:
    made = Router()
    for name in ("state", "check", "publish"):
        monkeypatch.setattr(f"services.desk.policy.router.{name}", getattr(made, name))
    return made


@contextlib.asynccontextmanager
async def a_desk(dsn: str, storage: str, **more: Any) -> AsyncIterator[Desk]:
    """Two people, and nothing set."""
    await migrate(dsn)
    async with desk_on(dsn, storage, **more) as desk:
        for email in (ANN, BO):
            await people.create_agent(
                desk.database, email=email, name="", role="agent", password="correct horse battery", actor=COMMAND
            )
        yield desk


@pytest.fixture
async def desk(database: str, storage_url: str, router: Router) -> AsyncIterator[Desk]:
    async with a_desk(database, storage_url) as made:
        yield made


@pytest.fixture
async def other(postgres: str, storage_url: str, router: Router) -> AsyncIterator[Desk]:
    """An empty desk of the same people."""
    name = f"test_{uuid4().hex}"
    admin = await asyncpg.connect(postgres)
    await admin.execute(f'CREATE DATABASE "{name}"')
    async with a_desk(postgres.rsplit("/", 1)[0] + f"/{name}", storage_url) as made:
        yield made
    await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await admin.close()


async def furnish(desk: Desk) -> None:
    await teams.set_up(desk, "billing", delivery="push", turn="round", weight=2, actor=COMMAND)
    await teams.create(desk, "night: shift", actor=COMMAND)
    for email in (ANN, BO):
        await teams.add_member(desk, "billing", email, actor=COMMAND)
    change = work.WorkChange(
        skills=["french:5", "refunds"], languages=["fr"], capacity={"chat": 1}, hours="mon-fri 09:00-17:00",
        timezone="Europe/Paris", time_off="2026-12-24..2027-01-03",
    )  # fmt: skip
    await work.set_work(desk, ANN, change, actor=COMMAND)
    texts = {
        "en": Texts(received="Hello {name|there},\n\n  we have it.\n"),
        "ko": Texts(received="안녕하세요", closed="#"),
    }
    await autoreplies.put(desk, Rule(enabled=True, texts=texts), actor=COMMAND)
    office = Calendar(name="Office", hours="mon-fri 09:00-18:00", zone="Europe/Paris", country="FR")
    office = await levels.put_calendar(desk, office, actor=COMMAND)
    for name in ("Urgent", "All"):
        mine = Policy(
            name=name, calendar=office.id, first=60, on_breach=Actions(team="billing", notify=("supervisors",))
        )
        await levels.put_policy(desk, mine, actor=COMMAND)
    await autoreplies.put(desk, Rule(team="sales", hours="mon-fri 09:00-18:00"), actor=COMMAND)


async def logged(desk: Desk) -> list[tuple[str, str]]:
    found = await audit.entries(desk.database, limit=200)
    return [(entry.kind, entry.subject) for entry in reversed(found) if entry.data.get("by") == "file"]


async def test_what_one_desk_wrote_makes_an_empty_one_the_same_and_applying_it_again_changes_nothing(
    desk: Desk, other: Desk, router: Router
) -> None:
    await furnish(desk)
    written = await files.export(desk, actor=COMMAND)
    assert set(written) == set(files.names())
    assert written == await files.export(desk, actor=COMMAND)
    tried = await files.apply(other, written, dry_run=True, actor=COMMAND)
    assert await logged(other) == []
    done = await files.apply(other, written, actor=COMMAND)
    assert done.changes == tried.changes
    assert await files.export(other, actor=COMMAND) == written
    assert (await work.work_of(other, ANN)).skills == {"french": 5, "refunds": 3}
    assert await teams.members(other, "billing") == (ANN, BO)
    assert (await autoreplies.rules(other, actor=COMMAND))[0].texts[
        "en"
    ].received == "Hello {name|there},\n\n  we have it."
    assert set(await logged(other)) == {
        ("team.created", "billing"), ("team.changed", "billing"), ("team.joined", ANN), ("team.joined", BO),
        ("team.created", "night: shift"), ("team.created", "sales"), ("person.changed", ANN),
        ("autoreply.changed", ""), ("autoreply.changed", "sales"), ("calendar.changed", "Office"),
        ("service-level.changed", "Urgent"), ("service-level.changed", "All"),
    }  # fmt: skip
    again = await files.apply(other, written, actor=COMMAND)
    assert (again.changes, again.policy, again.published) == ((), (), 0)


async def test_what_is_not_in_a_file_is_taken_back_and_a_file_that_is_not_there_changes_nothing(desk: Desk) -> None:
    await furnish(desk)
    await files.apply(desk, {"people.yaml": "people: {}\n"}, actor=COMMAND)
    assert (await work.work_of(desk, ANN)).skills == {}
    assert await teams.members(desk, "billing") == (ANN, BO)
    kept = "teams:\n  billing:\n    members: [BO@desk.example]\n  sales: {}\n"
    await files.apply(
        desk, {"teams.yaml": kept, "automatic-replies.yaml": "automatic_replies: {teams: {sales: {}}}\n"}, actor=COMMAND
    )
    assert await teams.members(desk, "billing") == (BO,)
    assert [rule.team for rule in await autoreplies.rules(desk, actor=COMMAND)] == ["sales"]
    assert [team.name for team in await teams.overview(desk)] == ["billing", "sales"]
    assert {("team.left", ANN), ("team.removed", "night: shift"), ("autoreply.removed", "")} <= set(await logged(desk))


async def test_service_levels_keep_their_order_and_a_calendar_that_is_needed_stays(desk: Desk) -> None:
    await furnish(desk)
    feed = "https://calendar.example/private-1234.ics"
    (office,) = (await levels.overview(desk, actor=COMMAND)).calendars
    await levels.put_calendar(desk, structs.replace(office.calendar, feed=feed), actor=COMMAND)
    written = await files.export(desk, actor=COMMAND)
    assert "private" not in "".join(written.values()), "the address of a feed may be a secret"
    with pytest.raises(Rejected, match=r"calendars\.yaml:2: calendars: 'Office' is missing"):
        await files.apply(desk, {"calendars.yaml": "# none\ncalendars: {}\n"}, actor=COMMAND)
    text = "policies:\n- name: New\n- {name: All, calendar: Office, first: 30}\n"
    kept = written["calendars.yaml"].replace("18:00", "17:00")
    await files.apply(desk, {"service-levels.yaml": text, "calendars.yaml": kept}, actor=COMMAND)
    found = await levels.overview(desk, actor=COMMAND)
    assert [(each.name, each.first) for each in found.policies] == [("New", 0), ("All", 30)]
    assert (found.calendars[0].calendar.feed, found.calendars[0].calendar.hours) == (feed, "mon-fri 09:00-17:00")
    text = "policies:\n- name: All\n- name: New\n"
    await files.apply(desk, {"service-levels.yaml": text, "calendars.yaml": "calendars: {}\n"}, actor=COMMAND)
    found = await levels.overview(desk, actor=COMMAND)
    assert [each.name for each in found.policies] == ["All", "New"]
    assert found.calendars == ()
    assert ("calendar.removed", "Office") in await logged(desk)


async def test_one_wrong_line_anywhere_and_nothing_is_changed(desk: Desk, router: Router) -> None:
    await furnish(desk)
    before = await files.export(desk, actor=COMMAND)
    router.problems = (PolicyProblem(line=7, text="routing.rules[1].skills: 'frnech' is not known"),)
    wrong = {
        "teams.yaml": "teams: {}\n",
        "people.yaml": "people:\n  cy@desk.example: {}\n",
        "automatic-replies.yaml": "automatic_replies:\n  teams:\n    sales: {}\n",
        "policy.yaml": "name: default\n# more\n",
        "notes.yaml": "x: 1\n",
    }
    with pytest.raises(Rejected) as refused:
        await files.apply(desk, wrong, actor=COMMAND)
    told = str(refused.value)
    for part in (
        "notes.yaml: is no file of settings; known are teams.yaml",
        "people.yaml:2: people: 'cy@desk.example' is not known",
        "automatic-replies.yaml:3: automatic_replies.teams: 'sales' is not known",
        "policy.yaml:7: routing.rules[1].skills: 'frnech' is not known",
    ):
        assert part in told
    assert await files.export(desk, actor=COMMAND) == before
    assert await logged(desk) == []


async def test_the_policy_is_published_after_all_else_and_its_failure_is_told(desk: Desk, router: Router) -> None:
    await furnish(desk)
    text = {"policy.yaml": "name: default\n# more\n", "teams.yaml": "teams: {}\n"}
    tried = await files.apply(desk, text, dry_run=True, actor=COMMAND)
    assert (tried.policy, tried.published, router.version) == (("+ # more",), 0, 3)
    assert router.skills == ("french", "refunds")
    done = await files.apply(desk, text, actor=COMMAND)
    assert (done.published, done.trouble, router.yaml) == (4, "", "name: default\n# more\n")
    publish = router.publish

    async def fails(_: Desk, asked: Any) -> PolicyPublished:
        router.away = True
        return await publish(_, asked)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("services.desk.policy.router.publish", fails)
        text = {"policy.yaml": "name: default\n", "teams.yaml": "teams: {late: {}}\n"}
        done = await files.apply(desk, text, actor=COMMAND)
    assert done.published == 0
    assert done.trouble.startswith("All else is done, but the policy was not published: the router is away")
    assert [team.name for team in await teams.overview(desk)] == ["late"]
    with pytest.raises(Unavailable):
        await files.apply(desk, text | {"teams.yaml": "teams: {}\n"}, actor=COMMAND)
    assert [team.name for team in await teams.overview(desk)] == ["late"], "nothing was done"


async def test_where_two_people_publish_a_file_makes_a_draft(database: str, storage_url: str, router: Router) -> None:
    async with a_desk(database, storage_url, two_person=True) as desk:
        for text in ("name: default\n# one\n", "name: default\n# two\n"):
            done = await files.apply(desk, {"policy.yaml": text}, actor=COMMAND)
            assert (done.published, "somebody else" in done.trouble) == (0, True)
        (draft,) = await policy.drafts(desk, actor=COMMAND)
        assert (draft.text, draft.base, router.version) == ("name: default\n# two\n", 3, 3)


async def test_files_are_written_to_a_folder_and_applied_from_it(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await furnish(desk)
    folder = tmp_path / "config"
    await commands._settings(desk, Namespace(verb="export", folder=str(folder)))
    assert sorted(path.name for path in folder.iterdir()) == sorted(files.names())
    await commands._settings(desk, Namespace(verb="export", folder="-"))
    assert capsys.readouterr().out.count("\nteams:\n") == 1
    (folder / "README.md").write_text("Ours.")
    (folder / "teams.yaml").write_text("teams:\n  billing: {weight: 3}\n  sales: {}\n")
    for dry in (True, False):
        await commands._settings(desk, Namespace(verb="apply", folder=folder, dry_run=dry))
        told = capsys.readouterr()
        assert "teams.yaml: billing: changed\n    delivery: push → -\n" in told.out
        assert "teams.yaml: night: shift: removed" in told.out
        assert told.err.startswith("3 would change" if dry else "3 changed")
    (folder / "teams.yaml").write_bytes(b"\xff")
    with pytest.raises(Rejected, match="not UTF-8"):
        await commands._settings(desk, Namespace(verb="apply", folder=folder, dry_run=False))
    with pytest.raises(Rejected, match="no file of settings"):
        await commands._settings(desk, Namespace(verb="apply", folder=tmp_path, dry_run=False))


async def test_two_who_apply_at_once_wait_for_each_other(desk: Desk) -> None:
    one, two = ({"teams.yaml": f"teams:\n  {name}:\n    members: [{ANN}]\n"} for name in ("one", "two"))
    await asyncio.gather(*(files.apply(desk, text, actor=COMMAND) for text in (one, two, one, two)))
    assert len(await teams.overview(desk)) == 1


async def test_the_desk_serves_others_while_files_are_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[threading.Thread] = []

    def noted(text: str, source: str) -> Section:
        read.append(threading.current_thread())
        return document(text, source)

    monkeypatch.setattr(files, "document", noted)
    await files.apply(desk, {"teams.yaml": "teams: {}\n"}, actor=COMMAND)
    assert len(read) == 2
    assert threading.main_thread() not in read


async def test_files_wait_for_who_changes_service_levels_on_the_page(desk: Desk) -> None:
    async with desk.unit_of_work() as page:
        await levels.alone(page.session)
        applying = asyncio.create_task(files.apply(desk, {"calendars.yaml": "calendars: {Paris: {}}\n"}, actor=COMMAND))
        while not await scalar(desk, WAITING):
            assert not applying.done()
    assert [each.kind for each in (await applying).changes] == ["added"]


async def test_whoever_may_not_set_one_of_them_applies_none(desk: Desk) -> None:
    boss = acting(BO, "supervisor")
    await files.apply(desk, {"teams.yaml": "teams: {night: {}}\n"}, actor=boss)
    for text in ({"policy.yaml": "x"}, {"automatic-replies.yaml": "automatic_replies: {}"}):
        with pytest.raises(Rejected, match="permission"):
            await files.apply(desk, {"teams.yaml": "teams: {}\n", **text}, actor=boss)
    with pytest.raises(Rejected, match="permission"):
        await files.export(desk, actor=boss)
    assert [team.name for team in await teams.overview(desk)] == ["night"]
