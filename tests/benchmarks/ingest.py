"""HTTP's 202: the dashboard's own route on the running system, beside a bare route without
anything and a bare route that waits for Kafka, in turn."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import psutil

from tests.benchmarks.builds import ROOT, ROUNDS
from tests.benchmarks.end_to_end import WORDS, applied
from tests.stack import Stack, running
from tests.waiting import eventually

REQUESTS, CONNECTIONS, VISITORS = 1_500, 32, 100
_UNLIMITED = {"DASHBOARD_RATE_PER_ADDRESS": "0", "DASHBOARD_RATE_PER_VISITOR": "0"}


@dataclass(frozen=True)
class Taken:
    """Of one round: requests a second, CPU milliseconds of the process that answers for one, and
    the milliseconds within which 99 of 100 were answered."""

    per_second: float
    cpu: float
    p99: float


@contextmanager
def _bare(port: int, *arguments: str) -> Iterator[psutil.Process]:
    line = [sys.executable, "-m", "tests.benchmarks.contenders.bare_route", str(port), *arguments]
    process = subprocess.Popen(line, cwd=ROOT)
    try:
        eventually(lambda: _answers(port), "the bare route")
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(20)


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/docs", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def _load(url: str, tokens: Sequence[str], site: str, process: psutil.Process) -> Taken:
    before, began = process.cpu_times(), time.monotonic()
    took = asyncio.run(_ask(urlsplit(url).port or 80, tokens, site))
    seconds, after = time.monotonic() - began, process.cpu_times()
    cpu = after.user + after.system - before.user - before.system
    return Taken(REQUESTS / seconds, cpu * 1e3 / REQUESTS, sorted(took)[int(len(took) * 0.99)] * 1e3)


async def _ask(port: int, tokens: Sequence[str], site: str) -> list[float]:
    """As a program with kept connections does, with as little work of our own as there can be:
    the load shares the cores."""
    body = json.dumps({"text": WORDS, "facts": {"plugin": "3.2", "pages": 12}}).encode()
    numbers, took = iter(range(REQUESTS)), list[float]()

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            head = (
                f"POST /api/v1/messages HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
                f"X-Site-Key: {site}\r\nAuthorization: Bearer {tokens[number % len(tokens)]}\r\n"
                f"Idempotency-Key: {uuid4().hex}\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            began = time.perf_counter()
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 202"), answer
            length = next(line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.split(b":")[1]))
            took.append(time.perf_counter() - began)
        writer.close()

    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    return took


def _tokens(system: Stack) -> list[str]:
    with httpx.Client(base_url=f"{system.url('dashboard')}/api/v1", timeout=20) as http:
        return [http.post("/sessions", json={"site": system.site["key"]}).json()["token"] for _ in range(VISITORS)]


def measure(system: Stack) -> dict[str, list[Taken]]:
    """Three rounds, each beginning with another route; what was taken is at the desk before the
    next begins."""
    first = int(urlsplit(system.url("desk")).port or 0) + 60
    own = psutil.Process(system.run["services"]["dashboard"]["pid"])
    tokens, key = _tokens(system), system.site["key"]
    with _bare(first) as bare, _bare(first + 1, str(system.run["kafka"])) as publishing:
        routes = {
            "the dashboard's": (system.url("dashboard"), own),
            "bare, pydantic": (f"http://127.0.0.1:{first}", bare),
            "bare, pydantic, Kafka": (f"http://127.0.0.1:{first + 1}", publishing),
        }
        found: dict[str, list[Taken]] = {name: [] for name in routes}
        names = list(routes)
        for number in range(ROUNDS + 1):
            for name in names[number % len(names) :] + names[: number % len(names)]:
                before, publishes = applied(system), name != "bare, pydantic"
                one = _load(routes[name][0], tokens, key, routes[name][1])
                if publishes:
                    eventually(lambda before=before: applied(system) >= before + REQUESTS, "all at the desk", 180)
                print(f"round {number}, {name}: {one}", file=sys.stderr, flush=True)
                if number:  # the first fills pools and caches
                    found[name].append(one)
    return found


def table() -> str:
    """As Markdown."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with running(Path(folder) / "home", _UNLIMITED) as system:
            found = measure(system)
    ours = found["the dashboard's"]
    lines = ["| route | requests a second | ours to it | CPU ms | ours to it | p99 ms |", "|---|---|---|---|---|---|"]
    for name, rounds in found.items():
        cells = []
        for value, digits in ((lambda one: one.per_second, 0), (lambda one: one.cpu, 2)):
            own, other = [value(one) for one in ours], [value(one) for one in rounds]
            ratio = statistics.median(own) / statistics.median(other)
            cells.append(f"{statistics.median(other):.{digits}f} ({min(other):.{digits}f} to {max(other):.{digits}f})")
            cells.append(f"**{ratio:.2f}** ({min(own) / max(other):.2f} to {max(own) / min(other):.2f})")
        lines.append(f"| {name} | {' | '.join(cells)} | {statistics.median(one.p99 for one in rounds):.0f} |")
    return (
        f"{REQUESTS:,} messages of {len(WORDS)} characters by {VISITORS} visitors over {CONNECTIONS} connections, {ROUNDS} rounds in turn after one that "
        "is not counted; router and desk run beside, and have caught up before the next begins. The dashboard checks site, origin and session, has "
        "limits, writes the message with its key into PostgreSQL and answers after `acks=all`; the bare routes do what their names say: uvicorn "
        f"with FastAPI and pydantic as its tutorial has it.\n\n" + "\n".join(lines)
    )
