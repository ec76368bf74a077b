"""Holds what the dashboard's functions work with, wired once in `app.py`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.dashboard import repository
from services.dashboard.domain.sites import Site
from services.dashboard.hub import Hub
from services.dashboard.ports import Signatures
from services.dashboard.settings import DashboardSettings
from shared.bus import Bus
from shared.db import Database
from shared.errors import Rejected
from shared.limits import RateLimit, Seats
from shared.metrics import METRICS
from shared.outbox import Outbox
from shared.storage import Storage


class Sites:
    """Caches all sites for ten seconds: a new site or secret counts within that time."""

    FRESH = 10.0

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sites: list[Site] = []
        self._read_at = float("-inf")

    async def all(self, fresh: float = FRESH) -> list[Site]:
        """Lists all sites. Raises Unavailable where they were never read and PostgreSQL is
        unavailable."""
        if time.monotonic() - self._read_at > fresh:
            async with self._database.transaction() as session:
                self._sites = await repository.sites(session)
            self._read_at = time.monotonic()
        return self._sites

    async def of_key(self, key: str) -> Site:
        """Returns the site of a public key. Raises Rejected 401."""
        found = await self._find("key", key)
        if found is None:
            raise Rejected(
                401, "site-unknown", "no site has this key: copy it from `python -m services dashboard create-site`"
            )
        return found

    async def of_id(self, site: str) -> Site | None:
        """Returns the site of an id; None where there is none."""
        return await self._find("id", site)

    async def know_origin(self, origin: str) -> bool:
        """Tells whether any site lists this origin: what a browser asks before it sends
        anything."""
        return any(origin in site.origins for site in await self.all())

    async def _find(self, field_name: str, value: str) -> Site | None:
        for fresh in (self.FRESH, 0):  # one that was made a moment ago counts at once
            for site in await self.all(fresh):
                if getattr(site, field_name) == value:
                    return site
        return None


@dataclass(frozen=True, slots=True)
class Gate:
    """Limits how often somebody writes, and how many sockets they open."""

    visitors: RateLimit
    addresses: RateLimit
    sockets_of_address: Seats
    sockets_of_site: Seats

    def check_address(self, address: str) -> None:
        """Limits requests from one IP address. Raises Rejected 429."""
        _check(self.addresses, address)

    def check_visitor(self, point: str) -> None:
        """Limits messages of one contact point. Raises Rejected 429."""
        _check(self.visitors, point)


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One process of the dashboard."""

    settings: DashboardSettings
    languages: Sequence[str]
    secret: str
    database: Database
    outbox: Outbox
    bus: Bus
    storage: Storage
    signatures: Signatures
    hub: Hub
    sites: Sites
    gate: Gate
    acknowledged: dict[str, bool] = field(default_factory=dict)
    """Messages that Kafka has, and whether their rows say so by now."""


def _check(limit: RateLimit, key: str) -> None:
    seconds = limit.wait(key, time.monotonic())
    if seconds:
        METRICS.refused.labels(channel="chat", reason="too-often").inc()
        raise Rejected(429, "too-often", f"too many messages at once: wait {seconds:.0f} s, then send it again")
