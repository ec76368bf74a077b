"""Publishes policies, one after the other, and knows all that were.

What goes wrong without it: two people publish at once, and the later one takes back what the first
did without having seen it. The topic has one partition: of two records that name the same version
the first one counts, for every reader (`RoutingPolicy.supersedes`), and whoever wrote the second
finds out here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from services.router.adapters.period import records
from shared.bus.api import encoded
from shared.bus.kafka import KafkaBus
from shared.clock import utc_now
from shared.errors import Rejected
from shared.events import AuditNoted, RoutingPolicy
from shared.events.codec import MalformedEvent, decode
from shared.logs import log
from shared.topics import AUDIT_NOTED, POLICIES_PUBLISHED


async def history(servers: str, name: str) -> tuple[RoutingPolicy, ...]:
    """Reads all versions of a policy that counted, oldest first. Raises Unavailable."""
    found: list[RoutingPolicy] = []
    async for record in records(servers, [POLICIES_PUBLISHED], None, utc_now() + timedelta(minutes=1)):
        if record.value is None or (record.key or b"").decode(errors="replace") != name:
            continue
        try:
            event = decode(RoutingPolicy, record.value)
        except MalformedEvent as error:
            log.error("a published policy cannot be read", error=str(error))
            continue
        if not found or event.supersedes(found[-1]):
            found.append(event)
    return tuple(found)


async def publish(
    servers: str,
    name: str,
    text: str,
    *,
    base: int | None = None,
    by: str = "",
    of: int | None = None,
    about: Mapping[str, str] | None = None,
) -> RoutingPolicy:
    """Publishes a policy that was checked, and tells the audit log; returns its version. A text
    that is in force already is not published again.

    base: the version that has to be the newest one, 0 for none; None for whichever is. Rejected 409
    `policy-overtaken` where another one is. Raises Unavailable.
    """
    before = await history(servers, name)
    version = before[-1].version if before else 0
    event = RoutingPolicy(name=name, version=version + 1, published_at=utc_now(), yaml=text, by=by, of=of)
    known = bool(before) and before[-1].yaml == text
    if known:
        event = before[-1]
    elif base not in (None, version):
        raise _overtaken(version)
    bus = KafkaBus(servers, "router")
    await bus.start()
    try:
        if not known:
            await bus.publish_encoded([encoded(POLICIES_PUBLISHED, name, event)])
            first = next(one for one in await history(servers, name) if one.version == event.version)
            if first != event:
                raise _overtaken(first.version)
        noted = _noted(event, about or {})
        await bus.publish_encoded([encoded(AUDIT_NOTED, noted.subject, noted)])
    finally:
        await bus.stop()
    return event


def _noted(event: RoutingPolicy, about: Mapping[str, str]) -> AuditNoted:
    label = f"{event.name}@{event.version}"
    return AuditNoted(
        id=f"policy:{label}",
        at=event.published_at,
        kind="policy.published" if event.of is None else "policy.rolled-back",
        subject=label,
        data={**about, **({} if event.of is None else {"of": str(event.of)})},
        actor=event.by,
    )


def _overtaken(version: int) -> Rejected:
    return Rejected(
        409, "policy-overtaken", f"Version {version} was published meanwhile. Look at it, then publish yours."
    )
