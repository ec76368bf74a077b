"""Reading and search on a full database, this build and another one in turn: what a list, a ticket,
a page and a search take.

    python -m tests.benchmarks.reading DSN  # this build
    python -m tests.benchmarks.reading DSN --beside ../before DSN  # and that build

Each DSN is a superuser's, of a database that `tests.benchmarks.filled` filled. A desk is started on
each, without Kafka.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx
import psutil

from deploy.local.postgres import running as postgres
from tests.benchmarks.builds import BEFORE, ROOT, ROUNDS, beside
from tests.benchmarks.end_to_end import browser_path
from tests.benchmarks.filled import fill
from tests.waiting import eventually

TIMES = 15
"""Requests of one kind in a round."""
_AGENT, _PASSWORD = "reader@example.org", "correct horse battery"


@dataclass(frozen=True)
class Build:
    """A desk that runs, and who reads there."""

    api: httpx.Client
    pages: httpx.Client
    desk: psutil.Process
    postgres: psutil.Process
    database: str

    def cpu(self) -> float:
        """Seconds of the desk and of PostgreSQL's processes for this database."""
        mine = re.compile(rf"postgres: \S+ {re.escape(self.database)} ")
        servers = [found for found in self.postgres.children() if mine.match(" ".join(found.cmdline()))]
        times = [found.cpu_times() for found in (self.desk, *servers)]
        return sum(each.user + each.system for each in times)


@dataclass
class Took:
    """Of one kind of request: milliseconds of each, and CPU milliseconds of one, by round."""

    wall: list[list[float]] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def at(self, share: float) -> float:
        ordered = sorted(value for found in self.wall for value in found)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


@contextmanager
def running(tree: Path, dsn: str) -> Iterator[Build]:
    """The desk of this folder on this database."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    variables = os.environ | {
        "DESK_DATABASE": dsn,
        "DESK_PORT": str(port),
        "SWITCHBOARD_SECRET": "s" * 40,
        "SWITCHBOARD_STORAGE": "file:///tmp/switchboard-reading",
        "SWITCHBOARD_KAFKA": "127.0.0.1:9",
        "SWITCHBOARD_LOG_LEVEL": "error",
    }
    line = [sys.executable, "-m", "services", "desk"]

    def command(*arguments: str, given: str = "") -> str:
        done = subprocess.run(
            [*line, *arguments], cwd=tree, env=variables, input=given, capture_output=True, text=True, check=True
        )
        return done.stdout

    command("create-agent", "--email", _AGENT, "--password-stdin", "--if-missing", given=_PASSWORD + "\n")
    token = command("create-token", "--name", f"bench {time.time()}", "--scopes", "read").split()[-1]
    desk = subprocess.Popen(line, cwd=tree, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        eventually(lambda: _answers(url), "the desk")
        with (
            httpx.Client(base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=200) as api,
            httpx.Client(base_url=url, timeout=200, follow_redirects=True) as pages,
        ):
            form = pages.get("/login").text
            hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form))
            pages.post(
                "/login", data=hidden | {"email": _AGENT, "password": _PASSWORD}, headers={"Origin": url}
            ).raise_for_status()
            address = urlsplit(dsn)
            server = _postgres(address.port or 5432)
            yield Build(api, pages, psutil.Process(desk.pid), server, address.path.strip("/"))
    finally:
        desk.terminate()
        desk.wait(20)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/live", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def _postgres(port: int) -> psutil.Process:
    listening = next(
        found
        for found in psutil.net_connections("tcp")
        if found.status == psutil.CONN_LISTEN and found.laddr.port == port and found.pid
    )
    return psutil.Process(listening.pid)


LISTS: dict[str, dict[str, str]] = {
    "list, open": {"status": "open"},
    "list, unassigned": {"status": "open", "assignee": "none"},
    "list, overdue": {"due": "overdue"},
    "list, due soon": {"due": "soon"},
    "list, waiting": {"waiting": "true"},
    "list, open, Korean and low": {"status": "open", "language": "ko", "level": "low"},
    "list, newest": {"order": "newest"},
}
SEARCHES = (
    "ORD-0012345", "mx000700", "nothingatall", "refund", "the", "remboursement", "환불", "로그인", "example.org", "ann.lee",
    "refund printer", "a", "refund status:open", "the from:ann", "battery older:1y",
)  # fmt: skip


SHORT, LONG = "7002", "6001"
"""Numbers of tickets: one of a few messages, and one of 260."""


def asked() -> dict[str, Callable[[Build], httpx.Response]]:
    """What is measured, by its name."""
    kinds: dict[str, Callable[[Build], httpx.Response]] = {}
    for name, query in LISTS.items():
        kinds[name] = lambda build, query=query: build.api.get("/tickets", params={"limit": 40, **query})
    kinds["page, inbox mine: badges and an empty list"] = lambda build: build.pages.get("/inbox/mine")
    kinds["ticket with timeline"] = lambda build: build.api.get(f"/tickets/{SHORT}")
    kinds["ticket of 260 messages"] = lambda build: build.api.get(f"/tickets/{LONG}")
    for view in ("all", "unassigned", "overdue"):
        kinds[f"page, inbox {view}"] = lambda build, view=view: build.pages.get(f"/inbox/{view}")
    own = {}

    def conversation(build: Build, **headers: str) -> httpx.Response:
        if build not in own:
            own[build] = build.api.get(f"/tickets/{SHORT}").json()["row"]["id"]
        return build.pages.get(f"/c/{own[build]}", headers=headers)

    kinds["page, conversation"] = conversation
    kinds["click to a conversation"] = lambda build: conversation(build, **{"HX-Request": "true"})
    for q in SEARCHES:
        kinds[f"search: {q}"] = lambda build, q=q: build.api.get(
            "/tickets", params={"q": q, "order": "newest", "limit": 40}
        )
    return kinds


def measure(builds: Sequence[Build], only: str = "", rounds: int = ROUNDS) -> dict[str, list[Took]]:
    """All kinds of requests, the builds in turn."""
    found: dict[str, list[Took]] = {}
    kinds = {name: kind for name, kind in asked().items() if re.search(only, name)}
    for turn in range(rounds):
        for name, ask in kinds.items():
            took = found.setdefault(name, [Took() for _ in builds])
            for build, own in zip(builds, took, strict=True):
                wall: list[float] = []
                ask(build)
                before, began = build.cpu(), time.monotonic()
                while len(wall) < TIMES and (not wall or time.monotonic() - began < 10):
                    start = time.perf_counter()
                    answer = ask(build)
                    wall.append((time.perf_counter() - start) * 1e3)
                own.cpu.append((build.cpu() - before) * 1e3 / len(wall))
                own.wall.append(wall)
                if answer.status_code != 200:
                    print(name, answer.status_code, answer.text[:200], file=sys.stderr)
        print(f"round {turn + 1}", file=sys.stderr, flush=True)
    return found


_SHOWN = """() => new Promise((done) => {
  const look = () => {
    const [paint] = performance.getEntriesByName('first-contentful-paint');
    paint ? done(paint.startTime) : setTimeout(look, 5);
  };
  look();
})"""


def on_screen(builds: Sequence[Build], chromium: str, rounds: int = ROUNDS) -> dict[str, list[Took]]:
    """What an agent waits for in a browser, the builds in turn: the first contentful paint of a
    list with nothing cached and with everything cached, and a click until the conversation
    stands there."""
    from playwright.sync_api import Browser, Page, sync_playwright

    names = ("first contentful paint, nothing cached", "first contentful paint, cached", "click to a conversation")
    found = {f"browser: {name}": [Took() for _ in builds] for name in names}

    def opened(browser: Browser, build: Build) -> Page:
        page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        page.context.add_cookies(
            [
                {"name": one.name, "value": str(one.value), "url": str(build.pages.base_url)}
                for one in build.pages.cookies.jar
            ]
        )
        return page

    def shown(page: Page, build: Build) -> float:
        page.goto(f"{build.pages.base_url}/inbox/unassigned")
        return float(page.evaluate(_SHOWN))

    def clicked(page: Page, at: int) -> float:
        """From outside of the page, as one click may be a whole navigation."""
        row = page.locator("li.row").nth(at)
        wanted = f'article.conversation[data-ticket="{row.get_attribute("data-ticket")}"]'
        start = time.perf_counter()
        row.locator("a").first.click()
        page.wait_for_selector(wanted)
        return (time.perf_counter() - start) * 1e3

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for _ in range(rounds):
            for number, build in enumerate(builds):
                cold = []
                for _ in range(TIMES // 3):
                    page = opened(browser, build)
                    cold.append(shown(page, build))
                    page.context.close()
                page = opened(browser, build)
                shown(page, build)
                warm = [shown(page, build) for _ in range(TIMES // 3)]
                clicks = [clicked(page, at) for at in range(1, TIMES)]
                page.context.close()
                for took, wall in zip(found.values(), (cold, warm, clicks), strict=True):
                    took[number].wall.append(wall)
        browser.close()
    return found


def table(found: dict[str, list[Took]]) -> str:
    """As Markdown: this build, the other one, and the ratios with their spread over the rounds."""
    two = any(len(took) > 1 for took in found.values())
    lines = ["| | ms p50 / p95 | CPU ms |" + (" before: ms p50 / p95 | CPU ms | ratio ms | ratio CPU |" if two else "")]
    lines.append("|---" * (lines[0].count("|") - 1) + "|")
    for name, took in found.items():
        cells = [
            f"{each.at(0.5):.1f} / {each.at(0.95):.1f} | {f'{statistics.mean(each.cpu):.1f}' if each.cpu else ''}"
            for each in took
        ]
        if two:
            new, old = took
            walls = [statistics.median(a) / statistics.median(b) for a, b in zip(new.wall, old.wall, strict=True)]
            cpus = [a / b for a, b in zip(new.cpu, old.cpu, strict=True) if b]
            cells += [
                f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})" if ratios else ""
                for ratios in (walls, cpus)
            ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


_QUICK = {"fsync": "off", "max_wal_size": "8GB", "shared_buffers": "512MB"}


@contextmanager
def _filled(trees: Sequence[Path], tickets: int) -> Iterator[list[str]]:
    """A PostgreSQL with a database for each of these builds, all with the same rows; their
    addresses."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name) / "postgres"
        folder.parent.chmod(0o755)
        with postgres(folder, settings=_QUICK) as dsn:
            for number, tree in enumerate(trees):
                own = _database(dsn, number)
                asyncio.run(_create(dsn, own))
                line = [sys.executable, "-m", "services", "desk", "migrate"]
                variables = {"DESK_DATABASE": own, "SWITCHBOARD_SECRET": "s" * 40}
                subprocess.run(line, cwd=tree, env=os.environ | variables, check=True, stdout=subprocess.DEVNULL)
                asyncio.run(fill(own, tickets))
        with postgres(folder) as dsn:
            yield [_database(dsn, number) for number, _ in enumerate(trees)]


def _database(dsn: str, number: int) -> str:
    return urlsplit(dsn)._replace(path=f"/filled{number}").geturl()


async def _create(dsn: str, own: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f'CREATE DATABASE "{urlsplit(own).path.strip("/")}"')
    finally:
        await connection.close()


def section(tickets: int = 200_000) -> str:
    """This build alone, on a database of its own, as Markdown."""
    with _filled([ROOT], tickets) as [dsn], running(ROOT, dsn) as build:
        text = table(measure([build]))
    return (
        f"{tickets:,} tickets with {tickets * 5:,} messages. One client, {ROUNDS} rounds of {TIMES} requests; CPU is the desk's and "
        f"PostgreSQL's for one request. Texts are made; one open ticket in four is not overdue.\n\n{text}"
    )


def browser(tickets: int = 200_000) -> str:
    """What an agent waits for, this build and the one before in turn, as Markdown."""
    if not (chromium := browser_path()):
        return "Not measured: no Chromium on this machine."
    with beside() as before, _filled([ROOT, before], tickets) as dsns, ExitStack() as stack:
        builds = [stack.enter_context(running(*each)) for each in zip((ROOT, before), dsns, strict=True)]
        text = table(on_screen(builds, chromium))
    return (
        f"{tickets:,} tickets with {tickets * 5:,} messages each. Chromium on the list of unassigned tickets, {TIMES // 3} times with a new profile and "
        f"as often with what it kept, then {TIMES - 1} clicks; {ROUNDS} rounds in turn with the build before ({BEFORE}). Ratios are of each round's "
        f"medians, with the least and the greatest.\n\n{text}"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("dsn")
    parser.add_argument("--beside", nargs=2, metavar=("FOLDER", "DSN"))
    parser.add_argument("--only", default="", help="a pattern")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    where = [(ROOT, given.dsn), *([(Path(given.beside[0]), given.beside[1])] if given.beside else [])]
    with ExitStack() as stack:
        builds = [stack.enter_context(running(*each)) for each in where]
        found = measure(builds, given.only, given.rounds)
        if chromium := browser_path():
            found |= on_screen(builds, chromium, given.rounds)
        print(table(found))


if __name__ == "__main__":
    main()
