"""What the person at the terminal sees: steps, progress, prefixed logs, and at the end a short
table."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from shared.terminal import printable

_COLOURS = (36, 32, 35, 33, 34, 96, 92, 95, 93)
_BOLD, _DIM, _RED = 1, 2, 31
_AGAIN = 60.0
"""Seconds before a warning is said again."""


class Console:
    """Lines on standard output. Colours only on a terminal, and not where NO_COLOR is set
    (no-color.org)."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self.is_terminal = out.isatty()
        self.coloured = (self.is_terminal or bool(os.environ.get("FORCE_COLOR"))) and not os.environ.get("NO_COLOR")
        self._colours: dict[str, int] = {}
        self._width = 0
        self._bar = False
        self._warned: dict[str, float] = {}

    def names(self, names: Sequence[str]) -> None:
        """Sets the names that lines are logged under: the width of the prefix and a colour for
        each."""
        self._width = max(map(len, names), default=0)
        self._colours = {name: _COLOURS[index % len(_COLOURS)] for index, name in enumerate(names)}

    def say(self, text: str) -> None:
        """Prints one of our own lines."""
        self._line(f"{self._paint('▸', _BOLD)} {text}")

    def warn(self, text: str) -> None:
        """Prints a warning that the person should notice: once a minute, however often it
        happens."""
        same, now = re.sub(r"\d+", "#", text), time.monotonic()
        if now - self._warned.get(same, -_AGAIN) >= _AGAIN:
            self._warned[same] = now
            self._line(f"{self._paint('▲', _RED)} {text}")

    def log(self, name: str, text: str) -> None:
        """Prints a line of a service's log."""
        prefix = self._paint(f"{name:<{self._width}} │", self._colours.get(name, _DIM))
        self._line(f"{prefix} {printable(text)}")

    def progress(self, what: str, done: int, total: int) -> None:
        """Shows a progress bar on a terminal; elsewhere prints a line for each tenth."""
        if self.is_terminal:
            filled = 30 * done // total
            end = "\n" if done == total else ""
            self._write(f"\r  {what} [{'█' * filled}{'·' * (30 - filled)}] {done}/{total}{end}")
            self._bar = done < total
        elif done in (0, total) or done * 10 // total > (done - 1) * 10 // total:
            self._line(f"  {what}: {done} of {total}")

    def table(self, title: str, rows: Sequence[tuple[str, str, str]]) -> None:
        """Prints three columns under a title."""
        first = max(len(row[0]) for row in rows)
        second = max(len(row[1]) for row in rows)
        self._line("")
        self._line(self._paint(title, _BOLD))
        self._line("")
        for name, where, note in rows:
            self._line(
                f"  {self._paint(f'{name:<{first}}', _BOLD)}  {where:<{second}}  {self._paint(note, _DIM)}".rstrip()
            )
        self._line("")

    def _paint(self, text: str, code: int) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.coloured else text

    def _line(self, text: str) -> None:
        self._write(("\n" if self._bar else "") + text + "\n")
        self._bar = False

    def _write(self, text: str) -> None:
        try:
            self._out.write(text)
            self._out.flush()
        except UnicodeEncodeError:
            self._out.write(text.encode("ascii", "replace").decode())
            self._out.flush()
        except BrokenPipeError:  # nobody reads any more: keep running, as the services are what matters
            self._out = Path(os.devnull).open("w")  # noqa: SIM115 - open until the end
        except OSError:  # a file on a disk that is full: what runs goes on
            pass
