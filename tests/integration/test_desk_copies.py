"""Whoever was on a customer's mail gets the answer too, unless the agent says otherwise."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from services.desk.context import Desk
from services.desk.intake.messages import apply
from services.desk.profiles import service as customers
from services.desk.tickets import deliveries
from services.desk.tickets import service as tickets
from services.desk.web.conversation import pane
from services.desk.web.render import gettext
from shared.clock import utc_now
from shared.errors import Rejected
from shared.events import DeliveryReport, DeliveryState, OutboundMessage
from shared.kernel import stable_id, ticket_id
from tests.integration.desk_parts import CHAT, EMAIL, acting, desk_on, migrate, outbox, with_channels
from tests.unit.desk.examples import NOON, routed

TICKET = ticket_id("email:<1@example.org>")
CHANNELS = {"email": EMAIL, "chat": CHAT}


@pytest.fixture
async def desk(database: str, storage_url: str) -> AsyncIterator[Desk]:
    await migrate(database)
    async with desk_on(database, storage_url) as bare:
        made = with_channels(bare)
        await apply(made, [routed(sender_name="Ann", also_to=("lee@x.example",), cc=("bo@x.example",))])
        yield made


async def sent(desk: Desk) -> OutboundMessage:
    found: OutboundMessage = (await outbox(desk, "deliveries-requested-email"))[-1]
    return found


async def reply(desk: Desk, **more: Any) -> OutboundMessage:
    await tickets.reply(desk, TICKET, tickets.Draft(text="It is right now.", **more), actor=acting("kim@desk"))
    return await sent(desk)


async def test_a_reply_goes_to_all_whom_the_mail_went_to_and_the_timeline_shows_them(desk: Desk) -> None:
    ticket = await tickets.get_ticket(desk, TICKET)
    assert (ticket.messages[0].also_to, ticket.messages[0].cc) == (("lee@x.example",), ("bo@x.example",))
    assert pane.copies(ticket, CHANNELS) == "lee@x.example, bo@x.example"
    mail = await reply(desk)
    assert (mail.to, mail.cc, mail.bcc) == ("email:ann@example.org", ("lee@x.example", "bo@x.example"), ())
    assert mail.references == ("<1@example.org>",)
    shown = (await tickets.get_ticket(desk, TICKET)).messages[-1]
    assert (shown.cc, shown.bcc) == (mail.cc, ())


async def test_what_an_agent_takes_out_or_adds_holds_for_the_next_reply_too_and_bcc_does_not(desk: Desk) -> None:
    mail = await reply(desk, cc=["Zoe <ZOE@x.example>; bo@x.example"], bcc=["boss@x.example", "zoe@x.example"])
    assert (mail.cc, mail.bcc) == (("zoe@x.example", "bo@x.example"), ("boss@x.example",))
    assert ((await reply(desk)).cc, (await reply(desk, cc=[])).cc) == (("zoe@x.example", "bo@x.example"), ())
    assert (await reply(desk)).cc == ()


async def test_somebody_in_copy_who_answers_all_stays_in_copy_and_the_customer_is_written_to(desk: Desk) -> None:
    bob = routed(
        "<2@x>",
        sender="email:bo@x.example",
        rule="token",
        also_to=("ann@example.org",),
        cc=("lee@x.example",),
        received_at=NOON + timedelta(minutes=1),
    )
    await apply(desk, [bob])
    ticket = await tickets.get_ticket(desk, TICKET)
    assert pane.copies(ticket, CHANNELS) == "bo@x.example, lee@x.example"
    mail = await reply(desk)
    assert (mail.to, mail.cc) == ("email:ann@example.org", ("bo@x.example", "lee@x.example"))


async def test_an_automatic_answer_or_a_reply_that_failed_does_not_change_who_is_in_copy(desk: Desk) -> None:
    away = routed("<2@x>", automatic="reply", cc=(), received_at=utc_now())
    await apply(desk, [away])
    failed = await reply(desk, cc=["typo@x.example"])
    state = {"ticket_id": "", "channel": "email", "at": utc_now(), "state": DeliveryState.FAILED}
    await deliveries.report(desk, [DeliveryReport(id=stable_id(failed.id), outbound_id=failed.id, **state)])
    assert (await reply(desk)).cc == ("lee@x.example", "bo@x.example")


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"cc": ["nobody"]}, "copy-address"),
        ({"bcc": ["a@x.example\r\nSubject: no"]}, "copy-address"),
        (
            {"cc": [f"p{number}@x.example" for number in range(30)], "bcc": [f"q{n}@x.example" for n in range(19)]},
            "copies-many",
        ),
        ({"cc": ["zoe@x.example"]}, "copy-opted-out"),
    ],
)
async def test_copies_that_cannot_be_sent_are_refused_with_what_to_do(
    desk: Desk, more: dict[str, Any], code: str
) -> None:
    await apply(desk, [routed("<z@x>", sender="email:zoe@x.example", thread="email:z")])
    zoe = await customers.find_customer(desk, "email:zoe@x.example")
    assert zoe
    await customers.update_customer(desk, zoe.id, actor=acting("kim@desk"), opted_out={"email:zoe@x.example": True})
    with pytest.raises(Rejected) as refused:
        await reply(desk, **more)
    assert refused.value.code == code
    assert await outbox(desk, "deliveries-requested-email") == []


async def test_who_was_in_copy_and_said_stop_is_left_out_by_itself(desk: Desk) -> None:
    await apply(desk, [routed("<b@x>", sender="email:bo@x.example", thread="email:b")])
    bob = await customers.find_customer(desk, "email:bo@x.example")
    assert bob
    await customers.update_customer(desk, bob.id, actor=acting("kim@desk"), opted_out={"email:bo@x.example": True})
    assert (await reply(desk)).cc == ("lee@x.example",)


async def test_a_note_goes_to_nobody_and_a_reply_to_a_page_takes_no_copies(desk: Desk) -> None:
    await tickets.add_note(desk, TICKET, "Between us.", actor=acting("kim@desk"))
    assert await outbox(desk, "deliveries-requested-email") == []
    talk = routed("c1", channel="chat", sender="chat:v", thread="chat:c", conversation="c")
    await apply(desk, [talk])
    own = talk.decision.ticket_id
    with pytest.raises(Rejected) as refused:
        await tickets.reply(desk, own, tickets.Draft(text="Hi", cc=["lee@x.example"]), actor=acting("kim@desk"))
    assert refused.value.code == "copies"
    await tickets.reply(desk, own, tickets.Draft(text="Hi"), actor=acting("kim@desk"))


async def test_a_reply_to_a_mail_that_may_be_forged_goes_where_the_customer_is_known_and_to_nobody_it_named(
    desk: Desk,
) -> None:
    ann = await customers.find_customer(desk, "email:ann@example.org")
    assert ann
    await customers.update_customer(
        desk, ann.id, actor=acting("kim@desk"), add_contact_points=("email:ann@old.example",)
    )
    forged = {"sender": "email:ann@old.example", "doubt": "dmarc", "received_at": NOON + timedelta(minutes=1)}
    await apply(desk, [routed("<f@x>", cc=("mallory@x.example",), **forged)])
    ticket = await tickets.get_ticket(desk, TICKET)
    assert (ticket.messages[-1].doubt, ticket.messages[-1].other_address) == ("dmarc", False)
    customer = await customers.get_customer(desk, ann.id)
    (route,) = pane.routes(
        ticket, CHANNELS, "", lambda channel, who, **_: f"{channel} {who}", points=customer.contact_points
    )
    assert route.line == "email ann@example.org"
    assert "ann@old.example" in pane.doubt(ticket, [route], gettext("en"))
    mail = await reply(desk)
    assert (mail.to, mail.cc) == ("email:ann@example.org", ("lee@x.example", "bo@x.example"))


async def test_where_only_the_doubtful_address_is_known_the_reply_goes_there(desk: Desk) -> None:
    message = routed("<n@x>", sender="email:new@x.example", thread="email:n", doubt="dmarc")
    await apply(desk, [message])
    await tickets.reply(desk, message.decision.ticket_id, tickets.Draft(text="Is it you?"), actor=acting("kim@desk"))
    assert (await sent(desk)).to == "email:new@x.example"
