"""Whoever writes to us is understood in their language, however short their message is."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.language import Language, Why, detect, identify

OURS = ("en", "fr", "ko", "de", "es", "pt", "it", "ja")
FOLDER = Path(__file__).parents[2] / "data" / "languages"
"""Written for this: a file for each language, with 25 short sentences and 25 posts."""
CODES = sorted(path.stem for path in FOLDER.glob("??.txt"))
FLOORS = {("ours", "short"): 0.98, ("ours", "posts"): 0.995, ("others", "short"): 0.94, ("others", "posts"): 0.99}


def written(name: str) -> dict[str, list[str]]:
    parts: dict[str, list[str]] = {}
    for line in (FOLDER / f"{name}.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            lines = parts.setdefault(line[1:-1], [])
        else:
            lines.append(line)
    return parts


def test_the_sentences_are_many_and_of_many_languages() -> None:
    assert len(CODES) == 21
    assert {len(lines) for code in CODES for lines in written(code).values()} == {25}


@pytest.mark.parametrize(("whose", "kind"), FLOORS)
def test_customers_are_understood_in_ours_and_other_languages(whose: str, kind: str) -> None:
    codes = [code for code in CODES if (code in OURS) == (whose == "ours")]
    found = {(code, line): detect(line, OURS) for code in codes for line in written(code)[kind]}
    wrong = [(code, said, line) for (code, line), said in found.items() if said != code]
    assert 1 - len(wrong) / len(found) >= FLOORS[whose, kind], wrong
    assert len([each for each in wrong if each[1]]) <= 0.025 * len(found), (
        f"a wrong language is worse than none: {wrong}"
    )


@pytest.mark.parametrize("code", CODES)
def test_no_language_is_left_behind(code: str) -> None:
    parts = written(code)
    right = Counter(detect(line, OURS) == code for line in chain(*parts.values()))
    assert right[True] >= 45


@pytest.mark.parametrize("line", written("none")["short"])
def test_what_is_in_no_language_stays_unknown(line: str) -> None:
    assert detect(line, OURS) == ""
    assert detect(line, OURS, ("fr",)) == "", "what somebody usually writes is no evidence by itself"


@pytest.mark.parametrize(
    ("text", "known", "told"),
    [
        ("Merci", "", ("fr", Why.WORDS)),
        ("네", "", ("ko", Why.SCRIPT)),
        ("iPhone 15 화면", "", ("ko", Why.SCRIPT)),
        ("My name is 김민수 and my parcel is lost", "", ("en", Why.WORDS)),
        ("沒有收到", "", ("zh", Why.WORDS)),
        ("対応最悪", "", ("ja", Why.WORDS)),
        ("Tak", "", ("", Why.UNSURE)),
        ("Tak", "da", ("da", Why.SENDER)),
        ("Tak", "pl", ("pl", Why.SENDER)),
        ("Tak", "ko", ("", Why.UNSURE)),
        ("123", "fr", ("", Why.SHORT)),
        ("Maria Keller", "de", ("", Why.UNSURE)),
        ("ᚠᚢᚦᚨᚱᚲ", "", ("", Why.UNSURE)),
    ],
)
def test_why_a_language_was_told(text: str, known: str, told: tuple[str, Why]) -> None:
    assert identify(text, OURS, (known,)) == Language(*told)


def test_a_long_message_is_told_by_the_model_alone() -> None:
    text = "Ich warte seit drei Wochen auf den Handwerker, den Sie mir versprochen haben. " * 8
    assert identify(text, OURS) == Language("de", Why.MODEL)


def test_a_company_s_own_name_for_a_language_is_kept() -> None:
    assert detect("Hvor er pakken min? Jeg har ventet i to uker", ("nb", "en")) == "nb"
    assert detect("Hvor er pakken min? Jeg har ventet i to uker", ("en",)) == "no"
    assert detect("Where is my parcel?", ("mi", "en")) == "en", "a language that nothing here knows does no harm"


@given(some.text(max_size=600))
def test_no_text_breaks_it(text: str) -> None:
    assert detect(text, OURS) == detect(text, OURS)


def test_a_book_is_read_no_further_than_its_first_page() -> None:
    assert detect("Where is my order? " * 20 + "Où est ma commande ? " * 20_000, OURS) == "en"
