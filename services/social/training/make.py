"""The command `train`: from examples to the shipped model and its card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from services.social.domain.complaints import Model, dump
from services.social.training import examples as data
from services.social.training.examples import Example
from services.social.training.fit import train
from services.social.training.measure import average_precision, fold, leaks, measure, reliability, report, scores

MODEL = Path(__file__).parents[1] / "data" / "model.bin"
CARD = MODEL.with_name("MODEL_CARD.md")
_FIGURES = "<!-- figures -->"


def shipped() -> Model:
    """Makes a model of the shipped examples; `about`: its figures on the held-out posts."""
    examples, held_out = data.shipped(), data.held_out()
    if copied := leaks(examples, held_out):
        raise ValueError(f"{len(copied)} held-out posts repeat training text: {next(iter(copied.items()))}")
    model = train(examples, [1.0] * len(examples), {})
    about = {"examples": len(examples), "held_out": report(model, held_out)}
    return replace(model, about=about)


def folds(examples: Sequence[Example], number: int = 5) -> dict[str, Any]:
    """Returns complaint figures on folds that keep a core's examples together, added up over the
    folds."""
    rows = []
    for index in range(number):
        rest = [example for example in examples if fold(example, number) != index]
        model = train(rest, [1.0] * len(rest), {})
        rows.append(measure(model, [example for example in examples if fold(example, number) == index]))
    mean = {name: round(sum(getattr(row, name) for row in rows) / number, 3) for name in ("precision", "recall", "f1")}
    return {"folds": number, **mean}


def _on_folds() -> str:
    found = folds(data.shipped())
    figures = " / ".join(f"{found[name]:.2f}" for name in ("precision", "recall", "f1"))
    return f"Complaints on {found['folds']} folds of the examples that keep a core's examples together: {figures}."


def main(*, with_folds: bool = False) -> int:
    """Writes the model, and the figures into its card."""
    model = shipped()
    MODEL.write_bytes(dump(model))
    lines = [*table(model.about["held_out"]), "", *_thresholds(model), "", *_probabilities(model)]
    if with_folds:
        lines += ["", f"{_on_folds()}"]
    _into_card(CARD, [*_counts(), "", *lines])
    print("\n".join(lines))
    print(f"{MODEL.name}: {MODEL.stat().st_size:,} bytes, {model.about['examples']:,} examples")
    return 0


def table(figures: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[str]:
    """Returns as Markdown: precision / recall / F1 by language."""
    rows = [
        "| language | posts | complaint P / R / F1 | question P / R / F1 | opens a ticket P / R / F1 |",
        "|---|---|---|---|---|",
    ]
    for language in figures["complaint"]:
        cells = [
            " / ".join(f"{figures[head][language][name]:.2f}" for name in ("precision", "recall", "f1"))
            for head in ("complaint", "question", "ticket")
        ]
        rows.append(f"| {language} | {figures['complaint'][language]['posts']} | {' | '.join(cells)} |")
    return rows


def _thresholds(model: Model) -> list[str]:
    """Returns what another `SOCIAL_COMPLAINT_FROM` would do on the held-out posts."""
    rows = [
        "| complaint from | precision | recall | F1 | praise taken for a complaint |",
        "|---|---|---|---|---|",
    ]
    posts = data.held_out()
    praise = [score for score, _ in scores(model, [post for post in posts if post.label == "praise"])]
    for at in (0.3, 0.4, 0.5, 0.6, 0.7):
        found, taken = measure(model, posts, at=at), sum(score >= at for score in praise) / len(praise)
        rows.append(f"| {at} | {found.precision:.2f} | {found.recall:.2f} | {found.f1:.2f} | {taken:.0%} |")
    return rows


def _probabilities(model: Model) -> list[str]:
    """Returns average precision by language, and what share of the posts of each step of the scores
    are complaints."""
    posts = data.held_out()
    rows = [
        "| language | average precision | mean score | complaints |",
        "|---|---|---|---|",
    ]
    for code in ("all", *sorted({post.language for post in posts})):
        own = scores(model, [post for post in posts if code in ("all", post.language)])
        mean, share = sum(score for score, _ in own) / len(own), sum(wanted for _, wanted in own) / len(own)
        rows.append(f"| {code} | {average_precision(own):.2f} | {mean:.2f} | {share:.2f} |")
    rows += ["", "| scores from | posts | mean score | complaints |", "|---|---|---|---|"]
    return rows + [
        f"| {low:.1f} | {count} | {mean:.2f} | {share:.2f} |"
        for low, count, mean, share in reliability(scores(model, posts))
    ]


def _counts() -> list[str]:
    numbers = Counter((example.language, example.label) for example in data.shipped())
    rows = [f"| language | {' | '.join(data.LABELS)} |", "|---|" + "---|" * len(data.LABELS)]
    return rows + [
        f"| {language} | {' | '.join(str(numbers[language, label]) for label in data.LABELS)} |"
        for language in sorted({language for language, _ in numbers})
    ]


def _into_card(card: Path, lines: Sequence[str]) -> None:
    before = card.read_text("utf-8").partition(_FIGURES)[0] if card.is_file() else "# Complaint model\n\n"
    card.write_text(f"{before}{_FIGURES}\n\n" + "\n".join(lines) + "\n", "utf-8")
