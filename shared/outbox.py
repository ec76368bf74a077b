"""The outbox: what a transaction wants published is a row of that transaction, and is published
after the commit.

Without it a crash between commit and publish loses the event, and a publish before a rolled-back
commit tells a lie.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy import BigInteger, Column, Identity, LargeBinary, MetaData, Table, Text, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shared.bus.api import Bus, Encoded, encoded
from shared.db import Database
from shared.errors import Unavailable
from shared.events.base import Event
from shared.loops import forever
from shared.metrics import METRICS
from shared.statements import Part, fetch, write
from shared.topics import Topic

E = TypeVar("E", bound=Event)
_BATCH = 500
_COUNT_TO = 100_000
"""A backlog is counted up to here: beyond, the number changes nothing that anybody does."""
_POLL = 5.0
"""Seconds: how late a row is published that a command added, or a process that then died."""
_AGAIN = 0.1
"""Seconds after which we look again where another process relays: it may not have seen what we have
just committed."""

_TAKEN = """
    WITH lock AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(hashtext($1)) AS ours),
         taken AS (
             DELETE FROM {table} WHERE id = ANY(
                 ARRAY(SELECT id FROM {table} WHERE (SELECT ours FROM lock) ORDER BY id LIMIT $2)
             ) RETURNING id, topic, key, value, kind, event_id
         )
    SELECT lock.ours, taken.* FROM lock LEFT JOIN taken ON true ORDER BY taken.id
"""
"""Takes the oldest rows away, where no other process does; should publishing them fail, they were
never away."""


def outbox_table(metadata: MetaData) -> Table:
    """Returns the outbox table, which a service's own migration creates."""
    return Table(
        "outbox",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("topic", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("value", LargeBinary, nullable=False),
        Column("kind", Text, nullable=False),
        Column("event_id", Text, nullable=False),
    )


def adding(table: Table, items: Sequence[tuple[Topic[Any], str, Event]]) -> Part:
    """Adds rows to a service's outbox, in this order."""
    rows = [encoded(*item) for item in items]
    if not rows:
        return Part()
    statement = (
        f"INSERT INTO {table.fullname} (topic, key, value, kind, event_id)"  # noqa: S608 - our own table
        " SELECT * FROM unnest({0}::text[], {1}::text[], {2}::bytea[], {3}::text[], {4}::text[])"
    )
    columns = zip(*((row.topic, row.key, row.value, row.kind, row.id) for row in rows), strict=True)
    return Part(statement, tuple(map(list, columns)))


async def put(session: AsyncSession, table: Table, items: Sequence[tuple[Topic[Any], str, Event]]) -> None:
    """Adds rows to a service's outbox from a command of that service; its running process
    publishes them within seconds."""
    await write(session, adding(table, items))


class Outbox:
    """Add rows within a transaction; one relay per service publishes them in order."""

    def __init__(self, table: Table, database: Database, bus: Bus) -> None:
        self._table, self._database, self._bus = table, database, bus
        self._wake = asyncio.Event()
        self._taken = _TAKEN.format(table=table.fullname)
        self._followers: list[asyncio.Event] = []

    async def add(self, session: AsyncSession, topic: Topic[E], key: str, event: E) -> None:
        """Adds an event to be published once this transaction has committed. Call `wake` after
        the commit."""
        await self.add_all(session, [(topic, key, event)])

    async def add_all(self, session: AsyncSession, items: Sequence[tuple[Topic[Any], str, Event]]) -> None:
        """Adds many events at once, as `add` does for one."""
        await put(session, self._table, items)

    def adding(self, items: Sequence[tuple[Topic[Any], str, Event]]) -> Part:
        """Does as `add_all`, as a part of a statement that the caller runs."""
        return adding(self._table, items)

    def wake(self) -> None:
        """Wakes the relay, so that something new does not wait for the next poll."""
        for event in (self._wake, *self._followers):
            event.set()

    def woken(self) -> asyncio.Event:
        """Returns an event of the caller's own, set by each `wake`: what was committed may mean
        work for others too."""
        self._followers.append(event := asyncio.Event())
        return event

    async def run(self, stop: asyncio.Event) -> None:
        """Publishes until `stop` is set. Where several processes run, one relays at a time."""
        # A process that starts while Kafka is away must grow old too, or nobody would hear of it.
        METRICS.outbox_emptied.labels(service=self._database.schema).set_to_current_time()
        await forever("outbox", self._round, stop, wake=self._wake)

    async def _round(self) -> float:
        try:
            return await self._relay()
        except Unavailable:
            await self._tell_waiting()
            raise

    async def _relay(self) -> float:
        """Returns the seconds until there may be more."""
        async with self._database.transaction() as session:
            found = await fetch(session, self._taken, f"outbox:{self._database.schema}", _BATCH)
            if not found[0]["ours"]:
                return _AGAIN  # another process relays, and tells of it
            rows = [
                Encoded(row["topic"], row["key"], row["value"], row["kind"], row["event_id"])
                for row in found
                if row["id"]
            ]
            if rows:
                await self._bus.publish_encoded(rows)
        if len(rows) == _BATCH:
            await self._tell_waiting()
            return 0.0
        METRICS.outbox_waiting.labels(service=self._database.schema).set(0)
        METRICS.outbox_emptied.labels(service=self._database.schema).set_to_current_time()
        return _POLL

    async def _tell_waiting(self) -> None:
        some = select(self._table.c.id).limit(_COUNT_TO).subquery()
        with suppress(Unavailable):  # where PostgreSQL is away, health tells it
            async with self._database.transaction() as session:
                waiting = await session.scalar(select(func.count()).select_from(some))
            METRICS.outbox_waiting.labels(service=self._database.schema).set(waiting or 0)
