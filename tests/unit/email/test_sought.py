"""Phrases are found as if each were looked for."""

from __future__ import annotations

import re

import pytest

from services.email.domain import away, dialects, reasons
from services.email.domain.attributions import LONGEST, Strength, has_date, judged
from services.email.domain.sought import Sought, fold, one_of

PHRASES = sorted(
    {phrase for one in dialects.DIALECTS for phrase in one.opens}
    | {phrase for language in away.LANGUAGES for phrase in language.away}
    | {phrase for _, phrases in reasons._PHRASES for phrase in phrases}
)


@pytest.mark.parametrize("around", ["{}", "x{}y", "it says: {}, we are told", "é {} é", "the {}."])
def test_every_phrase_is_found_in_any_words(around: str) -> None:
    sought = Sought(PHRASES)
    for phrase in PHRASES:
        text = around.format(phrase)
        assert sorted(sought.within(text)) == [one for one in PHRASES if one in text]


def test_a_phrase_is_not_found_over_a_line_that_parts_it() -> None:
    assert Sought(["not a blank"]).within("not a\nblank") == []


def test_a_pattern_matches_each_phrase_and_no_other() -> None:
    pattern = re.compile(one_of(["may", "march", "mai", "mar", "a+b", "in march"], r"\s?"))
    assert all(pattern.fullmatch(one) for one in ("may", "march", "mai", "mar", "a+b", "in march", "inmarch"))
    assert not any(pattern.fullmatch(one) for one in ("", "ma", "marc", "aab", "in", "in mar"))


@pytest.mark.parametrize(("one", "other"), [("YAZDI", "yazdı"), ("İ", "i"), ("ſ", "S"), ("Κ", "κ")])
def test_letters_that_differ_in_case_alone_are_folded_to_one(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_what_is_too_long_or_names_no_day_is_no_attribution() -> None:
    assert judged(f"On 2 March 2026 at 10:00, {'Ann ' * LONGEST}wrote:") is Strength.NONE
    assert not has_date("in March")
