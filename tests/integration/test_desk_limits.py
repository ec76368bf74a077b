"""Whatever one reader asks of the desk, all others go on working: bounds of number and time, on a
real PostgreSQL and real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import text

from services.desk.actors import COMMAND
from services.desk.context import Desk
from services.desk.intake.messages import apply
from services.desk.people import service as people
from shared.db import Database
from shared.errors import Rejected
from shared.health import Health
from tests.integration.desk_parts import app_of, desk_on, migrate, scalar, with_channels
from tests.unit.desk.examples import routed
from tests.waiting import until

SLEEPING = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3600)%' AND state = 'active' AND pid <> pg_backend_pid()"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


@dataclass
class Stage:
    desk: Desk
    app: FastAPI
    client: httpx.AsyncClient

    async def sleeping(self) -> int:
        return await scalar(self.desk, SLEEPING)


@asynccontextmanager
async def served(app: FastAPI, token: str) -> AsyncIterator[httpx.AsyncClient]:
    """By a real server: only there can a reader hang up."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
    running = asyncio.ensure_future(server._serve())
    await until(lambda: server.started, "the server listens")
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client:
            yield client
    finally:
        server.should_exit = server.force_exit = True
        await running


@pytest.fixture
async def stage(database: str, storage_url: str) -> AsyncIterator[Stage]:
    await migrate(database)
    async with desk_on(database, storage_url) as made:
        desk = with_channels(made)
        app = app_of(desk)
        pools = {"api": desk.pools.api, "page": desk.pools.pages}

        @app.get("/endless/{kind}")
        async def endless(kind: str) -> None:
            async with pools[kind].transaction() as session:
                await session.execute(text("SET LOCAL statement_timeout = 0"))
                await session.execute(text("SELECT pg_sleep(3600)"))

        async with served(
            app, await people.create_token(made.database, name="test", scopes=("write",), actor=COMMAND)
        ) as client:
            yield Stage(desk, app, client)


async def test_a_statement_ends_when_its_reader_has_hung_up(stage: Stage) -> None:
    asked = asyncio.ensure_future(stage.client.get("/endless/api"))
    await until(stage.sleeping, "the statement runs")
    asked.cancel()
    await until(lambda: _none(stage), "the statement has ended")
    assert (await stage.client.get("/api/v1/tickets")).status_code == 200, "its connection can be used again"


async def _none(stage: Stage) -> bool:
    return await stage.sleeping() == 0


async def test_eight_searches_that_never_end_leave_the_desk_to_everybody_else(stage: Stage) -> None:
    async with stage.desk.database.transaction() as session:
        await session.execute(text("LOCK TABLE desk.search_progress"))  # which searches read, and nobody else
        await _eight_searches(stage)
    found = await stage.client.get("/api/v1/tickets", params={"q": "invoice"})
    assert len(found.json()["items"]) == 1, "and the next search is answered"


async def _eight_searches(stage: Stage) -> None:
    search = {"q": "the", "order": "newest"}
    asked = [asyncio.ensure_future(stage.client.get("/api/v1/tickets", params=search)) for _ in range(8)]
    await until(lambda: scalar(stage.desk, WAITING), "as many run as may at once")
    assert await apply(stage.desk, [routed()]) == 1, "mail is applied"
    assert len((await stage.client.get("/api/v1/tickets")).json()["items"]) == 1, "lists are shown"
    health, stop = Health(), asyncio.Event()
    health.expect("postgres")
    checking = asyncio.ensure_future(stage.desk.database.keep_checking(health, stop))
    await until(lambda: health.ready, "health is right")
    refused = await stage.client.get("/api/v1/tickets", params=search)
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2] in ("busy", "too-slow")) == (503, True)
    assert refused.headers["retry-after"]
    for each in asked:
        each.cancel()
    await until(lambda: _nobody_waits(stage), "the abandoned ones have ended")
    stop.set()
    await checking


async def _nobody_waits(stage: Stage) -> bool:
    return await scalar(stage.desk, WAITING) == 0


async def test_health_is_right_while_every_connection_for_work_is_taken(database: str) -> None:
    db = Database(database, "public", pool_size=1)
    health, stop = Health(), asyncio.Event()
    health.expect("postgres")
    async with db.transaction() as session:
        await session.execute(text("SELECT 1"))
        checking = asyncio.ensure_future(db.keep_checking(health, stop))
        await until(lambda: health.ready, "health is right")
    stop.set()
    await checking
    await db.dispose()


async def test_a_request_that_takes_too_long_is_stopped_and_says_so(stage: Stage) -> None:
    impatient = Database(stage.desk.database.dsn, "desk", pool_size=1, seconds=0.2)
    with pytest.raises(Rejected, match=r"longer than 0\.2 seconds") as stopped:
        async with impatient.transaction() as session:
            await session.execute(text("SELECT pg_sleep(3600)"))
    assert (stopped.value.status, stopped.value.code) == (503, "too-slow")
    async with impatient.transaction() as session:
        await session.execute(text("SELECT 1"))
        with pytest.raises(Rejected) as busy:
            async with impatient.transaction() as other:
                await other.execute(text("SELECT 1"))
    assert busy.value.code == "busy"
    await impatient.dispose()


async def test_what_changes_something_goes_on_when_its_sender_has_hung_up(stage: Stage) -> None:
    await apply(stage.desk, [routed()])
    (row,) = (await stage.client.get("/api/v1/tickets")).json()["items"]
    async with stage.desk.database.transaction() as session:
        await session.execute(text("SELECT 1 FROM desk.tickets FOR UPDATE"))
        sent = asyncio.ensure_future(
            stage.client.post(f"/api/v1/tickets/{row['id']}/notes", json={"text": "Call her on Monday"})
        )
        await until(lambda: scalar(stage.desk, WAITING), "it waits for the ticket")
        sent.cancel()
    notes = "SELECT count(*) FROM desk.messages WHERE direction = 'note'"
    await until(lambda: scalar(stage.desk, notes), "the note is kept")


async def test_pages_and_programs_wait_for_their_own_only(stage: Stage) -> None:
    pages = [asyncio.ensure_future(stage.client.get("/endless/page")) for _ in range(6)]
    await until(lambda: _all_taken(stage, 6), "every connection for pages is taken")
    assert (await stage.client.get("/api/v1/tickets")).status_code == 200
    for each in pages:
        each.cancel()


async def _all_taken(stage: Stage, count: int) -> bool:
    return await stage.sleeping() == count
