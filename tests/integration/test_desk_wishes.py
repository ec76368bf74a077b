"""What somebody asked for on the contact page is what the desk offers: an answer by mail, or a
call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from services.dashboard.domain.drafts import Author, inbound
from services.dashboard.domain.forms import Form, check
from services.desk.calls import callbacks
from services.desk.calls import service as calls
from services.desk.context import Desk
from services.desk.intake.messages import apply
from services.desk.profiles import service as customers
from services.desk.tickets import service as tickets
from services.desk.web.conversation import pane
from services.desk.web.render import gettext, line_of
from shared.clock import utc_now
from shared.errors import Rejected
from shared.events import Channel, InboundMessage, RoutedMessage
from shared.kernel import ContactPoint
from tests.integration.desk_calls import LINE, agent, requests
from tests.integration.desk_parts import CHAT, EMAIL, acting, desk_on, migrate, outbox, with_channels
from tests.unit.router.makers import decided

VISITOR = ContactPoint("chat:0b51d9e2-0000-4000-8000-000000000001")
NUMBER = "+33142685300"
CHANNELS = {channel.name: channel for channel in (CHAT, EMAIL, LINE)}


@pytest.fixture
async def desk(database: str, storage_url: str) -> AsyncIterator[Desk]:
    await migrate(database)
    async with desk_on(database, storage_url) as made:
        yield with_channels(made, *CHANNELS.values())


def written(answer: str, *, phone: str = "", key: str = "k" * 20) -> InboundMessage:
    """As the contact page hands it over."""
    form = Form(topic="Invoice", name="Rose", email="rose@example.org", message="Charged twice.", answer=answer)
    form = Form(**{name: getattr(form, name) for name in form.__slots__} | {"phone": phone, "key": key})
    checked = check(form, phone or None)
    assert checked.draft, checked.errors
    author = Author(VISITOR, name="Rose", also=checked.also)
    place = {"site": "shop", "conversation": "c-1", "language": "en", "live": False}
    return inbound(checked.draft, author, key=key, now=utc_now(), **place)


async def comes(desk: Desk, message: InboundMessage) -> str:
    routed = RoutedMessage(message=message, decision=decided(message, None, CHANNELS))
    await apply(desk, [routed])
    return routed.decision.ticket_id


def preset(ticket: Any, channels: dict[str, Channel]) -> tuple[str, str]:
    say = partial(line_of, channels, gettext("en"))
    found = next(route for route in pane.routes(ticket, channels, "", say) if route.chosen)
    return found.channel, found.line


async def test_who_asked_for_a_mail_on_the_contact_page_gets_one_though_nobody_proved_the_address(desk: Desk) -> None:
    own = await comes(desk, written("email"))
    ticket = await tickets.get_ticket(desk, own)
    assert preset(ticket, CHANNELS) == ("email", "To rose@example.org, by email")
    await tickets.reply(desk, own, tickets.Draft(text="We return it today.", channel="email"), actor=acting("bo@desk"))
    (wish,) = await outbox(desk, "deliveries-requested-email")
    assert (wish.to, wish.to_name, wish.ticket_id) == ("email:rose@example.org", "", own)
    rose = await customers.get_customer(desk, ticket.row.customer_id)
    assert (rose.preferred and rose.preferred.channel, rose.preferred and rose.preferred.source) == (
        "email",
        "customer",
    )
    assert ticket.row.preferred_channel == "email"
    assert [point.point for point in rose.contact_points] == [VISITOR]
    assert "preferred_channel" not in rose.facts


async def test_who_asked_for_a_call_on_the_contact_page_is_a_callback_with_a_number_to_press(desk: Desk) -> None:
    own = await comes(desk, written("phone", phone=NUMBER))
    ann = await agent(desk, "Ann", "voice")
    (todo,) = await callbacks.to_make(desk)
    assert (todo.ticket.id, todo.number) == (own, f"tel:{NUMBER}")
    assert todo.reason
    assert todo.reason.code == "preference.stated"
    ticket = await tickets.get_ticket(desk, own)
    assert (ticket.row.telephone, pane.may_call(ticket, CHANNELS)) == (f"tel:{NUMBER}", True)
    await calls.call_back(desk, own, actor=acting(ann))
    (asked,) = await requests(desk, "call-back")
    assert asked.customer == f"tel:{NUMBER}"


async def test_a_number_at_which_somebody_said_stop_is_not_offered_by_what_a_stranger_typed_on_the_contact_page(
    desk: Desk,
) -> None:
    own = await comes(desk, written("email"))
    ticket = await tickets.get_ticket(desk, own)
    other = ticket.row.customer_id
    await customers.update_customer(
        desk, other, actor=acting("bo@desk"), add_contact_points=(f"tel:{NUMBER}",), opted_out={}
    )
    await customers.update_customer(desk, other, actor=acting("bo@desk"), opted_out={f"tel:{NUMBER}": True})
    await comes(desk, written("phone", phone=NUMBER, key="n" * 20))
    assert (await tickets.get_ticket(desk, own)).row.telephone == ""


async def test_an_address_that_nobody_gave_is_still_refused(desk: Desk) -> None:
    own = await comes(desk, written("email"))
    with pytest.raises(Rejected, match="not a contact point"):
        await tickets.reply(
            desk,
            own,
            tickets.Draft(text="Hi", channel="email", to="email:mallory@example.org"),
            actor=acting("bo@desk"),
        )


async def test_that_a_message_came_by_a_channel_is_not_shown_as_a_preference(desk: Desk) -> None:
    message = written("email")
    values = {name: getattr(message, name) for name in message.__struct_fields__} | {"wish": "", "also": ()}
    own = await comes(desk, InboundMessage(**values))
    ticket = await tickets.get_ticket(desk, own)
    assert ticket.channels[0].channel == "chat"
    assert not ticket.channels[0].tells
    _ = gettext("en")
    found = pane.routes(ticket, CHANNELS, "", partial(line_of, CHANNELS, _))
    assert pane.hint(ticket, found, str, lambda reason: reason.text, _) == ""
