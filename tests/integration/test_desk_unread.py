"""A reply that nobody reads on the page comes by mail, once, and its answer comes back to the same
ticket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import text as sql

from services.desk.context import Desk
from services.desk.intake.messages import apply
from services.desk.profiles import service as customers
from services.desk.tickets import deliveries, unread
from services.desk.tickets import service as tickets
from shared.clock import utc_now
from shared.events import ChannelChoice, DeliveryReport, DeliveryState, RoutedMessage
from shared.kernel import ContactPoint, stable_id
from tests.integration.desk_parts import CHAT, EMAIL, acting, desk_on, migrate, outbox, with_channels
from tests.unit.desk.examples import routed

PAGE = msgspec.structs.replace(CHAT, tells_read=True)
ROSE = ContactPoint("email:rose@example.org")


@pytest.fixture
async def two(database: str, storage_url: str) -> AsyncIterator[tuple[Desk, Desk]]:
    """Two processes of the desk."""
    await migrate(database)
    async with AsyncExitStack() as stack:
        made = [await stack.enter_async_context(desk_on(database, storage_url)) for _ in range(2)]
        yield with_channels(made[0], EMAIL, PAGE), with_channels(made[1], EMAIL, PAGE)


@pytest.fixture
def desk(two: tuple[Desk, Desk]) -> Desk:
    return two[0]


def from_the_page(address: ContactPoint | None = ROSE) -> RoutedMessage:
    """She gave her address on the page; nobody proved it."""
    message = routed("c:1", channel="chat", sender="chat:visitor", thread="chat:c", conversation="c", recipient="shop")
    choice = ChannelChoice(channel="email", reasons=(), contact_point=address)
    channels = (*message.decision.channels, choice)
    return msgspec.structs.replace(message, decision=msgspec.structs.replace(message.decision, channels=channels))


async def answered(desk: Desk, message: RoutedMessage | None = None) -> tuple[str, str]:
    """Ticket and reply."""
    message = message or from_the_page()
    await apply(desk, [message])
    own = message.decision.ticket_id
    return own, (
        await tickets.reply(
            desk,
            own,
            tickets.Draft(text="We return it today.", author_name="Bo", channel="chat"),
            actor=acting("bo@desk"),
        )
    ).id


async def pass_minutes(desk: Desk, minutes: int) -> None:
    async with desk.database.transaction() as session:
        await session.execute(sql(f"UPDATE desk.messages SET mail_after = mail_after - interval '{minutes} min'"))


async def says(desk: Desk, reply: str, state: DeliveryState) -> None:
    what: dict[str, Any] = {"ticket_id": "", "channel": "chat", "at": utc_now()}
    await deliveries.report(desk, [DeliveryReport(id=stable_id(reply, state), outbound_id=reply, state=state, **what)])


async def test_a_reply_that_nobody_read_for_ten_minutes_goes_by_mail_once_however_many_processes_look(
    two: tuple[Desk, Desk],
) -> None:
    ticket, reply = await answered(two[0])
    await says(two[0], reply, DeliveryState.SENT)
    await pass_minutes(two[0], 9)
    assert await unread.send(two[0]) == 0
    await pass_minutes(two[0], 1)
    assert sum(await asyncio.gather(*(unread.send(desk) for desk in two * 5))) == 1
    (mail,) = await outbox(two[0], "deliveries-requested-email")
    assert (mail.to, mail.text, mail.author_name, mail.ticket_id) == (ROSE, "We return it today.", "Bo", ticket)
    shown = (await tickets.get_ticket(two[0], ticket)).messages
    assert [(m.channel, m.copy_of) for m in shown if m.direction == "out"] == [
        ("chat", None),
        ("email", reply),
    ]
    assert (shown[-1].id, shown[-1].to, shown[-1].delivery) == (mail.id, ROSE, "requested")


async def test_what_was_read_on_the_page_is_not_mailed(desk: Desk) -> None:
    _, reply = await answered(desk)
    await says(desk, reply, DeliveryState.DELIVERED)
    await pass_minutes(desk, 60)
    assert await unread.send(desk) == 0
    assert await outbox(desk, "deliveries-requested-email") == []


async def test_who_gave_no_address_or_said_stop_there_gets_no_mail(desk: Desk) -> None:
    await answered(desk, from_the_page(None))
    await pass_minutes(desk, 60)
    assert await unread.send(desk) == 0
    await apply(desk, [routed("<r@x>", sender=ROSE, thread="email:r")])
    rose = await customers.find_customer(desk, ROSE)
    assert rose
    await customers.update_customer(desk, rose.id, actor=acting("bo@desk"), opted_out={ROSE: True})
    await answered(desk, from_the_page())
    await pass_minutes(desk, 60)
    assert await unread.send(desk) == 0


async def test_while_mail_is_off_it_waits_and_where_the_setting_is_0_nothing_is_mailed(desk: Desk) -> None:
    await answered(desk)
    await pass_minutes(desk, 60)
    off = with_channels(desk, msgspec.structs.replace(EMAIL, enabled=False), PAGE)
    assert [await unread.send(off), await unread.send(desk)] == [0, 1]
    never = desk.settings.model_copy(update={"unread_minutes": 0})
    object.__setattr__(desk, "settings", never)
    await tickets.reply(
        desk, from_the_page().decision.ticket_id, tickets.Draft(text="More.", channel="chat"), actor=acting("bo@desk")
    )
    await pass_minutes(desk, 60)
    assert await unread.send(desk) == 0


async def test_an_answer_to_that_mail_comes_back_to_the_same_ticket_and_the_next_mail_continues_the_thread(
    desk: Desk,
) -> None:
    ticket, _ = await answered(desk)
    await pass_minutes(desk, 10)
    await unread.send(desk)
    (mail,) = await outbox(desk, "deliveries-requested-email")
    await says(desk, mail.id, DeliveryState.SENT)
    back = routed("<2@x>", sender=ROSE, thread="chat:c", ticket=ticket, rule="token", received_at=utc_now())
    await apply(desk, [back])
    found = await tickets.get_ticket(desk, ticket)
    assert (found.messages[-1].author, found.row.status, found.row.waiting_since is not None) == (ROSE, "open", True)
    await tickets.reply(desk, ticket, tickets.Draft(text="Good.", channel="email"), actor=acting("bo@desk"))
    assert (await outbox(desk, "deliveries-requested-email"))[-1].references == ("<2@x>",)


@pytest.mark.parametrize("read", [False, True])
async def test_a_mail_that_bounces_is_a_reply_that_did_not_arrive_unless_the_page_was_read(
    desk: Desk, *, read: bool
) -> None:
    message = from_the_page()
    at = utc_now() - timedelta(hours=1)
    asked = msgspec.structs.replace(message.message, received_at=at)
    ticket, reply = await answered(desk, msgspec.structs.replace(message, message=asked))
    await says(desk, reply, DeliveryState.SENT)
    await pass_minutes(desk, 10)
    await unread.send(desk)
    (mail,) = await outbox(desk, "deliveries-requested-email")
    if read:
        await says(desk, reply, DeliveryState.DELIVERED)
    await says(desk, mail.id, DeliveryState.FAILED)
    row = (await tickets.get_ticket(desk, ticket)).row
    expected = ("pending", "", None) if read else ("open", "failed", at)
    assert (row.status, row.undelivered, row.waiting_since) == expected
