"""What taking a mail in costs: CPU seconds of the email service, the process that reads mails
apart, until Kafka has the message and the sender has 250. This build, and others beside it: they
take turns on one Kafka and one PostgreSQL.

`python -m tests.benchmarks.mail [--beside <folder of another checkout> ...] [--rounds 3] [--mails
3000]`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import smtplib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
import psutil

from deploy.local import kafka, ports, postgres
from shared.bus.kafka import create_topics
from shared.topics import all_topics
from tests.benchmarks.end_to_end import MAILS_PER_SESSION, SENDERS, WORDS
from tests.stack import mail_from
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
WARM = 300
"""Mails before those that are counted."""

NOTES = """
CPU is that of the service's process and of the one that reads mails, with all their threads, until the sender has 250; Kafka's,
PostgreSQL's and the senders' is not in it. c3bd0df reads mails in the service itself; since then a process of its own does, which may be
killed (decision 11), and reads more: calendars, `winmail.dat`, forwards, returned mails.

Where a mail's time goes (the service alone, with a bus in memory; parts taken out one after the other; ms): SMTP 0.11, the file in the
storage 0.3, asking the process that reads 0.25 to 0.3 and that one's work 0.3, the language 0.1 to 0.2; the rest, about half of the
service's, is Kafka's client and the loop.

- Taken: the addresses of MAIL and RCPT by an expression (aiosmtpd defines a class for each: 72 µs, now 0.4), fields of headers cut by
  ourselves (105 µs to parse this mail, now 47), a line of the log without place and thread (42 µs, now 24), the model of languages in
  arrays (209 µs where its memory is cold, now 135).
- Tried and left: the walk through the model in numpy (130 µs against 100 for this mail), files by bare system calls or by one or two
  threads (no less CPU, and one thread wrote a sixth as many a second).
"""


@dataclass(frozen=True)
class Round:
    """For 1,000 mails: CPU seconds of the service's process and of its children; `rate`: mails a
    second."""

    service: float
    children: float
    rate: float


@contextmanager
def service(folder: Path, home: Path, servers: str, dsn: str) -> Iterator[tuple[psutil.Popen, int]]:
    """The email service of a checkout, ready, and its SMTP port."""
    http, smtp = ports.free(2)
    variables = os.environ | {
        "SWITCHBOARD_KAFKA": servers,
        "SWITCHBOARD_STORAGE": f"file://{home}/storage",
        "SWITCHBOARD_SECRET": "s" * 32,
        "EMAIL_DATABASE": dsn,
        "EMAIL_PORT": str(http),
        "EMAIL_SMTP_PORT": str(smtp),
        "EMAIL_OUTBOX_FOLDER": f"{home}/outbox",
        "EMAIL_TLS_FOLDER": f"{home}/tls",
    }
    command = [sys.executable, "-m", "services", "email"]
    with (home / "email.log").open("wb") as log:
        subprocess.run([*command, "migrate"], cwd=folder, env=variables, stdout=log, stderr=log, check=True)
        process = psutil.Popen(command, cwd=folder, env=variables, stdout=log, stderr=log)
        try:
            eventually(lambda: httpx.get(f"http://127.0.0.1:{http}/health/ready").is_success, "the service to be ready")
            yield process, smtp
        finally:
            process.terminate()
            process.wait(20)


def send(port: int, mails: Sequence[bytes]) -> None:
    """As large providers do: several sessions at a time, with many mails each. Raises what smtplib
    raises."""

    def session(first: int) -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=60) as smtp:
            for raw in mails[first : first + MAILS_PER_SESSION]:
                smtp.sendmail("bulk@example.net", ["support@example.org"], raw)

    with ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(session, range(0, len(mails), MAILS_PER_SESSION)))


def measured(folder: Path, servers: str, dsn: str, mails: int) -> Round:
    """One round of one build."""
    raws = [mail_from(f"bulk{n % 500}@example.net", f"Question {n}", WORDS).as_bytes() for n in range(WARM + mails)]
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home,
        service(folder, Path(home), servers, dsn) as (process, port),
    ):
        send(port, raws[:WARM])
        before, began = _used(process), time.monotonic()
        send(port, raws[WARM:])
        seconds, after = time.monotonic() - began, _used(process)
    service_used, children = ((after[place] - before[place]) * 1000 / mails for place in (0, 1))
    return Round(service_used, children, mails / seconds)


def _used(process: psutil.Popen) -> tuple[float, float]:
    times = [sum(each.cpu_times()[:2]) for each in (process, *process.children(recursive=True))]
    return times[0], sum(times[1:])


def table(folders: Sequence[Path], rounds: int, mails: int) -> str:
    """All builds in turn, as Markdown; each round begins with another one."""
    found: dict[Path, list[Round]] = {folder: [] for folder in folders}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o755)
        with kafka.running(Path(home) / "kafka") as servers, postgres.running(Path(home) / "postgres") as dsn:
            asyncio.run(create_topics(servers, all_topics(["email"])))
            databases = {folder: asyncio.run(_database(dsn, f"build_{n}")) for n, folder in enumerate(folders)}
            for number in range(rounds):
                first = number % len(folders)
                for folder in [*folders[first:], *folders[:first]]:
                    found[folder].append(measured(folder, servers, databases[folder], mails))
                    print(f"round {number + 1}, {_build(folder)}: {found[folder][-1]}", file=sys.stderr, flush=True)
    ours = statistics.median(one.service + one.children for one in found[folders[0]])
    lines = [
        f"{mails:,} mails of {len(WORDS)} characters by {SENDERS} senders, after {WARM} not counted; {rounds} rounds in turn: median (range).",
        "",
        "| build | CPU s for 1,000 mails | of these the process that reads | ours to theirs | mails a second |",
        "|---|---|---|---|---|",
    ]
    for folder, results in found.items():
        whole = [one.service + one.children for one in results]
        lines.append(
            f"| {_build(folder)} | {_shown(whole)} | {_shown([one.children for one in results])} "
            f"| {ours / statistics.median(whole):.2f} | {_shown([one.rate for one in results], 0)} |"
        )
    return "\n".join([*lines, NOTES])


async def _database(dsn: str, name: str) -> str:
    """Each build has its own, as its migrations leave it."""
    admin = await asyncpg.connect(dsn)
    await admin.execute(f'CREATE DATABASE "{name}"')
    await admin.close()
    return f"{dsn.rpartition('/')[0]}/{name}"


def _shown(values: Sequence[float], digits: int = 2) -> str:
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def _build(folder: Path) -> str:
    """Its commit."""
    line = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=7"]
    return subprocess.run(line, check=True, capture_output=True, text=True).stdout.strip()


def main(arguments: Sequence[str] = ()) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--beside", nargs="*", default=[], type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mails", type=int, default=3000)
    chosen = parser.parse_args(arguments)
    print(table([ROOT, *chosen.beside], chosen.rounds, chosen.mails))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
