"""Who looks at which ticket and who writes there: known as long as their browsers say so, and kept
nowhere.

A browser says it again and again; each process of the desk hears all of it by PostgreSQL's
notifications.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec
from sqlalchemy import text

from services.desk.signals import LOOKS
from shared.db import Database

VIEWING = 45.0
"""Seconds after which somebody of whom nothing was heard is gone: two of what a browser says, and a
bit."""
TYPING = 10.0
"""Seconds after the last key until somebody only looks."""
_MOST = 10_000
"""Browsers that are known at a time; beyond it new ones are not shown."""


class Look(msgspec.Struct, frozen=True):
    """What one tab of a browser says."""

    ticket: str
    agent: str
    name: str
    tab: str
    state: Literal["viewing", "typing", "gone"]


@dataclass(frozen=True, slots=True, order=True)
class Watcher:
    """Somebody who has a ticket open."""

    agent: str
    name: str
    typing: bool


class Watchers:
    """One per process. All times are given: seconds of one clock."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], tuple[Look, float, float]] = {}
        """By ticket and tab: the newest look, until when it counts, and until when it is one of
        somebody who types."""

    def hear(self, look: Look, now: float) -> bool:
        """Whether others see a difference."""
        key, before = (look.ticket, look.tab), self.on(look.ticket, now)
        if look.state == "gone":
            self._seen.pop(key, None)
        elif key in self._seen or len(self._seen) < _MOST:
            self._seen[key] = (look, now + VIEWING, now + TYPING if look.state == "typing" else now)
        return self.on(look.ticket, now) != before

    def expire(self, now: float, before: float) -> set[str]:
        """Removes looks that have expired; returns the tickets on which others see a difference
        since `before`: somebody left without notice, or writes no more."""
        ended = {key for key, (_, until, _) in self._seen.items() if until <= now}
        quiet = {ticket for (ticket, _), (_, _, typing) in self._seen.items() if before < typing <= now}
        for key in ended:
            del self._seen[key]
        return quiet | {ticket for ticket, _ in ended}

    def on(self, ticket: str, now: float) -> list[Watcher]:
        """Lists who looks at a ticket, each person once, whatever tabs they have."""
        here = [seen for (where, _), seen in self._seen.items() if where == ticket and seen[1] > now]
        typing = {look.agent for look, _, until in here if until > now}
        names = {look.agent: look.name for look, _, _ in here}
        return sorted(Watcher(agent, name, agent in typing) for agent, name in names.items())


async def publish(database: Database, look: Look) -> None:
    """Publishes a look to all processes of the desk, this one too. Raises Unavailable."""
    async with database.transaction() as session:
        notify = text("SELECT pg_notify(:channel, :look)")
        await session.execute(notify, {"channel": LOOKS, "look": msgspec.json.encode(look).decode()})
