"""A channel is a folder: the example of docs/how-to/add-a-channel.md, put into a copy, is one at
once."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "tests" / "examples" / "pigeon"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a channel meets, with the pigeon in it and nothing else changed."""
    copy = tmp_path_factory.mktemp("house")
    shutil.copy(ROOT / "pyproject.toml", copy)
    without = shutil.ignore_patterns("__pycache__", "data", "static", "examples", "providers")
    for folder in ("services", "shared", "deploy"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=without)
    for file in (
        "__init__.py",
        "conftest.py",
        "architecture/__init__.py",
        "architecture/test_contracts.py",
        "unit/__init__.py",
    ):
        (copy / "tests" / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "tests" / file, copy / "tests" / file)
    shutil.copytree(ROOT / "tests" / "faults", copy / "tests" / "faults", ignore=without)
    shutil.copytree(EXAMPLE / "service", copy / "services" / "pigeon")
    shutil.copytree(EXAMPLE / "tests", copy / "tests" / "unit" / "pigeon")
    return copy


def run(house: Path, *command: str) -> str:
    """What it prints. A failure fails the test with it."""
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=house, capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_services_command_finds_it(house: Path) -> None:
    assert "pigeon" in run(house, "services", "channels").split()


def test_it_keeps_to_the_contracts_and_its_rooms_are_known(house: Path) -> None:
    report = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=house,
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.returncode == 0, report.stdout
    run(house, "pytest", "-q", "-p", "no:cacheprovider", "tests/architecture/test_contracts.py", "-k", "layer")


def test_its_own_tests_pass(house: Path) -> None:
    run(house, "pytest", "-q", "-p", "no:cacheprovider", "tests/unit/pigeon")
