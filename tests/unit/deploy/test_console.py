"""The person at the terminal is told of each trouble once a minute, and a terminal that fails ends
nothing."""

from __future__ import annotations

import io

import pytest

from deploy.local import console


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now[0])
    return now


def test_what_happens_again_and_again_is_said_once_a_minute(clock: list[float]) -> None:
    out = io.StringIO()
    shown = console.Console(out)
    for pause in (1, 2, 4, 8, 16, 30):
        shown.warn(f"Kafka ended; starting it again in {pause} s")
    shown.warn("PostgreSQL ended; starting it again in 1 s")
    clock[0] += 60
    shown.warn("Kafka ended; starting it again in 30 s")
    assert out.getvalue().splitlines() == [
        "▲ Kafka ended; starting it again in 1 s",
        "▲ PostgreSQL ended; starting it again in 1 s",
        "▲ Kafka ended; starting it again in 30 s",
    ]


def test_a_log_on_a_disk_that_is_full_ends_nothing_and_goes_on_when_there_is_room() -> None:
    class Full(io.StringIO):
        full = True

        def write(self, text: str) -> int:
            if self.full:
                raise OSError(28, "No space left on device")
            return super().write(text)

    out = Full()
    shown = console.Console(out)
    shown.log("desk", "a line")
    out.full = False
    shown.log("desk", "another")
    assert out.getvalue() == "desk │ another\n"
