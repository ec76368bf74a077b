"""Who reads the log finds each trouble once a minute, with how often it came, and not a disk that
is full of it."""

from __future__ import annotations

import io
import json
import logging
import os
import pty
import subprocess
import sys

import pytest

from deploy.local.console import Console
from shared.logs import AGAIN, Repeats
from shared.terminal import printable


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def record(text: object, *args: object, level: int = logging.WARNING, name: str = "x") -> logging.LogRecord:
    return logging.LogRecord(name, level, "", 0, text, args, None)


def test_what_fails_a_thousand_times_is_said_once_a_minute_with_its_count() -> None:
    clock = Clock()
    repeats = Repeats(clock)
    lines = [
        record({"event": "waiting for Kafka", "error": f"no broker at 127.0.0.1:{port}", "attempt": port})
        for port in range(9000, 10000)
    ]
    assert [repeats.filter(line) for line in lines].count(True) == 1
    clock.now = AGAIN - 0.1
    assert not repeats.filter(record({"event": "waiting for Kafka", "error": "no broker at 127.0.0.1:1"}))
    clock.now = AGAIN
    again = record({"event": "waiting for Kafka", "error": "no broker at 127.0.0.1:1"})
    assert repeats.filter(again)
    assert again.msg["repeated"] == 1000  # type: ignore[index]


def test_a_library_s_lines_are_held_back_alike() -> None:
    clock = Clock()
    repeats = Repeats(clock)
    assert [repeats.filter(record("Unable to connect to %s:%d", "h", port)) for port in range(3)] == [
        True,
        False,
        False,
    ]
    clock.now = AGAIN
    again = record("Unable to connect to %s:%d", "h", 7)
    assert repeats.filter(again)
    assert again.getMessage() == "Unable to connect to h:7 (repeated 2 times)"


def test_what_is_another_trouble_or_none_is_always_said() -> None:
    repeats = Repeats(Clock())
    for line in (
        record({"event": "record set aside", "topic": "a", "error": "x"}),
        record({"event": "record set aside", "topic": "b", "error": "x"}),
        record({"event": "record set aside", "topic": "b", "error": "y"}),
        record({"event": "record set aside", "topic": "b", "error": "y"}, name="another"),
        *[record({"event": "started"}, level=logging.INFO) for _ in range(3)],
    ):
        assert repeats.filter(line)


def test_many_troubles_take_no_memory_for_ever() -> None:
    clock = Clock()
    repeats = Repeats(clock)
    for minute in range(5):
        clock.now = minute * AGAIN
        for letter in range(1500):
            repeats.filter(record(f"trouble {chr(0x4E00 + letter)}"))
    assert len(repeats._said) <= 3000


def test_a_service_s_log_is_held_back_whoever_writes_it() -> None:
    script = """
import logging
from shared import logs
logs.configure("desk")
for number in range(100):
    logs.log.warning("waiting for what is away", attempt=number)
    logging.getLogger("aiokafka").error("Unable to connect to 127.0.0.1:%d", number)
    logs.log.info("begun", number=number)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    said = [json.loads(line)["event"] for line in done.stderr.splitlines()]
    assert said.count("waiting for what is away") == 1
    assert sum(line.startswith("Unable to connect") for line in said) == 1
    assert said.count("begun") == 100


STEERING = "a\x1b[2Jb\x9b1mc\x07\r\nd\u202egpj.exe\u2028e\x7f"
SAFE = r"a\x1b[2Jb\x9b1mc\x07\r\nd\u202egpj.exe\u2028e\x7f"


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_what_a_stranger_writes_cannot_steer_the_terminal_of_who_reads_the_log(log_format: str) -> None:
    script = f"""
import logging, sys
from shared import logs
logs.configure("email", {log_format!r})
logs.log.warning({STEERING!r}, error={STEERING!r}, listed=[{STEERING!r}])
logging.getLogger("mail.log").warning("%s unrecognised", {STEERING!r})
try:
    raise ValueError({STEERING!r})
except ValueError:
    logs.log.exception("tripped")
    logging.getLogger("x").exception("tripped")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    said = done.stderr.decode()
    assert said.count("gpj.exe") >= 5
    assert all(character.isprintable() or character == "\n" for character in said)
    assert not any(line.startswith("d") for line in said.splitlines())


def test_a_line_that_a_service_says_cannot_steer_the_terminal_of_make_run() -> None:
    out = io.StringIO()
    Console(out).log("kafka", STEERING)
    assert out.getvalue().strip().endswith(SAFE)
    assert printable("words, 말, é, 🙂") == "words, 말, é, 🙂"


def test_what_a_command_shows_cannot_steer_the_terminal() -> None:
    script = f"""
import sys, services.__main__ as main
main._channels = lambda arguments: print("shown:", {STEERING!r}) or 0
main.main(["channels"])
"""
    ours, theirs = pty.openpty()
    try:
        subprocess.run([sys.executable, "-c", script], stdout=theirs, check=True)
        shown = os.read(ours, 10_000).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert "gpj.exe" in shown
    assert not {"\x1b", "\x9b", "\x07", "\u202e"} & set(shown)
