"""What became of it at the desk, by its API."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from deploy.demo.doors import Sent
from deploy.demo.running import System, call
from deploy.local.problem import Problem

PATIENCE = 90.0
"""Seconds. It takes a few, as X is looked at every three; a machine that is busy with something
else may take longer."""
Ticket = dict[str, Any]


def wait_for_tickets(
    system: System,
    sent: Sequence[Sent],
    since: datetime,
    tell: Callable[[int], None],
    stopped: Callable[[], bool] = lambda: False,
) -> list[Ticket]:
    """Returns the tickets that these messages are in, most urgent first, once all are there, or
    what is there when `stopped`. `tell` gets how many are. Raises Problem."""
    deadline = time.monotonic() + PATIENCE
    tickets: dict[str, Ticket] = {}
    while True:
        _refresh(system, since, tickets)
        missing = [one for one in sent if not any(is_in(one, ticket, since) for ticket in tickets.values())]
        tell(len(sent) - len(missing))
        if not missing or stopped():
            ours = [ticket for ticket in tickets.values() if any(is_in(one, ticket, since) for one in sent)]
            return sorted(ours, key=lambda ticket: (-ticket["row"]["score"], ticket["row"]["number"]))
        if time.monotonic() > deadline:
            names = "; ".join(one.title for one in missing)
            raise Problem(
                f"after {PATIENCE:.0f} s these are not at the desk yet: {names}. They are not lost: look at the inbox"
            )
        time.sleep(0.3)


def ask(system: System, path: str, body: Mapping[str, Any] | None = None, method: str | None = None) -> Any:
    """Calls the desk's API. Raises Problem."""
    return call(f"{system.desk}/api/v1{path}", body, {"Authorization": f"Bearer {system.token}"}, method)


def _refresh(system: System, since: datetime, tickets: dict[str, Ticket]) -> None:
    """Refreshes the tickets; only what has changed is fetched again."""
    for row in ask(system, "/tickets?order=newest&limit=100")["items"]:
        known = tickets.get(row["id"])
        if _moment(row["last_message_at"]) >= since and (known is None or known["row"] != row):
            tickets[row["id"]] = {**ask(system, f"/tickets/{row['id']}"), "row": row}


def is_in(sent: Sent, ticket: Ticket, since: datetime) -> bool:
    """Whether this is one of the ticket's messages."""
    for message in ticket["messages"]:
        if sent.id:
            if message["id"] == sent.id:
                return True
            continue
        same = not sent.author or message["author"] == sent.author
        if same and message["text"].startswith(sent.text) and _moment(message["at"]) >= since:
            return True
    return False


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
