"""A small disk of a test's own, which can be filled to the last byte."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ON_CI = os.environ.get("CI") == "true"


class Disk:
    """`folder` is where it is mounted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Nothing fits on it any more. Again, where somebody has freed something meanwhile."""
        size = 1 << 20
        with self._ballast.open("ab", buffering=0) as ballast:
            while size:
                try:
                    ballast.write(bytes(size))
                except OSError:
                    size //= 2

    def free(self) -> None:
        """There is room again."""
        self._ballast.unlink(missing_ok=True)


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Disk]:
    """A disk of this size on `folder`. Skips the test where we may not mount one; not on CI as
    root, where it has to work."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "switchboard-test", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        assert not (ON_CI and os.geteuid() == 0), f"no small disk could be mounted: {done.stderr}"
        pytest.skip(f"only root may mount the small disk that this test fills: {done.stderr.strip()}")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
