"""What PostgreSQL keeps of service levels."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.bulk import document
from services.desk.service_levels.domain import Calendar, Policy, Situation, Standing, Target
from services.desk.service_levels.models import CALENDARS, POLICIES, VERSIONS
from shared.statements import Part, fetch, write

_FOLLOWED = 0x736C6173
"""Key of the advisory lock that whoever follows tickets shares: ASCII of `slas`."""
_WATCHES = 0x736C6177
"""Of the process that looks at what has become due: ASCII of `slaw`."""
_KNOWN = """
    WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared($2::bigint))
    SELECT clock_timestamp(), (SELECT version FROM desk.sla_versions),
           (SELECT coalesce(json_agg(p ORDER BY place, id), '[]')::text FROM desk.sla_policies AS p),
           (SELECT coalesce(json_agg(c), '[]')::text FROM desk.sla_calendars AS c),
           CASE WHEN EXISTS (SELECT FROM desk.sla_versions) THEN (
               SELECT coalesce(json_agg(json_build_object(
                   'id', t.id, 'team', t.team, 'channel', t.channel, 'tier', c.tier, 'level', t.level,
                   'status', t.status, 'waiting_since', t.waiting_since, 'created_at', t.created_at,
                   'first_reply_at', t.first_reply_at, 'due_at', t.due_at, 'policy', s.policy,
                   'targets', coalesce(s.targets, '[]'), 'kept', s.ticket_id IS NOT NULL,
                   'grouped', t.group_id IS NOT NULL OR EXISTS (SELECT FROM desk.tickets WHERE group_id = t.id)
               )), '[]')
               FROM desk.tickets AS t JOIN desk.customers AS c ON c.id = t.customer_id
               LEFT JOIN desk.sla_standings AS s ON s.ticket_id = t.id WHERE t.id = ANY($1::uuid[])
           ) END::text
    FROM held
"""
_KEEP = """
    INSERT INTO desk.sla_standings (ticket_id, policy, targets, version, next_at)
    SELECT ticket_id, policy, targets, version, next_at
    FROM json_populate_recordset(NULL::desk.sla_standings, {0}::json)
    ON CONFLICT (ticket_id) DO UPDATE SET policy = excluded.policy, targets = excluded.targets,
        version = excluded.version, next_at = excluded.next_at
"""
_STALE = text(
    """
    SELECT CAST(t.id AS text) FROM desk.tickets AS t LEFT JOIN desk.sla_standings AS s ON s.ticket_id = t.id
    WHERE t.status = 'open' AND t.waiting_since IS NOT NULL AND s.version IS DISTINCT FROM :version LIMIT :most
    """
)
_DUE = text(
    "SELECT CAST(ticket_id AS text) FROM desk.sla_standings WHERE next_at <= now() ORDER BY next_at LIMIT :most"
)
_NEXT = text(
    """
    SELECT extract(epoch FROM CASE WHEN EXISTS (SELECT FROM desk.sla_versions WHERE applied <> version)
        THEN interval '0' ELSE (SELECT min(next_at) FROM desk.sla_standings) - now() END)
    """
)
_CHANGED = text(
    "INSERT INTO desk.sla_versions (version) VALUES (1)"
    " ON CONFLICT (one) DO UPDATE SET version = sla_versions.version + 1"
)


class Row(msgspec.Struct, kw_only=True):
    """A ticket, and where it stood before."""

    id: str
    team: str
    channel: str
    tier: str
    level: str
    status: str
    waiting_since: datetime | None
    created_at: datetime
    first_reply_at: datetime | None
    due_at: datetime | None
    policy: str | None
    targets: tuple[Target, ...]
    kept: bool
    grouped: bool

    @property
    def situation(self) -> Situation:
        """What counts of it."""
        return Situation(
            team=self.team,
            channel=self.channel,
            tier=self.tier,
            level=self.level,
            status=self.status,
            waiting_since=self.waiting_since,
            created_at=self.created_at,
            first_reply_at=self.first_reply_at,
        )


@dataclass(frozen=True, slots=True)
class Known:
    """Policies, calendars by id and tickets, as they are now. `version`: of the policies; `now`: by
    the clock of PostgreSQL, which all processes have in common."""

    now: datetime
    version: int
    policies: Sequence[Policy]
    calendars: dict[str, Calendar]
    tickets: Sequence[Row] = ()


async def known(session: AsyncSession, tickets: Collection[str]) -> Known | None:
    """Reads all that decides where these tickets, which are locked, stand; None where nobody has
    written a policy or a calendar yet."""
    (row,) = await fetch(session, _KNOWN, list(tickets), _FOLLOWED)
    now, version, policies, calendars, found = row
    if version is None:
        return None
    return Known(
        now,
        version,
        msgspec.json.decode(policies, type=list[Policy]),
        {each.id: each for each in msgspec.json.decode(calendars, type=list[Calendar])},
        msgspec.json.decode(found, type=list[Row]),
    )


async def keep(session: AsyncSession, version: int, standings: dict[str, Standing]) -> None:
    """Writes where these tickets, which are locked, stand."""
    rows = [
        {
            "ticket_id": ticket,
            "policy": standing.policy,
            "targets": standing.targets,
            "version": version,
            "next_at": standing.next_at,
        }
        for ticket, standing in standings.items()
    ]
    if rows:
        await write(session, Part(_KEEP, (document(rows),)))


async def may_watch(session: AsyncSession) -> bool:
    """Whether no other process looks at what has become due until this transaction ends."""
    return bool(await session.scalar(select(func.pg_try_advisory_xact_lock(_WATCHES))))


async def due(session: AsyncSession, most: int) -> list[str]:
    """Lists tickets of which something has become true by now, the longest ago first."""
    return list(await session.scalars(_DUE, {"most": most}))


async def seconds_left(session: AsyncSession) -> float | None:
    """Returns the seconds until something becomes true: 0 or less where it has, None where nothing
    will."""
    found = await session.scalar(_NEXT)
    return None if found is None else float(found)


async def stale(session: AsyncSession, most: int) -> list[str]:
    """Lists tickets that wait and were looked at by policies of before."""
    row = (await session.execute(select(VERSIONS))).one_or_none()
    if row is None or row.applied == row.version:
        return []
    return list(await session.scalars(_STALE, {"version": row.version, "most": most}))


async def settle(session: AsyncSession) -> None:
    """Keeps that all tickets that wait were looked at by the newest policies, once they were. In a
    transaction of its own: it waits for whoever follows tickets, who waits for locks of them."""
    row = (await session.execute(select(VERSIONS))).one_or_none()
    if row is None or row.applied == row.version:
        return
    await session.execute(select(func.pg_advisory_xact_lock(_FOLLOWED)))
    if not (await session.scalars(_STALE, {"version": row.version, "most": 1})).all():
        newer = VERSIONS.update().where(VERSIONS.c.applied < row.version)
        await session.execute(newer.values(applied=row.version))


async def changed(session: AsyncSession) -> None:
    """Has all tickets that wait looked at anew."""
    await session.execute(_CHANGED)


def policy_of(row: Any) -> Policy:
    """Converts a row into a policy."""
    return msgspec.convert({name: getattr(row, name) for name in Policy.__struct_fields__}, Policy)


def calendar_of(row: Any) -> Calendar:
    """Converts a row into a calendar."""
    return msgspec.convert({name: getattr(row, name) for name in Calendar.__struct_fields__}, Calendar)


async def policies(session: AsyncSession) -> list[Policy]:
    """Lists all policies in their order."""
    rows = await session.execute(select(POLICIES).order_by(POLICIES.c.place, POLICIES.c.id))
    return [policy_of(row) for row in rows]


async def calendars(session: AsyncSession) -> list[Any]:
    """Lists the rows of all calendars by name."""
    return list(await session.execute(select(CALENDARS).order_by(func.lower(CALENDARS.c.name), CALENDARS.c.id)))
