"""The disk is full, and somebody makes room: everything comes back by itself, and nothing that was
acknowledged is lost."""

from __future__ import annotations

import smtplib
import time
from collections import Counter

import httpx
import pytest

from tests import stack
from tests.conftest import engine_folder
from tests.disk import small_disk
from tests.stack import mail_from
from tests.waiting import eventually

_FULL_FOR = 60.0
"""Seconds: long enough for Kafka and PostgreSQL to end, and to be tried again and again."""
_MINUTE_OF_LINES = 300
"""Of eight processes: some dozen troubles each, each once a minute, and the starts of what ended.
It was 880 lines a second."""


@pytest.mark.timeout(600)
def test_after_a_full_disk_everything_comes_back_by_itself_and_no_promise_is_broken() -> None:
    with engine_folder() as folder, small_disk(folder / "disk", 500) as disk:
        log = folder / "log"
        with stack.running(disk.folder / "home", log=log) as system:
            taken: list[str] = []

            def send(number: int) -> None:
                subject = f"Full {number}"
                mail = mail_from(f"ann{number}@example.org", subject, "Where is my order?" + "\n" + "x" * 50_000)
                system.send(mail)
                taken.append(subject)

            send(0)
            before = len(log.read_text().splitlines())
            disk.fill()
            refused, until = 0, time.monotonic() + _FULL_FOR
            while time.monotonic() < until:
                disk.fill()
                try:
                    send(len(taken) + refused)
                except (smtplib.SMTPException, OSError):
                    refused += 1
                time.sleep(0.5)
            assert refused, "the disk was never full"
            lines = log.read_text().splitlines()[before:]
            disk.free()
            eventually(
                lambda: all(_ready(system, name) for name in system.run["services"]), "everything to come back", 180
            )
            eventually(lambda: not send(10_000), "mail to be taken again", 120)
            for subject in taken:
                system.ticket_with(subject, 120)
            common = Counter(line[:60] for line in lines).most_common(5)
            assert len(lines) < _MINUTE_OF_LINES * (_FULL_FOR / 60 + 1), common


def _ready(system: stack.Stack, service: str) -> bool:
    return httpx.get(f"{system.url(service)}/health/ready", timeout=2).status_code == 200
