"""`python -m deploy.demo`: send, wait until everything is a ticket, and say what to look at."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import unicodedata
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploy.demo.cast import LETTERS, POSTS
from deploy.demo.desk import Ticket, wait_for_tickets
from deploy.demo.doors import send_mails, send_posts
from deploy.demo.running import Problem, System, find

_COLUMNS = ("ticket", "customer", "priority", "prefers", "why")
_WIDEST = 26


def main() -> int:
    """Returns the exit code: 0, or 1 with one line that says what to do."""
    try:
        system = find(os.environ)
        since = datetime.now(UTC) - timedelta(seconds=1)
        print(f"Sending {len(LETTERS)} mails to {system.smtp[0]}:{system.smtp[1]} by SMTP …", flush=True)
        sent = send_mails(system, LETTERS)
        print(f"Sending {len(POSTS)} messages to {system.dashboard} by HTTP …", flush=True)
        sent += send_posts(system, POSTS)
        tickets = wait_for_tickets(system, sent, since, lambda count: _progress(count, len(sent)))
    except Problem as problem:
        print(f"\ndemo: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(f"\n\n{table(tickets, shutil.get_terminal_size((110, 40)).columns)}\n")
    print(_look_at(system, tickets))
    return 0


def table(tickets: list[Ticket], width: int) -> str:
    """One line a ticket, most urgent first; the reasons take what is left of the width, in as many lines as they need."""
    rows = [_COLUMNS, *(_row(ticket) for ticket in tickets)]
    widths = [max(_width(row[column]) for row in rows) for column in range(len(_COLUMNS) - 1)]
    left = sum(widths) + 2 * len(widths)
    lines = []
    for row in rows:
        first = "".join(_pad(cell, wide + 2) for cell, wide in zip(row, widths, strict=False))
        why = textwrap.wrap(row[-1], max(width - left - 1, 30)) or [""]
        lines += [first + why[0], *(" " * left + more for more in why[1:])]
    return "\n".join(lines)


def _row(ticket: Ticket) -> tuple[str, ...]:
    row = ticket["row"]
    customer = row["customer_name"]
    preferred = next(iter(ticket["channels"]), None)
    telling = [reason["text"] for reason in ticket["reasons"] if reason["code"] != "base"]
    reasons = telling[:2] or [reason["text"] for reason in ticket["reasons"][:1]]
    if preferred:
        reasons += [f"{preferred['channel']}: {reason['text']}" for reason in preferred["reasons"][:1]]
    return (
        f"#{row['number']}",
        customer if len(customer) <= _WIDEST else customer[: _WIDEST - 1] + "…",
        f"{row['level']} {row['score']}",
        preferred["channel"] if preferred else "",
        "; ".join(reasons),
    )


def _look_at(system: System, tickets: list[Ticket]) -> str:
    most_urgent = tickets[0]["row"]
    password = f", password in {_short(system.password_file)}" if system.password_file else ""
    lines = [
        "Look at",
        f"  {system.desk}/inbox/all   the inbox in order of priority (admin@example.org{password})",
        f"  {system.desk}/c/{most_urgent['id']}   the most urgent: two mails in one ticket; answer it",
        f"  {system.dashboard}/contact/{system.site['site']}   write a message yourself, without JavaScript; ?lang=fr or ?lang=ko",
    ]
    return "\n".join(lines)


def _short(path: str) -> str:
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return path


def _progress(count: int, total: int) -> None:
    if sys.stdout.isatty():
        print(f"\rAt the desk: {count} of {total}", end="", flush=True)
    elif count == total:
        print(f"At the desk: {count} of {total}", end="", flush=True)


def _width(text: str) -> int:
    """Cells of a terminal: Hangul takes two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _pad(text: str, width: int) -> str:
    return text + " " * max(width - _width(text), 1)


if __name__ == "__main__":
    sys.exit(main())
