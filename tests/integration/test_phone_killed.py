"""The phone service as its own process on a real Kafka and PostgreSQL, killed in the middle:
nothing is lost or said twice."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path

import httpx

from services.phone.channel import CHANNELS
from shared.bus import Record
from shared.bus.kafka import KafkaBus, create_topics
from shared.clock import utc_now
from shared.events import CallAction, CallChanged, CallRequested, DeliveryReport, InboundMessage, OutboundMessage
from shared.events.base import Event
from shared.kernel import ContactPoint
from shared.topics import (
    CALLS_CHANGED,
    CALLS_REQUESTED,
    DELIVERIES_REPORTED,
    MESSAGES_RECEIVED,
    MESSAGES_RECEIVED_LIVE,
    all_topics,
    deliveries_requested,
)
from tests.integration.phone_house import free_port
from tests.providers.twilio import Twilio
from tests.providers.twilio_calls import Person
from tests.waiting import until

ROOT = Path(__file__).parents[2]


@contextmanager
def process(environment: dict[str, str], *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    running = subprocess.Popen(
        [sys.executable, "-m", "services", "phone", *arguments], cwd=ROOT, env=os.environ | environment
    )
    try:
        yield running
    finally:
        if running.poll() is None:
            running.send_signal(signal.SIGTERM)
            try:
                running.wait(10)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait(10)


@asynccontextmanager
async def listening(kafka: str, heard: list[Event]) -> AsyncIterator[KafkaBus]:
    """Everything that the service publishes."""
    bus, stop = KafkaBus(kafka, "listener"), asyncio.Event()
    await bus.start()

    async def take(records: list[Record[Event]]) -> None:
        heard.extend(record.event for record in records)

    topics = [MESSAGES_RECEIVED, MESSAGES_RECEIVED_LIVE, DELIVERIES_REPORTED, CALLS_CHANGED]
    task = asyncio.ensure_future(bus.consumer(topics, f"listener-{free_port()}", take).run(stop))  # type: ignore[arg-type]
    try:
        yield bus
    finally:
        stop.set()
        await task
        await bus.stop()


async def ready(port: int) -> None:
    async with httpx.AsyncClient() as http:
        for _ in range(600):
            try:
                if (await http.get(f"http://127.0.0.1:{port}/health/ready")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)
    raise AssertionError("the service did not become ready")


async def test_killed_in_the_middle_nothing_is_lost_or_said_twice(kafka: str, database: str, tmp_path: Path) -> None:
    port, twilio, heard = free_port(), Twilio(), []  # type: ignore[var-annotated]
    await create_topics(kafka, all_topics([channel.name for channel in CHANNELS]))
    async with twilio.running(free_port()), listening(kafka, heard) as bus:
        twilio.webhooks = f"http://127.0.0.1:{port}"
        environment = {
            "SWITCHBOARD_KAFKA": kafka,
            "SWITCHBOARD_SECRET": "s" * 40,
            "SWITCHBOARD_STORAGE": f"file://{tmp_path}/storage",
            "PHONE_DATABASE": database,
            "PHONE_PORT": str(port),
            **twilio.settings,
            "PHONE_WAIT_LIMIT": "100000",
        }
        with process(environment, "migrate") as migrating:
            assert await asyncio.to_thread(migrating.wait, 60) == 0
        margaret = Person(talks=100_000)
        twilio.people["+33199001201"] = Person(keys=lambda heard: "1" if "1" in heard else "", talks=100_000)

        async def answers(first: int, last: int) -> None:
            for number in range(first, last):
                message = OutboundMessage(
                    id=f"o{number}",
                    ticket_id=f"t{number}",
                    channel="sms",
                    to=ContactPoint(f"tel:+3361234{number:04d}"),
                    text=f"answer {number}",
                    requested_at=utc_now(),
                )
                await bus.publish(deliveries_requested("sms"), f"t{number}", message)

        def changes() -> list[CallChanged]:
            return [event for event in heard if isinstance(event, CallChanged)]

        with process(environment) as first:
            await ready(port)
            call = twilio.call("+33612345678", margaret)
            await until(lambda: any(c.state == "queued" for c in changes()), "the caller to wait")
            texts = [asyncio.ensure_future(twilio.text(f"+3361235{n:04d}", f"question {n}")) for n in range(40)]
            await answers(0, 40)
            await until(lambda: len(twilio.messages) > 50, "some to be under way")
            first.kill()
            await asyncio.to_thread(first.wait, 10)
        await answers(40, 50)
        with process(environment):
            await ready(port)
            request = CallRequested(
                id="r1",
                action=CallAction.CONNECT,
                call_id=call.sid,
                requested_at=utc_now(),
                expires_at=utc_now() + timedelta(minutes=2),
                agent="mina@example.org",
                agent_at=ContactPoint("tel:+33199001201"),
            )
            await bus.publish(CALLS_REQUESTED, call.sid, request)
            await until(lambda: any(c.state == "connected" for c in changes()), "the caller to be connected", 90)
            assert set(await asyncio.gather(*texts)) == {200}

            def delivered() -> bool:
                done = {e.outbound_id for e in heard if isinstance(e, DeliveryReport) and e.state == "delivered"}
                return done >= {f"o{number}" for number in range(50)}  # other tests' answers may be there too

            await until(delivered, "all answers to arrive", 60)
            questions = [e for e in heard if isinstance(e, InboundMessage) and e.channel == "sms"]
            assert {e.text for e in questions} == {f"question {n}" for n in range(40)}
    bodies = [message.body for message in twilio.messages.values() if message.direction == "outbound-api"]
    assert sorted(bodies) == sorted(f"answer {number}" for number in range(50))
    calls = [e for e in heard if isinstance(e, InboundMessage) and e.channel == "phone"]
    assert {e.id for e in calls} == {calls[0].id}
    assert margaret.connected_to == ["+33199001201"]


async def test_while_the_database_is_away_a_caller_waits_and_then_goes_on(database: str, tmp_path: Path) -> None:
    from sqlalchemy import text

    from shared.db import Database
    from tests.integration.phone_house import house

    async with house(database, tmp_path) as line:
        name = database.rsplit("/", 1)[1]
        admin = Database(database.rsplit("/", 1)[0] + "/postgres", "public")
        async with admin.engine.connect() as connection:
            await (await connection.execution_options(isolation_level="AUTOCOMMIT")).execute(
                text(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false')
            )
            await connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :n"), {"n": name}
            )
            call = line.twilio.call("+12025550147", Person())
            await until(lambda: "Please stay on the line. One moment." in call.person.heard, "a word of patience")
            await connection.execute(text(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true'))
        await line.waits(call.sid)
        await admin.dispose()
