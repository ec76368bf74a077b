"""What an older release left on its way leaves once, after the tables have their new shape."""

from __future__ import annotations

import asyncio

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from services.email.models import SCHEMA
from shared import db
from shared.bus.memory import MemoryBus
from shared.clock import utc_now
from shared.db import Database
from shared.events.codec import encode
from shared.storage import Storage
from tests.integration.test_email_delivering import MIGRATIONS, RelayServer, Stage, answer
from tests.waiting import until

OLDER = (
    "INSERT INTO email.deliveries (outbound_id, ticket_id, recipient, state, request, requested_at, holder, attempts, message_id, detail)"
    " VALUES (:id, :ticket, :to, :state, :request, :at, :holder, :attempts, :message, '')"
)


@pytest.mark.parametrize("state", ["waiting", "sending", "sent", "failed", "uncertain"])
async def test_a_row_of_before_the_shared_ledger_goes_on_where_it_was(
    database: str, storage_url: str, state: str
) -> None:
    config = Config()
    config.set_main_option("script_location", str(db._MIGRATIONS))
    config.set_main_option("version_locations", str(MIGRATIONS / "versions"))
    config.set_main_option("path_separator", "newline")
    config.attributes["dsn"], config.attributes["schema"] = database, SCHEMA
    await asyncio.to_thread(command.upgrade, config, "email_0002")
    request, later = answer(subject="older"), answer(subject="newer")
    ledger, relay = Database(database, SCHEMA), RelayServer()
    async with ledger.transaction() as session:
        values = {"id": request.id, "ticket": request.ticket_id, "to": request.to, "state": state, "at": utc_now()}
        left = {"holder": 77, "attempts": 1, "message": "<m@x>"} if state != "waiting" else {"holder": 0, "attempts": 0}
        await session.execute(text(OLDER), {"message": "", **values, **left, "request": encode(request)})
    await asyncio.to_thread(db.migrate, database, SCHEMA, MIGRATIONS)
    await relay.start()
    stage = Stage(ledger, storage_url, Storage(storage_url), MemoryBus(), relay)
    stage.start()
    await stage.ask(request, later)
    ours = {"waiting": {request.id: "sent"}, "sending": {request.id: "uncertain"}}.get(state, {})
    await until(lambda: len(stage.reports()) == len(ours) + 1)
    assert {report.outbound_id: report.state for report in stage.reports()} == {**ours, later.id: "sent"}
    assert set(relay.subjects()) == {"Re: newer", *(["Re: older"] if state == "waiting" else [])}
    await stage.stop()
    await ledger.dispose()
    assert relay.server
    relay.server.close()
