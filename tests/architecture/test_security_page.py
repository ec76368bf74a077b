"""Whoever asks how safe this is reads an answer to every line of ASVS 5.0, level 2."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "security.md"
LINES = {
    "1": "2 9 11 3 2", "2": "3 3 4 1", "3": "0 2 4 6 5 0 2", "4": "3 1 2 4", "5": "1 3 2 3", "6": "3 12 4 4 5 3 0 4",
    "7": "3 4 2 5 2 2", "8": "2 3 1 1", "9": "3 4", "10": "2 2 4 11 5 2 3", "11": "2 3 3 4 1 1", "12": "3 2 4", "13": "1 5 2 5",
    "14": "2 4 3", "15": "3 3 7", "16": "1 5 4 3 3", "17": "1 4 2",
}  # fmt: skip
"""Chapter → how many lines of levels 1 and 2 each of its sections has; they are numbered from 1,
those of level 3 come after."""


def test_every_line_is_answered_once_by_met_or_why_not() -> None:
    wanted = [
        f"{chapter}.{section}.{line}"
        for chapter, counts in LINES.items()
        for section, count in enumerate(counts.split(), 1)
        for line in range(1, int(count) + 1)
    ]
    answered = []
    for numbers, answer, why in re.findall(
        r"^\| ([\d., –]+) \| ([\w/ ]+) \| (.*) ?\|$", PAGE.read_text(), re.MULTILINE
    ):
        assert answer in ("met", "in part", "not met", "n/a"), numbers
        assert why.strip() or answer == "n/a", numbers
        for part in numbers.split(", "):
            first, _, last = part.partition("–")
            section, _, start = first.rpartition(".")
            end = (last or first).rpartition(".")[2]
            answered += [f"{section}.{line}" for line in range(int(start), int(end) + 1)]
    assert sorted(answered) == sorted(wanted)
    assert len(wanted) > 250
