"""The menu has no dead end, the calendar knows lunch and holidays, and what is spoken is short, in
three languages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest

from services.phone.adapters.phone_numbers import point_of, sender_of, spoken_by
from services.phone.adapters.twiml import Script
from services.phone.domain.menu import Choice, Step, choose, choose_without_agents
from services.phone.domain.prompts import LANGUAGES, PROMPTS, language_of, menu, place
from services.phone.domain.wait_times import USUAL_PACE, expected_wait, minutes, pace
from shared.hours import parse
from shared.kernel import ContactPoint
from shared.phone_numbers import region_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("digits", "wrong", "choice"),
    [
        ("", 0, Choice(Step.PERSON)),
        ("0", 0, Choice(Step.PERSON)),
        ("1", 0, Choice(Step.CALLBACK)),
        ("2", 0, Choice(Step.MESSAGE)),
        ("8", 0, Choice(Step.LANGUAGE, "fr")),
        ("5", 0, Choice(Step.AGAIN)),
        ("#", 0, Choice(Step.AGAIN)),
        ("5", 1, Choice(Step.PERSON)),
        ("", 1, Choice(Step.PERSON)),
    ],
)
def test_what_a_key_means(digits: str, wrong: int, choice: Choice) -> None:
    assert choose(digits, wrong, LANGUAGES, can_call_back=True) == choice


def test_a_callback_is_not_promised_to_a_withheld_number() -> None:
    assert choose("1", 0, LANGUAGES, can_call_back=False).step is Step.AGAIN
    assert choose_without_agents("1", can_call_back=False).step is Step.MESSAGE
    assert not any("rappelé" in line for _, line in menu("fr", can_call_back=False))


OFFICE = parse("mon-fri 09:00-12:00,13:00-18:00; sat 10:00-13:00", "Europe/Paris", "2026-12-25")


@pytest.mark.parametrize(
    ("local", "is_open"),
    [
        ("2026-03-02T08:59+01:00", False),
        ("2026-03-02T09:00+01:00", True),
        ("2026-03-02T12:30+01:00", False),
        ("2026-03-02T17:59+01:00", True),
        ("2026-03-02T18:00+01:00", False),
        ("2026-03-07T12:59+01:00", True),
        ("2026-03-08T11:00+01:00", False),
        ("2026-12-25T10:00+01:00", False),
        ("2026-03-30T07:30+00:00", True),  # daylight saving time began the day before: it is 09:30 in Paris
        ("2026-03-27T07:30+00:00", False),
    ],
)
def test_somebody_answers_in_office_hours(local: str, is_open: bool) -> None:
    assert OFFICE.open_at(datetime.fromisoformat(local)) is is_open


def test_without_hours_somebody_always_answers_but_on_holidays() -> None:
    always = parse("", "UTC", "2026-12-25")
    assert always.open_at(NOON)
    assert not always.open_at(datetime(2026, 12, 25, 12, tzinfo=UTC))


def test_a_night_over_the_weekend_can_be_written() -> None:
    weekend = parse("sat-mon 00:00-24:00", "UTC", "")
    assert [weekend.open_at(NOON + timedelta(days=day)) for day in range(7)] == [
        True,
        False,
        False,
        False,
        False,
        True,
        True,
    ]


@pytest.mark.parametrize("hours", ["monday 9-5", "mon-fri 18:00-09:00", "mon-fri", "mon 25:00-26:00"])
def test_wrong_hours_say_what_to_write(hours: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(hours, "UTC", "")


def test_all_languages_say_the_same_things() -> None:
    for language in LANGUAGES:
        assert PROMPTS[language].keys() == PROMPTS["en"].keys()
        for key, text in PROMPTS[language].items():
            assert {"{company}" in text, "{position}" in text} == {
                "{company}" in PROMPTS["en"][key],
                "{position}" in PROMPTS["en"][key],
            }


def test_a_caller_is_greeted_in_their_language() -> None:
    assert language_of(region_of("+33612345678"), "en") == "fr"
    assert language_of(region_of("+821012345678"), "en") == "ko"
    assert language_of(region_of("+12025550147"), "fr") == "en"
    assert language_of(region_of("anonymous"), "fr") == "fr"


@pytest.mark.parametrize(
    "number",
    [
        *("+262262123456", "+262692123456", "+262269123456", "+590590123456", "+594594123456", "+596596123456"),
        *("+508412345", "+687751234", "+689871234567", "+681821234", "+377612345678"),
    ],
)
def test_a_caller_from_overseas_france_is_greeted_in_french(number: str) -> None:
    assert language_of(region_of(number), "en") == "fr"


@pytest.mark.parametrize(
    "number", ["+441481723456", "+441534712345", "+441624712345", "+447624123456", "+353871234567"]
)
def test_a_caller_from_the_channel_islands_or_man_is_greeted_in_english(number: str) -> None:
    assert language_of(region_of(number), "fr") == "en"


@pytest.mark.parametrize("number", ["+32470123456", "+41791234567", "+15146660123", "+4915112345678"])
def test_a_caller_from_where_several_of_our_languages_or_none_is_spoken_hears_the_companys(number: str) -> None:
    assert {language_of(region_of(number), default) for default in LANGUAGES} == set(LANGUAGES)


def test_a_wait_is_rounded_up_so_that_it_can_be_kept() -> None:
    assert [minutes(seconds) for seconds in (0, 59, 61, 290, 99_999)] == [1, 1, 2, 5, 60]
    assert pace([]) == USUAL_PACE
    assert pace([NOON, NOON + timedelta(seconds=60), NOON + timedelta(seconds=120)]) == 60
    assert expected_wait(3, 60) == 180
    assert place("en", 1, 50, can_call_back=False) == ["You are next.", "The wait is about one minute."]


@pytest.mark.parametrize("number", ["anonymous", "", "+266696687", "+7378742833", "client:bob", "unknown"])
def test_withheld_numbers_never_merge_two_people(number: str) -> None:
    assert point_of(number, "CA1") == "call:CA1"


def test_numbers_have_one_normal_form() -> None:
    assert point_of("+33 6 12 34 56 78", "CA1") == "tel:+33612345678"
    assert sender_of("+33612345678", "SM1") == "tel:+33612345678"
    assert sender_of("40404", "SM1") == "tel:40404"
    assert sender_of("AcmeBank", "SM1") == "sender:AcmeBank"


def test_every_way_through_the_markup_goes_on_or_says_goodbye() -> None:
    script = Script("https://phone.example.org", "Acorn & Sons <Ltd>", "+33199001234")
    pages = [
        script.menu("en", 0, 0, can_call_back=True, welcome=True),
        script.queue("fr"),
        script.wait("ko", 2, 100, can_call_back=True),
        script.hold("fr"),
        script.without_agents("en", "closed", can_call_back=True),
        script.without_agents("en", "nobody", can_call_back=False),
        script.voicemail("en"),
        script.connect("en", ContactPoint("tel:+33199001201"), "r&1", "+33612345678"),
        script.whisper("en", "r1"),
        script.call_customer("en", "fr", "+33612345678", "r1"),
        script.patience("en", "https://phone.example.org/webhooks/voice?tries=1", 0),
    ]
    for page in pages:
        last = ET.fromstring(page)[-1]
        assert last.tag in {"Redirect", "Enqueue", "Record", "Dial", "Hangup"}, page
    assert "Acorn &amp; Sons &lt;Ltd&gt;" in pages[0]
    assert "request=r%261" in pages[7]


def test_a_number_tells_what_is_spoken_where_it_is_from() -> None:
    assert spoken_by(sender_of("+33612345678", "SM1")) == ("fr",)
    assert "ko" in spoken_by(sender_of("whatsapp:+821012345678", "SM1"))
    assert spoken_by(sender_of("AcmeBank", "SM1")) == ()
