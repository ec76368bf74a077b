"""Making a model: small examples, real numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.social.training import compose
from services.social.training.examples import Example, read
from services.social.training.fit import train
from services.social.training.measure import Figures, fold, leaks, measure

BAD = ["nothing arrived", "the box arrived broken", "nobody answers, broken again", "broken and late"]
GOOD = ["lovely shop", "lovely people, thank you", "thank you, it arrived safe", "what a lovely day"]
EXAMPLES = [*(Example(text, "complaint", "en") for text in BAD), *(Example(text, "praise", "en") for text in GOOD)]


def test_what_was_taught_is_known() -> None:
    model = train(EXAMPLES, [1.0] * len(EXAMPLES), {})
    assert measure(model, EXAMPLES).f1 == 1
    assert "broken" in model.classify("it is broken").complaint_words


def test_a_correction_that_counts_more_wins() -> None:
    argued = [*EXAMPLES, Example("lovely shop", "complaint", "en")]
    model = train(argued, [1.0] * len(EXAMPLES) + [20.0], {})
    assert model.classify("lovely shop").complaint > 0.5


def test_composing_gives_the_same_on_every_run(tmp_path: Path) -> None:
    page = tmp_path / "en.txt"
    page.write_text("[complaint]\n30x {my|the} parcel is {late|lost}\n# why\n[complaint+]\nhelp!\n[praise]\nlovely\n")
    parts = compose.sections(page)
    first, again = list(compose.compose("en", parts)), list(compose.compose("en", parts))
    assert first == again
    assert {example.label for example in first} == {"complaint", "praise"}
    assert all("{" not in example.text and "30x" not in example.text for example in first)


def test_a_fragment_outside_a_section_is_refused(tmp_path: Path) -> None:
    (tmp_path / "en.txt").write_text("my parcel\n")
    with pytest.raises(ValueError, match="outside a section"):
        compose.sections(tmp_path / "en.txt")


@pytest.mark.parametrize("line", ["x", '{"text": "a"}', '{"text": "a", "label": "rant", "language": "en"}'])
def test_a_wrong_line_of_data_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.jsonl").write_text(line + "\n")
    with pytest.raises(ValueError, match=r"a\.jsonl, line 1"):
        list(read(tmp_path / "a.jsonl"))


def test_a_copied_post_is_found_in_spaced_and_unspaced_scripts() -> None:
    taught = [
        Example("I waited two whole weeks for nothing", "complaint", "en"),
        Example("荷物が二週間経っても届きません", "complaint", "ja"),
    ]
    asked = [
        Example("He waited two whole weeks for nothing at all", "complaint", "en"),
        Example("また荷物が二週間経っても届きませんよ", "complaint", "ja"),
        Example("I waited for two hours", "complaint", "en"),
    ]
    assert set(leaks(taught, asked)) == {asked[0].text, asked[1].text}


def test_examples_around_one_core_are_never_divided() -> None:
    assert len({fold(Example(f"text {n}", "praise", "en", "en.praise.1"), 5) for n in range(20)}) == 1


def test_figures_of_nothing_are_zero() -> None:
    assert Figures(0, 0, 0.0, 0.0).f1 == 0
