"""Making a model: small examples, real numbers."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.social.domain.complaints import dump, load
from services.social.training import compose
from services.social.training.examples import Example, read
from services.social.training.fit import train
from services.social.training.measure import Figures, average_precision, changes, fold, leaks, measure, reliability

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


def many(language: str) -> list[Example]:
    """Each sentence with many endings, each a fragment of its own."""
    texts = [(text, "complaint") for text in BAD] + [(text, "praise") for text in GOOD]
    return [
        Example(f"{text} {language}{n}", label, language, f"{language}.{label}.{text}.{n}")
        for text, label in texts
        for n in range(12)
    ]


def test_training_gives_the_same_bytes_in_every_process() -> None:
    program = (
        "import hashlib\nfrom services.social.domain.complaints import dump\nfrom services.social.training.fit import train\n"
        "from tests.unit.social.test_training import many\nexamples = many('en') + many('fr')\n"
        "print(hashlib.sha256(dump(train(examples, [1.0] * len(examples), {}))).hexdigest())"
    )
    examples = many("en") + many("fr")
    here = hashlib.sha256(dump(train(examples, [1.0] * len(examples), {}))).hexdigest()
    for seed in ("1", "2"):
        told = subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert told.stdout.strip() == here


def test_scores_are_calibrated_for_each_language_and_for_all_others() -> None:
    examples = [*many("en"), *many("fr")]
    model = train(examples, [1.0] * len(examples), {})
    calibration = model.calibration["complaint"]
    assert set(calibration) == {"", "en", "fr"}
    assert all(times > 0 for times, _ in calibration.values())
    again = load(dump(model))
    text = "nothing arrived"
    assert again.classify(text, "fr") == model.classify(text, "fr")
    assert model.classify(text, "ko") == model.classify(text), "of a language without examples, by all"


def test_the_first_places_count_most_for_average_precision() -> None:
    assert average_precision([(0.9, True), (0.8, False), (0.7, True)]) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision([(0.9, False)]) == 0


def test_what_was_said_with_80_percent_is_true_of_as_many() -> None:
    found = reliability([(0.9, True), (1.0, False), (0.1, False)])
    assert [(low, count, round(mean, 2), share) for low, count, mean, share in found] == [
        (0.0, 1, 0.1, 0.0),
        (0.8, 2, 0.95, 0.5),
    ]


def test_two_models_are_compared_post_by_post() -> None:
    old = train(EXAMPLES, [1.0] * len(EXAMPLES), {})
    other = [Example(e.text, "praise" if e.label == "complaint" else "complaint", "en") for e in EXAMPLES]
    new = train(other, [1.0] * len(other), {})
    assert changes(old, new, EXAMPLES, 0.5, 0.5) == (0, len(EXAMPLES))
    assert changes(new, old, EXAMPLES, 0.5, 0.5) == (len(EXAMPLES), 0)
