"""Agents are told what concerns them, once, and nothing of what they did themselves: on a real
database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from services.desk.assignment import service as assignment
from services.desk.context import Desk
from services.desk.intake.messages import apply
from services.desk.notifications import deriving, mailing
from services.desk.notifications import service as notifications
from services.desk.notifications.domain import Preferences, Quiet
from services.desk.people import presence
from services.desk.tickets import deliveries, teams
from services.desk.tickets import service as tickets
from services.desk.tickets.commands import Draft
from shared.clock import utc_now
from shared.errors import Rejected
from shared.events import DeliveryReport, DeliveryState, RoutedMessage
from shared.kernel import stable_id
from shared.topics import deliveries_requested
from tests.integration.desk_calls import agent
from tests.integration.desk_parts import CHAT, EMAIL, acting, desk_on, migrate, outbox, with_channels
from tests.integration.test_desk_permissions import as_program
from tests.unit.desk.examples import routed

SUE = acting("sue@desk.example", "supervisor")


@pytest.fixture
async def two(database: str, storage_url: str) -> AsyncIterator[tuple[Desk, Desk]]:
    """Two processes of the desk."""
    await migrate(database)
    async with AsyncExitStack() as stack:
        made = [await stack.enter_async_context(desk_on(database, storage_url)) for _ in range(2)]
        yield with_channels(made[0], EMAIL, CHAT), with_channels(made[1], EMAIL, CHAT)


@pytest.fixture
def desk(two: tuple[Desk, Desk]) -> Desk:
    return two[0]


def wrote(again: int = 0, **more: Any) -> RoutedMessage:
    """A customer's message, or one more in the same conversation."""
    return routed(
        f"<1.{again}@example.org>",
        thread="email:<1@example.org>",
        rule="reference" if again else "new",
        sender="email:c1@example.org",
        received_at=utc_now() - timedelta(minutes=30 - again),
        **{"team": "billing"} | more,
    )


async def come(desk: Desk, message: RoutedMessage) -> str:
    await apply(desk, [message])
    return message.decision.ticket_id


async def told(desk: Desk, email: str, *, unread: bool = True) -> list[tuple[str, int]]:
    """Kinds and counts of an agent's list, the newest first."""
    while await deriving.derive(desk):
        pass
    found = await notifications.listed(desk, email, actor=acting(email), unread=unread)
    return [(line.kind, line.count) for line in found.items]


async def id_of(desk: Desk, email: str) -> str:
    return str((await sql(desk, f"SELECT id FROM desk.agents WHERE email = '{email}'"))[0].id)


async def sql(desk: Desk, statement: str) -> list[Any]:
    async with desk.database.transaction() as session:
        result = await session.execute(text(statement))
        return list(result) if result.returns_rows else []


async def test_a_mention_an_assignment_and_answers_are_told_and_ten_answers_are_one_line(desk: Desk) -> None:
    ann, bo = await agent(desk, "Ann"), await agent(desk, "Bo")
    ticket = await come(desk, wrote())
    assert await told(desk, ann) == [], "the message that began it is nobody's yet"
    await assignment.assign(desk, ticket, actor=acting(bo), assignee=ann)
    await tickets.add_note(desk, ticket, "@ann, and @bo: please look.", actor=acting(bo))
    assert await told(desk, ann) == [("mention", 1), ("assigned", 1)]
    assert await told(desk, bo) == [], "nothing of one's own doing"
    for number in range(1, 11):
        await come(desk, wrote(number))
    assert await told(desk, ann) == [("reply", 10), ("mention", 1), ("assigned", 1)]
    own = await id_of(desk, ann)
    fresh = await notifications.fresh(desk, own, 0)
    assert (fresh.unread, [line.count for line in fresh.items]) == (3, [10, 1, 1])
    assert [await notifications.opened(desk, own, ticket) for _ in range(2)] == [3, 0]
    assert await told(desk, ann) == []
    await come(desk, wrote(11))
    assert await told(desk, ann) == [("reply", 1)], "after reading it begins anew"
    assert len(await told(desk, ann, unread=False)) == 4
    await assignment.assign(desk, ticket, actor=acting(ann), assignee=ann)
    assert await told(desk, ann) == [("reply", 1)]


async def test_two_processes_tell_each_event_once_and_one_that_was_killed_is_made_up_for(
    two: tuple[Desk, Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, other = two
    ann = await agent(desk, "Ann")
    ticket = await come(desk, wrote())
    await assignment.assign(desk, ticket, actor=SUE, assignee=ann)
    for number in range(1, 8):
        await come(desk, wrote(number))

    async def killed(*_: Any) -> list[Any]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(deriving.signals, "ring", killed)
        with pytest.raises(KeyboardInterrupt):
            await deriving.derive(desk)
    assert await sql(desk, "SELECT 1 FROM desk.notifications") == []
    await asyncio.gather(*(deriving.derive(each) for each in (desk, other) * 3))
    assert await told(desk, ann) == [("reply", 7), ("assigned", 1)]


async def test_a_reply_that_did_not_arrive_is_told_whoever_has_the_ticket(desk: Desk) -> None:
    ann, bo = await agent(desk, "Ann"), await agent(desk, "Bo")
    ticket = await come(desk, wrote())
    await assignment.assign(desk, ticket, actor=acting(ann), assignee=ann)
    sent = await tickets.reply(desk, ticket, Draft(text="Here you are."), actor=acting(bo))
    report = DeliveryReport(
        id=stable_id("report", sent.id),
        ticket_id=ticket,
        outbound_id=sent.id,
        channel="email",
        state=DeliveryState.FAILED,
        at=utc_now(),
        detail="full",
    )
    await deliveries.report(desk, [report])
    assert await told(desk, ann) == [("failed", 1)]
    assert await told(desk, bo) == []


async def test_new_work_is_told_members_who_asked_for_it_in_one_line_for_the_queue(desk: Desk) -> None:
    ann, bo, cleo = [await agent(desk, name) for name in ("Ann", "Bo", "Cleo")]
    await teams.create(desk, "billing", actor=SUE)
    for email in (ann, bo):
        await teams.add_member(desk, "billing", email, actor=SUE)
    for email in (ann, cleo):
        wanted = Preferences(ways={"new-work": ("bell",)})
        await notifications.choose(desk, email, wanted, actor=acting(email))
    for number in range(3):
        await apply(desk, [routed(f"<n{number}@example.org>", thread=f"email:<n{number}@example.org>", team="billing")])
    assert await told(desk, ann) == [("new-work", 3)]
    assert await told(desk, bo) == []
    assert await told(desk, cleo) == []
    assert await notifications.read(desk, ann, actor=acting(ann)) == 1
    assert await notifications.unread_count(desk, await id_of(desk, ann)) == 0


async def mails(desk: Desk) -> list[Any]:
    return [each for each in await outbox(desk, deliveries_requested("email").name) if each.automatic]


async def test_whoever_is_away_gets_one_marked_mail_of_all_and_no_second_one_soon(two: tuple[Desk, Desk]) -> None:
    desk, other = two
    ann = await agent(desk, "Ann", state="away")
    ticket = await come(desk, wrote())
    await assignment.assign(desk, ticket, actor=SUE, assignee=ann)
    wanted = Preferences(ways={"reply": ("bell", "mail"), "mention": ("mail",)}, mail_after=10)
    await notifications.choose(desk, ann, wanted, actor=acting(ann))
    await come(desk, wrote(1))
    await tickets.add_note(desk, ticket, "@ann ?", actor=SUE)
    assert await told(desk, ann) == [("reply", 1), ("assigned", 1)], "what goes only by mail is not in the bell"
    await sql(desk, "UPDATE desk.notifications SET first_at = now() - interval '9 minutes'")
    assert await mailing.send(desk) == 0, "not yet"
    await sql(desk, "UPDATE desk.notifications SET first_at = now() - interval '11 minutes'")
    await presence.set_presence(desk, ann, "ready", actor=acting(ann))
    await sql(desk, "UPDATE desk.agents SET seen_at = now()")
    assert await mailing.send(desk) == 0, "who is there sees it there"
    await presence.set_presence(desk, ann, "away", actor=acting(ann))
    now = f"{utc_now():%H:%M}"
    quiet = msgspec.structs.replace(wanted, quiet=Quiet(begins=now, ends=f"{utc_now() + timedelta(hours=1):%H:%M}"))
    await notifications.choose(desk, ann, quiet, actor=acting(ann))
    assert await mailing.send(desk) == 0, "quiet hours"
    await notifications.choose(desk, ann, wanted, actor=acting(ann))
    assert sum(await asyncio.gather(mailing.send(desk), mailing.send(other))) == 1
    (mail,) = await mails(desk)
    assert (mail.to, mail.automatic) == (f"email:{ann}", True), "the email service marks it: Auto-Submitted"
    assert f"/c/{ticket}" in mail.text
    assert "You were mentioned" in mail.text
    assert "?" not in mail.text.replace("Do not", ""), "nothing of what was written"
    await come(desk, wrote(2))
    await told(desk, ann)
    await sql(desk, "UPDATE desk.notifications SET first_at = now() - interval '11 minutes'")
    assert await mailing.send(desk) == 0, "the last one was less than an hour ago"
    await sql(desk, "UPDATE desk.notification_settings SET mailed_at = now() - interval '61 minutes'")
    assert await mailing.send(desk) == 1


async def test_who_may_not_read_tickets_is_told_of_none(desk: Desk) -> None:
    ann = await agent(desk, "Ann", state="away")
    ticket = await come(desk, wrote())
    await tickets.add_note(desk, ticket, "@ann ?", actor=SUE)
    assert await told(desk, ann) == [("mention", 1)]
    await sql(desk, "INSERT INTO desk.roles (name, permissions) VALUES ('displays', '{displays.manage}')")
    await sql(desk, "UPDATE desk.agents SET role = 'displays'")
    await sql(desk, "UPDATE desk.notifications SET first_at = now() - interval '1 hour'")
    assert await mailing.send(desk) == 0, "no customer's name goes to them"
    await tickets.add_note(desk, ticket, "@ann ?", actor=SUE)
    assert await told(desk, ann) == [("mention", 1)]


async def test_what_is_old_is_forgotten(desk: Desk) -> None:
    ann = await agent(desk, "Ann")
    ticket = await come(desk, wrote())
    await assignment.assign(desk, ticket, actor=SUE, assignee=ann)
    await told(desk, ann)
    assert await mailing.forget(desk) == 0
    await sql(desk, "UPDATE desk.notifications SET at = now() - interval '31 days'")
    assert await mailing.forget(desk) == 1


async def test_a_program_lists_them_marks_them_and_sets_how_they_are_told(desk: Desk) -> None:
    ann = await agent(desk, "Ann")
    ticket = await come(desk, wrote())
    await assignment.assign(desk, ticket, actor=SUE, assignee=ann)
    await told(desk, ann)
    async with await as_program(desk, "write", "read") as api:
        found = (await api.get(f"/api/v1/agents/{ann}/notifications", params={"unread": True})).json()
        assert (found["unread"], found["items"][0]["kind"], found["items"][0]["ticket_id"]) == (1, "assigned", ticket)
        seen = found["items"][0]["seq"]
        path = f"/api/v1/agents/{ann}/notifications/read"
        assert (await api.post(path, json={"up_to": seen - 1})).json() == {"read": 0}
        assert (await api.post(path, json={"ticket": ticket})).json() == {"read": 1}
        settings = f"/api/v1/agents/{ann}/notification-settings"
        body = (await api.get(settings)).json()
        assert (body["ways"], body["quiet"]["zone"], body["mail_after"]) == ({}, "UTC", 15)
        for wrong in (
            {"ways": {"smoke": []}},
            {"quiet": {"begins": "20:00"}},
            {"quiet": {"zone": "Mars"}},
            {"mail_after": 0},
        ):
            assert (await api.put(settings, json=wrong)).status_code == 422
        assert (await api.put(settings, json={"ways": {"reply": ["mail"]}})).json()["ways"] == {"reply": ["mail"]}
        assert (await api.get("/api/v1/agents/none@desk.example/notifications")).status_code == 404
    with pytest.raises(Rejected):
        await notifications.listed(desk, ann, actor=acting("bo@desk.example"))
