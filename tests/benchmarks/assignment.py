"""Assignment: a whole backlog given in one go beside one plain statement that does the same without
skills, and one new conversation given beside one transaction of the desk.

A desk without Kafka on a PostgreSQL of its own; each round of the backlog on a fresh copy of the
same database.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import asyncpg

from deploy.local.postgres import Postgres
from services.desk.assignment import pushing, service
from services.desk.context import Desk
from services.desk.intake.messages import apply
from shared.clock import utc_now
from tests.benchmarks.builds import ROUNDS
from tests.integration.desk_parts import EMAIL, acting, desk_on, migrate, with_channels
from tests.unit.desk.examples import routed

TICKETS, AGENTS, TEAMS, CAPACITY = 10_000, 500, 5, 30
ONE_BY_ONE = 200
_LANGUAGES, _SKILLS = ("en", "fr", "ko"), ("billing", "technical", "shipping", "returns")
_SUE = acting("sue@desk.example", "supervisor")

PLAIN = """
    UPDATE desk.tickets AS ticket
    SET assignee_id = agent.id, given_at = now()
    FROM (
        SELECT id, team, row_number() OVER (PARTITION BY team ORDER BY rank, queue_at, id) - 1 AS place
        FROM desk.tickets WHERE status = 'open' AND waiting_since IS NOT NULL AND assignee_id IS NULL
    ) AS waits
    JOIN (SELECT team, count(*) AS members FROM desk.team_members GROUP BY team) AS size USING (team)
    JOIN (
        SELECT agents.id, team, row_number() OVER (PARTITION BY team ORDER BY assigned_at NULLS FIRST, agents.id) - 1 AS place
        FROM desk.agents JOIN desk.team_members ON agent_id = agents.id WHERE active AND presence = 'ready'
    ) AS agent ON agent.team = waits.team AND agent.place = waits.place % size.members
    WHERE ticket.id = waits.id
"""
"""Goes round each team's members in order of priority, then age. It writes the tickets alone: no
entry in a timeline, no event, no reason, nothing that could be replayed."""


async def fill(dsn: str, storage: str) -> None:
    """Agents who accept mail, in teams that are given it, and customers who wait."""
    await migrate(dsn)
    database = await asyncpg.connect(dsn)
    await database.executemany(
        "INSERT INTO desk.teams (name, delivery) VALUES ($1, 'push')", [(f"team{number}",) for number in range(TEAMS)]
    )
    await database.execute(
        """INSERT INTO desk.agents (id, email, name, role, password_hash, presence, presence_since, skills, languages, capacity)
           SELECT gen_random_uuid(), 'agent' || n || '@desk.example', 'Agent ' || n, 'agent', '-', 'ready', now() - interval '1 h',
                  CASE WHEN n % 4 = 0 THEN '{}' ELSE $2::text[] END, CASE WHEN n % 3 = 0 THEN '{en,fr}' ELSE '{}'::text[] END,
                  jsonb_build_object('mail', $3::int)
           FROM generate_series(1, $1::int) AS n""",
        AGENTS, list(_SKILLS), CAPACITY,
    )  # fmt: skip
    await database.execute(
        f"""INSERT INTO desk.team_members (team, agent_id)
            SELECT 'team' || row_number() OVER (ORDER BY email) % {TEAMS}, id FROM desk.agents"""
    )
    async with running(dsn, storage) as desk:
        for first in range(0, TICKETS, 500):
            await apply(desk, [_wrote(number) for number in range(first, first + 500)])
    await database.execute(
        "UPDATE desk.tickets SET skills = ARRAY[($1::text[])[1 + abs(hashtext(id::text)) % 4]] WHERE abs(hashtext(id::text)) % 3 = 0",
        list(_SKILLS),
    )  # fmt: skip
    await database.execute("VACUUM ANALYZE")
    await database.close()


def _wrote(number: int) -> object:
    return routed(
        f"<{number}@example.org>",
        thread=f"email:<{number}@example.org>",
        sender=f"email:c{number}@example.org",
        team=f"team{number % TEAMS}",
        language=_LANGUAGES[number % 3],
        received_at=utc_now() - timedelta(minutes=5 + number % 600),
    )


@asynccontextmanager
async def running(dsn: str, storage: str) -> AsyncIterator[Desk]:
    async with desk_on(dsn, storage) as desk:
        yield with_channels(desk, EMAIL)


async def in_one_go(server: Postgres, filled: str, storage: str) -> tuple[float, float]:
    """Seconds of this desk and of the plain statement, each on its own copy."""
    seconds = []
    for name, ours in (("ours", True), ("plain", False)):
        dsn = await _copy(server.dsn, filled, name)
        database = await asyncpg.connect(dsn)
        if ours:
            async with running(dsn, storage) as desk:
                await service.teams(desk)  # its pool is open
                began = time.perf_counter()
                await pushing.serve(desk)
                seconds.append(time.perf_counter() - began)
        else:
            began = time.perf_counter()
            await database.execute(PLAIN)
            seconds.append(time.perf_counter() - began)
        given = await database.fetchval("SELECT count(*) FROM desk.tickets WHERE assignee_id IS NOT NULL")
        assert given == TICKETS, f"{name} gave {given}"
        await database.close()
    return seconds[0], seconds[1]


async def one_by_one(server: Postgres, filled: str, storage: str) -> tuple[list[float], list[float]]:
    """Milliseconds from a new conversation's commit to the commit that gives it, and of a
    transaction by which somebody is given one by hand, in turn; all others are given already."""
    dsn = await _copy(server.dsn, filled, "single")
    given, by_hand = [], []
    async with running(dsn, storage) as desk:
        await pushing.serve(desk)
        database = await asyncpg.connect(dsn)
        await database.execute("VACUUM ANALYZE")
        await database.execute("UPDATE desk.assignments SET at = at - interval '10 min'")
        for number in range(TICKETS, TICKETS + ONE_BY_ONE):
            message = _wrote(number)
            await apply(desk, [message])
            own = message.decision.ticket_id
            began = time.perf_counter()
            await pushing.serve(desk)
            given.append((time.perf_counter() - began) * 1e3)
            assert await database.fetchval("SELECT assignee_id FROM desk.tickets WHERE id = $1", own)
            began = time.perf_counter()
            await service.assign(desk, own, actor=_SUE, assignee=f"agent{1 + number % AGENTS}@desk.example")
            by_hand.append((time.perf_counter() - began) * 1e3)
        await database.close()
    return given, by_hand


async def _copy(dsn: str, filled: str, name: str) -> str:
    admin = await asyncpg.connect(dsn)
    await admin.execute(f'DROP DATABASE IF EXISTS "{name}"')
    await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{filled}"')
    await admin.close()
    return f"{dsn.rpartition('/')[0]}/{name}"


def table() -> str:
    """As Markdown."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        home.chmod(0o755)
        with Postgres(home / "postgres") as server:
            return asyncio.run(_measured(server, f"file://{home}/storage"))


async def _measured(server: Postgres, storage: str) -> str:
    admin = await asyncpg.connect(server.dsn)
    await admin.execute('CREATE DATABASE "filled"')
    await admin.close()
    await fill(f"{server.dsn.rpartition('/')[0]}/filled", storage)
    whole = [await in_one_go(server, "filled", storage) for _ in range(ROUNDS)]
    single = [await one_by_one(server, "filled", storage) for _ in range(ROUNDS)]
    rows = [
        ("a backlog in one go, s", *_pair([ours for ours, _ in whole], [plain for _, plain in whole], 2)),
        ("one new conversation to one transaction, p50 ms", *_pair(*_at(single, 0.5), 1)),
        ("the same, p95 ms", *_pair(*_at(single, 0.95), 1)),
    ]
    lines = ["| | this desk | beside | ratio |", "|---|---|---|---|"]
    lines += [f"| {name} | {ours} | {theirs} | {ratio} |" for name, ours, theirs, ratio in rows]
    return "\n".join(
        [
            (
                f"{TICKETS:,} waiting mails of {TEAMS} teams and {AGENTS} agents who accept mail, with skills and languages, given in one pass of the desk; "
                "beside it one `UPDATE … FROM` by window functions, which goes round each team without skills, languages, capacity, timeline or events. "
                f"Then {ONE_BY_ONE} new mails one after the other, while all agents have {TICKETS // AGENTS} each; beside it the transaction by which "
                f"somebody is given one by hand. {ROUNDS} rounds in turn: median (least to greatest)."
            ),
            "",
            *lines,
        ]
    )


def _at(rounds: list[tuple[list[float], list[float]]], share: float) -> tuple[list[float], list[float]]:
    found = [[sorted(values)[int(len(values) * share)] for values in pair] for pair in rounds]
    return [ours for ours, _ in found], [theirs for _, theirs in found]


def _pair(ours: list[float], theirs: list[float], digits: int) -> tuple[str, str, str]:
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    return _told(ours, digits), _told(theirs, digits), _told(ratios, 2)


def _told(values: list[float], digits: int) -> str:
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


if __name__ == "__main__":
    print(table())
