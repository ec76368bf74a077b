"""Examples on disk: JSON lines of `text`, `label`, `language`, and the `core` fragment that an
example was composed around."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from services.social.domain.complaints import ASKED, CLASSES

DATA = Path(__file__).with_name("data")
HELD_OUT = DATA / "heldout.jsonl"
LABELS = CLASSES
_AS_KIND = {label: kind for kind, labels in ASKED.items() for label in labels}


@dataclass(frozen=True, slots=True)
class Example:
    """`label` is one of LABELS; `core` is empty where a post was written as a whole."""

    text: str
    label: str
    language: str
    core: str = ""

    @property
    def kind(self) -> str:
        """`complaint` (also a sarcastic one), `question` or `other`."""
        return _AS_KIND.get(self.label, "other")


def read(path: Path) -> Iterator[Example]:
    """Reads examples. Raises ValueError naming the line that is wrong."""
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            example = Example(**json.loads(line))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path.name}, line {number}: {error}") from error
        if example.label not in LABELS or not example.text.strip():
            raise ValueError(f"{path.name}, line {number}: a label out of {', '.join(LABELS)} and a text are needed")
        yield example


def shipped() -> list[Example]:
    """Returns what the shipped model is trained on."""
    return [example for path in sorted(DATA.glob("examples.*.jsonl")) for example in read(path)]


def held_out() -> list[Example]:
    """Posts written as a whole, apart from the fragments, which no training sees."""
    return list(read(HELD_OUT))


def write(path: Path, examples: Iterable[Example]) -> None:
    """Writes one a line."""
    lines = (json.dumps({k: v for k, v in asdict(e).items() if v}, ensure_ascii=False) for e in examples)
    path.write_text("\n".join(lines) + "\n", "utf-8")
