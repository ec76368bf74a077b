"""What is written and what is typed meet, whatever the marks, notations and forms."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import timedelta

import pytest

from services.desk.search.domain import asked, document
from shared.errors import Rejected


def words(*texts: str) -> set[str]:
    return set(document(texts).replace("'", "").split())


@pytest.mark.parametrize(
    ("text", "some"),
    [
        ("ORD-12345", {"ord", "12345", "ord12345"}),
        ("arrived.Please", {"arrived", "please"}),
        ("«Premium» “환불”", {"premium", "환불"}),
        ("o\u0302 soft\u00adware", {"o", "software"}),
        ("iPhone을 A-10311은", {"iphone", "a10311"}),
        ("교환ㆍ취소", {"교환", "취소"}),
        ("+82 10-1234-5678", {"+2345678"}),
        ("06 12 34 56 78 / 06 98 76 54 32", {"+2345678", "+8765432"}),
        ("Straße œuvre", {"strasse", "oeuvre"}),
        ("東京都へ", {"東京", "京都"}),
    ],
)
def test_words_are_taken_apart_where_people_see_words(text: str, some: set[str]) -> None:
    assert some <= words(text)


def test_a_text_of_any_length_and_kind_fits_into_a_row() -> None:
    for text in ("𝔘𝔫𝔦" * 50_000, " ".join(chr(0x10400 + n % 40) * 50 + str(n) for n in range(9000)), "가나다" * 50_000):
        assert len(document([text]).encode()) < 1_048_575


def test_what_is_typed_cannot_steer_the_query() -> None:
    assert asked("' | 'x':* & !(\\ :A").words == "('x') & ('a')"
    assert asked("!?").empty
    assert len(asked("word " * 40).words.split(" & ")) == 10


@pytest.mark.parametrize(
    ("typed", "index"),
    [
        ("ORD-12345", "(('12345':*) | 'ord12345':*)"),
        ("my order", "('order':*)"),
        ("the a", "('the':*) & ('a')"),
        ("환불 ok", "('환불')"),
    ],
)
def test_the_index_of_words_is_not_asked_for_what_half_of_all_words_begin_with(typed: str, index: str) -> None:
    assert asked(typed).index == index


def test_a_number_is_a_ticket_or_a_word_and_a_sign_says_which() -> None:
    assert (asked("#1042").number, asked("#1042").only_number, asked("#1042").words) == (1042, True, "")
    assert (asked("1042").number, asked("1042").only_number, asked("1042").words) == (1042, False, "('1042':*)")
    assert asked("１０４２").number == 1042, "full-width, as Korean keyboards write it"


def test_filters_stand_anywhere_and_only_known_ones_are_filters() -> None:
    found = asked('refund Status:Open from:"Ann Lee" 12:30에 http://x.example older:2w')
    assert found.filters == {"status": "open"}
    assert found.customer.startswith("('ann':*) & ('lee':*")
    assert found.older is not None
    assert found.older.days == 14
    assert "'http':*" in found.words
    assert asked("older:9999y").older == timedelta(days=36_500), "and not a date before all calendars"
    with pytest.raises(Rejected, match="`status:` is one of open, pending, solved, closed, and not 'lost'"):
        asked("status:lost")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["a-", "1 ", "1(((", "a_", "환", "status:", '"', "+1", "é'", "-"])
def test_no_text_takes_longer_than_its_length(kind: str) -> None:
    def seconds(length: int) -> float:
        text = (kind * length)[:length]
        began = time.perf_counter()
        document([text])
        with suppress(Rejected):
            asked(text)
        return time.perf_counter() - began

    short, long = (min(seconds(length) for _ in range(5)) for length in (10_000, 80_000))
    assert long < 32 * short, "eight times as long takes about eight times as long, and not 64 times"
