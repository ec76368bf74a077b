"""Counted by message id, from what Kafka acknowledged at the door to the desk's database."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec

from services.router.adapters.period import records
from shared.topics import MESSAGES_RECEIVED, MESSAGES_RECEIVED_LIVE, MESSAGES_ROUTED, MESSAGES_ROUTED_LIVE, Topic
from tests.faults.stage import Stage
from tests.integration.router_process import PATIENCE
from tests.waiting import until

_ROUTED = {MESSAGES_ROUTED_LIVE.name, MESSAGES_ROUTED.name}
_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Figures:
    """What became of the messages of one run. `twice_...`: how often too many."""

    sent: int
    lost: int
    twice_on_topic: int
    twice_at_desk: int
    longest_wait: float
    """Seconds from writing a message to its decision."""
    restarts: int
    """How often a process ended and the supervisor started it again."""


_EFFECTS = """
WITH ours AS (SELECT id, ticket_id FROM desk.messages WHERE id = ANY($1::uuid[])),
     tickets AS (SELECT id, customer_id, messages FROM desk.tickets WHERE id IN (SELECT ticket_id FROM ours)),
     customers AS (SELECT observed FROM desk.customers WHERE id IN (SELECT customer_id FROM tickets))
SELECT (SELECT count(*) FROM ours) AS rows,
       (SELECT coalesce(sum(messages), 0) FROM tickets) AS in_tickets,
       (SELECT count(*) FROM desk.ticket_events WHERE kind = 'message.added' AND ticket_id IN (SELECT id FROM tickets)) AS told,
       (SELECT coalesce(sum((seen.value ->> 'messages')::int), 0) FROM customers, jsonb_each(observed) AS seen) AS in_profiles
"""
"""Each is the number of messages where each took effect once: rows, what tickets and customers
count, and events told."""


async def counted(stage: Stage, ids: Sequence[str], since: datetime, longest_wait: float, restarts: int) -> Figures:
    """Wait until the desk has all of them, or gets no further; then count."""
    desk = await asyncpg.connect(stage.dsn)
    try:
        there, moved = -1, time.monotonic()
        while there < len(ids) and time.monotonic() < moved + PATIENCE:
            found = await desk.fetchval("SELECT count(*) FROM desk.messages WHERE id = ANY($1::uuid[])", ids)
            if found > there:
                there, moved = found, time.monotonic()
            await asyncio.sleep(0.1)
        effects = dict(*await desk.fetch(_EFFECTS, ids))
    finally:
        await desk.close()
    written, decided = await _on_topics(stage.cluster.bootstrap, since)
    return Figures(
        sent=len(ids),
        lost=len(ids) - effects["rows"],
        twice_on_topic=sum(max(0, decided[one] - written[one]) for one in ids),
        twice_at_desk=max(effects.values()) - effects["rows"],
        longest_wait=longest_wait,
        restarts=restarts,
    )


async def _on_topics(servers: str, since: datetime) -> tuple[Counter[str], Counter[str]]:
    """How often each message came in, and how often it was decided on: a sender may have had to
    send it again."""
    written, decided = Counter[str](), Counter[str]()
    topics: list[Topic[Any]] = [MESSAGES_RECEIVED_LIVE, MESSAGES_RECEIVED, MESSAGES_ROUTED_LIVE, MESSAGES_ROUTED]
    async for record in records(servers, topics, since, _EVER):
        value = msgspec.json.decode(record.value)
        if record.topic in _ROUTED:
            decided[value["message"]["id"]] += 1
        else:
            written[value["id"]] += 1
    return written, decided


async def balanced(stage: Stage) -> None:
    """The operators' own command says that nothing is missing in all that was ever done on this
    stage."""
    desk = await asyncpg.connect(stage.dsn)

    async def told() -> bool:
        return not await desk.fetchval("SELECT count(*) FROM desk.outbox")

    try:
        await until(told, "the desk does not tell what it did")
    finally:
        await desk.close()
    done = await stage.worker.command("reconcile", "--json", "--grace", "0")
    assert done.returncode == 0, done.stdout + done.stderr
    balance = json.loads(done.stdout)
    assert balance["applied"] == balance["routed"] == balance["received"] > 0
