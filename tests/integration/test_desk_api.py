"""The desk over HTTP, for machines and for agents who sign in."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

import httpx
import pytest

from services.desk.actors import COMMAND
from services.desk.context import Desk
from services.desk.intake.messages import apply
from services.desk.people import passwords
from services.desk.people import service as people
from services.desk.people.limits import Limiter
from shared.errors import Rejected
from shared.kernel import ticket_id
from tests.integration.desk_parts import app_of, desk_on, migrate, scalar, with_channels
from tests.unit.desk.examples import routed

TICKET = ticket_id("email:<1@example.org>")

TRIES = Limiter(3)


@pytest.fixture(autouse=True)
def _no_tries_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "TRIES", Limiter(3))


@pytest.fixture
async def desk(database: str, storage_url: str) -> AsyncIterator[Desk]:
    await migrate(database)
    async with desk_on(database, storage_url, sign_in_tries=3) as made:
        yield with_channels(made)


@pytest.fixture
async def api(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    token = await people.create_token(desk.database, name="test", scopes=("write",), actor=COMMAND)
    transport = httpx.ASGITransport(app_of(desk))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://desk", headers={"Authorization": f"Bearer {token}"}
    ) as client:
        yield client


async def test_a_machine_reads_answers_and_changes_a_ticket(desk: Desk, api: httpx.AsyncClient) -> None:
    await apply(desk, [routed(sender_name="Ann")])
    (row,) = (await api.get("/api/v1/tickets", params={"status": ["open", "pending"], "q": "invoice"})).json()["items"]
    assert row["id"] == TICKET
    ticket = (await api.get(f"/api/v1/tickets/{row['number']}")).json()
    assert ticket["channels"][0]["channel"] == "email"
    assert ticket["reasons"][0]["code"] == "base"
    key = {"Idempotency-Key": "k-1"}
    answers = [
        await api.post(f"/api/v1/tickets/{TICKET}/replies", json={"text": "Done.", "seen": row["version"]}, headers=key)
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["delivery"] == "requested"
    assert (await api.post(f"/api/v1/tickets/{TICKET}/notes", json={"text": "Check next week"})).status_code == 201
    changed = (await api.patch(f"/api/v1/tickets/{TICKET}", json={"status": "solved", "team": "billing"})).json()
    assert (changed["status"], changed["team"]) == ("solved", "billing")
    (customer,) = (await api.get("/api/v1/customers", params={"contact_point": "email:ann@example.org"})).json()
    changed = (
        await api.patch(f"/api/v1/customers/{customer['id']}", json={"preferred_channel": "phone", "birth_year": 1949})
    ).json()
    assert (changed["preferred"]["channel"], changed["birth_year"]) == ("phone", 1949)
    changed = (await api.patch(f"/api/v1/customers/{customer['id']}", json={"preferred_channel": None})).json()
    assert (changed["preferred"], changed["birth_year"]) == (None, 1949)
    assert (await api.get(f"/api/v1/messages/{answers[0].json()['id']}")).json()["text"] == "Done."


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "tickets/00000000-0000-0000-0000-000000000000", None, 404),
        ("GET", "tickets/99999", None, 404),
        ("GET", "tickets/'; DROP TABLE tickets", None, 422),
        ("GET", "tickets?cursor=%00", None, 422),
        ("GET", "tickets?cursor=cHwxfG5vdC1hLXRpbWV8eA", None, 422),
        ("GET", "tickets?q=%00", None, 422),
        ("GET", "tickets?limit=1000", None, 422),
        ("GET", "tickets?order=random", None, 422),
        ("GET", "tickets?status=lost", None, 422),
        ("GET", "tickets?customer=x", None, 422),
        ("GET", "messages/x", None, 422),
        ("GET", "customers/x", None, 422),
        ("GET", "customers?contact_point=x", None, 422),
        ("PATCH", f"tickets/{TICKET}", {}, 422),
        ("PATCH", f"tickets/{TICKET}", {"status": "lost"}, 422),
        ("PATCH", f"tickets/{TICKET}", {"colour": "red"}, 422),
        ("POST", f"tickets/{TICKET}/replies", {"text": " \n "}, 422),
        ("POST", f"tickets/{TICKET}/replies", {"text": "x" * 100_001}, 422),
        ("POST", f"tickets/{TICKET}/replies", {"text": "x", "status": "gone"}, 422),
        ("POST", f"tickets/{TICKET}/notes", None, 422),
    ],
)
async def test_what_cannot_be_is_refused_with_what_to_do(
    desk: Desk, api: httpx.AsyncClient, method: str, path: str, body: object, status: int
) -> None:
    await apply(desk, [routed()])
    answer = await api.request(method, f"/api/v1/{path}", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    assert answer.json()["detail"]


async def test_what_no_page_answers_is_a_page_for_people_and_a_problem_for_programs(api: httpx.AsyncClient) -> None:
    for method, path, status, words in (
        ("GET", "/nothing-here", 404, "Page introuvable"),
        ("DELETE", "/login", 405, "pas disponible ici"),
    ):
        people_ask = {"Accept": "text/html,*/*;q=0.8", "Accept-Language": "fr"}
        page = await api.request(method, path, headers=people_ask)
        assert (page.status_code, page.headers["content-type"]) == (status, "text/html; charset=utf-8"), page.text
        assert words in page.text
        assert '<a class="button primary" href="/">' in page.text
        assert "default-src 'none'; script-src 'self'" in page.headers["content-security-policy"]
        program = await api.request(method, path, headers={"Accept": "application/json"})
        assert (program.status_code, program.headers["content-type"]) == (status, "application/problem+json")
    assert (await api.delete("/login", headers=people_ask)).headers["allow"]
    machine = await api.get("/api/v1/nothing-here", headers=people_ask)
    assert (machine.status_code, machine.headers["content-type"]) == (404, "application/problem+json")


async def test_without_a_token_nothing_is_told(api: httpx.AsyncClient, desk: Desk) -> None:
    for header in ({"Authorization": ""}, {"Authorization": "Bearer sbd_guess"}, {"Authorization": "Basic eDp5"}):
        assert (await api.get("/api/v1/tickets", headers=header)).status_code == 401
    reader = await people.create_token(desk.database, name="reader", scopes=("read",), actor=COMMAND)
    allowed = {"Authorization": f"Bearer {reader}"}
    assert (await api.get("/api/v1/tickets", headers=allowed)).status_code == 200
    assert (await api.post(f"/api/v1/tickets/{TICKET}/notes", json={"text": "x"}, headers=allowed)).status_code == 403


async def test_a_token_that_got_out_is_revoked_by_its_name_and_no_other_is(desk: Desk, api: httpx.AsyncClient) -> None:
    lost = await people.create_token(desk.database, name="reports", scopes=("read",), actor=COMMAND)
    assert await people.revoke_token(desk.database, "reports", actor=COMMAND) == 1
    refused = await api.get("/api/v1/tickets", headers={"Authorization": f"Bearer {lost}"})
    assert refused.status_code == 401
    assert (await api.get("/api/v1/tickets")).status_code == 200
    assert [token.name for token in await people.tokens(desk.database)] == ["test"]
    assert await people.revoke_token(desk.database, "reports", actor=COMMAND) == 0


async def test_every_operation_is_described(api: httpx.AsyncClient) -> None:
    document = (await api.get("/openapi.json")).json()
    operations = [op for path in document["paths"].values() for op in path.values()]
    assert len(operations) >= 12
    assert all(operation.get("summary") and operation.get("description") for operation in operations)


async def test_an_agent_signs_in_and_out(desk: Desk) -> None:
    await people.create_agent(
        desk.database, email="bo@desk.example", name="Bo", role="admin", password="correct horse", actor=COMMAND
    )
    assert not await people.create_agent(
        desk.database, email="BO@desk.example", name="B", role="agent", password="another one", actor=COMMAND
    )
    token = await people.sign_in(desk, TRIES, " Bo@Desk.example", "correct horse", ip="10.0.0.1")
    session = await people.session(desk, token)
    assert session
    assert (session.agent.email, session.agent.role) == ("bo@desk.example", "admin")
    people.check_csrf(session, session.csrf)
    with pytest.raises(Rejected):
        people.check_csrf(session, "é")
    assert token.encode() not in bytes(await scalar(desk, "SELECT token_hash FROM desk.sessions"))
    await people.sign_out(desk, token)
    assert await people.session(desk, token) is None


@pytest.mark.parametrize("email", ["bo@desk.example", "nobody@desk.example"])
async def test_guessing_is_answered_the_same_for_everybody_and_slowed_down(desk: Desk, email: str) -> None:
    await people.create_agent(
        desk.database, email="bo@desk.example", name="Bo", role="agent", password="correct horse", actor=COMMAND
    )

    async def guess(password: str) -> str:
        try:
            return await people.sign_in(desk, TRIES, email, password, ip="10.0.0.1")
        except Rejected as error:
            return f"{error.status} {error.code}"

    answers = await asyncio.gather(*(guess(f"guess {i}") for i in range(6)))
    assert sorted(answers) == ["401 sign-in-failed"] * 3 + ["429 too-many-tries"] * 3
    assert await guess("correct horse") == "429 too-many-tries"


def test_a_short_password_is_refused() -> None:
    with pytest.raises(Rejected):
        passwords.hash_password("short")


async def test_an_agent_gets_the_mail_as_it_was_received_also_where_it_is_only_text(
    desk: Desk, api: httpx.AsyncClient
) -> None:
    raw = b"From: ann@example.org\r\nSubject: Invoice\r\n\r\n<script>alert(1)</script> > quoted\r\n"
    original = await desk.storage.put(raw, name="original.eml", media_type="message/rfc822")
    page = await desk.storage.put(b"<script>", name="a.html", media_type="text/html")
    mail = routed(raw_uri=original.uri, attachments=(page,))
    await apply(desk, [mail, routed("<2@example.org>")])
    path = f"/api/v1/messages/{mail.message.id}"
    got = await api.get(f"{path}/original")
    assert (got.status_code, got.content) == (200, raw)
    assert got.headers["content-type"].startswith("text/plain")
    assert got.headers["content-disposition"].startswith("attachment")
    assert got.headers["x-content-type-options"] == "nosniff"
    file = await api.get(f"{path}/files/0")
    assert (file.content, file.headers["content-type"]) == (b"<script>", "application/octet-stream")
    assert (await api.get(f"{path}/files/1")).status_code == 404
    other = await api.get(f"/api/v1/messages/{routed('<2@example.org>').message.id}/original")
    assert (other.status_code, "No original of this message was kept" in other.json()["detail"]) == (404, True)
    assert (await api.get(f"{path}/original", headers={"Authorization": ""})).status_code == 401
