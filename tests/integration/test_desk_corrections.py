"""An agent says that a ticket is not urgent: it moves at once, and the router is told, in words
that can be taken away again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text

from services.desk.actors import COMMAND
from services.desk.context import Desk
from services.desk.intake.messages import apply
from services.desk.people import audit
from services.desk.people import service as people
from services.desk.profiles.sla import record_breaches
from services.desk.tickets import commands, corrections, service
from shared.clock import utc_now
from shared.errors import Rejected
from shared.events import PriorityCorrected
from shared.events.codec import decode
from shared.events.learning import LONGEST
from shared.kernel import Level, ticket_id
from tests.integration.desk_parts import acting, app_of, desk_on, migrate, with_channels
from tests.integration.test_desk_permissions import PASSWORD, browser
from tests.unit.desk.examples import NOON, routed

TICKET = ticket_id("email:<1@example.org>")
BO = acting("bo@desk.example")


@pytest.fixture
async def desk(database: str, storage_url: str) -> AsyncIterator[Desk]:
    await migrate(database)
    async with desk_on(database, storage_url) as made:
        ready = with_channels(made)
        await apply(ready, [routed(text="Stolen card: how do I order another?", level=Level.URGENT, score=80)])
        yield ready


async def told(desk: Desk) -> list[PriorityCorrected]:
    async with desk.database.transaction() as session:
        rows = await session.execute(
            text("SELECT key, value FROM desk.outbox WHERE topic = 'priorities-corrected' ORDER BY id")
        )
        found = [(row.key, decode(PriorityCorrected, row.value)) for row in rows]
    assert all(key == event.key for key, event in found)
    return [event for _, event in found]


async def test_what_is_not_urgent_moves_down_and_the_router_is_told_whose_words_say_so(desk: Desk) -> None:
    row = await corrections.prioritise(desk, TICKET, "normal", "question", actor=BO)
    assert row.level == "normal"
    (said,) = await told(desk)
    assert (said.ticket_id, said.agent, said.before, said.after, said.kind) == (
        TICKET, "bo@desk.example", "urgent", "normal", "question",
    )  # fmt: skip
    assert said.text == "Invoice. Stolen card: how do I order another?"
    events = (await service.get_ticket(desk, TICKET)).events
    assert [(e.actor, e.data) for e in events if e.kind == "ticket.prioritised"] == [
        ("bo@desk.example", {"from": "urgent", "to": "normal", "about": "question"})
    ]
    await corrections.prioritise(desk, TICKET, "normal", actor=acting("cy@desk.example"))
    assert len(await told(desk)) == 1, "who agrees says nothing new"


async def test_a_level_that_an_agent_gave_stays_until_the_customer_adds_something_more_urgent(desk: Desk) -> None:
    await corrections.prioritise(desk, TICKET, "high", actor=BO)
    later = {"received_at": NOON + timedelta(hours=1)}
    await apply(desk, [routed("<2@example.org>", text="Anybody there?", score=79, level=Level.NORMAL, **later)])
    assert (await service.get_ticket(desk, TICKET)).row.level == "high"
    await apply(desk, [routed("<3@example.org>", text="All is down!", score=70, level=Level.URGENT, **later)])
    assert (await service.get_ticket(desk, TICKET)).row.level == "urgent"


async def test_who_is_made_urgent_by_hand_is_promised_what_the_urgent_are_from_when_they_wrote(desk: Desk) -> None:
    ticket, now = ticket_id("email:<7@example.org>"), utc_now()
    targets = {"urgent": 60, "normal": 7200}
    said = {"received_at": now - timedelta(hours=1), "reply_within": 7200, "reply_targets": targets}
    await apply(
        desk, [routed("<7@example.org>", thread="email:<7@example.org>", sender="email:eve@example.org", **said)]
    )
    row = await corrections.prioritise(desk, ticket, "urgent", actor=BO)
    assert row.due_at == now - timedelta(minutes=59)
    assert await record_breaches(desk) == 1, "the time has passed: the router hears of it"
    row = await corrections.prioritise(desk, ticket, "normal", actor=BO)
    assert row.due_at == now + timedelta(hours=1)
    await commands.set_status(desk, ticket, "solved", actor=BO)
    row = await corrections.prioritise(desk, ticket, "urgent", actor=BO)
    assert (row.level, row.due_at) == ("urgent", None), "nobody waits"


async def test_what_is_taken_back_teaches_nothing(desk: Desk) -> None:
    await corrections.prioritise(desk, TICKET, "low", actor=BO)
    await corrections.prioritise(desk, TICKET, "urgent", actor=BO)
    first, second = await told(desk)
    assert first.key == second.key
    assert (first.text != "", second.text) == (True, "")


async def test_a_class_alone_teaches_and_leaves_the_ticket_where_it_is(desk: Desk) -> None:
    before = (await service.get_ticket(desk, TICKET)).row
    row = await corrections.prioritise(desk, TICKET, "urgent", "security", actor=BO)
    assert (row.level, row.version) == ("urgent", before.version)
    (said,) = await told(desk)
    assert (said.kind, bool(said.text)) == ("security", True)


async def test_a_class_that_was_a_slip_is_taken_back_with_no_opinion(desk: Desk) -> None:
    await corrections.prioritise(desk, TICKET, "urgent", "spam", actor=BO)
    for _ in range(2):
        row = await corrections.prioritise(desk, TICKET, "urgent", actor=BO)
    assert row.level == "urgent"
    slip, after = await told(desk)
    assert slip.key == after.key
    assert (slip.text != "", after.text, after.kind) == (True, "", ""), "said once, it teaches nothing any more"
    await corrections.prioritise(desk, TICKET, "normal", "question", actor=BO)
    await corrections.prioritise(desk, TICKET, "normal", actor=BO)
    last = (await told(desk))[-1]
    assert (last.after, last.kind, last.text != "") == ("normal", "", True), "the level still stands"


@pytest.mark.parametrize(
    ("level", "about", "undo"), [("urgent", "spam", True), ("low", "", True), ("urgent", "", False)]
)
async def test_the_page_offers_to_take_back_what_was_just_said(desk: Desk, level: str, about: str, undo: bool) -> None:
    await member(desk, "agent")
    client, _ = await browser(desk, BO.id)
    async with client:
        answer = await client.post(
            f"/c/{TICKET}/priority", data={"level": level, "about": about}, headers={"HX-Request": "true"}
        )
        assert answer.status_code == 200
        assert ("Undo" in answer.text) is undo
        if undo:
            await client.post(f"/c/{TICKET}/priority", data={"level": "urgent"}, headers={"HX-Request": "true"})
            assert (await told(desk))[-1].text == ""


@pytest.mark.parametrize(("role", "shown"), [("hr", False), ("admin", True)])
async def test_who_manages_people_sees_links_only_to_what_they_may_read(desk: Desk, role: str, shown: bool) -> None:
    async with desk.database.transaction() as session:
        await session.execute(text("INSERT INTO desk.roles VALUES ('hr', '{tickets.read,people.manage}')"))
    await member(desk, role)
    client, _ = await browser(desk, BO.id)
    async with client:
        page = await client.get("/people")
    assert page.status_code == 200
    assert [f'href="{path}"' in page.text for path in ("/learning", "/audit")] == [shown, shown]


async def member(desk: Desk, role: str) -> None:
    await people.create_agent(
        desk.database, email=BO.id, name="Bo", role=role, password=PASSWORD, phone="", actor=COMMAND
    )


async def test_the_words_are_those_that_made_it_urgent_and_no_more_than_a_model_reads(desk: Desk) -> None:
    later = {"received_at": NOON + timedelta(hours=1), "level": Level.URGENT}
    await apply(desk, [routed("<2@example.org>", text="x" * 9_000, subject="", score=90, **later)])
    await apply(desk, [routed("<3@example.org>", text="I am away", automatic="reply", score=95, **later)])
    await corrections.prioritise(desk, TICKET, "low", actor=BO)
    (said,) = await told(desk)
    assert said.text == "x" * LONGEST


async def test_a_program_moves_a_ticket_and_teaches_nothing(desk: Desk) -> None:
    token = await people.create_token(desk.database, name="rules", scopes=("write",), actor=COMMAND)
    transport, headers = httpx.ASGITransport(app_of(desk)), {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://desk/api/v1", headers=headers) as client:
        answer = await client.post(f"/tickets/{TICKET}/priority", json={"level": "low", "about": "spam"})
        assert (answer.status_code, answer.json()["level"]) == (200, "low")
        wrong = await client.post(f"/tickets/{TICKET}/priority", json={"level": "soon"})
        assert (wrong.status_code, "urgent, high, normal, low" in wrong.json()["detail"]) == (422, True)
    assert await told(desk) == []


@pytest.mark.parametrize(("level", "about", "code"), [("soon", "", "level"), ("low", "weather", "about")])
async def test_what_is_no_level_or_no_class_is_refused(desk: Desk, level: str, about: str, code: str) -> None:
    with pytest.raises(Rejected) as caught:
        await corrections.prioritise(desk, TICKET, level, about, actor=BO)
    assert caught.value.code == code


async def test_whoever_is_forgotten_is_forgotten_in_what_was_learned_from_too(desk: Desk) -> None:
    await corrections.prioritise(desk, TICKET, "low", actor=BO)
    await corrections.prioritise(desk, TICKET, "normal", actor=acting("cy@desk.example"))
    await apply(desk, [routed("<9@example.org>", thread="email:<9@example.org>", sender="email:eve@example.org")])
    await corrections.prioritise(desk, ticket_id("email:<9@example.org>"), "high", actor=BO)
    assert await corrections.forget(desk, "email:ann@example.org", actor=COMMAND) == 2
    newest = {event.key: event for event in await told(desk)}
    assert {(event.ticket_id == TICKET, event.text == "") for event in newest.values()} == {
        (True, True),
        (False, False),
    }
    with pytest.raises(Rejected):
        await corrections.forget(desk, "email:nobody@example.org", actor=COMMAND)
    (noted,) = await audit.entries(desk.database, kind="corrections")
    assert (noted.kind, noted.actor, noted.data) == ("corrections.forgotten", "command", {"count": "2"})
    assert noted.subject == (await service.get_ticket(desk, TICKET)).row.customer_id, "no address stays in the log"


async def test_who_wrote_into_another_customers_ticket_is_forgotten_there_too(desk: Desk) -> None:
    eve, other = "email:eve@example.org", ticket_id("email:<9@example.org>")
    await apply(desk, [routed("<9@example.org>", thread="email:<9@example.org>", sender=eve)])
    said = {"text": "Eve here: help!", "level": Level.URGENT, "score": 95}
    await apply(desk, [routed("<2@example.org>", sender=eve, rule="token", **said)])
    assert (await service.get_ticket(desk, TICKET)).row.customer_id != (
        await service.get_ticket(desk, other)
    ).row.customer_id
    await corrections.prioritise(desk, TICKET, "low", "spam", actor=BO)
    assert "Eve here" in (await told(desk))[-1].text
    assert await corrections.forget(desk, eve, actor=COMMAND) == 1
    assert (await told(desk))[-1].text == ""
