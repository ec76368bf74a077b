"""`python -m deploy.local.packages LOCK`: pip installs a hashed lock into this virtual environment,
and one sees that it moves.

Only the standard library is there yet.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from deploy.local.console import Console

EXACTLY = ("--require-hashes", "--no-deps", "-r")
"""Before a lock's path: what it names and nothing else. It names everything, and a resolver that
looks further may take a newer release of `coverage[toml]` than the lock's `coverage`, and then
refuse it for want of a hash."""
_TAKEN = ("Collecting ", "Requirement already satisfied", "Ignoring ")
"""pip says one of these for each package of the lock; the last for what another system needs."""


def main(lock: str) -> int:
    """Installs the lock's packages. Exit code 0, 130 after Ctrl-C, or 1 after a problem, which
    is reported in one line below pip's own words."""
    wanted = len(re.findall(r"^[\w.-]+==", Path(lock).read_text(), re.MULTILINE))
    command = (sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar=off")
    with subprocess.Popen([*command, *EXACTLY, lock], stdout=subprocess.PIPE, text=True) as pip:
        try:
            tell(pip.stdout or (), wanted, Console())
        except KeyboardInterrupt:  # pip had it too, and cleans up
            return 130
    if pip.returncode:
        print(
            "make: the Python packages could not be installed: check the network, a proxy or pip's index settings, "
            "and try again; nothing is lost",
            file=sys.stderr,
        )
    return 1 if pip.returncode else 0


def tell(lines: Iterable[str], wanted: int, console: Console) -> None:
    """Shows pip's output as progress. lines: its standard output; wanted: how many packages the
    lock has."""
    taken = 0
    for line in lines:
        if line.startswith(_TAKEN) and taken < wanted:
            taken += 1
            console.progress("getting Python packages", taken, wanted)
        elif line.startswith("Installing collected packages"):
            console.say("installing them: half a minute or more")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
