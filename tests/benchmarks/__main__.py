"""`make bench`: every measurement, written to docs/reference/benchmarks.md with the machine it ran
on.

`make bench SECTION=desk` measures that section alone, in under ten minutes, and leaves the others
of the page as they are.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil

from tests import stack
from tests.benchmarks import builds, embedded, end_to_end, flood, ingest, reading
from tests.benchmarks import reader as mails

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "benchmarks.md"
_UNLIMITED = {"DASHBOARD_RATE_PER_ADDRESS": "0", "DASHBOARD_RATE_PER_VISITOR": "0"}


def machine() -> str:
    """What it ran on, in a line."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{psutil.cpu_count()} cores ({platform.machine()}), {memory:.0f} GiB, {platform.system()} {platform.release().split('-')[0]}, "
        f"Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}. Broker, database, services and the load share the cores."
    )


def way() -> str:
    """Latency and throughput of the running system, this build and the one before in turn, as
    Markdown."""
    with builds.beside() as before:
        ours, theirs = builds.in_turn({"this build": builds.ROOT, "before": before}, end_to_end.way).values()
    rows: list[tuple[str, int, list[float], list[float]]] = []
    for name, value in (
        ("p95 ms at 20 mails a second", lambda one: one.at_20.p95),
        ("p50 ms at 20 mails a second", lambda one: one.at_20.p50),
        ("p95 ms at 50 mails a second", lambda one: one.at_50.p95),
        ("p50 ms at 50 mails a second", lambda one: one.at_50.p50),
        ("mails a second in bulk", lambda one: one.bulk.mails_per_second),
    ):
        rows.append((name, 0, [value(one) for one in ours], [value(one) for one in theirs]))
    rows.append(
        ("CPU s of 1,000 mails, all processes", 2, [one.bulk.all for one in ours], [one.bulk.all for one in theirs])
    )
    names = sorted(ours[0].bulk.cpu, key=lambda name: -ours[0].bulk.cpu[name])
    for name in names:
        mine, other = ([one.bulk.cpu.get(name, 0.0) for one in found] for found in (ours, theirs))
        if min(other) > 0:
            rows.append((f"of them {name}", 2, mine, other))
    return (
        f"From SMTP's 250 to the live feed of the desk's API for {end_to_end.SECONDS} s, then {end_to_end.MAILS:,} mails by "
        f"{end_to_end.SENDERS} senders until all are in the desk's database; each round in a new home, after a warm-up that is not counted. "
        f"{_told()}\n\n{builds.compared(rows)}"
    )


def screen() -> str:
    """From the widget's API to the agent's screen, as Markdown."""
    chromium = end_to_end.browser_path()
    if not chromium:
        return "Not measured: no Chromium on this machine."
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with stack.running(Path(folder) / "home", _UNLIMITED) as system:
            found = end_to_end.http_to_dom(system, chromium)
    return f"HTTP 202 to the browser's DOM, {end_to_end.RATE} messages a second: {found}. This build alone."


def calls() -> str:
    """From a call's webhook to the agent's offer and from a chat's frame to the timeline, with
    and without a flood of posts, as Markdown."""
    with builds.beside() as before:
        ours, theirs = builds.in_turn({"this build": builds.ROOT, "before": before}, flood.calls).values()
    rows: list[tuple[str, int, list[float], list[float]]] = []
    for name, digits, value in (
        ("p50 ms, nothing else going on", 0, lambda one: one.quiet.p50),
        ("p95 ms, nothing else going on", 0, lambda one: one.quiet.p95),
        (f"p50 ms while {flood.POSTS:,} posts come in", 0, lambda one: one.flooded.p50),
        (f"p95 ms while {flood.POSTS:,} posts come in", 0, lambda one: one.flooded.p95),
        ("flooded to quiet, of the medians", 2, lambda one: one.flooded.p50 / one.quiet.p50),
        ("a chat's p50 ms, nothing else going on", 0, lambda one: one.chat_quiet.p50),
        (f"a chat's p50 ms while {flood.POSTS:,} posts come in", 0, lambda one: one.chat_flooded.p50),
        (f"a chat's p95 ms while {flood.POSTS:,} posts come in", 0, lambda one: one.chat_flooded.p95),
        ("a chat's, flooded to quiet, of the medians", 2, lambda one: one.chat_flooded.p50 / one.chat_quiet.p50),
    ):
        rows.append((name, digits, [value(one) for one in ours], [value(one) for one in theirs]))
    return (
        f"From a call's first webhook to the agent's offer, {flood.CALLS} calls one after the other, quiet and in the flood; and "
        f"from a frame of an open chat to an agent's live feed, {flood.CHATS} messages one after the other. "
        f"{_told()}\n\n{builds.compared(rows)}"
    )


def _told() -> str:
    return (
        f"{builds.ROUNDS} rounds in turn with the build before ({builds.BEFORE}): median of rounds (least to greatest); ratios are of the "
        "medians, with the least and the greatest of any two rounds."
    )


def router() -> str:
    """This router and others on one broker, as Markdown; in a process of its own, so that nothing
    else is measured."""
    command = [sys.executable, "-m", "tests.benchmarks.router"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def mail() -> str:
    """What taking a mail in costs, as Markdown. `BESIDE`: folders of checkouts of other builds,
    which take turns with this one."""
    command = [sys.executable, "-m", "tests.benchmarks.mail", "--beside", *os.environ.get("BESIDE", "").split()]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def sending() -> str:
    """Mails a second over kept connections, and with one for each, as Markdown."""
    command = [sys.executable, "-m", "tests.benchmarks.sending"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def mailboxes() -> str:
    """Mail out of mailboxes by IMAP, beside SMTP and imaplib alone, as Markdown."""
    command = [sys.executable, "-m", "tests.benchmarks.mailboxes"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def judging() -> str:
    """A router with its urgency model and without, as Markdown."""
    command = [sys.executable, "-m", "tests.benchmarks.judging"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def applying() -> str:
    """Routed messages that the desk writes in a second, as Markdown."""
    command = [sys.executable, "-m", "tests.benchmarks.applying"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def assigning() -> str:
    """What giving work to agents takes, beside plain statements, as Markdown."""
    command = [sys.executable, "-m", "tests.benchmarks.assignment"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def views() -> str:
    """A router with a million contact points, as Markdown; in a process of its own, which gives its
    memory back."""
    command = [sys.executable, "-m", "tests.benchmarks.views"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def reader() -> str:
    """What reading one mail takes, by its size and kind, as Markdown."""
    return (
        f"{mails.table()}\n\nSeconds of work and memory above rest for one mail, of the service's part and of the process that reads, "
        "together. Of text and of HTML the first MB is read, and the rest kept."
    )


def browser() -> str:
    """What an agent waits for in a browser. `TICKETS`: how many there are, 200,000 by default."""
    return reading.browser(int(os.environ.get("TICKETS", "200000")))


def importing() -> str:
    """What importing an archive takes, as Markdown."""
    command = [sys.executable, "-m", "tests.benchmarks.importing"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


SECTIONS: dict[str, tuple[str, Callable[[], str]]] = {
    "way": ("The whole way of a message", way),
    "screen": ("To the screen", screen),
    "ingest": ("HTTP's 202", ingest.table),
    "mail": ("Taking a mail in", mail),
    "sending": ("Sending mail", sending),
    "mailboxes": ("Mail out of mailboxes", mailboxes),
    "desk": ("The desk's way of a message", applying),
    "assigning": ("Giving work to agents", assigning),
    "embedded": ("The embedded run at rest", embedded.table),
    "calls": ("Calls and chats in a flood of posts", calls),
    "router": ("The router beside others", router),
    "judging": ("The router with its urgency model and without", judging),
    "views": ("A million contact points", views),
    "reader": ("Reading a mail", reader),
    "importing": ("Import of an archive", importing),
    "reading": ("Reading and search at the desk", reading.section),
    "browser": ("The desk in a browser", browser),
}


def main(chosen: Sequence[str]) -> None:
    """Run the chosen sections, or all; print each, and write it into the page at once."""
    for name in chosen or SECTIONS:
        title, measure = SECTIONS[name]
        text = f"Measured on {machine()}\n\n{measure()}"
        print(f"{text}\n", flush=True)
        PAGE.write_text(page(PAGE.read_text() if PAGE.exists() else "", title, text))


_HEAD = """# Benchmarks

Written by `make bench`; `make bench SECTION=desk` measures that section alone, each in under ten minutes.

These machines are borrowed, small and noisy: the same command differs up to twofold from one day to the next. So compare within a
table and nowhere else. Where a table has *before*, both builds ran in turn on the same machine within the same minutes, and the ratio of
the two is what counts; in brackets is how far rounds were apart. CPU seconds are more trustworthy than time. A peer has a row only
where it ran side by side with us.
"""


def page(before: str, title: str, text: str) -> str:
    """The page with this section's text anew, and the others as they were: first those that are
    measured here, in their order."""
    parts = dict(part.split("\n\n", 1) for part in before.split("\n## ")[1:])
    parts[title] = text
    titles = dict.fromkeys([*(known for known, _ in SECTIONS.values()), *parts])
    sections = (f"## {known}\n\n{parts[known].strip()}\n" for known in titles if known in parts)
    return "\n".join([_HEAD, *sections])


if __name__ == "__main__":
    if unknown := set(sys.argv[1:]) - SECTIONS.keys():
        sys.exit(f"no section {', '.join(unknown)}: there are {', '.join(SECTIONS)}")
    main(sys.argv[1:])
