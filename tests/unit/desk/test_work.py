"""What work somebody gets is said in words that a supervisor types; what cannot be read is told
with what to write instead."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.dashboard.channel import CHANNEL as CHAT
from services.desk.people import domain
from services.desk.people.domain import Schedule, Standing
from services.email.channel import CHANNEL as EMAIL
from services.phone.channel import CHANNEL as PHONE
from services.phone.channel import SMS, WHATSAPP
from services.social.networks.x.channel import CHANNEL as X
from shared.events import Channel

LUNCH = Schedule(hours="mon-fri 09:00-12:00,13:00-17:00", timezone="Europe/Paris", time_off="2026-12-24..2027-01-03")


@pytest.mark.parametrize(
    ("channel", "kind"),
    [(EMAIL, "mail"), (CHAT, "chat"), (SMS, "text"), (WHATSAPP, "text"), (X, "post"), (PHONE, "voice"), (None, "mail")],
)
def test_a_channel_says_by_itself_what_kind_of_work_it_is(channel: Channel | None, kind: str) -> None:
    assert domain.kind_of(channel) == kind


def test_skills_have_levels_where_somebody_said_so() -> None:
    assert domain.read_skills(["French", " billing : 5 ", "", "french:2"]) == {"billing": 5, "french": 2}
    assert domain.write_skills(["voice", "french"], {"french": 2, "gone": 5}) == {"french": 2, "voice": 3}


@pytest.mark.parametrize("text", ["billing:6", "billing:", ":3", "a:1:2", "x" * 61, "a\x07b", "billing:٣"])
def test_what_is_no_skill_is_told_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="billing:4"):
        domain.read_skills([text])


def test_nobody_has_a_thousand_skills_or_languages() -> None:
    with pytest.raises(ValueError, match="at most 50 skills"):
        domain.read_skills([f"skill {number}" for number in range(51)])
    with pytest.raises(ValueError, match="at most 30 languages"):
        domain.read_languages([f"{a}{b}" for a in "abcdef" for b in "abcdef"])


def test_languages_are_codes() -> None:
    assert domain.read_languages(["KO", "fr", " ", "fr"]) == ["fr", "ko"]
    with pytest.raises(ValueError, match="write `fr`"):
        domain.read_languages(["French"])


def test_what_is_usual_is_not_kept_so_that_it_can_change_for_everybody() -> None:
    assert domain.read_capacity({"mail": 10, "chat": 0, "text": 7}) == {"chat": 0, "text": 7}
    assert domain.capacity_of({"chat": 0}) == {"mail": 10, "chat": 0, "text": 5, "post": 10}
    for wrong in ({"mail": -1}, {"mail": 1001}, {"fax": 1}):
        with pytest.raises(ValueError, match=r"fax|mail: write a number"):
            domain.read_capacity(wrong)


@pytest.mark.parametrize(
    ("moment", "works"),
    [
        ("2026-11-30T09:30+01:00", True),
        ("2026-11-30T12:30+01:00", False),  # lunch
        ("2026-11-30T15:59Z", True),  # 16:59 in Paris in winter
        ("2026-06-01T15:01Z", False),  # 17:01 in summer
        ("2026-11-28T10:00+01:00", False),  # a Saturday
        ("2026-12-23T10:00+01:00", True),
        ("2026-12-24T10:00+01:00", False),
        ("2026-12-31T10:00+01:00", False),
        ("2027-01-03T23:30Z", False),
        ("2027-01-04T10:00+01:00", True),
    ],
)
def test_working_time_knows_lunch_the_clocks_and_holidays(moment: str, works: bool) -> None:
    assert LUNCH.works_at(datetime.fromisoformat(moment)) is works


def test_whoever_said_no_hours_works_whenever_they_are_there_but_for_their_days_off() -> None:
    night = datetime(2026, 12, 24, 3, tzinfo=UTC)
    assert Schedule().works_at(night)
    assert not Schedule(time_off="2026-12-24").works_at(night)


@pytest.mark.parametrize(
    ("who", "kind", "why"),
    [
        (Standing(presence="ready"), "mail", ""),
        (Standing(presence="away"), "mail", "away"),
        (Standing(presence="busy"), "chat", "busy"),
        (Standing(presence="wrap-up"), "voice", "wrap-up"),
        (Standing(presence="ready", paused=frozenset({"chat"})), "chat", "paused"),
        (Standing(presence="ready", paused=frozenset({"chat"})), "mail", ""),
        (Standing(presence="ready", reachable=False), "voice", "no-phone"),
        (Standing(presence="ready", reachable=False), "mail", ""),
        (Standing(presence="ready", schedule=LUNCH), "mail", "off-hours"),
        (Standing(presence="ready", schedule=Schedule(timezone="Mars")), "mail", ""),
    ],
)
def test_whoever_does_not_accept_work_gets_none_and_is_told_why(who: Standing, kind: str, why: str) -> None:
    assert domain.refusal(who, kind, datetime(2026, 11, 28, 10, tzinfo=UTC)) == why


def test_somebody_pauses_only_what_there_is() -> None:
    assert domain.read_pauses(["mail", "chat", "mail"]) == ["chat", "mail"]
    with pytest.raises(ValueError, match="voice, mail, chat"):
        domain.read_pauses(["fax"])


def test_a_schedule_is_kept_tidy() -> None:
    read = domain.read_schedule(Schedule(hours=" ", timezone=" ", time_off=" 2026-12-24 ,, 2027-05-14 "))
    assert read == Schedule(time_off="2026-12-24, 2027-05-14")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (Schedule(hours="nine to five"), "mon-fri"),
        (Schedule(timezone="Mars"), "Europe/Paris"),
        (Schedule(timezone="America"), "Europe/Paris"),
        (Schedule(time_off="Christmas"), "2026-12-24"),
        (Schedule(time_off="2026-02-30"), "day is out of range"),
        (Schedule(time_off="2027-01-03..2026-12-24"), "ends before it begins"),
        (Schedule(time_off="2026-01-01..2028-01-01"), "longer than 400 days"),
        (Schedule(time_off=",".join(f"2026-01-{1 + n % 28:02}" for n in range(101))), "at most 100"),
        (Schedule(timezone="x" * 3001), "at most 3000 characters"),
    ],
)
def test_a_schedule_that_cannot_be_read_says_what_to_write(wrong: Schedule, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        domain.read_schedule(wrong)
