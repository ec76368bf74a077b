"""Agents join, are helped, and leave; what they did stays on record."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pyotp
import pytest
from msgspec import structs
from sqlalchemy import text

from services.desk.accounts import service as accounts
from services.desk.actors import COMMAND
from services.desk.assignment import service as assignment
from services.desk.calls import distribution
from services.desk.calls import service as calls
from services.desk.context import Desk
from services.desk.intake.messages import apply
from services.desk.people import audit, links, passwords, presence, second_step, sessions
from services.desk.people import service as people
from services.desk.people.limits import Limiter
from services.desk.tickets import service as tickets
from shared.errors import Rejected
from shared.kernel import ticket_id
from tests.integration.desk_calls import agent as ready_agent
from tests.integration.desk_parts import SECRET, acting, app_of, desk_on, migrate, outbox, scalar, with_channels
from tests.unit.desk.examples import routed

TICKET = ticket_id("email:<1@example.org>")
BOSS, ANN = "boss@desk.example", "ann@desk.example"
BY, AT_HOME = structs.replace(acting(BOSS, "admin"), ip="10.0.0.9"), "10.0.0.1"
PASSWORD, OTHER = "correct horse", "a staple of batteries"

TRIES = Limiter(3)


@pytest.fixture(autouse=True)
def _no_tries_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "TRIES", Limiter(3))


@pytest.fixture
async def desk(database: str, storage_url: str) -> AsyncIterator[Desk]:
    await migrate(database)
    async with desk_on(database, storage_url, sign_in_tries=3) as made:
        await people.create_agent(
            made.database, email=BOSS, name="Boss", role="admin", password=PASSWORD, actor=COMMAND
        )
        await people.create_agent(made.database, email=ANN, name="Ann", role="agent", password=PASSWORD, actor=COMMAND)
        yield with_channels(made)


async def signed_in(desk: Desk, email: str = ANN, password: str = PASSWORD, ip: str = AT_HOME) -> str:
    return await people.sign_in(desk, TRIES, email, password, ip=ip, browser="Mozilla/5.0 Firefox/150.0")


async def refused(work: Any) -> str:
    with pytest.raises(Rejected) as caught:
        await work
    return caught.value.code


async def logged(desk: Desk, kind: str) -> list[tuple[str, str, str]]:
    return [(each.actor, each.subject, each.ip) for each in await audit.entries(desk.database, kind=kind)]


def token_of(link: Any) -> str:
    return str(link.url).rpartition("/")[2]


# Joining


async def test_somebody_who_was_invited_joins_once_and_chooses_their_own_password(desk: Desk) -> None:
    link = await accounts.invite(desk, " Bo@Desk.example", "Bo", "agent", BY)
    token = token_of(link)
    assert token not in str(await scalar(desk, "SELECT token_hash FROM desk.agent_links"))
    assert "bo@desk.example" not in {each.email for each in await people.agents(desk)}
    assert await refused(signed_in(desk, "bo@desk.example", "")) == "sign-in-failed"
    assert await links.owner(desk, token) == ("bo@desk.example", "Bo")
    assert await refused(links.use(desk, token, "password123!", AT_HOME)) == "common-password"
    assert await links.use(desk, token, OTHER, AT_HOME) == "bo@desk.example"
    assert await refused(links.use(desk, token, PASSWORD, AT_HOME)) == "link-over"
    assert await sessions.find(desk, await signed_in(desk, "bo@desk.example", OTHER))
    assert await refused(accounts.invite(desk, "bo@desk.example", "Bo", "agent", BY)) == "joined"
    assert await logged(desk, "person.joined") == [("bo@desk.example", "bo@desk.example", AT_HOME)]


async def test_of_two_who_use_one_link_at_the_same_time_one_is_let_in(desk: Desk) -> None:
    token = token_of(await accounts.invite(desk, "bo@desk.example", "", "agent", BY))
    used = await asyncio.gather(
        *(links.use(desk, token, f"a staple of batteries {n}", AT_HOME) for n in range(4)), return_exceptions=True
    )
    assert [each for each in used if each == "bo@desk.example"] == ["bo@desk.example"]
    assert {each.code for each in used if isinstance(each, Rejected)} == {"link-over"}


async def test_a_link_that_is_too_old_or_was_taken_back_opens_nothing(desk: Desk) -> None:
    first = token_of(await accounts.invite(desk, "bo@desk.example", "", "agent", BY))
    second = token_of(await accounts.invite(desk, "bo@desk.example", "", "agent", BY))
    assert await refused(links.use(desk, first, OTHER, AT_HOME)) == "link-over"
    await scalar(desk, "UPDATE desk.agent_links SET expires_at = now() - interval '1 s' RETURNING 1")
    assert await refused(links.use(desk, second, OTHER, AT_HOME)) == "link-over"
    third = token_of(await accounts.invite(desk, "bo@desk.example", "", "agent", BY))
    await accounts.disable(desk, "bo@desk.example", BY)
    assert await refused(links.use(desk, third, OTHER, AT_HOME)) == "link-over"
    assert [each.email for each in await accounts.people(desk)] == [ANN, BOSS]


# Passwords


@pytest.mark.parametrize(
    "password",
    ["1234567890", "qwertyuiop", "Password2026", "iloveyou1234", "annannannann", "ann@desk.example", "password" * 9],
)
def test_a_password_that_everybody_would_try_first_is_refused(password: str) -> None:
    with pytest.raises(Rejected) as caught:
        passwords.hash_password(password, "ann@desk.example", "Ann")
    assert caught.value.code == "common-password"


@pytest.mark.parametrize("password", ["환불은 언제 되나요", "x" * 3 + "Kj4 " * 20, "correct horse"])
def test_a_password_in_any_language_and_of_any_length_is_taken(password: str) -> None:
    assert passwords.hash_password(password).startswith("$argon2id$")


async def test_who_changes_their_password_stays_signed_in_here_and_nowhere_else(desk: Desk) -> None:
    here, there = await signed_in(desk), await signed_in(desk)
    session = await sessions.find(desk, here)
    assert session
    assert await refused(accounts.change_password(desk, TRIES, ANN, "a wrong one", OTHER, BY)) == "password-wrong"
    await accounts.change_password(desk, TRIES, ANN, PASSWORD, OTHER, acting(ANN), but=session.id)
    assert await sessions.find(desk, here)
    assert await sessions.find(desk, there) is None
    assert await refused(signed_in(desk)) == "sign-in-failed"
    assert await signed_in(desk, password=OTHER)


async def test_who_forgot_the_password_gets_a_link_and_whoever_used_the_old_one_is_out(desk: Desk) -> None:
    before = await signed_in(desk)
    token = token_of(await accounts.password_link(desk, ANN, BY))
    assert await sessions.find(desk, before)
    await links.use(desk, token, OTHER, AT_HOME)
    assert await sessions.find(desk, before) is None
    assert await signed_in(desk, password=OTHER)
    assert await logged(desk, "password") == [(ANN, ANN, AT_HOME), (BOSS, ANN, "10.0.0.9")]


# Guessing


async def test_a_stranger_who_guesses_locks_nobody_out(desk: Desk) -> None:
    for n in range(3):
        assert await refused(signed_in(desk, password=f"guess {n}", ip="203.0.113.5")) == "sign-in-failed"
    assert await refused(signed_in(desk, ip="203.0.113.5")) == "too-many-tries"
    assert await signed_in(desk)


async def test_who_guesses_at_everybody_from_one_network_is_stopped(desk: Desk) -> None:
    codes = []
    for n in range(31):
        codes.append(await refused(signed_in(desk, f"a{n}@desk.example", "guess", ip=f"2001:db8::{n}")))
    assert codes == ["sign-in-failed"] * 30 + ["too-many-tries"]
    assert await refused(signed_in(desk, ip="2001:db8::ffff")) == "too-many-tries"
    assert await signed_in(desk, ip="2001:db8:0:1::1")


async def test_what_somebody_typed_into_the_wrong_field_is_not_kept(desk: Desk) -> None:
    await refused(signed_in(desk, "my secret password@", "x"))
    await refused(signed_in(desk, ANN, "x"))
    assert await logged(desk, "sign-in.refused") == [("", ANN, AT_HOME), ("", "", AT_HOME)]
    assert "secret" not in str(await scalar(desk, "SELECT json_agg(a) FROM desk.audit_log a"))


# Sessions


async def test_a_session_ends_a_day_after_it_began_however_much_it_is_used(desk: Desk) -> None:
    token = await signed_in(desk)
    await scalar(desk, "UPDATE desk.sessions SET created_at = now() - interval '23 h' RETURNING 1")
    session = await sessions.find(desk, token)
    assert session
    assert (
        session.expires_at - (await sessions.listed(desk, session.agent.id))[0].created_at
    ).total_seconds() == 24 * 3600
    await scalar(
        desk,
        "UPDATE desk.sessions SET created_at = now() - interval '24 h', expires_at = now() + interval '1 h' RETURNING 1",
    )
    assert await sessions.find(desk, token) is None


async def test_somebody_sees_where_they_are_signed_in_and_ends_one_of_them(desk: Desk) -> None:
    here, there = await signed_in(desk), await signed_in(desk, ip="10.0.0.2")
    session = await sessions.find(desk, there)
    assert session
    listed = await sessions.listed(desk, session.agent.id)
    assert {(each.ip, each.browser) for each in listed} == {
        (ip, "Mozilla/5.0 Firefox/150.0") for ip in (AT_HOME, "10.0.0.2")
    }
    boss = await accounts.person(desk, BOSS)
    assert await refused(sessions.end(desk, boss.id, BY, one=session.id)) == "no-such-session"
    assert await sessions.end(desk, session.agent.id, acting(ANN), one=session.id) == 1
    assert await sessions.find(desk, there) is None
    assert await sessions.find(desk, here)


# Leaving


async def test_the_work_of_somebody_who_leaves_goes_back_to_its_queue_at_once(desk: Desk) -> None:
    await apply(
        desk, [routed(), routed("2", thread="email:<2@example.org>"), routed("3", thread="email:<3@example.org>")]
    )
    solved, old = (ticket_id(f"email:<{n}@example.org>") for n in (2, 3))
    for ticket in (TICKET, solved, old):
        await assignment.assign(desk, ticket, actor=acting(ANN), assignee=ANN)
    for ticket in (solved, old):
        await tickets.set_status(desk, ticket, "solved", actor=acting(ANN))
    await scalar(desk, f"UPDATE desk.tickets SET solved_at = now() - interval '30 d' WHERE id = '{old}' RETURNING 1")
    token = await signed_in(desk)
    assert await accounts.disable(desk, ANN, BY) == 2
    found = {each: (await tickets.get_ticket(desk, each)) for each in (TICKET, solved, old)}
    assert [found[each].row.assignee for each in (TICKET, solved, old)] == ["", "", ANN]
    told = found[TICKET].events[-1]
    assert (told.kind, told.actor, told.data["disabled"]) == ("ticket.assigned", BOSS, "Ann")
    assert await sessions.find(desk, token) is None
    assert await refused(signed_in(desk)) == "sign-in-failed"
    assert await refused(assignment.assign(desk, TICKET, actor=acting(BOSS), assignee=ANN)) == "unknown-agent"
    assert "agent.signed-out" in [event.kind for event in await outbox(desk, "tickets-changed")]
    await accounts.enable(desk, ANN, BY)
    assert await signed_in(desk)
    assert (await tickets.get_ticket(desk, TICKET)).row.assignee == ""


async def test_nothing_is_given_to_somebody_who_is_leaving_at_that_moment(desk: Desk) -> None:
    await apply(desk, [routed()])
    for _ in range(10):
        await accounts.enable(desk, ANN, BY)
        await asyncio.gather(
            accounts.disable(desk, ANN, BY),
            assignment.assign(desk, TICKET, actor=acting(BOSS), assignee=ANN),
            return_exceptions=True,
        )
        assert (await tickets.get_ticket(desk, TICKET)).row.assignee == ""


async def test_a_caller_who_is_offered_to_somebody_who_leaves_goes_on_to_the_next(desk: Desk) -> None:
    from tests.integration.test_desk_calls import caller

    cho = await ready_agent(desk, "Cho")
    call = await caller(desk)
    await distribution.serve(desk)
    assert (await calls.current(desk, cho)).call_id == call  # type: ignore[union-attr]
    await accounts.disable(desk, cho, BY)
    assert cho not in {each.email for each in await presence.states(desk)}
    dan = await ready_agent(desk, "Dan")
    await scalar(desk, "UPDATE desk.calls SET offered_until = now() - interval '1 min' RETURNING 1")
    await distribution.serve(desk)
    assert (await calls.current(desk, dan)).call_id == call  # type: ignore[union-attr]
    await accounts.enable(desk, cho, BY)
    assert (await presence.state(desk, cho)).presence == "away"


async def test_somebody_can_always_let_others_in(desk: Desk) -> None:
    assert await refused(accounts.disable(desk, BOSS, BY)) == "last-admin"
    assert await refused(accounts.set_role(desk, BOSS, "agent", BY)) == "last-admin"
    await accounts.set_role(desk, ANN, "admin", BY)
    done = await asyncio.gather(
        accounts.disable(desk, BOSS, acting(ANN, "admin")), accounts.disable(desk, ANN, BY), return_exceptions=True
    )
    assert [each.code for each in done if isinstance(each, Rejected)] == ["last-admin"]


# The second step


async def with_second_step(desk: Desk) -> tuple[pyotp.TOTP, tuple[str, ...]]:
    row = await accounts.confirmed(desk, TRIES, ANN, PASSWORD)
    made = second_step.enrol(desk, row.id, ANN)
    app = pyotp.TOTP(made.secret.replace(" ", ""))
    assert await refused(second_step.turn_on(desk, row, made.ticket, "000000", acting(ANN))) == "code"
    codes = await second_step.turn_on(desk, row, made.ticket, app.at(int(time.time()) - 30), acting(ANN))
    return app, codes


async def ticket(desk: Desk, password: str = PASSWORD) -> str:
    with pytest.raises(people.CodeNeeded) as caught:
        await signed_in(desk, password=password)
    return caught.value.ticket


async def test_a_password_that_got_out_lets_nobody_in_without_the_code(desk: Desk) -> None:
    app, _ = await with_second_step(desk)
    first = await ticket(desk)
    assert await refused(people.sign_in_with_code(desk, TRIES, first, "000000", ip=AT_HOME)) == "code"
    code = " ".join(app.now())
    wide = code.translate({ord(str(n)): chr(0xFF10 + n) for n in range(10)})
    assert await sessions.find(desk, await people.sign_in_with_code(desk, TRIES, first, wide, ip=AT_HOME))
    assert await refused(people.sign_in_with_code(desk, TRIES, await ticket(desk), code, ip=AT_HOME)) == "code", (
        "used before"
    )
    assert await refused(people.sign_in_with_code(desk, TRIES, "a" * 40, app.now(), ip=AT_HOME)) == "sign-in-again"
    kept = str(await scalar(desk, f"SELECT row_to_json(a) FROM desk.agents a WHERE email = '{ANN}'"))
    assert app.secret not in kept


async def test_codes_are_guessed_at_three_times_from_all_addresses_together(desk: Desk) -> None:
    app, _ = await with_second_step(desk)
    one = await ticket(desk)
    codes = [await refused(people.sign_in_with_code(desk, TRIES, one, "000000", ip=f"10.0.1.{n}")) for n in range(4)]
    assert codes == ["code"] * 3 + ["too-many-tries"]
    assert await refused(people.sign_in_with_code(desk, TRIES, one, app.now(), ip=AT_HOME)) == "too-many-tries"


async def test_who_lost_the_telephone_comes_in_with_a_recovery_code_once(desk: Desk) -> None:
    _, codes = await with_second_step(desk)
    assert len(set(codes)) == 8
    assert await people.sign_in_with_code(desk, TRIES, await ticket(desk), codes[0].lower(), ip=AT_HOME)
    assert await refused(people.sign_in_with_code(desk, TRIES, await ticket(desk), codes[0], ip=AT_HOME)) == "code"
    person = await accounts.person(desk, ANN)
    assert await second_step.codes_left(desk, person.id) == 7
    await accounts.end_second_step(desk, ANN, BY)
    assert await signed_in(desk)


async def test_a_new_password_by_link_does_not_go_round_the_second_step(desk: Desk) -> None:
    await with_second_step(desk)
    await links.use(desk, token_of(await accounts.password_link(desk, ANN, BY)), OTHER, AT_HOME)
    assert await ticket(desk, OTHER)


# The record


@pytest.mark.parametrize(
    "statement", ["UPDATE desk.audit_log SET actor = 'x'", "DELETE FROM desk.audit_log", "TRUNCATE desk.audit_log"]
)
async def test_nobody_rewrites_what_was_done(desk: Desk, statement: str) -> None:
    before = await logged(desk, "")
    with pytest.raises(Exception, match="only ever added to") as caught:
        async with desk.database.transaction() as session:
            await session.execute(text(statement))
    assert isinstance(caught.value.__cause__.__cause__, asyncpg.PostgresError)  # type: ignore[union-attr]
    assert await logged(desk, "") == before != []


async def test_nobody_leads_an_agent_s_calls_to_another_telephone_without_a_trace(desk: Desk) -> None:
    await presence.set_phone(
        desk, ANN, "+33 6 12 34 56 78", actor=structs.replace(acting("api:crm", "supervisor"), ip=AT_HOME)
    )
    await presence.set_phone(desk, ANN, "", actor=acting(ANN))
    assert await logged(desk, "person.changed") == [(ANN, ANN, ""), ("api:crm", ANN, AT_HOME)]


async def test_an_admin_s_machine_looks_after_people_and_reads_the_record(desk: Desk) -> None:
    clients = {}
    for scope in ("admin", "write"):
        token = await people.create_token(desk.database, name=scope, scopes=(scope,), actor=COMMAND)
        clients[scope] = httpx.AsyncClient(
            transport=httpx.ASGITransport(app_of(desk)),
            base_url="http://desk/api/v1",
            headers={"Authorization": f"Bearer {token}"},
        )
    admin, write = clients["admin"], clients["write"]
    for path in ("people", f"people/{ANN}", f"people/{ANN}/sessions", "audit"):
        assert (await write.get(f"/{path}")).status_code == 403
        answer = await admin.get(f"/{path}")
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store"), answer.text
    made = await admin.post("/people", json={"email": "bo@desk.example", "name": "Bo"})
    assert made.status_code == 201, made.text
    assert made.json()["url"].startswith("http://127.0.0.1:8000/join/")
    token = await signed_in(desk)
    disabled = await admin.patch(f"/people/{ANN}", json={"active": False})
    assert (disabled.status_code, disabled.json()["state"]) == (200, "disabled"), disabled.text
    assert await sessions.find(desk, token) is None
    assert (await admin.post(f"/people/{ANN}/password-link")).status_code == 409
    assert (await admin.patch(f"/people/{ANN}", json={"active": True, "role": "admin"})).json()["role"] == "admin"
    assert (await admin.post(f"/people/{ANN}/password-link")).status_code == 201
    assert (await admin.delete(f"/people/{ANN}/sessions")).status_code == 204
    assert (await admin.get("/people/nobody@desk.example")).status_code == 404
    assert (await admin.patch("/people/bo@desk.example", json={"active": False})).status_code == 200
    assert (await admin.patch(f"/people/{BOSS}", json={"role": "agent"})).status_code == 200
    assert (await admin.patch(f"/people/{ANN}", json={"role": "agent"})).json()["type"].endswith(":last-admin")
    listed = (await admin.get("/audit", params={"who": ANN, "limit": 3})).json()
    assert [each["kind"] for each in listed] == ["password.link", "person.enabled", "person.role"]
    older = (await admin.get("/audit", params={"who": ANN, "before": listed[-1]["id"]})).json()
    assert max(each["id"] for each in older) < listed[-1]["id"]
    refused_tries = await logged(desk, "access.refused")
    assert ("api:write", "/api/v1/audit", "127.0.0.1") in refused_tries


def test_an_operator_looks_after_people_by_command(postgres: str, storage_url: str, tmp_path: Path) -> None:
    name = f"commands_{os.getpid()}"
    dsn = postgres.rsplit("/", 1)[0] + f"/{name}"

    async def create() -> None:
        connection = await asyncpg.connect(postgres)
        await connection.execute(f'CREATE DATABASE "{name}"')
        await connection.close()

    asyncio.run(create())
    environment = os.environ | {
        "SWITCHBOARD_SECRET": SECRET, "SWITCHBOARD_STORAGE": storage_url, "DESK_DATABASE": dsn, "SWITCHBOARD_PUBLIC_URL": "https://desk.example",
    }  # fmt: skip

    def run(*command: str, given: str = "") -> str:
        done = subprocess.run(
            [sys.executable, "-m", "services", "desk", *command],
            check=False,
            env=environment,
            input=given,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("migrate")
    run("create-agent", "--email", BOSS, "--role", "admin", "--password-stdin", given=PASSWORD + "\n")
    assert run("invite", "--email", ANN, "--name", "Ann").startswith("https://desk.example/join/")
    run("create-agent", "--email", "bo@desk.example", "--password-stdin", given=PASSWORD + "\n")
    assert run("password-link", "--email", "bo@desk.example").startswith("https://desk.example/join/")
    for command in ("end-sessions", "end-second-step", "disable-agent"):
        run(command, "--email", "bo@desk.example")
    run("end-sessions", "--everybody")
    states = {line.split("\t")[0]: line.split("\t")[3] for line in run("people").splitlines()}
    assert states == {BOSS: "active", ANN: "invited", "bo@desk.example": "disabled"}
    run("enable-agent", "--email", "bo@desk.example")
    assert run("audit", "--kind", "person", "--limit", "1").startswith('{"id":')


# In the browser


async def signing_in(desk: Desk, **settings: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app_of(replace(desk, settings=desk.settings.model_copy(update=settings))))
    headers = {"Origin": "http://desk", "Accept": "text/html"}
    browser = httpx.AsyncClient(transport=transport, base_url="http://desk", headers=headers)
    answer = await browser.post("/login", data={"email": ANN, "password": PASSWORD})
    assert (answer.status_code, answer.headers["location"]) == (303, "/"), answer.text
    return browser


async def test_where_a_second_step_is_asked_for_nobody_sees_anything_before_they_have_one(desk: Desk) -> None:
    browser = await signing_in(desk, second_step=True)
    for path in ("/", "/inbox/all", "/c/1", "/calls", "/people", "/audit", "/m/1/raw"):
        answer = await browser.get(path)
        assert (answer.status_code, answer.headers.get("location")) == (303, "/account?second-step=on"), path
    assert (await browser.get("/live")).status_code == 401
    assert (await browser.get("/account?second-step=on")).status_code == 200
    await scalar(desk, f"UPDATE desk.agents SET totp_seed = 'x' WHERE email = '{ANN}' RETURNING 1")
    assert (await browser.get("/inbox/all")).status_code == 200


async def test_who_signs_in_again_leaves_no_older_session_behind_in_this_browser(desk: Desk) -> None:
    browser = await signing_in(desk)
    before = browser.cookies[people.COOKIE]
    await browser.post("/login", data={"email": ANN, "password": PASSWORD})
    assert await sessions.find(desk, before) is None
    session = await sessions.find(desk, browser.cookies[people.COOKIE])
    assert session
    left = await browser.post("/logout", data={"csrf": session.csrf})
    assert left.headers["clear-site-data"] == '"cache", "storage"'
    assert people.COOKIE not in browser.cookies


@pytest.mark.parametrize("poison", ["\x00", "\ud800", "a\x00b@example.org", "9" * 5000])
async def test_characters_that_no_store_takes_are_no_fault_of_ours(desk: Desk, poison: str) -> None:
    assert await refused(signed_in(desk, poison)) == "sign-in-failed"
    assert await refused(accounts.invite(desk, poison, "x", "agent", BY)) == "email"
    await accounts.invite(desk, "bo@desk.example", poison[:200], "agent", BY)
    assert await refused(accounts.person(desk, poison)) == "no-such-agent"
    assert await refused(accounts.disable(desk, poison, BY)) == "no-such-agent"
    assert await refused(links.use(desk, poison, OTHER, AT_HOME)) == "link-over"
    assert await refused(people.sign_in_with_code(desk, TRIES, poison, poison, ip=AT_HOME)) == "sign-in-again"
    await audit.noted(desk.database, "audit.read", BY, poison, kinds=poison)
    assert await audit.entries(desk.database, who=poison)
    assert await people.sign_in(desk, TRIES, ANN, PASSWORD, ip=AT_HOME, browser=poison)
