"""`make bench`: every measurement in one run, written to docs/reference/benchmarks.md with the machine it ran on.

`python -m tests.benchmarks router` measures that section alone, and leaves the others of the page as they are.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil

from tests import stack
from tests.benchmarks import end_to_end, flood
from tests.benchmarks import reader as mails
from tests.exchange import exchange

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "benchmarks.md"
_UNLIMITED = {"DASHBOARD_RATE_PER_ADDRESS": "0", "DASHBOARD_RATE_PER_VISITOR": "0"}


def machine() -> str:
    """What it ran on, in a line."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{psutil.cpu_count()} cores ({platform.machine()}), {memory:.0f} GiB, {platform.system()} {platform.release().split('-')[0]}, "
        f"Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}. Broker, database, services and the load share the cores."
    )


def whole_way() -> str:
    """Latency and throughput of the running system, as Markdown."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        started = time.monotonic()
        with stack.running(Path(folder) / "home", _UNLIMITED) as system:
            up = time.monotonic() - started
            memory = end_to_end.memory(system)
            print(f"up in {up:.1f} s, {memory:.0f} MB", flush=True)
            mail = end_to_end.smtp_to_api(system)
            print(f"SMTP 250 to the desk's API: {mail}", flush=True)
            chromium = end_to_end.browser_path()
            screen = (
                str(end_to_end.http_to_dom(system, chromium))
                if chromium
                else "not measured: no Chromium on this machine"
            )
            print(f"HTTP 202 to the browser's DOM: {screen}", flush=True)
            bulk = end_to_end.throughput(system)
    shares = ", ".join(f"{name} {seconds:.1f}" for name, seconds in sorted(bulk.cpu.items(), key=lambda item: -item[1]))
    return "\n".join(
        [
            "| what | measured |",
            "|---|---|",
            f"| start, home empty, everything installed | {up:.1f} s |",
            f"| memory of all processes after the start | {memory:.0f} MB |",
            f"| SMTP 250 to the desk's API, {end_to_end.RATE} mails a second | {mail} |",
            f"| HTTP 202 to the browser's DOM, {end_to_end.RATE} messages a second | {screen} |",
            f"| mails a second, SMTP to the desk's database, {end_to_end.MAILS} mails | {bulk.mails_per_second:.0f} |",
            f"| CPU seconds for 1,000 mails, our services | {bulk.services:.1f} |",
            f"| CPU seconds for 1,000 mails, by process | {shares} |",
            "",
            (
                "A peer, LibreDesk 2.7.0, measured earlier on a machine of the same size: 13 mails a second, 139 CPU seconds for 1,000 mails. "
                f"Beside that: {bulk.mails_per_second / 13:.0f} times the mails, 1/{139 / max(bulk.services, 0.01):.0f} of the CPU."
            ),
        ]
    )


def calls_in_a_flood() -> str:
    """From a call's webhook to the agent's offer, with and without a flood of posts, as Markdown."""
    base = stack.free_ports()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, exchange(base + 98) as telephones:
        Path(folder).chmod(0o755)
        with stack.running(Path(folder) / "home", telephones.settings, base=base) as system:
            found = flood.measure(system, telephones)
    ratio = found.flooded.p50 / max(found.quiet.p50, 0.001)
    return "\n".join(
        [
            "| calls, from the first webhook to the agent's offer | measured |",
            "|---|---|",
            f"| nothing else going on | {found.quiet} |",
            f"| while {flood.POSTS:,} posts come in ({found.behind:,} not yet at the desk at the end) | {found.flooded} |",
            f"| ratio of the medians | {ratio:.1f} |",
        ]
    )


def router() -> str:
    """This router and others on one broker, as Markdown; in a process of its own, so that nothing else is measured."""
    command = [sys.executable, "-m", "tests.benchmarks.router"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def mail() -> str:
    """What taking a mail in costs, as Markdown. `BESIDE`: folders of checkouts of other builds, which take turns with this one."""
    command = [sys.executable, "-m", "tests.benchmarks.mail", "--beside", *os.environ.get("BESIDE", "").split()]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def views() -> str:
    """A router with a million contact points, as Markdown; in a process of its own, which gives its memory back."""
    command = [sys.executable, "-m", "tests.benchmarks.views"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def reader() -> str:
    """What reading one mail takes, by its size and kind, as Markdown."""
    return (
        f"{mails.table()}\n\nSeconds of work and memory above rest for one mail, of the service's part and of the process that reads, "
        "together. Of text and of HTML the first MB is read, and the rest kept."
    )


SECTIONS: dict[str, tuple[str, Callable[[], str]]] = {
    "way": ("The whole way of a message", whole_way),
    "mail": ("Taking a mail in", mail),
    "calls": ("Calls in a flood of posts", calls_in_a_flood),
    "router": ("The router beside others", router),
    "views": ("A million contact points", views),
    "reader": ("Reading a mail", reader),
}


def main(chosen: Sequence[str]) -> None:
    """Run the chosen sections, or all; print each, and write it into the page at once."""
    for name in chosen or SECTIONS:
        title, measure = SECTIONS[name]
        text = f"Measured on {machine()}\n\n{measure()}"
        print(f"{text}\n", flush=True)
        PAGE.write_text(page(PAGE.read_text() if PAGE.exists() else "", title, text))


def page(before: str, title: str, text: str) -> str:
    """The page with this section's text anew, and the others as they were."""
    titles = [known for known, _ in SECTIONS.values()]
    parts = dict(part.split("\n\n", 1) for part in before.split("\n## ")[1:])
    parts[title] = text
    sections = (f"## {known}\n\n{parts[known].strip()}\n" for known in titles if known in parts)
    return "\n".join(["# Benchmarks\n\nWritten by `make bench`.\n", *sections])


if __name__ == "__main__":
    if unknown := set(sys.argv[1:]) - SECTIONS.keys():
        sys.exit(f"no section {', '.join(unknown)}: there are {', '.join(SECTIONS)}")
    main(sys.argv[1:])
