"""How a customer can be answered now, whatever the router knew when it decided."""

from __future__ import annotations

from dataclasses import replace

from msgspec.structs import replace as changed

from services.desk.customers.schemas import ContactPointView
from services.desk.tickets.addressing import as_of_now
from services.desk.tickets.schemas import ChannelChoiceView, ReasonView
from shared.events import Channel
from tests.integration.desk_parts import Channels

SMS = Channel(name="sms", label="Text message", icon="s", reaches=("tel",))
EMAIL = Channel(name="email", label="Email", icon="m", reaches=("email",))
NUMBER, OTHER, MAIL = "tel:+33612345678", "tel:+33698765432", "email:ann@example.org"


def point(name: str, *, out: bool = False) -> ContactPointView:
    kind, _, address = name.partition(":")
    return ContactPointView(point=name, kind=kind, address=address, verified=True, opted_out=out)


def choice(channel: str, to: str, *codes: str, available: bool = True) -> ChannelChoiceView:
    reasons = tuple(ReasonView(code=code, text=code) for code in ("preference.used", *codes))
    return ChannelChoiceView(channel=channel, contact_point=to, confidence=0.5, available=available, reasons=reasons)


BOTH = (choice("sms", NUMBER), choice("email", MAIL))


def now(
    choices: tuple[ChannelChoiceView, ...], *points: ContactPointView, sms: Channel = SMS
) -> list[tuple[str, bool, str]]:
    found = as_of_now(choices, Channels(sms, EMAIL), points)
    return [(one.channel, one.available, one.reasons[-1].code) for one in found]


def test_after_stop_the_channel_is_closed_with_the_reason_and_the_next_one_is_first() -> None:
    found = as_of_now(BOTH, Channels(SMS, EMAIL), (point(NUMBER, out=True), point(MAIL)))
    assert [(one.channel, one.available) for one in found] == [("email", True), ("sms", False)]
    assert found[1].reasons[-1].text == "the customer opted out at +33612345678"


def test_after_start_it_is_open_again() -> None:
    closed = (choice("email", MAIL), choice("sms", NUMBER, "unavailable.opted-out", available=False))
    assert ("sms", True, "preference.used") in now(closed, point(NUMBER), point(MAIL))


def test_of_two_numbers_the_one_that_did_not_say_stop_is_taken() -> None:
    (sms, _) = as_of_now(BOTH, Channels(SMS, EMAIL), (point(NUMBER, out=True), point(OTHER), point(MAIL)))
    assert (sms.available, sms.contact_point) == (True, OTHER)


def test_a_channel_that_was_switched_off_since_says_why_and_one_that_is_on_again_is_open() -> None:
    off = changed(SMS, enabled=False, why_off="X wants to be paid")
    found = as_of_now(BOTH, Channels(off, EMAIL), (point(NUMBER), point(MAIL)))
    assert (found[0].available, found[0].reasons[-1].text) == (
        False,
        "Text message is switched off: X wants to be paid",
    )
    was_off = (replace(found[0]), BOTH[1])
    assert now(was_off, point(NUMBER))[0] == ("sms", True, "preference.used")


def test_what_closed_a_channel_for_another_reason_stays() -> None:
    closed = (choice("sms", NUMBER, "unavailable.not-summoned", available=False),)
    assert now(closed, point(NUMBER)) == [("sms", False, "unavailable.not-summoned")]
