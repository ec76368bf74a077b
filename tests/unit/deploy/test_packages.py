"""The first start takes a minute; a newcomer sees that something happens."""

from __future__ import annotations

import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest

from deploy.local.console import Console
from deploy.local.packages import tell

ROOT = Path(__file__).parents[3]


def test_a_newcomer_sees_the_packages_come() -> None:
    said = [f"Collecting package-{number}==1.0 (from -r lock)\n  Downloading it\n" for number in range(18)]
    said += ["Ignoring colorama: markers 'sys_platform == \"win32\"' don't match your environment\n"]
    said += ["Requirement already satisfied: pip==26.0\n", "Installing collected packages: a, b\n"]
    seen = StringIO()
    tell(said, 20, Console(seen))
    lines = seen.getvalue().splitlines()
    assert "  getting Python packages: 10 of 20" in lines
    assert "  getting Python packages: 20 of 20" in lines
    assert len(lines) == 11, "a line for each tenth, and the last step"
    assert lines[-1] == "▸ installing them: half a minute or more"


@pytest.mark.slow
def test_the_lock_names_everything_that_its_packages_need() -> None:
    done = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"installed without a resolver, and something is missing: {done.stdout}"


@pytest.mark.parametrize("module", ["deploy.local.packages", "deploy.passwords"])
def test_a_fresh_machine_needs_no_package_to_get_the_packages(module: str) -> None:
    """`-S`: nothing of site-packages is there, as before the first `make`."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import {module}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
