"""What a service needs and whether it has it. `/health/ready` shows this; nothing crashes because a
part is away."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.logs import log
from shared.metrics import METRICS


@dataclass
class Part:
    """One thing a service needs."""

    ok: bool
    detail: str = ""


@dataclass
class Health:
    """All parts of one process. A part that was never set counts as missing only once it is named
    in `expect`."""

    parts: dict[str, Part] = field(default_factory=dict)

    def expect(self, *parts: str) -> None:
        """Registers the parts that must be available before the service is ready."""
        for part in parts:
            self.parts.setdefault(part, Part(ok=False, detail="starting"))
            METRICS.part_ready.labels(part=part).set(int(self.parts[part].ok))

    def set(self, part: str, ok: bool, detail: str = "") -> None:
        """Records a part's state, and logs it when it changed."""
        before = self.parts.get(part)
        self.parts[part] = Part(ok, detail)
        METRICS.part_ready.labels(part=part).set(int(ok))
        if before is None or before.ok != ok:
            log.log(20 if ok else 30, "part is ready" if ok else "part is away", part=part, detail=detail)

    def forget(self, part: str) -> None:
        """Removes a part that is no longer needed."""
        if self.parts.pop(part, None):
            METRICS.part_ready.remove(part)

    @property
    def ready(self) -> bool:
        """Whether every part is there."""
        return all(part.ok for part in self.parts.values())

    def report(self) -> dict[str, object]:
        """Returns the body of `/health/ready`."""
        return {
            "ready": self.ready,
            "parts": {name: {"ok": part.ok, "detail": part.detail} for name, part in self.parts.items()},
        }
