"""What importing an archive takes: mails a second and memory, beside `mailbox.mbox` and the
standard parser reading the same file in the same minutes, and beside the desk that applies them.

`python -m tests.benchmarks.importing [mails]`.
"""

from __future__ import annotations

import asyncio
import mailbox
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from email import policy
from email.parser import BytesParser
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from deploy.local import kafka, ports, postgres
from services.email.adapters.archives import mbox
from shared.bus.kafka import create_topics
from shared.clock import utc_now
from shared.db import migrate
from shared.topics import all_topics
from tests.benchmarks.builds import ROOT
from tests.benchmarks.end_to_end import WORDS
from tests.waiting import eventually

MAILS, LARGE = 3_000, 400_000
"""Mails of the run, and of the file that is only read from front to back."""
_BODY = 60
"""Times the words of the other benchmarks' mail: 8 KB, as the median of archives has without its
attachments."""


def write(path: Path, mails: int) -> None:
    """Writes an mbox file of conversations of three mails."""
    chance, now = random.Random(7), utc_now()
    with path.open("wb") as file:
        for number in range(mails):
            root = number - number % 3
            references = f"References: <{root}@x>\n" if number != root else ""
            date = format_datetime(now.replace(year=now.year - 1 - number % 5, day=1 + number % 28))
            words = "\n".join(" ".join(chance.sample(WORDS.split(), 10)) for _ in range(_BODY))
            file.write(
                f"From - Mon Mar  1 10:00:00 2021\nFrom: Ann <ann{root}@example.com>\nTo: support@example.org\nDate: {date}\n"
                f"Message-ID: <{number}@x>\nSubject: Lamp {root}\n{references}\n{words}\n\n".encode()
            )


def by_standard_library(path: Path) -> int:
    """Reads a file as a script of ten lines would."""
    box = mailbox.mbox(path, create=False)
    parse = BytesParser(policy=policy.default).parsebytes
    found = 0
    for key in box.iterkeys():
        body = parse(box.get_bytes(key)).get_body(("plain", "html"))
        found += bool(body and body.get_content())
    return found


def split_by_standard_library(path: Path) -> int:
    """Only looks for where mails end, and reads their bytes."""
    box = mailbox.mbox(path, create=False)
    return sum(bool(box.get_bytes(key)) for key in box.iterkeys())


def split_by_us(path: Path) -> int:
    """The same, by our reader."""
    with path.open("rb", buffering=1 << 20) as file:
        return sum(piece.raw is not None for piece in mbox(file, 100_000_000, "box"))


_ALONE: dict[str, Callable[[Path], int]] = {
    "parse": by_standard_library,
    "theirs": split_by_standard_library,
    "ours": split_by_us,
}


def alone(what: str, path: Path) -> tuple[float, float, float]:
    """Runs one of these in a process of its own: mails a second, MB/s, and MB of memory above what
    the process took before."""
    command = [sys.executable, "-m", "tests.benchmarks.importing", what, str(path)]
    found = subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout.split()
    mails, seconds, memory = int(found[0]), float(found[1]), float(found[2])
    return mails / seconds, path.stat().st_size / seconds / 1e6, memory


def imported(path: Path, mails: int) -> dict[str, float]:
    """Imports a file into an email service's schema and a desk."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        home = Path(name)
        home.chmod(0o755)
        with kafka.running(home / "kafka") as servers, postgres.running(home / "postgres") as dsn:
            asyncio.run(create_topics(servers, all_topics(["email"])))
            for service in ("email", "desk"):
                migrate(dsn, service, ROOT / "services" / service / "migrations")
            environment = {
                **os.environ,
                "SWITCHBOARD_KAFKA": servers,
                "SWITCHBOARD_STORAGE": f"file://{home}/storage",
                "SWITCHBOARD_SECRET": "s" * 40,
                "EMAIL_DATABASE": dsn,
                "DESK_DATABASE": dsn,
                "DESK_PORT": str(ports.free()[0]),
            }
            began, most, cpu = time.monotonic(), 0.0, 0.0
            line = [sys.executable, "-m", "services", "email", "import", "mbox", str(path)]
            process = psutil.Popen(
                line, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            while process.poll() is None:
                try:
                    family = [process, *process.children()]
                    most = max(most, sum(one.memory_info().rss for one in family) / 1e6)
                    cpu = sum(sum(one.cpu_times()[:2]) for one in family)
                except psutil.Error:
                    pass
                time.sleep(0.1)
            published = time.monotonic() - began
            with (home / "desk.log").open("w") as log:
                desk = psutil.Popen(
                    [sys.executable, "-m", "services", "desk"], cwd=ROOT, env=environment, stdout=log, stderr=log
                )
            try:
                count = "SELECT coalesce(sum(received), 0)::bigint FROM desk.imports"
                eventually(lambda: asked(dsn, count), "the desk begins")
                first, at = asked(dsn, count), time.monotonic()
                eventually(lambda: asked(dsn, count) == mails, "all are applied")
                applied = (mails - first) / max(time.monotonic() - at, 0.01)
            finally:
                desk.terminate()
                desk.wait(30)
    return {"rate": mails / published, "cpu": 1000 * cpu / mails, "memory": most, "applied": applied}


def asked(dsn: str, statement: str) -> Any:
    """The answer of the database."""

    async def ask() -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(ask())


def section(mails: int = MAILS, large: int = LARGE) -> str:
    """All of it as Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        small, big = Path(folder) / "small", Path(folder) / "big"
        write(small, mails)
        ours = imported(small, mails)
        peer = alone("parse", small)
        write(big, large)
        theirs, split = alone("theirs", big), alone("ours", big)
        size = big.stat().st_size / 1e9
    return (
        f"{mails:,} mails of 4 KB in conversations of three, one run each in turn.\n\n| | mails a second | MB of memory |\n|---|---|---|\n"
        f"| `import mbox`, until Kafka and PostgreSQL have all of it ({ours['cpu']:.1f} ms of CPU a mail) | {ours['rate']:.0f} | {ours['memory']:.0f} |\n"
        f"| the desk, from Kafka to the last row | {ours['applied']:.0f} | |\n"
        f"| `mailbox.mbox` and `email.parser`, parsing alone | {peer[0]:.0f} | {peer[2]:.0f} |\n\n"
        f"So the import has {ours['rate'] / peer[0]:.2f} of the pace of a script that only parses. Memory is of the process and the two that read, "
        "together; of the script what it took above rest.\n\n"
        f"Finding where mails end, in a file of {large:,} mails ({size:.1f} GB):\n\n| | MB a second | MB of memory above rest |\n|---|---|---|\n"
        f"| ours | {split[1]:.0f} | {split[2]:.0f} |\n| `mailbox.mbox` | {theirs[1]:.0f} | {theirs[2]:.0f} |"
    )


def main(arguments: list[str]) -> None:
    """Runs one part in this process, or all."""
    if arguments and arguments[0] in _ALONE:
        rest, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
        found = _ALONE[arguments[0]](Path(arguments[1]))
        seconds = time.monotonic() - began
        print(found, seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - rest) / 1000)
    else:
        print(section(*map(int, arguments)))


if __name__ == "__main__":
    main(sys.argv[1:])
