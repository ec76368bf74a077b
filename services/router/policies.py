"""Which policy is in force: the published one, or the one that comes with the router until there is
any."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from services.router.domain.policy import Policy
from services.router.ports import Lookup
from shared.errors import Misconfigured
from shared.events import RoutingPolicy
from shared.health import Health
from shared.logs import log
from shared.metrics import METRICS
from shared.waiting import wait

_LOOK_EVERY = 1.0
"""Seconds. Batches look by themselves; this keeps `/health/ready` right where there is no
traffic."""


class Policies:
    """Follows one published policy. One that cannot be read is refused: the former stays; health
    and metrics tell."""

    def __init__(
        self,
        name: str,
        published: Lookup[RoutingPolicy],
        fallback: Policy,
        parse: Callable[[str, str, int], Policy],
        health: Health,
    ) -> None:
        self._name, self._published, self._fallback, self._parse, self._health = (
            name,
            published,
            fallback,
            parse,
            health,
        )
        self._seen: RoutingPolicy | None = None
        self._policy = fallback
        self._tell("the policy that comes with the router")

    def current(self) -> Policy:
        """Returns the policy in force now. Cheap where nothing was published since."""
        newest = self._published.get(self._name)
        if newest != self._seen:
            self._seen = newest
            self._adopt(newest)
        return self._policy

    async def follow(self, stop: asyncio.Event) -> None:
        """Looks for a newly published policy until `stop` is set, also where no message comes."""
        while not stop.is_set():
            self.current()
            await wait(stop, _LOOK_EVERY)

    def _adopt(self, newest: RoutingPolicy | None) -> None:
        if newest is None:
            self._policy = self._fallback
            self._tell("the policy that comes with the router")
            return
        try:
            self._policy = self._parse(newest.yaml, f"{newest.name}@{newest.version}", newest.version)
        except Misconfigured as error:
            METRICS.policy_refused.labels(policy=self._name).set(1)
            first = str(error).splitlines()[0]
            log.error(
                "published policy refused",
                policy=self._name,
                version=newest.version,
                stays=self._policy.label,
                error=str(error),
            )
            self._health.set(
                "policy",
                ok=True,
                detail=f"version {newest.version} refused ({first}); {self._policy.label} stays in force",
            )
        else:
            log.info("policy in force", policy=self._policy.label)
            self._tell(f"published {newest.published_at.isoformat()}")

    def _tell(self, detail: str) -> None:
        METRICS.policy_refused.labels(policy=self._name).set(0)
        METRICS.policy_version.labels(policy=self._name).set(self._policy.version)
        self._health.set("policy", ok=True, detail=f"{self._policy.label}: {detail}")
