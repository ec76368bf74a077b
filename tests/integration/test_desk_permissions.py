"""Whoever lacks a permission is refused at every door and by every command, and nothing is
changed."""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from types import ModuleType
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from sqlalchemy import text

from services.desk.accounts import service as accounts
from services.desk.actors import COMMAND, ROLES, Actor, Forbidden, Kind, Permission
from services.desk.assignment import offers
from services.desk.assignment import service as assignment
from services.desk.assignment.handing import Asked, Handover
from services.desk.autoreplies import service as autoreplies
from services.desk.autoreplies.domain import Rule
from services.desk.calls import service as calls
from services.desk.context import Desk
from services.desk.files import service as files
from services.desk.intake.messages import apply
from services.desk.mailboxes import service as mailboxes
from services.desk.mailboxes.schemas import Mailbox, Settings
from services.desk.mentions import labels
from services.desk.mentions import service as mentions
from services.desk.notifications import service as notifications
from services.desk.notifications.domain import Preferences
from services.desk.people import presence, second_step, sessions, work
from services.desk.people import service as people
from services.desk.people.limits import Limiter
from services.desk.policy import service as policy
from services.desk.profiles import service as profiles
from services.desk.reports import mails
from services.desk.service_levels import service as service_levels
from services.desk.steering import service as steering
from services.desk.tickets import commands, corrections, group_commands, originals, teams
from services.desk.wallboard import display
from services.desk.web.answers import ConsoleRoute
from shared.clock import utc_now
from shared.errors import Rejected
from shared.kernel import ticket_id
from tests.integration.desk_parts import SECRET, acting, app_of, desk_on, migrate, scalar, with_channels
from tests.unit.desk.examples import routed

TICKET = ticket_id("email:<1@example.org>")
BO, ANN, PASSWORD = "bo@desk.example", "ann@desk.example", "correct horse battery"
MODULES = (
    accounts, assignment, autoreplies, calls, commands, corrections, display, files, group_commands, labels, mailboxes, mails, mentions, notifications, offers, originals, people, policy,
    presence, profiles, second_step, service_levels, sessions, steering, teams, work,
)  # fmt: skip
OWN = {accounts.change_password, second_step.turn_on, second_step.new_codes}
"""Commands on one's own account: a password is asked for, and no permission."""
VALUES = {
    "status": "open",
    "label": "other",
    "presence": "away",
    "role": "agent",
    "scopes": ("read",),
    "index": 0,
    "rule": Rule(),
    "files": {"teams.yaml": "teams: {}"},
    "change": work.WorkChange(),
    "wanted": Preferences(),
    "mailed": mails.Wanted(every="weekly"),
    "settings": Settings(address=BO),
    "tickets": [Asked(TICKET)],
    "to": Handover(assignee=BO),
}
OPEN = {"/login", "/login/code", "/logout", "/join/{token}", "/preferences", "/static/{path:path}", "/styleguide"}
"""Pages before and after signing in; those of `/account` are one's own."""
TABLES = (
    "agents", "agent_links", "assignments", "api_tokens", "autoreplies", "calls", "call_requests", "contact_points", "customers", "display_links", "mentions",
    "messages", "outbox", "policy_drafts", "policy_previews", "report_mails", "sla_calendars", "sla_policies", "sla_standings", "team_members", "teams", "ticket_events", "tickets",
)  # fmt: skip


@pytest.fixture
async def desk(database: str, storage_url: str) -> AsyncIterator[Desk]:
    await migrate(database)
    async with desk_on(database, storage_url) as bare:
        made = with_channels(bare)
        for email in (BO, ANN):
            await people.create_agent(
                made.database,
                email=email,
                name="",
                role="agent",
                password=PASSWORD,
                phone="+33612345678",
                actor=COMMAND,
            )
        await apply(made, [routed(sender_name="Ann")])
        yield made


async def contents(desk: Desk) -> list[Any]:
    return [
        await scalar(desk, f"SELECT md5(coalesce(string_agg(t::text, '' ORDER BY t::text), '')) FROM desk.{table} t")
        for table in TABLES
    ]


def filled(path: str) -> str:
    values = {"ticket": TICKET, "email": BO, "agent": BO, "team": "billing"}
    number = {"letter", "index", "number", "version"}
    return re.sub(
        r"{(\w+)(:\w+)?}",
        lambda found: values.get(found[1], "1" if found[1] in number else "00000000-0000-4000-8000-000000000000"),
        path,
    )


BODIES: dict[str, Any] = {
    "/automatic-replies": {"enabled": True},
    "/tickets/assign": {"tickets": [TICKET], "assignee": BO},
    "/agents/{agent}/call-in": {"reason": "busy"},
    "/agents/{agent}/release": {"reason": "ill"},
    "/tickets/{ticket}/replies": {"text": "Done."},
    "/tickets/{ticket}/notes": {"text": "Done."},
    "/tickets/{ticket}/priority": {"level": "high"},
    "/tickets/{ticket}/reply-all": {"text": "Done."},
    "/tickets/{ticket}": {"status": "solved", "team": "billing"},
    "/customers/{customer}": {"name": "X"},
    "/mentions/{mention}/label": {"label": "other"},
    "/messages/{message}/label": {"label": "other"},
    "/agents/{agent}/presence": {"presence": "ready"},
    "/agents/{agent}/paused": {"paused": ["mail"]},
    "/agents/{agent}/phone": {"number": "+33612345679"},
    "/agents/{agent}/skills": {"skills": ["french"]},
    "/agents/{agent}/work": {"hours": ""},
    "/agents/{agent}/notifications/read": {},
    "/agents/{agent}/notification-settings": {},
    "/reports/mails/{agent}": {"every": "weekly"},
    "/teams/{team}/work": {"delivery": "push"},
    "/service-levels/policies": {"name": "All"},
    "/service-levels/policies/{policy}": {"name": "All"},
    "/service-levels/policies/{policy}/move": {"by": 1},
    "/service-levels/calendars": {"name": "Office"},
    "/service-levels/calendars/{calendar}": {"name": "Office"},
    "/service-levels/preview": {"team": "billing"},
    "/settings": {"files": {"teams.yaml": "teams: {}"}},
    "/policy": {"yaml": "name: x", "base": 0},
    "/policy/check": {"yaml": "name: x"},
    "/policy/roll-back": {"to": 0, "base": 0},
    "/people": {"email": "new@desk.example"},
    "/people/{email}": {"active": False},
}


def api_routes(desk: Desk) -> Iterator[tuple[str, str]]:
    for path, methods in app_of(desk).openapi()["paths"].items():
        if path.startswith("/api/"):
            yield from ((method.upper(), path) for method in methods)


async def as_program(desk: Desk, *scopes: str) -> httpx.AsyncClient:
    token = await people.create_token(desk.database, name="program", scopes=scopes or ("read",), actor=COMMAND)
    if not scopes:
        async with desk.database.transaction() as session:
            await session.execute(text("UPDATE desk.api_tokens SET scopes = '{}'"))
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app_of(desk)),
        base_url="http://desk",
        headers={"Authorization": f"Bearer {token}"},
    )


async def test_a_program_without_a_permission_is_refused_at_every_route(desk: Desk) -> None:
    routes = list(api_routes(desk))
    assert len(routes) > 45
    async with await as_program(desk) as api:
        before = await contents(desk)
        for method, path in routes:
            own = path.removeprefix("/api/v1")
            body = BODIES.get(own, {"agent": BO}) if method not in ("GET", "DELETE") else None
            answer = await api.request(
                method, filled(path), json=body, params={"contact_point": "email:ann@example.org"}
            )
            assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (403, "permission"), (method, path)
        assert await contents(desk) == before
    refused = await scalar(desk, "SELECT count(*) FROM desk.audit_log WHERE kind = 'access.refused'")
    assert refused == len(routes)


async def test_a_program_that_may_read_changes_nothing(desk: Desk) -> None:
    async with await as_program(desk, "read") as api:
        before = await contents(desk)
        for method, path in api_routes(desk):
            if method == "GET":
                continue
            answer = await api.request(
                method,
                filled(path),
                json=BODIES.get(path.removeprefix("/api/v1"), {"agent": BO}) if method != "DELETE" else None,
            )
            assert answer.status_code == 403, (method, path)
        assert await contents(desk) == before
        assert (await api.get(f"/api/v1/tickets/{TICKET}")).status_code == 200


def pages(desk: Desk) -> Iterator[tuple[str, str]]:
    def walk(routes: Any) -> Iterator[tuple[str, str]]:
        for route in routes:
            if isinstance(route, ConsoleRoute):
                yield from ((method, route.path) for method in route.methods)
            elif isinstance(inner := getattr(route, "original_router", getattr(route, "router", None)), APIRouter):
                yield from walk(inner.routes)

    for method, path in walk(app_of(desk).routes):
        if path not in OPEN and not path.startswith("/account"):
            yield method, path


async def browser(desk: Desk, email: str, password: str = PASSWORD) -> tuple[httpx.AsyncClient, str]:
    token = await people.sign_in(desk, Limiter(10), email, password, ip="")
    session = await people.session(desk, token)
    assert session is not None
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app_of(desk)),
        base_url="http://desk",
        headers={"Origin": "http://desk", "X-CSRF-Token": session.csrf},
    )
    client.cookies.set(people.COOKIE, token)
    return client, session.csrf


FORM = {
    "to": "me", "status": "solved", "say": "other", "label": "other", "presence": "ready", "ticket": TICKET,
    "role": "admin", "email": "new@desk.example", "tab": "1", "state": "viewing", "birth_year": "1954",
    "level": "high", "team": "billing", "agent": BO,
}  # fmt: skip


async def refused_pages(desk: Desk, client: httpx.AsyncClient, routes: list[tuple[str, str]]) -> None:
    before = await contents(desk)
    for method, path in routes:
        answer = await client.request(method, filled(path), data=FORM if method == "POST" else None)
        assert answer.status_code == 403, (method, path, answer.text[:300])
    assert await contents(desk) == before


async def test_an_agent_whose_role_allows_nothing_sees_their_own_account_alone(desk: Desk) -> None:
    async with desk.database.transaction() as session:
        await session.execute(text("INSERT INTO desk.roles VALUES ('nothing', '{}')"))
    await accounts.set_role(desk, BO, "nothing", COMMAND)
    client, _ = await browser(desk, BO)
    routes = list(pages(desk))
    assert len(routes) > 35
    async with client:
        await refused_pages(desk, client, routes)
        assert (await client.get("/account")).status_code == 200


async def test_whoever_may_only_read_sees_the_pages_and_no_form_does_anything(desk: Desk) -> None:
    await accounts.set_role(desk, BO, "read-only", COMMAND)
    client, _ = await browser(desk, BO)
    own = {"/c/{ticket}/looks", "/notifications/read", "/notifications/seen", "/me/notifications"}
    async with client:
        await refused_pages(
            desk, client, [route for route in pages(desk) if route[0] == "POST" and route[1] not in own]
        )
        assert (await client.get(f"/c/{TICKET}")).status_code == 200
        assert (await client.get("/people")).status_code == 403


def commands_of(module: ModuleType) -> Iterator[Callable[..., Any]]:
    """What changes something for an actor in a transaction of its own."""
    for name, function in inspect.getmembers(module, inspect.iscoroutinefunction):
        found = list(inspect.signature(function).parameters.values())
        begins = found[0].annotation if found else ""
        public = function.__module__ == module.__name__ and not name.startswith("_")
        names = {each.name for each in found}
        if public and begins in ("Desk", "Database") and "actor" in names and "work" not in names:
            yield function


ALL = [function for module in MODULES for function in commands_of(module)]


async def test_every_command_refuses_whoever_may_not(desk: Desk) -> None:
    values: dict[str, Any] = {"desk": desk, "database": desk.database, "secret": SECRET, "ticket": TICKET} | VALUES
    values["actor"] = Actor(Kind.AGENT, ANN)
    before, done = await contents(desk), []
    for command in (each for each in ALL if each not in OWN):
        wanted = {
            each.name: values.get(each.name, BO)
            for each in inspect.signature(command).parameters.values()
            if each.default is inspect.Parameter.empty
        }
        if command is sessions.end:
            wanted["agent"] = await scalar(desk, f"SELECT id FROM desk.agents WHERE email = '{BO}'")
        if command is mailboxes.end:
            wanted["mailbox"] = Mailbox(address=BO, id="x", state="new", detail="", state_at=utc_now(), signed_in=False)
        with suppress(Forbidden):
            await command(**wanted)
            done.append(command)
    assert done == []
    assert await contents(desk) == before


def test_the_walk_above_finds_the_commands() -> None:
    assert len(ALL) > 30
    assert {*OWN, commands.reply, calls.answer, labels.judge, presence.set_presence, accounts.disable} <= set(ALL)


async def test_the_table_of_roles_begins_as_the_docs_have_it(desk: Desk) -> None:
    async with desk.database.transaction() as session:
        rows = await session.execute(text("SELECT name, permissions FROM desk.roles"))
        assert {row.name: set(row.permissions) for row in rows} == ROLES


async def test_agents_and_teams_of_before_stay_what_they_were(database: str, storage_url: str) -> None:
    await migrate(database, "0018")
    async with desk_on(database, storage_url) as desk:
        async with desk.database.transaction() as session:
            for role in ("agent", "admin"):
                await session.execute(
                    text(
                        "INSERT INTO desk.agents (id, email, name, role, password_hash)"
                        f" VALUES (gen_random_uuid(), '{role}@desk.example', 'X', '{role}', 'x')"
                    )
                )
            await session.execute(
                text("INSERT INTO desk.api_tokens (token_hash, name, scopes) VALUES ('x', 'shop', '{read,write}')")
            )
            # As a desk of then wrote it: one of today needs tables and columns that come later.
            await session.execute(
                text(
                    "WITH ann AS (INSERT INTO desk.customers (id, name, language, tier, observed, recent_contacts, facts, version)"
                    " VALUES (gen_random_uuid(), 'Ann', '', '', '{}', '[]', '{}', 0) RETURNING id)"
                    " INSERT INTO desk.tickets (id, thread_key, generation, customer_id, participants, verified, status, level, score, rank,"
                    " queue_at, reasons, routing_reasons, channels, team, skills, language, subject, snippet, channel, created_at,"
                    " last_message_at, last_inbound_at, messages, version)"
                    " SELECT gen_random_uuid(), 'email:1', 0, id, '{}', false, 'open', 'normal', 40, 0, now(), '[]', '[]', '[]', 'billing',"
                    " '{}', '', '', '', 'email', now(), now(), now(), 1, 1 FROM ann"
                )
            )
        await migrate(database)
        assert {each.email: each.role for each in await accounts.people(desk)} == {
            "agent@desk.example": "agent",
            "admin@desk.example": "admin",
        }
        assert await scalar(desk, "SELECT string_agg(name, ',') FROM desk.teams") == "billing"
        assert (await people.tokens(desk.database))[0].scopes == ("read", "write")
        with pytest.raises(Rejected, match="admin, agent, read-only, supervisor"):
            await accounts.set_role(desk, "agent@desk.example", "boss", COMMAND)


async def test_colleagues_availability_is_a_supervisor_s(desk: Desk) -> None:
    with pytest.raises(Forbidden, match=r"agents\.manage"):
        await presence.set_presence(desk, BO, "ready", actor=acting(ANN))
    await presence.set_presence(desk, BO, "ready", actor=acting(ANN, "supervisor"))
    (event,) = [
        row
        for row in await rows(desk, "SELECT actor, data FROM desk.ticket_events WHERE kind = 'agent.presence'")
        if row.data["presence"] == "ready"
    ]
    assert (event.actor, event.data["agent"]) == (ANN, BO)


async def rows(desk: Desk, sql: str) -> list[Any]:
    async with desk.database.transaction() as session:
        return list(await session.execute(text(sql)))


async def test_whose_new_role_takes_no_calls_is_offered_none(desk: Desk) -> None:
    await presence.set_presence(desk, BO, "ready", actor=acting(BO))
    await accounts.set_role(desk, BO, "read-only", COMMAND)
    assert (await presence.state(desk, BO)).presence == "away"
    with pytest.raises(Forbidden, match=r"calls\.take"):
        await presence.set_presence(desk, BO, "ready", actor=acting(BO, "read-only"))


async def test_the_last_who_may_manage_people_stays_that_by_whatever_role(desk: Desk) -> None:
    async with desk.database.transaction() as session:
        await session.execute(text("INSERT INTO desk.roles VALUES ('hr', '{tickets.read,people.manage}')"))
    await accounts.set_role(desk, BO, "hr", COMMAND)
    with pytest.raises(Rejected, match="only admin"):
        await accounts.set_role(desk, BO, "agent", COMMAND)
    await accounts.set_role(desk, BO, "admin", COMMAND)
    await accounts.set_role(desk, ANN, "hr", COMMAND)
    await accounts.disable(desk, BO, COMMAND)
    with pytest.raises(Rejected, match="only admin"):
        await accounts.disable(desk, ANN, COMMAND)


async def test_a_team_needs_no_ticket(desk: Desk) -> None:
    boss = acting(ANN, "supervisor")
    for _ in range(2):
        await teams.create(desk, " night shift ", actor=boss)
        await teams.add_member(desk, "night shift", BO, actor=boss)
    await assignment.assign(desk, TICKET, actor=boss, team="billing")
    assert await assignment.teams(desk) == ("billing", "night shift")
    assert await teams.members(desk, "night shift") == (BO,)
    with pytest.raises(Rejected, match="No team was made"):
        await teams.add_member(desk, "billing", BO, actor=boss)
    await teams.remove_member(desk, "night shift", BO, actor=boss)
    assert await teams.members(desk, "night shift") == ()
    await teams.remove(desk, "night shift", actor=boss)
    with pytest.raises(Rejected, match="No team was made"):
        await teams.remove(desk, "night shift", actor=boss)
    assert await assignment.teams(desk) == ("billing",)
    kinds = await rows(desk, "SELECT kind FROM desk.audit_log WHERE kind LIKE 'team.%' ORDER BY id")
    assert [row.kind for row in kinds] == ["team.created", "team.joined", "team.left", "team.removed"]


async def test_a_supervisor_s_program_makes_teams_over_http(desk: Desk) -> None:
    async with await as_program(desk, "admin") as api:
        assert (await api.put("/api/v1/teams/night")).status_code == 204
        assert (await api.put(f"/api/v1/teams/night/members/{BO}")).status_code == 204
        assert (await api.get("/api/v1/teams/night/members")).json() == [BO]
        assert "night" in (await api.get("/api/v1/teams")).json()
        assert (await api.delete(f"/api/v1/teams/night/members/{BO}")).status_code == 204
        assert (await api.delete("/api/v1/teams/night")).status_code == 204


def test_no_permission_is_left_unused() -> None:
    read = {Permission.READ, Permission.READ_AUDIT, Permission.MANAGE_DEAD_LETTERS, Permission.MANAGE_ROUTING}
    read |= {Permission.READ_REPORTS}
    sources = "".join(inspect.getsource(module) for module in MODULES)
    assert {each for each in Permission if f"Permission.{each.name})" not in sources and each not in read} == set()
