"""A customer is told that their message is in, in words they can read; a program never is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import structs

from services.desk.autoreplies.domain import (
    LATEST,
    LONGEST,
    SILENT,
    Arrival,
    Before,
    Earlier,
    Rule,
    Text,
    Texts,
    Why,
    decide,
    filled,
    plain,
    previewed,
    problem_with,
    quietly,
    text_for,
    values_of,
)
from services.email.channel import CHANNEL as EMAIL
from services.phone.channel import SMS
from shared.events.routed import Judged
from tests.unit.desk.examples import NOON, routed

DAY = Rule(
    enabled=True,
    hours="mon-fri 09:00-18:00",
    zone="Europe/Paris",
    language="en",
    texts={"en": Texts(received="We have it.", closed="We are closed."), "ko": Texts(received="받았습니다.")},
)
RULES = {"": DAY}
NIGHT = datetime(2026, 3, 6, 22, 0, tzinfo=UTC)
"""A Friday."""


def arrival(**more: Any) -> Arrival:
    judged = more.pop("judged", None)
    own = {name: more.pop(name) for name in ("opened", "team", "language") if name in more}
    found = routed(**more)
    given = {"opened": True, "team": "support", "language": "en"} | own
    decision = structs.replace(found.decision, judged=judged)
    return Arrival(message=found.message, decision=decision, ticket=decision.ticket_id, customer="c", name="", **given)


def before(*minutes_ago: int, subject: str = "Another matter", **more: Any) -> Before:
    answered = more.pop("answered", True)
    earlier = tuple(Earlier(NOON - timedelta(minutes=minutes), subject, answered) for minutes in minutes_ago)
    return Before(earlier=earlier, **more)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, None),
        ({"opened": False}, Why.LATER),
        ({"automatic": "reply"}, Why.MACHINE),
        ({"automatic": "list"}, Why.MACHINE),
        ({"automatic": "bounce"}, Why.MACHINE),
        ({"forwarded_by": "sam@desk.example"}, Why.FORWARDED),
        ({"channel": "sms", "sender": "tel:+33612345678"}, Why.NOWHERE),
        ({"sender": "chat:visitor"}, Why.NOWHERE),
        ({"public": True}, Why.NOWHERE),
        ({"sender": "email:nobody@mail.invalid"}, Why.NOWHERE),
        *(
            ({"sender": f"email:{name}@shop.example"}, Why.MACHINE)
            for name in (
                "noreply", "no-reply", "No-Reply+x", "do_not_reply", "mailer-daemon", "postmaster", "bounces+7", "owner-list", "list-request",
                "majordomo",
            )
        ),
        ({"sender": "email:norah.reply@shop.example"}, None),
    ],
)  # fmt: skip
def test_who_expects_no_answer_is_told_nothing_and_nobody_wonders(more: dict[str, Any], why: Why | None) -> None:
    found = arrival(**more)
    channel = {"email": EMAIL, "sms": SMS}[found.message.channel]
    assert quietly(found, channel) == why
    assert why is None or why in SILENT


def test_a_channel_that_is_off_or_unknown_answers_nobody() -> None:
    assert quietly(arrival(), None) is Why.NOWHERE
    assert quietly(arrival(), structs.replace(EMAIL, enabled=False)) is Why.NOWHERE


@pytest.mark.parametrize(
    ("more", "known", "why"),
    [
        ({}, before(), Why.SENT),
        ({"sender": "email:help@shop.example"}, before(), Why.OURS),
        ({"doubt": "dmarc"}, before(), Why.DOUBT),
        ({"doubt": "junk"}, before(), Why.DOUBT),
        ({"doubt": "spam", "spam": "rspamd"}, before(), Why.SPAM),
        ({"judged": Judged(model="m", kind="spam", share=0.8)}, before(), Why.SPAM),
        ({"judged": Judged(model="m", kind="question", share=0.8)}, before(), Why.SENT),
        ({"judged": Judged(model="m", kind="automatic", share=0.9)}, before(), Why.AUTOMATIC),
        ({"judged": Judged(model="m", kind="automatic", share=0.6)}, before(), Why.SENT),
        ({"received_at": NOON - LATEST}, before(), Why.SENT),
        ({"received_at": NOON - LATEST - timedelta(seconds=1)}, before(), Why.OLD),
        ({}, before(opted_out=True), Why.OPTED_OUT),
        ({}, before(undelivered=True), Why.UNDELIVERED),
        (
            {"received_at": NOON - timedelta(hours=1), "written_at": NOON - LATEST - timedelta(seconds=1)},
            before(),
            Why.OLD,
        ),
        ({"written_at": NOON + timedelta(hours=2)}, before(), Why.SENT),
        ({}, before(100), Why.SENT),
        ({}, before(100, answered=False), Why.UNANSWERED),
        ({}, before(1400, answered=False), Why.UNANSWERED),
        ({}, before(1400, 1300, 1200, subject="My invoice"), Why.SENT),
        ({}, before(100, 150), Why.OFTEN),
        ({}, before(29), Why.ECHO),
        ({}, before(30), Why.SENT),
        ({}, before(-1), Why.ECHO),
        ({}, before(100, subject="Re: INVOICE"), Why.ECHO),
        ({"subject": "[Desk #77] AW: Re: My  invoice"}, before(100, subject="my invoice"), Why.ECHO),
        ({"subject": ""}, before(100, subject=""), Why.SENT),
        ({}, before(paused=True), Why.PAUSED),
        ({}, before(in_last_minute=4), Why.SENT),
        ({}, before(in_last_minute=5), Why.PAUSED),
    ],
)
def test_a_brake_holds_and_says_which(more: dict[str, Any], known: Before, why: Why) -> None:
    found = decide(arrival(**more), RULES, known, 5, NOON)
    assert (found.why, bool(found.text)) == (why, why is Why.SENT)
    assert found.pause == (known.in_last_minute == 5)
    assert why is Why.SENT or why not in SILENT


@pytest.mark.parametrize("after", [timedelta(seconds=20), timedelta(minutes=40), timedelta(minutes=95)])
def test_two_programs_that_answer_each_other_stop_after_one_mail_each(after: timedelta) -> None:
    """Whatever the other one writes into its subject, however often, and however late."""
    theirs, sent, now = 0, list[Earlier](), NOON
    while theirs < 100:
        theirs += 1
        own = arrival(subject=f"Ticket {theirs} received", received_at=now)
        found = decide(own, RULES, Before(earlier=tuple(sent)), 1000, now)
        if found.why is not Why.SENT:
            break
        sent.append(Earlier(now, own.message.subject))
        now += after
    assert (len(sent), theirs) == (1, 2)


def test_nothing_is_said_where_no_admin_wrote_a_text_for_the_team_or_turned_it_off() -> None:
    billing = Rule(team="billing")
    assert decide(arrival(), {}, before(), 5, NOON).why is Why.OFF
    assert decide(arrival(team="billing"), RULES | {"billing": billing}, before(), 5, NOON).why is Why.OFF
    alone = Rule(team="billing", enabled=True, texts={"fr": Texts(received="Bonjour.")})
    assert decide(arrival(team="billing"), {"billing": alone}, before(), 5, NOON).why is Why.NO_TEXT
    assert decide(arrival(), {"billing": alone}, before(), 5, NOON).why is Why.OFF


@pytest.mark.parametrize(
    ("rule", "language", "at", "text", "spoken", "closed"),
    [
        (DAY, "en", NOON, "We have it.", "en", False),
        (DAY, "en", NIGHT, "We are closed.", "en", True),
        (DAY, "ko", NIGHT, "받았습니다.", "ko", True),
        (DAY, "de", NOON, "We have it.", "en", False),
        (Rule(team="b", language="fr", texts={"fr": Texts(received="Bonjour.")}), "en", NOON, "We have it.", "en", False),
        (Rule(team="b", language="fr", texts={"fr": Texts(received="Bonjour.")}), "de", NOON, "Bonjour.", "fr", False),
        (Rule(team="b", texts={"en": Texts(received="Billing has it.")}), "en", NOON, "Billing has it.", "en", False),
        (Rule(team="b", texts={"en": Texts(closed="Billing sleeps.")}), "en", NOON, "We have it.", "en", False),
    ],
)  # fmt: skip
def test_the_language_comes_before_the_team_and_each_text_has_another_behind_it(
    rule: Rule, language: str, at: datetime, text: str, spoken: str, closed: bool
) -> None:
    found = text_for(rule, RULES, language, at)
    assert found is not None
    assert (found.text, found.language, found.closed) == (text, spoken, closed)


def test_a_time_zone_that_is_no_longer_known_keeps_no_message_from_being_taken_in() -> None:
    gone = structs.replace(DAY, zone="Mars/Phobos")
    found = decide(arrival(received_at=NIGHT), {"": gone}, before(), 5, NIGHT)
    assert found.text
    assert (found.why, found.text.closed) == (Why.SENT, False)


def test_variables_are_filled_in_and_have_words_for_when_nothing_is_known() -> None:
    text = "Hello {name|there}, {ticket} is about {subject|your message}. Back {opens|soon}{opens}. {other} {"
    assert filled(text, {"ticket": "#7", "name": "", "subject": "Lamp", "opens": ""}) == (
        "Hello there, #7 is about Lamp. Back soon.  {"
    )


@pytest.mark.parametrize(
    ("language", "opens"),
    [("en", "Mon, Mar 9, 9:00\u202fAM"), ("fr", "lun. 9 mars, 09:00"), ("ko", "3월 9일 월요일, 오전 9:00"), ("xx", "Mon, Mar 9, 9:00\u202fAM")],
)  # fmt: skip
def test_a_closed_team_says_when_it_is_back_in_its_own_time(language: str, opens: str) -> None:
    found = text_for(DAY, RULES, "en", NIGHT)
    assert found
    spoken = Text(text=found.text, language=language, closed=True)
    values = values_of(number=1042, name="Ann", subject="Lamp", rule=DAY, text=spoken, now=NIGHT)
    assert values == {"ticket": "#1042", "name": "Ann", "subject": "Lamp", "opens": opens}
    never = structs.replace(DAY, holidays="", hours="")
    open_now = Text(text="", language="en", closed=False)
    assert values_of(number=1, name="", subject="", rule=never, text=open_now, now=NOON)["opens"] == ""


def test_who_never_opens_again_says_nothing_of_it() -> None:
    closed_for_ever = Rule(hours="mon 09:00-09:01", holidays=",".join(_mondays()))
    found = text_for(structs.replace(closed_for_ever, texts=DAY.texts), {}, "en", NOON)
    assert found
    values = values_of(number=1, name="", subject="", rule=closed_for_ever, text=found, now=NOON)
    assert values["opens"] == ""


def _mondays() -> list[str]:
    return [(NOON + timedelta(weeks=week)).date().isoformat() for week in range(60)]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Ann Lee", "Ann Lee"),
        ("  Ann\n Lee ", "Ann Lee"),
        ("김서연", "김서연"),
        ("Win at http://x.example", ""),
        ("www.x.example", ""),
        ("Pills at x.example", ""),
        ("Dr. J. R. Lee", "Dr. J. R. Lee"),
        ("Version 2.10 fails", "Version 2.10 fails"),
        ("ann@example.org", ""),
        ("x" * 61, ""),
        ("x" * 300, ""),
        ("A\x07nn", ""),
    ],
)
def test_what_a_stranger_wrote_goes_back_only_where_it_can_be_no_advertisement(text: str, kept: str) -> None:
    assert plain(text, 60) == kept


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Hello {name|there}, {ticket} {subject} {opens|soon}", ""),
        ("{nickname}", "variable"),
        ("{name", "brace"),
        ("name}", "brace"),
        ("{Name}", "brace"),
        ("x" * LONGEST, ""),
        ("x" * (LONGEST + 1), "long"),
    ],
)
def test_a_slip_in_a_text_is_found_when_it_is_written(text: str, wrong: str) -> None:
    assert problem_with(text) == wrong


def test_an_admin_sees_each_text_as_a_customer_would_get_it() -> None:
    rule = structs.replace(
        DAY, texts={"en": Texts(received="Hello {name|there}: {ticket}", closed="Back {opens|soon}."), "fr": Texts(received="{opens|bientôt}")}
    )  # fmt: skip
    shown = previewed(rule, "Ann", NOON)
    assert [(each.language, each.closed, each.text) for each in shown] == [
        ("en", False, "Hello Ann: #1042"),
        ("en", True, "Back Tue, Mar 3, 9:00\u202fAM."),
        ("fr", False, "bientôt"),
        ("fr", True, "mar. 3 mars, 09:00"),
    ]
    asleep = structs.replace(rule, texts={"en": Texts(closed="Asleep.")})
    assert [(each.closed, each.text) for each in previewed(asleep, "Ann", NOON)] == [(True, "Asleep.")]
    for always in ("", "mon-sun 00:00-24:00"):
        one = structs.replace(rule, hours=always, texts={"en": rule.texts["en"]})
        assert [each.closed for each in previewed(one, "Ann", NOON)] == [False]
    at_christmas = structs.replace(rule, hours="", holidays="2026-12-25", texts={"en": rule.texts["en"]})
    assert [each.closed for each in previewed(at_christmas, "Ann", NOON)] == [False, True]
