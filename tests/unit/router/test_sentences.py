"""Every decision as a sentence that an agent can act on."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.domain.explain import explain
from services.router.domain.policy import Policy
from services.router.domain.replay import Recorded
from services.router.domain.sentences import advice
from shared.events import Channel, InboundMessage, Profile, RoutedMessage, Stated
from shared.kernel import ContactPoint
from tests.unit.router.makers import (
    ANN,
    ANNS_PHONE,
    CHANNELS,
    CHAT,
    EMAIL,
    NOW,
    PHONE,
    POLICY,
    ann,
    decided,
    mail,
    properties,
    under,
)

EVERYTHING = {"email": EMAIL, "chat": CHAT, "phone": PHONE}
MARGARET = {"name": "Margaret", "birth_year": 1955, "contact_points": (ANN, ANNS_PHONE)}


def told(
    message: InboundMessage,
    profile: Profile | None = None,
    channels: dict[str, Channel] | None = None,
    policy: Policy = POLICY,
) -> str:
    channels = EVERYTHING if channels is None else channels
    return advice(message, profile, decided(message, profile, channels, policy), policy, channels)


def test_an_older_customer_is_to_be_called_while_the_line_is_open() -> None:
    weekend = under("  channels: {}          # such as", "  channels: {phone: sat-sun 10:00-18:00}  # such as")
    assert told(mail(), ann(**MARGARET), policy=weekend) == (
        "Call Margaret at +33612345678: age 71, given by the customer; Phone is open until 18:00"
    )


def test_while_the_line_is_closed_the_agent_reads_when_it_opens_and_what_to_do_until_then() -> None:
    weekdays = under("  channels: {}          # such as", "  channels: {phone: mon-fri 09:00-18:00}  # such as")
    assert told(mail(), ann(**MARGARET), policy=weekdays) == (
        "Margaret prefers Phone: age 71, given by the customer; "
        "but Phone is closed now, open from Monday 09:00; reply to them by Email at ann@example.org"
    )


def test_a_stranger_is_answered_where_they_wrote_and_asked() -> None:
    assert told(mail(sender_name="Ann")) == (
        "Reply to Ann by Email at ann@example.org: this message came by Email; "
        "ask which channel they prefer: nothing is known of it yet"
    )


@pytest.mark.parametrize(
    ("message", "profile", "words"),
    [
        (mail(channel="phone", sender=ANNS_PHONE, live=True), None, "Talk to the customer, who is waiting by Phone: "),
        (mail(channel="x", sender=ContactPoint("x:44196397")), None, "Reply to the customer by x: "),
        (mail(), ann(stated=Stated(channel="chat", source="survey", at=NOW), contact_points=(ContactPoint("chat:u1"),)),
         "Write to the customer by Chat: the customer chose Chat in a survey on 3 May 2026"),
        (mail(), ann(birth_year=1955), "The customer prefers Phone: "),
        (mail(), ann(birth_year=1955), "but we do not know yet where to reach them by Phone: ask"),
    ],
)  # fmt: skip
def test_what_to_do_begins_with_a_verb(message: InboundMessage, profile: Profile | None, words: str) -> None:
    assert words in told(message, profile)


def test_who_does_not_want_to_hear_from_us_is_left_alone() -> None:
    sentence = told(mail(), ann(opted_out=(ANN,)))
    assert sentence.endswith("the customer opted out at ann@example.org; no other way is known")


def test_the_explanation_begins_with_it() -> None:
    message = mail(sender_name="Ann")
    one = Recorded(
        at=NOW,
        routed=RoutedMessage(message=message, decision=decided(message)),
        channels=(tuple(CHANNELS.values()),),
    )
    assert explain(one, POLICY).advice.startswith("Reply to Ann by Email")


@properties
@given(
    st.sampled_from(["email", "chat", "phone", "x"]),
    st.booleans(),
    st.fixed_dictionaries(
        {
            "birth_year": st.none() | st.integers(1900, 2030),
            "stated": st.none()
            | st.builds(Stated, channel=st.sampled_from(["phone", "fax"]), source=st.just("agent"), at=st.just(NOW)),
            "opted_out": st.sampled_from([(), (ANN,), (ANN, ANNS_PHONE)]),
            "contact_points": st.sampled_from([(), (ANN,), (ANN, ANNS_PHONE)]),
        }
    ),
    st.sets(st.sampled_from(sorted(EVERYTHING))),
)
def test_every_decision_reads_as_one_sentence(
    used: str, live: bool, fields: dict[str, Any], announced: set[str]
) -> None:
    sentence = told(mail(channel=used, live=live), ann(**fields), {name: EVERYTHING[name] for name in announced})
    assert sentence[0].isupper()
    assert "\n" not in sentence
    assert ": " in sentence
