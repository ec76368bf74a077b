"""The numbers that operators watch are true: what waits, for how long, and how far a consumer is
behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace as replaced
from prometheus_client import REGISTRY
from sqlalchemy import text

from deploy.local.postgres import Postgres
from services.desk import metrics
from services.desk.intake import messages
from services.desk.tickets import service as tickets
from shared.bus import Record
from shared.bus import kafka as kafka_bus
from shared.bus.kafka import KafkaBus, create_topics
from shared.bus.memory import MemoryBus
from shared.clock import utc_now
from shared.db import Database
from shared.errors import Unavailable
from shared.events import DeskEvent
from shared.kernel import Level
from shared.metrics import METRICS
from shared.outbox import Outbox
from shared.topics import TICKETS_CHANGED
from tests.conftest import engine_folder
from tests.integration.desk_parts import acting, desk_on, migrate, with_channels
from tests.integration.test_outbox import TABLE, TABLES, event
from tests.unit.desk.examples import routed


def number(name: str, **labels: str) -> float:
    """A metric of this process; 0 where it was never told."""
    return REGISTRY.get_sample_value(f"switchboard_{name}", labels) or 0.0


async def until(name: str, wanted: float, **labels: str) -> None:
    async with asyncio.timeout(30):
        while number(name, **labels) != wanted:
            await asyncio.sleep(0.02)


@pytest.fixture
async def bus(kafka: str) -> AsyncIterator[KafkaBus]:
    bus = KafkaBus(kafka, "watch")
    await bus.start()
    yield bus
    await bus.stop()


async def test_a_consumer_that_is_stuck_tells_how_much_waits_and_one_that_is_done_tells_nothing(
    bus: KafkaBus, kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_bus, "LAG_EVERY", 0.5)
    topic = replace(TICKETS_CHANGED, name=f"watch-{uuid4().hex}")
    await create_topics(kafka, [topic])
    labels = {"group": f"watch-{uuid4().hex}", "topic": topic.name}
    free, stop = asyncio.Event(), asyncio.Event()

    async def handle(records: Sequence[Record[DeskEvent]]) -> None:
        await free.wait()

    await bus.publish_all([(topic, str(n), event(n)) for n in range(10)])
    consumer = asyncio.create_task(bus.consumer([topic], labels["group"], handle, max_records=3).run(stop))
    await until("records_behind", 10, **labels)
    await bus.publish_all([(topic, str(n), event(n)) for n in range(7)])  # while it hangs it fetches nothing
    await until("records_behind", 17, **labels)
    free.set()
    await until("records_behind", 0, **labels)
    stop.set()
    await consumer


async def test_what_an_outbox_cannot_publish_is_counted_and_its_last_good_moment_stays(database: str) -> None:
    db = Database(database, "stage")
    async with db.engine.begin() as connection:
        await connection.execute(text("CREATE SCHEMA stage"))
        await connection.run_sync(TABLES.create_all)
    bus, stop = MemoryBus(down=True), asyncio.Event()
    outbox = Outbox(TABLE, db, bus)
    async with db.transaction() as session:
        await outbox.add_all(session, [(TICKETS_CHANGED, "t", event(n)) for n in range(700)])
    relay = asyncio.create_task(outbox.run(stop))
    await until("outbox_waiting", 700, service="stage")
    before = number("outbox_emptied_timestamp_seconds", service="stage")
    assert 0 < before < time.time()
    bus.down = False
    await until("outbox_waiting", 0, service="stage")
    assert number("outbox_emptied_timestamp_seconds", service="stage") > before
    stop.set()
    await relay
    await db.dispose()


async def test_customers_who_wait_are_counted_by_channel_and_level_until_they_have_their_reply(
    database: str, storage_url: str
) -> None:
    await migrate(database)
    hour = timedelta(hours=1)
    now = utc_now()

    def mail(name: str, level: Level, waited: timedelta, reply_within: timedelta | None, channel: str = "email") -> Any:
        one = routed(
            f"<{name}@example.org>",
            sender=f"email:{name}@example.org",
            thread=f"{channel}:<{name}>",
            level=level,
            channel=channel,
            received_at=now - waited,
        )
        within = int(reply_within.total_seconds()) if reply_within else 0
        return replaced(one, decision=replaced(one.decision, reply_within=within))

    batch = [
        mail("late", Level.HIGH, 3 * hour, 2 * hour),
        mail("soon", Level.HIGH, 2 * hour - timedelta(minutes=10), 2 * hour),
        mail("early", Level.NORMAL, hour, 8 * hour),
        mail("chat", Level.NORMAL, timedelta(minutes=1), None, "chat"),
    ]
    async with desk_on(database, storage_url) as plain:
        desk = with_channels(plain)
        repeated = number("messages_repeated_total", channel="email")
        for _ in range(2):  # the second time they come again, as after a crash
            await messages.apply(desk, batch)
        assert number("messages_repeated_total", channel="email") == repeated + 3
        await metrics.sample(desk)
        assert number("tickets_waiting", channel="email", level="high") == 2
        assert number("tickets_waiting", channel="email", level="normal") == 1
        assert number("tickets_waiting", channel="chat", level="normal") == 1
        assert number("tickets_overdue", level="high") == 1
        assert number("tickets_due_soon", level="high") == 1
        assert number("tickets_overdue", level="normal") == number("tickets_due_soon", level="normal") == 0
        assert number("tickets_oldest_waiting_seconds", level="high") == pytest.approx(3 * 3600, abs=60)
        assert number("tickets_oldest_waiting_seconds", level="urgent") == 0
        assert 0 < number("storage_free_ratio", service="desk") <= 1

        replies = number("first_reply_seconds_count", channel="email", level="high")
        waited = number("first_reply_seconds_sum", channel="email", level="high")
        for _ in range(2):  # only the first one is the first
            await tickets.reply(
                desk, batch[0].decision.ticket_id, tickets.Draft(text="We are on it."), actor=acting("ann@example.org")
            )
        assert number("first_reply_seconds_count", channel="email", level="high") == replies + 1
        assert number("first_reply_seconds_sum", channel="email", level="high") - waited == pytest.approx(
            10_800, abs=60
        )
        await metrics.sample(desk)
        assert number("tickets_waiting", channel="email", level="high") == 1
        assert number("tickets_overdue", level="high") == 0


async def test_while_the_database_is_away_the_last_numbers_stay_and_tell_their_age(
    storage_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "EVERY", 0.05)
    with engine_folder() as folder:
        server = Postgres(folder)
        await asyncio.to_thread(server.start)
        try:
            await migrate(server.dsn)
            async with desk_on(server.dsn, storage_url) as desk:
                stop = asyncio.Event()
                await messages.apply(desk, [routed(level=Level.LOW)])
                counting = asyncio.create_task(metrics.run(desk, stop))
                await until("tickets_waiting", 1, channel="email", level="low")
                await asyncio.to_thread(server.kill)
                with pytest.raises(Unavailable):
                    await metrics.sample(desk)
                at = number("sampled_timestamp_seconds", service="desk")
                await asyncio.to_thread(server.start)
                async with asyncio.timeout(30):
                    while number("sampled_timestamp_seconds", service="desk") <= at:
                        await asyncio.sleep(0.02)
                assert number("tickets_waiting", channel="email", level="low") == 1
                assert not counting.done()
                stop.set()
                await counting
        finally:
            await asyncio.to_thread(server.stop)


def test_a_channel_counts_from_zero_so_that_its_first_message_is_seen_as_one() -> None:
    channel = f"watch-{uuid4().hex}"
    METRICS.announced(channel, enabled=True)
    labels = {"channel": channel, "live": "false"}
    assert REGISTRY.get_sample_value("switchboard_messages_received_total", labels) == 0
    assert REGISTRY.get_sample_value("switchboard_deliveries_total", {"channel": channel, "state": "failed"}) == 0
    before = time.time()
    METRICS.took_in(channel, count=2)
    assert REGISTRY.get_sample_value("switchboard_messages_received_total", labels) == 2
    assert number("channel_last_received_timestamp_seconds", channel=channel) >= before
    METRICS.announced(channel, enabled=False)
    assert REGISTRY.get_sample_value("switchboard_channel_enabled", {"channel": channel}) == 0
