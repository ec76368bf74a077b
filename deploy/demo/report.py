"""What the person at the terminal reads. Pure, but for the terminal's width."""

from __future__ import annotations

import json
import shutil
import textwrap
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from deploy.demo.cast import AGENT, MAILBOX
from deploy.demo.desk import Ticket
from deploy.demo.running import System
from deploy.local.commands import ADMIN

_COLUMNS = ("ticket", "channel", "customer", "priority", "prefers", "why")
_WIDEST = 24


def addresses(system: System, street: str) -> list[tuple[str, str, str]]:
    """Returns what is where, and how to sign in."""
    return [
        ("desk", system.desk, f"you are the agent: {ADMIN}, password {system.password}"),
        ("street", street, "you are the customers: call, text, post and mail"),
        ("telephone", system.line, "the support line, on the practice telephone of the street"),
        ("agent’s telephone", AGENT, "rings in the street when you press Answer at the desk"),
        ("contact page", system.contact, "writes to the desk without JavaScript; ?lang=fr or ?lang=ko"),
        ("mail in", f"{system.smtp[0]}:{system.smtp[1]}", f"SMTP, for {MAILBOX}"),
    ]


def table(tickets: Sequence[Ticket], width: int) -> str:
    """Formats a table with one line a ticket, most urgent first; the reasons take what is left
    of the width, in as many lines as they need."""
    rows = [_COLUMNS, *(_row(ticket) for ticket in tickets)]
    widths = [max(_width(row[column]) for row in rows) for column in range(len(_COLUMNS) - 1)]
    left = sum(widths) + 2 * len(widths)
    lines = []
    for row in rows:
        first = "".join(_pad(cell, wide + 2) for cell, wide in zip(row, widths, strict=False))
        why = textwrap.wrap(row[-1], max(width - left - 1, 30)) or [""]
        lines += [first + why[0], *(" " * left + more for more in why[1:])]
    return "\n".join(lines)


def look_at(system: System, street: str, tickets: Sequence[Ticket]) -> str:
    """Returns the text that says where to go next."""
    top = f"{system.desk}/c/{tickets[0]['row']['id']}" if tickets else f"{system.desk}/inbox/all"
    steps = (
        (f"{system.desk}/inbox/all", "the inbox in order of priority, each with its reasons"),
        (top, "the most urgent; answer it"),
        (f"{system.desk}/calls", "Rose waits in line: say that you are ready, press Answer, and pick up in the street"),
        (f"{street}/#call", "call the line yourself, as Margaret, 71"),
        (f"{street}/#post", "complain on X, and see the answer that you give"),
        (f"{system.desk}/wallboard", "the numbers as they move"),
    )
    wide = max(len(where) for where, _ in steps)
    return "\n".join(
        ["Look at", *(f"  {where:<{wide}}  {why}" for where, why in steps), "", "Ctrl-C stops everything.", ""]
    )


def columns() -> int:
    """Returns the width of the terminal in columns."""
    return shutil.get_terminal_size((120, 40)).columns


def short(path: Path) -> str:
    """Returns the path relative to the working directory, where it is inside it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def where_is(home: Path) -> str:
    """Returns the street's address of a demonstration that runs already, in brackets; empty
    where unknown."""
    try:
        return f" ({json.loads((home / 'street.json').read_text())['street']})"
    except (OSError, ValueError, KeyError):
        return ""


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
        row["channel"],
        customer if len(customer) <= _WIDEST else customer[: _WIDEST - 1] + "…",
        f"{row['level']} {row['score']}",
        preferred["channel"] if preferred else "",
        "; ".join(reasons),
    )


def _width(text: str) -> int:
    """Cells of a terminal: Hangul takes two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _pad(text: str, width: int) -> str:
    return text + " " * max(width - _width(text), 1)
