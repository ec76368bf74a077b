"""Builds that are measured in turn: this checkout, and an older commit beside it."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
BEFORE = "c3bd0df"
"""What today's aims are ratios to."""
ROUNDS = 3
_PIN = re.compile(r"^([A-Za-z0-9_.-]+)==(\S+)", re.MULTILINE)


@contextmanager
def beside(commit: str = BEFORE) -> Iterator[Path]:
    """Checks this commit out into a folder, to run with this one's packages. Those that only it
    needs are put into its folder, where Python looks first. Raises AssertionError where its lock
    wants another version of what is here."""
    mine, theirs = (
        dict(_PIN.findall(text))
        for text in ((ROOT / "requirements.lock").read_text(), _git("show", f"{commit}:requirements.lock"))
    )
    other = {name: version for name, version in theirs.items() if mine.get(name, version) != version}
    assert not other, f"{commit} wants other packages than are installed here: {other}"
    missing = [f"{name}=={version}" for name, version in theirs.items() if name not in mine]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        tree = Path(folder) / commit
        _git("worktree", "add", "--detach", str(tree), commit)
        try:
            for name in (".venv", "node_modules"):
                (tree / name).symlink_to((ROOT / name).resolve())
            if missing:
                pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(tree)]
                subprocess.run([*pip, *missing], check=True)
            yield tree
        finally:
            _git("worktree", "remove", "--force", str(tree))


def in_turn(trees: Mapping[str, Path], measure: Callable[[Path], T], rounds: int = ROUNDS) -> dict[str, list[T]]:
    """Measures each of them in each round; every round begins with another one."""
    found: dict[str, list[T]] = {name: [] for name in trees}
    names = list(trees)
    for number in range(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            found[name].append(measure(trees[name]))
            print(f"round {number + 1}, {name}: {found[name][-1]}", file=sys.stderr, flush=True)
    return found


def compared(rows: Sequence[tuple[str, int, Sequence[float], Sequence[float]]]) -> str:
    """A table: what is measured, digits shown, values of this build and of the one before by round.
    Ratios are of medians, with the least and the greatest that any round of the one has to any
    round of the other."""
    lines = ["| | ratio | this build | before |", "|---|---|---|---|"]
    for name, digits, ours, theirs in rows:
        ratio = statistics.median(ours) / statistics.median(theirs)
        spread = f"{min(ours) / max(theirs):.2f} to {max(ours) / min(theirs):.2f}"
        shown = [
            f"{statistics.median(of):.{digits}f} ({min(of):.{digits}f} to {max(of):.{digits}f})"
            for of in (ours, theirs)
        ]
        lines.append(f"| {name} | **{ratio:.2f}** ({spread}) | {shown[0]} | {shown[1]} |")
    return "\n".join(lines)


def name_of(tree: Path) -> str:
    """Returns the commit of a checkout; `-dirty` where it was changed since."""
    return _git("describe", "--always", "--dirty", "--abbrev=7", at=tree)


def _git(*arguments: str, at: Path = ROOT) -> str:
    return subprocess.run(["git", "-C", str(at), *arguments], check=True, capture_output=True, text=True).stdout.strip()
