"""A promised hour is right though the machine's time-zone data is years old: the locked package has
the rules."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.__main__ import names
from tests.unit.deploy.compose import ROOT

pytestmark = pytest.mark.slow

_ASK = "from datetime import datetime; from zoneinfo import ZoneInfo; print(datetime(2027, 1, 15, tzinfo=ZoneInfo('America/Vancouver')).isoformat())"
_GREENWICH = b"TZif2" + bytes(15) + bytes((0, 0, 0, 0) * 4) + b"\0\0\0\1\0\0\0\4" + bytes(6) + b"GMT\0"


@pytest.mark.parametrize("name", names())
def test_vancouver_keeps_its_summer_time_in_every_service_whatever_the_machine_knows(name: str, tmp_path: Path) -> None:
    old = tmp_path / "America" / "Vancouver"
    old.parent.mkdir()
    old.write_bytes(_GREENWICH + _GREENWICH + b"\nGMT0\n")
    done = subprocess.run(
        [sys.executable, "-c", f"import services.{name}.app; {_ASK}"],
        cwd=ROOT,
        env=os.environ | {"PYTHONTZPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "2027-01-15T00:00:00-07:00"
