"""The command `train`: from templates to the shipped model and its card."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from itertools import pairwise
from typing import NamedTuple

from services.router.adapters import policy_yaml
from services.router.adapters.urgency import SHIPPED, UrgencyModel
from services.router.domain.decide import decide
from services.router.domain.judging import CALM, CLASSES, GRAVE, OTHER
from services.router.training.examples import HELD_OUT, MEASURED, PER_LINE, USUAL, WRITTEN, Example, composed
from shared.classifier.fit import Taught, train
from shared.classifier.model import Classifier, dump, load
from shared.classifier.tokens import sentences
from shared.events import InboundMessage
from shared.kernel import Level, email_point

CARD = SHIPPED.with_name("MODEL_CARD.md")
_FIGURES = "<!-- figures -->"
_NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
_STEPS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.01)


class Figures(NamedTuple):
    """Of a class."""

    number: int
    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """The harmonic mean; 0 where nothing was found rightly."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def taught(examples: Iterable[Example]) -> list[Taught]:
    """Returns each sentence once for its class and template."""
    found = {(part, example.label): example.line for example in examples for part in sentences(example.text)}
    return [Taught(part, label, line) for (part, label), line in found.items()]


def known() -> list[Taught]:
    """Returns what the shipped model was made of, the same on every run."""
    return taught(composed(WRITTEN, PER_LINE))


def general(count: int) -> list[Example]:
    """Returns so many held-out messages of each class and language, of the hard ones."""
    return list(composed(HELD_OUT, count, per_class=True))


def usual(count: int) -> list[Example]:
    """Returns so many held-out messages of each class and language, as customers usually write."""
    return list(composed(USUAL, count, per_class=True))


def made() -> Classifier:
    """Trains on what was written, the same on every run."""
    examples = known()
    version = sha256("\n".join(f"{each.label} {each.sentence}" for each in examples).encode()).hexdigest()[:8]
    return train(examples, (*CLASSES, OTHER), {"version": f"urgency-{version}", "sentences": len(examples)})


def measured(model: UrgencyModel, examples: Sequence[Example]) -> dict[str, Figures]:
    """Measures each class by the kind that the model gives a whole message."""
    right, given, there = defaultdict[str, int](int), defaultdict[str, int](int), defaultdict[str, int](int)
    for example in examples:
        kind = model.judge(example.text).kind
        there[example.label] += 1
        given[kind] += 1
        right[kind] += kind == example.label
    return {
        name: Figures(there[name], right[name] / max(given[name], 1), right[name] / there[name])
        for name in CLASSES
        if there[name]
    }


def macro(figures: dict[str, Figures]) -> float:
    """Returns the mean F1 of the classes."""
    return sum(each.f1 for each in figures.values()) / len(figures)


def reliability(model: UrgencyModel, examples: Sequence[Example]) -> list[tuple[float, int, float, float]]:
    """Returns for each step of the share that was told: from where, how many, the mean share, how
    many were right."""
    told = [(found.share, found.kind == each.label) for each in examples if (found := model.judge(each.text)).share]
    rows = []
    for low, high in pairwise(_STEPS):
        inside = [(share, right) for share, right in told if low <= share < high]
        if inside:
            mean = sum(share for share, _ in inside) / len(inside)
            rows.append((low, len(inside), mean, sum(right for _, right in inside) / len(inside)))
    return rows


def levels(hard: Sequence[Example], usual: Sequence[Example]) -> list[str]:
    """Returns which level the policy gives the messages of each class, with the model and by its
    words alone, as Markdown."""
    with_model = policy_yaml.shipped()
    words = replace(with_model, priority=replace(with_model.priority, model=None))
    both = [*hard, *usual]
    columns = ((with_model, both), (with_model, hard), (with_model, usual), (words, both))
    rows = [
        "| class | urgent or high | low | hard part | low | usual part | low | by words alone | low |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name in CLASSES:
        cells = []
        for policy, examples in columns:
            found = Counter(
                decide(_mail(each), None, policy, {}, _NOW).level for each in examples if each.label == name
            )
            cells += [f"{(found[Level.URGENT] + found[Level.HIGH]) / found.total():.0%}"]
            cells += [f"{found[Level.LOW] / found.total():.0%}"]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return rows


def _mail(example: Example) -> InboundMessage:
    return InboundMessage(
        id="m", channel="email", provider_id="m", sender=email_point("ann@example.org"), received_at=_NOW,
        text=example.text, language=example.language,
    )  # fmt: skip


def main() -> int:
    """Writes the model, and the figures into its card."""
    SHIPPED.write_bytes(dump(made()))
    return report()


def report() -> int:
    """Measures the shipped model and writes the figures into its card."""
    classifier = load(SHIPPED.read_bytes())
    model = UrgencyModel(classifier)
    hard, ordinary = general(MEASURED), usual(MEASURED)
    examples, parts = [*hard, *ordinary], {"The hard ones": hard, "The usual ones": ordinary}
    languages = sorted({each.language for each in examples})
    by_language = {code: measured(model, _in(code, examples)) for code in languages}
    whole = measured(model, examples)
    lines = [
        f"`{model.version}`, trained on {classifier.about['sentences']:,} sentences; {SHIPPED.stat().st_size:,} bytes.",
        "",
        f"Held out: {len(examples):,} messages, macro F1 {macro(whole):.2f}.",
        "",
        *(f"{name}: {len(part):,}, {macro(measured(model, part)):.2f}." for name, part in parts.items()),
        "",
        "| language | messages | macro F1 | hard | usual | calm taken for grave | grave taken for calm |",
        "|---|---|---|---|---|---|---|",
    ]
    for code in languages:
        own = _in(code, examples)
        figures = (by_language[code], *(measured(model, _in(code, part)) for part in parts.values()))
        cells = " | ".join(f"{macro(each):.2f}" for each in figures)
        lines.append(f"| {code} | {len(own):,} | {cells} | {_mistaken(model, own)} |")
    lines += [
        "",
        f"| class | messages | precision | recall | {' | '.join(languages)} |",
        "|---|" + "---|" * (3 + len(languages)),
    ]
    for name, each in whole.items():
        cells = " | ".join(
            f"{by_language[code][name].f1:.2f}" if name in by_language[code] else "" for code in languages
        )
        lines.append(f"| {name} | {each.number} | {each.precision:.2f} | {each.recall:.2f} | {cells} |")
    lines += ["", *levels(hard, ordinary)]
    lines += ["", "Columns of languages: F1.", "", "| told share | messages | mean | right |", "|---|---|---|---|"]
    lines += [
        f"| {low:.1f} | {count} | {mean:.2f} | {right:.2f} |"
        for low, count, mean, right in reliability(model, examples)
    ]
    before = CARD.read_text("utf-8").partition(_FIGURES)[0] if CARD.is_file() else "# Urgency model\n\n"
    CARD.write_text(f"{before}{_FIGURES}\n\n" + "\n".join(lines) + "\n", "utf-8")
    print("\n".join(lines))
    return 0


def _in(language: str, examples: Iterable[Example]) -> list[Example]:
    return [each for each in examples if each.language == language]


def _mistaken(model: UrgencyModel, examples: Sequence[Example]) -> str:
    calm = [each for each in examples if each.label in CALM]
    grave = [each for each in examples if each.label in GRAVE]
    loud = sum(model.judge(each.text).kind in GRAVE for each in calm) / max(len(calm), 1)
    low = sum(model.judge(each.text).calm for each in grave) / max(len(grave), 1)
    return f"{loud:.1%} | {low:.1%}"
