"""What became of it at the desk, by its API."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from deploy.demo.doors import Sent
from deploy.demo.running import Problem, System, call

PATIENCE = 60.0
"""Seconds. It takes one or two; a machine that is busy with something else may take longer."""
Ticket = dict[str, Any]


def wait_for_tickets(
    system: System, sent: Sequence[Sent], since: datetime, tell: Callable[[int], None]
) -> list[Ticket]:
    """The tickets that these messages are in, most urgent first, once all are there. `tell` gets how many are. Raises Problem."""
    deadline = time.monotonic() + PATIENCE
    while True:
        tickets = _recent(system, since)
        missing = [one for one in sent if not any(_is_in(one, ticket, since) for ticket in tickets)]
        tell(len(sent) - len(missing))
        if not missing:
            ours = [ticket for ticket in tickets if any(_is_in(one, ticket, since) for one in sent)]
            return sorted(ours, key=lambda ticket: (-ticket["row"]["score"], ticket["row"]["number"]))
        if time.monotonic() > deadline:
            names = "; ".join(one.title for one in missing)
            raise Problem(
                f"after {PATIENCE:.0f} s these are not at the desk yet: {names}. "
                "They are not lost: look at what `make run` prints, and at the inbox"
            )
        time.sleep(0.3)


def _recent(system: System, since: datetime) -> list[Ticket]:
    headers = {"Authorization": f"Bearer {system.token}"}
    page = call(f"{system.desk}/api/v1/tickets?order=newest&limit=50", headers=headers)
    rows = [row for row in page["items"] if _moment(row["last_message_at"]) >= since]
    return [call(f"{system.desk}/api/v1/tickets/{row['id']}", headers=headers) for row in rows]


def _is_in(sent: Sent, ticket: Ticket, since: datetime) -> bool:
    for message in ticket["messages"]:
        if sent.id and message["id"] == sent.id:
            return True
        same = message["author"] == sent.author and message["text"].startswith(sent.text)
        if sent.author and same and _moment(message["at"]) >= since:
            return True
    return False


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
