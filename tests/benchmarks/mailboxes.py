"""Mail out of a mailbox: from a real Dovecot by IMAP to the desk, beside the same mails by SMTP,
and beside imaplib and email.parser, which read and parse the same mailbox and do nothing else. And
what a large mailbox costs in which nothing happens.

`python -m tests.benchmarks.mailboxes [--rounds 3] [--mails 1000] [--idle 60]`.
"""

from __future__ import annotations

import argparse
import email
import email.policy
import imaplib
import os
import random
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil

from tests.benchmarks.end_to_end import MAILS_PER_SESSION, WORDS, applied
from tests.benchmarks.mail import send
from tests.dovecot import Dovecot, password, running
from tests.stack import Stack, free_ports, mail_from
from tests.stack import running as system_running
from tests.waiting import eventually

LARGE = 50_000
_TOKEN = "a token for the benchmark"
_DOMAIN = "example.org"
_SETTLE = 10.0
_KINDS = ("plain", "both", "file")


def mails(run: str, count: int) -> list[bytes]:
    """Mails as they lie in a support mailbox, always the same ones but for ids: of ten three are
    plain, six have HTML as well, and one has a file of 40 KB."""
    chance, found = random.Random(7), []
    for number in range(count):
        mail = mail_from(f"c{number % 500}.{run}@example.net", f"{run} {number}", WORDS)
        kind = chance.choices(_KINDS, (3, 6, 1))[0]
        if kind != "plain":
            rows = "".join(f'<p style="margin:0;font-family:Arial">{line}</p>' for line in WORDS.splitlines())
            mail.add_alternative(f"<html><body>{rows}{'<br>' * 20}</body></html>", subtype="html")
        if kind == "file":
            mail.add_attachment(chance.randbytes(40_000), maintype="image", subtype="png", filename="screen.png")
        found.append(mail.as_bytes(policy=email.policy.SMTP))
    return found


def alone(dovecot: Dovecot, user: str) -> tuple[float, float]:
    """Mails a second and CPU seconds for 1,000, of a program that fetches mail after mail and
    decodes all of its parts."""
    began, used = time.monotonic(), _own()
    client = dovecot.client(user)
    client.select(readonly=True)
    uids = client.uid("SEARCH", "ALL")[1][0].split()
    for uid in uids:
        raw: Any = client.uid("FETCH", uid, "(BODY.PEEK[])")[1][0]
        parsed = email.message_from_bytes(raw[1], policy=email.policy.default)
        assert parsed["Subject"]
        for part in parsed.walk():
            if not part.is_multipart():
                assert isinstance(part, EmailMessage)
                part.get_content()
    client.logout()
    return len(uids) / (time.monotonic() - began), (_own() - used) * 1000 / len(uids)


def _own() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def by_imap(system: Stack, dovecot: Dovecot, user: str, count: int) -> tuple[float, float, float]:
    """Mails a second to the desk; CPU seconds for 1,000 of the whole system, and of the email
    service with its children."""
    first, before, began = applied(system), used(system), time.monotonic()
    add(system, dovecot, user, since="2020-01-01")
    return _arrived(system, count, first, before, began)


def by_smtp(system: Stack, raws: Sequence[bytes]) -> tuple[float, float, float]:
    """The same by SMTP."""
    first, before, began = applied(system), used(system), time.monotonic()
    send(system.run["smtp"]["port"], raws)
    return _arrived(system, len(raws), first, before, began)


def _arrived(system: Stack, count: int, first: float, before: Counter[str], began: float) -> tuple[float, float, float]:
    eventually(lambda: applied(system) - first >= count, "every mail at the desk", 240)
    seconds, after = time.monotonic() - began, used(system)
    return count / seconds, *((part - was) * 1000 / count for part, was in _pairs(after, before))


def _pairs(after: Counter[str], before: Counter[str]) -> Iterator[tuple[float, float]]:
    yield after.total(), before.total()
    yield after["email"], before["email"]


def add(system: Stack, dovecot: Dovecot, user: str, since: str | None) -> str:
    """Adds a mailbox as an operator's tool does; returns its id."""
    asked = {"address": user, "host": "127.0.0.1", "port": dovecot.port, "security": "none", "since": since}
    done = _api(system).post("/mailboxes", json=asked | {"password": password(), "junk": "off"})
    assert done.status_code == httpx.codes.CREATED, done.text
    return str(done.json()["id"])


def _api(system: Stack) -> httpx.Client:
    return httpx.Client(
        base_url=f"{system.url('email')}/api/v1", headers={"Authorization": f"Bearer {_TOKEN}"}, timeout=60
    )


def used(system: Stack) -> Counter[str]:
    """CPU seconds of all processes of a run: the email service with its children, and the rest."""
    email_service = system.run["services"]["email"]["pid"]
    mine = {email_service, *(child.pid for child in psutil.Process(email_service).children(recursive=True))}
    taken: Counter[str] = Counter()
    for process in [psutil.Process(system.process.pid), *psutil.Process(system.process.pid).children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            taken["email" if process.pid in mine else "rest"] += _seconds(process)  # type: ignore[assignment] # seconds
    return taken


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def idle(system: Stack, dovecot: Dovecot, seconds: float) -> str:
    """CPU and memory of a mailbox of 50,000 mails in which nothing happens, as Markdown."""
    user = f"large@{_DOMAIN}"
    fill(dovecot, user, LARGE)
    process = psutil.Process(system.run["services"]["email"]["pid"])
    server = psutil.Process(dovecot.pid)
    without, memory = _over(process, server, seconds), _memory(process)
    identity = add(system, dovecot, user, since=None)
    eventually(
        lambda: _api(system).get(f"/mailboxes/{identity}").json()["state"] == "ok", "the large mailbox at rest", 240
    )
    time.sleep(_SETTLE)
    held, grown = _over(process, server, seconds), _memory(process) - memory
    return (
        f"A mailbox of {LARGE:,} mails in which nothing happens, for {seconds:.0f} s: the email service {held[0]:.2f} s of CPU "
        f"({without[0]:.2f} before it was added), Dovecot {held[1]:.2f} s; the email service takes {grown:.1f} MB more ({memory:.0f} before)."
    )


def _over(process: psutil.Process, server: psutil.Process, seconds: float) -> tuple[float, float]:
    before = _tree(process), _tree(server)
    time.sleep(seconds)
    return _tree(process) - before[0], _tree(server) - before[1]


def _tree(process: psutil.Process) -> float:
    return sum(_seconds(each) for each in (process, *process.children(recursive=True)))


def _memory(process: psutil.Process) -> float:
    full: Any = process.memory_full_info()
    return float(getattr(full, "pss", full.rss)) / 1e6


def fill(dovecot: Dovecot, user: str, count: int) -> None:
    """Writes a mailbox as Dovecot keeps it, of mails that came a year ago."""
    folder = dovecot.mails / user
    for name in ("cur", "new", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    long_ago = time.time() - 365 * 86_400
    for number in range(count):
        raw = f"From: a@example.net\r\nSubject: {number}\r\n\r\nHello.\r\n".encode()
        path = folder / "cur" / f"{int(long_ago) + number}.M{number}.bench,S={len(raw)}:2,S"
        path.write_bytes(raw)
        os.utime(path, (long_ago, long_ago))
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, "mail", "mail")


@contextmanager
def both() -> Iterator[tuple[Stack, Dovecot]]:
    """A system and a Dovecot."""
    settings = {"EMAIL_API_TOKEN": _TOKEN, "EMAIL_MAILBOXES": f"support@{_DOMAIN},{_DOMAIN}"}
    with (
        running() as dovecot,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
    ):
        Path(folder).chmod(0o755)
        with system_running(Path(folder) / "home", settings, free_ports()) as system:
            yield system, dovecot


def table(rounds: int, count: int, seconds: float) -> str:
    """All of it, as Markdown."""
    found: dict[str, list[tuple[float, ...]]] = {"alone": [], "imap": [], "smtp": []}
    with both() as (system, dovecot):
        send(system.run["smtp"]["port"], mails("warm", 300))
        eventually(lambda: applied(system) >= 300, "the warm-up at the desk", 120)
        for number in range(rounds):
            run = uuid4().hex[:6]
            user, raws = f"box{run}@{_DOMAIN}", mails(run, count)
            dovecot.deliver(user, *raws)
            found["alone"].append(alone(dovecot, user))
            found["imap"].append(by_imap(system, dovecot, user, count))
            found["smtp"].append(by_smtp(system, mails(f"s{run}", count)))
            print(f"round {number + 1}: { {name: values[-1] for name, values in found.items()} }", file=sys.stderr)
        resting = idle(system, dovecot, seconds)
    names = {
        "alone": "imaplib and email.parser alone",
        "imap": "IMAP to the desk",
        "smtp": f"SMTP to the desk, by 8 senders, {MAILS_PER_SESSION} mails a session",
    }
    lines = [
        "| | mails a second | beside imaplib alone | CPU s of 1,000 mails | of them email |",
        "|---|---|---|---|---|",
    ]
    for name, rows in found.items():
        ratios = [row[0] / other[0] for row, other in zip(rows, found["alone"], strict=True)]
        cells = [_spread([row[0] for row in rows], 0), _spread(ratios, 2)]
        cells += [_spread([row[at] for row in rows], 2) if len(rows[0]) > at else "" for at in (1, 2)]
        lines.append(f"| {names[name]} | {' | '.join(cells)} |")
    size = sum(map(len, mails("size", 100))) / 100
    return (
        f"{count:,} mails of {size / 1000:.1f} KB on average (of ten three plain, six with HTML, one with a file of 40 KB) that wait at a "
        f"Dovecot on the same machine; until all are in the desk's database. {rounds} rounds, in each all three: median (least to greatest); "
        "ratios are within a round. CPU is that of all processes of Switchboard, Kafka and PostgreSQL; alone, of the program itself; "
        f"Dovecot's is in none.\n\n" + "\n".join(lines) + f"\n\n{resting}"
    )


def _spread(values: Sequence[float], digits: int) -> str:
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


if __name__ == "__main__":
    imaplib._MAXLINE = 16 << 20  # type: ignore[attr-defined]
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mails", type=int, default=1000)
    parser.add_argument("--idle", type=float, default=60)
    given = parser.parse_args()
    print(table(given.rounds, given.mails, given.idle))
