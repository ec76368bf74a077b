"""The whole way, on the running system: how long a message takes to the desk and to the screen, and
how many mails fit.

1. from SMTP 250 to the desk's API, at 20 and at 50 mails a second;
2. mails per second from SMTP to the desk's database, with the CPU seconds of every process
   for 1,000 mails;
3. from HTTP 202 to the browser's DOM, at 50 messages a second.
"""

from __future__ import annotations

import json
import shutil
import smtplib
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil

from tests.chat import Visitor
from tests.stack import Stack, mail_from, running
from tests.waiting import eventually

RATE = 50
"""Messages a second for the latencies: some hundred times what a small business gets on a bad
day."""
SECONDS = 6
MAILS = 1500
SENDERS = 8
MAILS_PER_SESSION = 25
"""A mail server that has many mails for us sends them in one session (RFC 5321, 3.3)."""
WORDS = (
    "Hello,\n\nsince the update on Monday the checkout page stays empty for some of our customers. We cleared the cache, "
    "switched the theme and disabled the other plugins, and it is the same. Could you have a look, please? "
    "It costs us orders.\n\nKind regards\nJo Park\nPark & Daughters, garden tools\n"
)


@dataclass(frozen=True)
class Latency:
    """Milliseconds."""

    count: int
    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, seconds: list[float]) -> Latency:
        ordered = sorted(seconds)
        assert ordered, "nothing arrived"
        at = [ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1e3 for share in (0.5, 0.95, 0.99)]
        return cls(len(ordered), *at)

    def __str__(self) -> str:
        return f"p50 {self.p50:.0f} ms, p95 {self.p95:.0f} ms, p99 {self.p99:.0f} ms ({self.count} messages)"


class Watcher(threading.Thread):
    """An API client on the desk's live stream: when each event of a kind came, by the id in its
    data."""

    def __init__(self, system: Stack, kind: str, number: str) -> None:
        super().__init__(daemon=True)
        self._system, self._kind, self._number = system, kind, number
        self.seen: dict[str, float] = {}
        self.connected = threading.Event()

    def run(self) -> None:
        with self._system.api.stream("GET", "/live", timeout=None) as answer:
            self.connected.set()
            for line in answer.iter_lines():
                if line.startswith("data:"):
                    event = json.loads(line[5:])
                    if event.get("kind") == self._kind and (number := event["data"].get(self._number)):
                        self.seen.setdefault(number, time.time())


def paced(count: int, work: Callable[[int], None], threads: int, rate: int = RATE) -> None:
    """Do it `count` times, so often a second, by a clock: one that is late does not slow the next
    one down."""
    start = time.monotonic()
    with ThreadPoolExecutor(threads) as pool:
        for number in range(count):
            ahead = start + number / rate - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)
            pool.submit(work, number)


def smtp_to_api(system: Stack, rate: int = RATE) -> Latency:
    watcher = Watcher(system, "message.added", "message_id")
    watcher.start()
    assert watcher.connected.wait(20)
    run, accepted = uuid4().hex[:8], {}
    sessions = threading.local()

    def send(number: int) -> None:
        if not hasattr(sessions, "smtp"):
            where = system.run["smtp"]
            sessions.smtp = smtplib.SMTP(where["host"], where["port"], timeout=30)
        mail = mail_from(f"c{number % 100}.{run}@example.net", f"{run} {number}", WORDS)
        sessions.smtp.send_message(mail)
        accepted[mail["Subject"]] = time.time()

    paced(rate * SECONDS, send, 16, rate)
    eventually(lambda: len(watcher.seen) >= len(accepted), "every mail on the live stream")
    with ThreadPoolExecutor(4) as pool:
        subjects = pool.map(lambda message: system.api.get(f"/messages/{message}").json()["subject"], watcher.seen)
        arrivals = dict(zip(subjects, watcher.seen.values(), strict=True))
    return Latency.of([at - accepted[subject] for subject, at in arrivals.items() if subject in accepted])


_OBSERVE = """() => {
  window.arrived = {};
  const note = (node) => {
    for (const [token] of (node.textContent || '').matchAll(/dom-[0-9a-f]{8}-\\d+/g)) window.arrived[token] ??= Date.now();
  };
  new MutationObserver((changes) => changes.forEach((change) => {
    change.addedNodes.forEach(note);
    if (change.type === 'characterData') note(change.target);
  })).observe(document.body, {childList: true, subtree: true, characterData: true});
}"""


def http_to_dom(system: Stack, chromium: str) -> Latency:
    from playwright.sync_api import sync_playwright

    run = uuid4().hex[:8]
    visitors = [Visitor(system.url("dashboard"), system.site) for _ in range(25)]
    for visitor in visitors:
        visitor.say(f"opening {run}")
    watched = len(visitors) // 2
    visitors[watched].say(f"watched {run}")
    first = eventually(lambda: [row for row in system.tickets(order="newest") if f"watched {run}" in row["snippet"]])[0]
    admin = system.run["admin"]
    password = Path(admin["password_file"]).read_text().strip()
    accepted: dict[str, float] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        page = browser.new_page()
        page.goto(f"{system.url('desk')}/login")
        page.fill("input[name=email]", admin["email"])
        page.fill("input[name=password]", password)
        page.press("input[name=password]", "Enter")
        page.wait_for_url("**/inbox/**")
        page.goto(f"{system.url('desk')}/c/{first['id']}")
        page.wait_for_selector("[role=log]")
        page.evaluate(_OBSERVE)

        def say(number: int) -> None:
            token = f"dom-{run}-{number}"
            visitors[number % len(visitors)].say(f"{token} and some more words")
            accepted[token] = time.time()

        paced(RATE * SECONDS, say, 16)
        expected = sum(1 for number in range(len(accepted)) if number % len(visitors) == watched)
        eventually(lambda: len(page.evaluate("Object.keys(window.arrived)")) >= expected, "messages on the screen")
        arrived = page.evaluate("window.arrived")
        browser.close()
    return Latency.of([max(0.0, at / 1e3 - accepted[token]) for token, at in arrived.items() if token in accepted])


@dataclass(frozen=True)
class Throughput:
    """`cpu`: seconds for 1,000 mails by process."""

    mails_per_second: float
    cpu: dict[str, float]

    @property
    def services(self) -> float:
        return sum(seconds for name, seconds in self.cpu.items() if name not in {"Kafka", "PostgreSQL"})

    @property
    def all(self) -> float:
        return sum(self.cpu.values())


def throughput(system: Stack) -> Throughput:
    run = uuid4().hex[:8]
    where = system.run["smtp"]
    mails = [mail_from(f"bulk{n % 500}.{run}@example.net", f"{run} {n}", WORDS).as_bytes() for n in range(MAILS)]
    before, first = _cpu(system), applied(system)
    start = time.monotonic()

    def session(first: int) -> None:
        with smtplib.SMTP(where["host"], where["port"], timeout=60) as smtp:
            for raw in mails[first : first + MAILS_PER_SESSION]:
                smtp.sendmail("bulk@example.net", ["support@example.org"], raw)

    with ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(session, range(0, MAILS, MAILS_PER_SESSION)))
    eventually(lambda: applied(system) - first >= MAILS, "every mail at the desk", 180)
    seconds = time.monotonic() - start
    after = _cpu(system)
    return Throughput(MAILS / seconds, {name: (after[name] - before[name]) * 1000 / MAILS for name in after})


@dataclass(frozen=True)
class Way:
    """One round of one build."""

    at_20: Latency
    at_50: Latency
    bulk: Throughput


def way(tree: Path) -> Way:
    """A system of this checkout, in a new home."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with running(Path(folder) / "home", tree=tree) as system:
            smtp_to_api(system, 20)  # not counted: pools, plans and caches are filled
            return Way(smtp_to_api(system, 20), smtp_to_api(system, 50), throughput(system))


def applied(system: Stack) -> float:
    """Messages that the desk has written since it started."""
    text = httpx.get(f"{system.url('desk')}/metrics", timeout=10).text
    return sum(
        float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.startswith("switchboard_messages_applied_total{")
    )


def _cpu(system: Stack) -> dict[str, float]:
    found = {name: _seconds(psutil.Process(service["pid"])) for name, service in system.run["services"].items()}
    for process in psutil.Process(system.process.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            line = " ".join(process.cmdline())
            name = "Kafka" if "kafka.Kafka" in line else "PostgreSQL" if "postgres" in line.split(" ")[0] else ""
            if name:
                found[name] = found.get(name, 0.0) + _seconds(process)
    return found


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def memory(system: Stack) -> float:
    """Megabytes of all processes: proportional shares where the kernel tells them, so that shared
    pages count once."""
    total = 0.0
    for process in [psutil.Process(system.process.pid), *psutil.Process(system.process.pid).children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            full: Any = process.memory_full_info()
            total += getattr(full, "pss", full.rss)
    return total / 1e6


def browser_path() -> str:
    """Debian's Chromium, or nothing."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or ""
