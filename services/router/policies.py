"""Which policy is in force: the published one, or the one that comes with the router until there is
any."""

from __future__ import annotations

import asyncio

from services.router.adapters import policy_yaml
from services.router.adapters.urgency import Models
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
        models: Models,
        health: Health,
    ) -> None:
        self._name, self._published, self._models, self._health = name, published, models, health
        self._seen: RoutingPolicy | None = None
        self._state = models.state()
        self.trouble = ""
        """Why the newest policy is refused; usually empty."""
        self._adopt(None)

    def current(self) -> Policy:
        """Returns the policy in force now. Cheap where nothing was published since."""
        newest, state = self._published.get(self._name), self._models.state()
        if newest != self._seen or state != self._state:
            self._seen, self._state = newest, state
            self._adopt(newest)
        return self._policy

    async def follow(self, stop: asyncio.Event) -> None:
        """Looks for a newly published policy or model until `stop` is set, also where no message
        comes."""
        while not stop.is_set():
            self.current()
            await wait(stop, _LOOK_EVERY)

    def _adopt(self, newest: RoutingPolicy | None) -> None:
        try:
            self._policy = self._read(newest)
        except Misconfigured as error:
            self._refuse(newest, error)
        else:
            log.info("policy in force", policy=self._policy.label)
            told = f"published {newest.published_at.isoformat()}" if newest else "the policy that comes with the router"
            self._tell(told)
        self._tell_model()

    def _read(self, newest: RoutingPolicy | None) -> Policy:
        if newest is None:
            return policy_yaml.shipped(self._models)
        return policy_yaml.parse(newest.yaml, f"{newest.name}@{newest.version}", newest.version, self._models)

    def _refuse(self, newest: RoutingPolicy | None, error: Misconfigured) -> None:
        version = newest.version if newest else 0
        self.trouble = str(error)
        METRICS.policy_refused.labels(policy=self._name).set(1)
        stays, first = self._policy.label, str(error).splitlines()[0]
        log.error("published policy refused", policy=self._name, version=version, stays=stays, error=str(error))
        detail = f"version {version} refused ({first}); {stays} stays in force"
        self._health.set("policy", ok=True, detail=detail)

    def _tell(self, detail: str) -> None:
        self.trouble = ""
        METRICS.policy_refused.labels(policy=self._name).set(0)
        METRICS.policy_version.labels(policy=self._name).set(self._policy.version)
        self._health.set("policy", ok=True, detail=f"{self._policy.label}: {detail}")

    def _tell_model(self) -> None:
        """Reports which model judges, and why it is not the one that was learned last."""
        model, trouble = self._policy.priority.model, self._models.trouble
        judges = model.version if model else "none: the policy's words alone decide"
        log.info("model in use", model=judges, trouble=trouble)
        self._health.set("model", ok=True, detail=f"{judges}; {trouble}" if model and trouble else judges)
