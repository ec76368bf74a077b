"""On which channel somebody would rather be answered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events import Channel, ChannelChoice, InboundMessage, Observed, Profile, Stated
from shared.kernel import ContactPoint
from tests.unit.router.makers import (
    ANN,
    ANNS_PHONE,
    CHANNELS,
    CHAT,
    EMAIL,
    NOW,
    PHONE,
    ann,
    decided,
    mail,
    properties,
    under,
)

EVERYTHING = {"email": EMAIL, "chat": CHAT, "phone": PHONE}
REACHABLE = (ANN, ANNS_PHONE)


def choices(
    message: InboundMessage | None = None, profile: Profile | None = None, channels: dict[str, Channel] | None = None
) -> tuple[ChannelChoice, ...]:
    return decided(message or mail(), profile, EVERYTHING if channels is None else channels).channels


def texts(choice: ChannelChoice) -> list[str]:
    return [reason.text for reason in choice.reasons]


def stated(channel: str, source: str = "survey") -> Stated:
    return Stated(channel=channel, source=source, at=NOW - timedelta(days=40))


def seen(messages: int, days_ago: float = 1, answers_in: float | None = None) -> Observed:
    return Observed(messages=messages, last_at=NOW - timedelta(days=days_ago), answer_seconds=answers_in)


def test_an_older_customer_is_offered_the_phone_first() -> None:
    best = choices(mail(birth_year=1955), ann(contact_points=REACHABLE))[0]
    assert (best.channel, best.contact_point, best.available) == ("phone", ANNS_PHONE, True)
    assert texts(best) == ["age 71, given by the customer"]
    assert best.reasons[0].values == {"channel": "phone", "age": "71"}


def test_an_older_customer_stays_with_the_phone_even_before_there_is_a_phone_line() -> None:
    best, used = choices(mail(birth_year=1955), ann(contact_points=REACHABLE), CHANNELS)
    assert (best.channel, best.contact_point, best.available) == ("phone", ANNS_PHONE, False)
    assert texts(best) == ["age 71, given by the customer", "no phone line is set up yet"]
    assert (used.channel, used.available) == ("email", True)


@pytest.mark.parametrize(
    ("born", "channel"),
    [
        (1971, "phone"),
        (1972, "email"),
        (1986, "email"),
        (1987, "chat"),
        (2010, "chat"),
        (1850, "email"),
        (2030, "email"),
    ],
)
def test_age_speaks_for_a_channel_only_from_55_and_below_40(born: int, channel: str) -> None:
    assert choices(mail(birth_year=born))[0].channel == channel
    assert choices(mail(), ann(birth_year=born))[0].channel == channel


def test_without_any_sign_the_answer_goes_where_the_question_came_from() -> None:
    (only,) = choices(mail(), None, CHANNELS)
    assert (only.channel, only.contact_point, only.available, texts(only)) == (
        "email",
        ANN,
        True,
        ["this message came by Email"],
    )


def test_what_a_customer_does_beats_their_age() -> None:
    profile = ann(birth_year=1950, observed={"email": seen(14), "chat": seen(4)})
    best = choices(mail(), profile)[0]
    assert best.channel == "email"
    assert texts(best) == ["14 of 18 messages came by Email, the last on 2 May 2026", "this message came by Email"]


def test_what_a_customer_says_beats_what_they_do() -> None:
    profile = ann(stated=stated("phone"), observed={"email": seen(50)}, contact_points=REACHABLE)
    best, second = choices(mail(), profile)[:2]
    assert (best.channel, second.channel) == ("phone", "email")
    assert texts(best) == ["the customer chose Phone in a survey on 24 March 2026"]
    assert best.confidence > second.confidence


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("customer", "the customer asked for Phone on 24 March 2026"),
        ("phone", "the customer asked for Phone on the phone on 24 March 2026"),
        ("agent", "prefers Phone, as an agent noted on 24 March 2026"),
        ("crm", "prefers Phone, known since 24 March 2026"),
    ],
)
def test_who_told_us_and_when_is_part_of_the_reason(source: str, text: str) -> None:
    assert texts(choices(mail(), ann(stated=stated("phone", source)))[0])[0] == text


def test_what_a_customer_asks_for_in_a_message_beats_what_they_said_before_and_the_channel_that_they_used() -> None:
    asks = mail(wish="phone", also=(ANNS_PHONE,))
    best = choices(asks, ann(stated=stated("chat"), observed={"email": seen(40)}))[0]
    assert (best.channel, best.contact_point, best.available) == ("phone", ANNS_PHONE, True)
    assert texts(best) == [f"the customer asked for Phone on {NOW.day} {NOW:%B %Y}"]
    assert best.reasons[0].code == "preference.stated"


def test_a_few_messages_are_no_habit() -> None:
    assert choices(mail(), ann(birth_year=1950, observed={"email": seen(4)}))[0].channel == "phone"


def test_an_old_habit_fades() -> None:
    assert choices(mail(), ann(birth_year=1950, observed={"email": seen(8, days_ago=30)}))[0].channel == "email"
    assert choices(mail(), ann(birth_year=1950, observed={"email": seen(8, days_ago=300)}))[0].channel == "phone"


def test_of_two_habits_the_stronger_comes_first() -> None:
    profile = ann(observed={"chat": seen(30), "phone": seen(10)})
    assert [choice.channel for choice in choices(mail(), profile)] == ["chat", "phone", "email"]


def test_two_signs_for_one_channel_are_more_certain_than_each() -> None:
    both = choices(mail(birth_year=1950), ann(stated=stated("phone")))[0]
    assert both.confidence > choices(mail(), ann(stated=stated("phone")))[0].confidence
    assert len(both.reasons) == 3  # and that we do not know where to call


def test_nobody_is_written_to_where_they_said_no() -> None:
    profile = ann(birth_year=1950, contact_points=REACHABLE, opted_out=(ANNS_PHONE,))
    *others, last = choices(mail(), profile)
    assert (last.channel, last.available) == ("phone", False)
    assert texts(last)[-1] == "the customer opted out at +33612345678"
    assert others[0].channel == "email"


def test_a_post_that_x_lets_nobody_answer_says_so_before_an_agent_writes() -> None:
    x = Channel(name="x", label="X", icon="x", reaches=("x",), public=True)
    post = mail(channel="x", sender=ContactPoint("x:42"), public=True, closed="not-summoned")
    first, *others = choices(post, ann(contact_points=(ContactPoint("x:42"), ANN)), {"x": x, "email": EMAIL})
    assert (first.channel, first.available, first.reasons[-1].code) == ("x", False, "unavailable.not-summoned")
    assert "only those who mentioned or quoted us" in texts(first)[-1]
    assert [(one.channel, one.available) for one in others] == [("email", True)]


def test_a_channel_that_is_switched_off_says_what_to_set() -> None:
    off = Channel(
        name="phone", label="Phone", icon="phone", reaches=("tel",), enabled=False, why_off="set PHONE_TWILIO_TOKEN"
    )
    best = choices(mail(birth_year=1950), ann(contact_points=REACHABLE), EVERYTHING | {"phone": off})[0]
    assert (best.channel, best.available, texts(best)[-1]) == (
        "phone",
        False,
        "Phone is switched off: set PHONE_TWILIO_TOKEN",
    )


def test_a_channel_that_is_switched_off_without_a_word_is_off_all_the_same() -> None:
    off = Channel(name="email", label="Email", icon="mail", reaches=("email",), enabled=False)
    assert texts(choices(mail(), None, {"email": off})[0])[-1] == "Email is switched off"


def test_where_the_number_is_not_known_it_has_to_be_asked_for() -> None:
    best = choices(mail(birth_year=1950))[0]
    assert (best.channel, best.contact_point, best.available) == ("phone", None, False)
    assert texts(best)[-1] == "we do not know yet where to reach them by Phone: ask"


def test_a_channel_that_only_answers_is_not_used_to_begin_with() -> None:
    mastodon = Channel(name="mastodon", label="Mastodon", icon="m", reaches=("mastodon",), can_start=False)
    profile = ann(stated=stated("mastodon"), contact_points=(ANN, ContactPoint("mastodon:ann")))
    best = choices(mail(), profile, EVERYTHING | {"mastodon": mastodon})[0]
    assert (best.channel, best.available, texts(best)[-1]) == ("mastodon", False, "by Mastodon we can only answer")
    there = choices(mail(channel="mastodon", sender=ContactPoint("mastodon:ann")), None, {"mastodon": mastodon})[0]
    assert there.available


def test_a_channel_that_nobody_knows_is_named_as_it_is() -> None:
    best = choices(mail(), ann(stated=stated("telepathy")))[0]
    assert (best.channel, best.available, texts(best)[-1]) == ("telepathy", False, "telepathy is not set up yet")


def test_other_channels_where_the_customer_is_known_are_offered_last() -> None:
    used, other = choices(mail(), ann(contact_points=REACHABLE))
    assert (used.channel, other.channel, other.available) == ("email", "phone", True)
    assert texts(other) == ["can also be reached by Phone"]


def test_an_address_that_the_message_gives_is_used() -> None:
    message = mail(channel="chat", sender=ContactPoint("chat:u1"), also=(ANN,))
    assert [(choice.channel, choice.contact_point) for choice in choices(message)] == [
        ("chat", "chat:u1"),
        ("email", ANN),
    ]


HOUR = 3600.0


def test_where_a_customer_answers_fast_they_would_rather_be_answered() -> None:
    slow = {"email": seen(12, answers_in=30 * HOUR), "chat": seen(10, answers_in=60)}
    best, second = choices(mail(), ann(observed=slow))[:2]
    assert (best.channel, second.channel) == ("chat", "email")
    assert texts(second)[0] == (
        "12 of 22 messages came by Email, the last on 2 May 2026, usually answered within 2 days"
    )
    assert best.reasons[0].values["answer_seconds"] == "60"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "1 minute"), (61, "2 minutes"), (HOUR, "60 minutes"), (HOUR + 1, "2 hours"), (25 * HOUR, "2 days")],
)
def test_how_fast_they_answer_is_told_as_people_say_it(seconds: float, words: str) -> None:
    best = choices(mail(), ann(observed={"email": seen(9, answers_in=seconds)}))[0]
    assert texts(best)[0].endswith(f"usually answered within {words}")


@properties
@given(st.integers(6, 50), st.integers(6, 50), st.floats(0, 1e9), st.floats(0, 1e9), st.none() | st.floats(0, 1e9))
def test_answering_faster_never_makes_a_channel_less_likely(
    mails: int, chats: int, faster: float, slower: float, other: float | None
) -> None:
    faster, slower = sorted((faster, slower))
    confident = []
    for speed in (faster, slower):
        profile = ann(observed={"email": seen(mails, answers_in=other), "chat": seen(chats, answers_in=speed)})
        confident.append(next(choice.confidence for choice in choices(mail(), profile) if choice.channel == "chat"))
    assert confident[0] >= confident[1]


def test_an_answer_that_took_for_ever_is_no_reason_to_fail() -> None:
    assert choices(mail(), ann(observed={"email": seen(9, answers_in=float("inf"))}))[0].channel == "email"


def asked(message: InboundMessage | None = None, profile: Profile | None = None) -> str:
    """The reason for which the customer is to be asked; empty where they are not."""
    decision = decided(message or mail(), profile, EVERYTHING)
    assert decision.ask_preference == (decision.ask_reason is not None)
    return decision.ask_reason.text if decision.ask_reason else ""


def test_who_nothing_is_known_of_is_asked() -> None:
    assert asked() == "which channel they prefer: nothing is known of it yet"
    assert asked(mail(), ann(birth_year=1980)) == "which channel they prefer: nothing is known of it yet"


def test_who_has_only_a_weak_habit_is_asked_too() -> None:
    profile = ann(observed={"chat": seen(6), "phone": seen(6), "sms": seen(6), "x": seen(6)})
    assert asked(mail(), profile) == "which channel they prefer: only weak signs of it (20%)"


def test_nobody_is_asked_what_we_know_already() -> None:
    for profile in (ann(stated=stated("phone")), ann(observed={"email": seen(20)}), ann(birth_year=1950)):
        assert not asked(mail(), profile)


def test_no_machine_and_nobody_who_said_no_is_asked() -> None:
    assert not asked(mail(automatic="reply"))
    assert not asked(mail(), ann(opted_out=(ANN,)))


def test_an_operator_who_does_not_want_to_ask_never_asks() -> None:
    silent = under("  ask_below: 0.4 ", "  ask_below: 0 ")
    assert not decided(mail(), None, EVERYTHING, silent).ask_preference


def test_an_agent_knows_until_when_the_line_is_open() -> None:
    weekends = under("  channels: {}          # such as", "  channels: {phone: sat-sun 10:00-18:30}  # such as")
    older = ann(birth_year=1955, contact_points=REACHABLE)
    best, *others = decided(mail(), older, EVERYTHING, weekends).channels
    assert best.open_until == NOW.replace(hour=18, minute=30)
    assert all(choice.open_until is None for choice in others)
    assert decided(mail(), older, EVERYTHING).channels[0].open_until is None, "a line that never closes"


CHANNEL_NAMES = st.sampled_from(["email", "chat", "phone", "sms", "x"])


@properties
@given(
    st.fixed_dictionaries(
        {
            "stated": st.none() | st.builds(stated, CHANNEL_NAMES),
            "birth_year": st.none() | st.integers(1900, 2030),
            "observed": st.dictionaries(CHANNEL_NAMES, st.builds(seen, st.integers(0, 50), st.floats(-5, 4000))),
            "opted_out": st.lists(st.sampled_from(REACHABLE)).map(tuple),
            "contact_points": st.lists(st.sampled_from(REACHABLE)).map(tuple),
        }
    ),
    CHANNEL_NAMES,
    st.sets(st.sampled_from(sorted(EVERYTHING))),
)
def test_the_channel_used_is_always_there_and_each_channel_once(
    fields: dict[str, Any], used: str, announced: set[str]
) -> None:
    found = choices(mail(channel=used), ann(**fields), {name: EVERYTHING[name] for name in announced})
    names = [choice.channel for choice in found]
    assert used in names
    assert len(names) == len(set(names))
    assert all(choice.reasons and 0 <= choice.confidence <= 1 for choice in found)
    assert not any(choice.available and choice.contact_point in fields["opted_out"] for choice in found)


def test_the_telephone_is_not_proposed_while_nobody_is_there_and_the_agent_reads_when() -> None:
    weekdays = under("  channels: {}          # such as", "  channels: {phone: mon-fri 09:00-18:00}  # such as")
    older = ann(birth_year=1955, contact_points=(ANN, ANNS_PHONE))  # NOW is a Sunday
    found = {choice.channel: choice for choice in decided(mail(), older, EVERYTHING, weekdays).channels}
    assert not found["phone"].available
    assert found["phone"].reasons[-1].text == "Phone is closed now, open from Monday 09:00"
    assert found["email"].available


def test_whoever_calls_at_night_is_still_answered_where_they_are() -> None:
    closed = under("  open: always", "  open: mon-fri 09:00-18:00")
    (used, *_) = decided(mail(channel="phone", sender=ANNS_PHONE), None, {"phone": PHONE}, closed).channels
    assert used.channel == "phone"
    assert used.available
