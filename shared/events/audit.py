"""What operators did by a service's commands, for the desk's audit log."""

from __future__ import annotations

from datetime import datetime

from shared.events.base import Event


class AuditNoted(Event, frozen=True, kw_only=True):
    """Tells the desk of something done outside of it that its audit log lists."""

    id: str
    """The same id again does nothing."""
    at: datetime
    kind: str
    """`site.created`, `site.origins`, `site.secrets`, `policy.published`,
    `policy.rolled-back`, `model.taken` or `model.rolled-back`."""
    subject: str
    """What it was done to: a site's id, a policy or a model with its version."""
    data: dict[str, str] = {}
    """For people: what changed. Never a secret."""
    actor: str = ""
    """Who did it, as the audit log has it; empty: whoever may start commands."""
