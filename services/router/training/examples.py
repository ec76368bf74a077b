"""Examples composed of templates that were written for this purpose.

`data/written/<language>.txt` is trained on. `data/heldout/<language>.txt` and
`data/usual/<language>.txt` are only measured: they were written apart, in other words, the first
harder than usual and the second as customers usually write. A section `[class]` holds templates,
one a line; `{a|b|}` is a choice, the empty one included.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from services.router.domain.judging import CLASSES, OTHER

DATA = Path(__file__).parent / "data"
WRITTEN, HELD_OUT, USUAL = DATA / "written", DATA / "heldout", DATA / "usual"
PER_LINE = 4
"""Examples trained on for each template: enough to see its choices with and without one another."""
MEASURED = 150
"""At most so many held-out messages of each class and language, of the hard and of the usual."""
_CHOICE = re.compile(r"\{([^{}]*)\}")


class Example(NamedTuple):
    """A message. `line`: which template it was composed of, counted over all files."""

    text: str
    label: str
    language: str
    line: int


def sections(path: Path) -> dict[str, list[str]]:
    """Reads templates by class. Raises ValueError for a line outside a section or a class that is
    not known."""
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in map(str.strip, path.read_text("utf-8").splitlines()):
        if line.startswith("[") and line.endswith("]"):
            if line[1:-1] not in (*CLASSES, OTHER):
                raise ValueError(f"{path.name}: {line} is no class")
            current = found.setdefault(line[1:-1], [])
        elif line:
            if current is None:
                raise ValueError(f"{path.name}: {line!r} stands outside a section")
            current.append(line)
    return found


def composed(folder: Path, count: int, *, per_class: bool = False) -> Iterator[Example]:
    """Composes at most `count` messages of each template, or of each class, the same on every
    run."""
    number = 0
    for path in sorted(folder.glob("*.txt")):
        chance = random.Random(f"switchboard {path.stem}")
        for label, lines in sections(path).items():
            seen: set[str] = set()
            share = -(-count // len(lines)) if per_class else count
            for line in lines:
                number += 1
                for _ in range(share):
                    text = _chosen(line, chance)
                    if text.casefold() not in seen:
                        seen.add(text.casefold())
                        yield Example(text, label, path.stem, number)


def _chosen(template: str, chance: random.Random) -> str:
    while match := _CHOICE.search(template):
        template = template[: match.start()] + chance.choice(match[1].split("|")) + template[match.end() :]
    return re.sub(r" ([,.!?])", r"\1", " ".join(template.split()))
