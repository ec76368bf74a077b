"""The desk on real Kafka and real PostgreSQL: nothing lost, nothing doubled, whatever goes away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer

from deploy.local.postgres import Postgres
from services.desk import consumer
from services.desk.context import Desk
from services.desk.intake import messages
from services.desk.people import audit
from services.desk.tickets import service as tickets
from shared.bus.kafka import KafkaBus, create_topics
from shared.clock import utc_now
from shared.errors import Unavailable
from shared.events import AuditNoted, DeliveryReport, DeliveryState, Profile, RoutedMessage
from shared.events.codec import decode
from shared.kernel import stable_id
from shared.topics import AUDIT_NOTED, CUSTOMERS_UPDATED, DELIVERIES_REPORTED, MESSAGES_ROUTED, all_topics
from tests.conftest import engine_folder
from tests.integration.desk_parts import acting, desk_on, migrate, scalar, with_channels
from tests.unit.desk.examples import routed
from tests.waiting import until


@pytest.fixture
async def bus(kafka: str) -> AsyncIterator[KafkaBus]:
    await create_topics(kafka, all_topics(["email"]))
    bus = KafkaBus(kafka, "desk")
    await bus.start()
    yield bus
    await bus.stop()


@pytest.fixture(autouse=True)
def group(monkeypatch: pytest.MonkeyPatch) -> str:
    """Each test reads the topics afresh, in a group of its own."""
    name = f"desk-{uuid4().hex}"
    monkeypatch.setattr(consumer, "GROUP", name)
    return name


@asynccontextmanager
async def running(desk: Desk) -> AsyncIterator[None]:
    stop = asyncio.Event()
    parts = (consumer.routed(desk).run, consumer.reported(desk).run, desk.outbox.run)
    running = [asyncio.create_task(part(stop)) for part in parts]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*running)


def mails(count: int, people: int = 7) -> list[RoutedMessage]:
    """From a few people, each in a thread of their own; unlike those of any other test."""
    run = uuid4().hex
    return [
        routed(
            f"<{run}.{i}@x>",
            sender=f"email:{run}.{i % people}@x.y",
            thread=f"email:{run}.{i % people}",
            rule="root",
            received_at=utc_now(),
        )
        for i in range(count)
    ]


async def publish(bus: KafkaBus, messages: Sequence[RoutedMessage]) -> None:
    await bus.publish_all([(MESSAGES_ROUTED, message.decision.ticket_id, message) for message in messages])


def applied(desk: Desk, messages: Sequence[RoutedMessage]) -> Callable[[], Awaitable[bool]]:
    ids = ",".join(f"'{routed.message.id}'" for routed in messages)

    async def check() -> bool:
        return bool(await scalar(desk, f"SELECT count(*) FROM desk.messages WHERE id IN ({ids})") == len(messages))

    return check


async def test_messages_arrive_and_the_router_hears_of_their_customers(
    bus: KafkaBus, kafka: str, database: str, storage_url: str
) -> None:
    await migrate(database)
    sent = mails(30)
    async with desk_on(database, storage_url, bus) as desk, running(desk):
        await publish(bus, [*sent, *sent])
        await until(applied(desk, sent))

        async def published() -> bool:
            return await scalar(desk, "SELECT count(*) FROM desk.outbox") == 0

        await until(published)
    own = {routed.message.sender for routed in sent}
    newest: dict[str, Profile] = {}
    reader = AIOKafkaConsumer(CUSTOMERS_UPDATED.name, bootstrap_servers=kafka, auto_offset_reset="earliest")
    await reader.start()
    try:
        async with asyncio.timeout(30):
            while sum(profile.observed["email"].messages for profile in newest.values()) < len(sent):
                record = await reader.getone()
                profile = decode(Profile, record.value)
                if profile.contact_point in own:
                    assert newest.get(profile.contact_point, profile).version <= profile.version
                    newest[profile.contact_point] = profile
    finally:
        await reader.stop()
    assert set(newest) == own


async def test_two_processes_share_the_work_and_double_nothing(bus: KafkaBus, database: str, storage_url: str) -> None:
    await migrate(database)
    sent = mails(300, people=40)
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(desk_on(database, storage_url, bus))
        other = await stack.enter_async_context(desk_on(database, storage_url, bus))
        await stack.enter_async_context(running(one))
        await publish(bus, sent[:150])
        await stack.enter_async_context(running(other))
        await publish(bus, sent)
        await until(applied(one, sent))
        threads = ",".join(f"'{routed.decision.ticket_id}'" for routed in sent)
        assert await scalar(one, f"SELECT sum(messages) FROM desk.tickets WHERE id IN ({threads})") == len(sent)


async def test_a_process_that_dies_between_its_commit_and_that_of_the_offsets_has_applied_once(
    bus: KafkaBus, database: str, storage_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(database)
    sent = mails(60, people=20)
    apply = messages.apply

    async def applied_and_killed(*arguments: Any) -> int:
        await apply(*arguments)
        raise asyncio.CancelledError

    async with desk_on(database, storage_url, bus) as desk:
        await publish(bus, sent)
        monkeypatch.setattr(messages, "apply", applied_and_killed)
        with pytest.raises(asyncio.CancelledError):
            await consumer.routed(desk).run(asyncio.Event())
        written = await scalar(desk, "SELECT count(*) FROM desk.messages")
        assert written
        seen: set[str] = set()

        async def seen_and_applied(desk: Desk, batch: Sequence[RoutedMessage], *more: Any) -> None:
            await apply(desk, batch, *more)
            seen.update(routed.message.id for routed in batch)

        monkeypatch.setattr(messages, "apply", seen_and_applied)
        async with running(desk):
            await until(lambda: seen >= {routed.message.id for routed in sent})
        threads = ",".join(f"'{routed.decision.ticket_id}'" for routed in sent)
        assert await scalar(desk, f"SELECT sum(messages) FROM desk.tickets WHERE id IN ({threads})") == len(sent)
        added = f"SELECT count(*) FROM desk.ticket_events WHERE kind = 'message.added' AND ticket_id IN ({threads})"
        assert await scalar(desk, added) == len(sent)


async def test_a_poison_record_is_set_aside_and_the_rest_flows(bus: KafkaBus, database: str, storage_url: str) -> None:
    await migrate(database)
    good = mails(4, people=1)
    poison = routed(f"<{uuid4()}@x>", ticket="not an id")
    async with desk_on(database, storage_url, bus) as desk, running(desk):
        await publish(bus, [*good[:2], poison, *good[2:]])
        await until(applied(desk, good))
        assert await scalar(desk, f"SELECT count(*) FROM desk.messages WHERE id = '{poison.message.id}'") == 0


async def test_a_failed_delivery_that_a_channel_reports_reopens_the_ticket(
    bus: KafkaBus, database: str, storage_url: str
) -> None:
    await migrate(database)
    sent = mails(1)
    ticket = sent[0].decision.ticket_id
    async with desk_on(database, storage_url, bus) as made, running(desk := with_channels(made)):
        await publish(bus, sent)
        await until(applied(desk, sent))
        answer = await tickets.reply(
            desk, ticket, tickets.Draft(text="Here.", status="solved"), actor=acting("bo@desk")
        )
        report = DeliveryReport(
            id=stable_id(answer.id),
            outbound_id=answer.id,
            ticket_id=ticket,
            channel="email",
            state=DeliveryState.FAILED,
            at=utc_now(),
            detail="550",
        )
        await bus.publish(DELIVERIES_REPORTED, ticket, report)

        async def reopened() -> bool:
            return (await tickets.get_ticket(desk, ticket)).row.status == "open"

        await until(reopened)


@pytest.fixture
def own() -> Iterator[Postgres]:
    """A PostgreSQL that may be killed."""
    with engine_folder() as folder:
        server = Postgres(folder)
        server.start()
        yield server
        server.stop()


async def test_while_postgresql_is_away_the_desk_waits_and_loses_nothing(
    bus: KafkaBus, own: Postgres, storage_url: str
) -> None:
    await migrate(own.dsn)
    before, during = mails(100), mails(100)
    async with desk_on(own.dsn, storage_url, bus) as desk, running(desk):
        await publish(bus, before)
        await until(applied(desk, before[:20]))
        await asyncio.to_thread(own.kill)
        await publish(bus, during)
        with pytest.raises(Unavailable):
            await scalar(desk, "SELECT 1")
        await asyncio.to_thread(own.start)
        await until(applied(desk, [*before, *during]))
        threads = ",".join(f"'{routed.decision.ticket_id}'" for routed in [*before, *during])
        assert await scalar(desk, f"SELECT sum(messages) FROM desk.tickets WHERE id IN ({threads})") == 200
        kinds = "SELECT count(*) FROM desk.ticket_events WHERE kind = 'message.added' AND ticket_id IN ({})"
        assert await scalar(desk, kinds.format(threads)) == 200


async def test_what_operators_did_by_other_services_commands_is_in_the_audit_log_once(
    bus: KafkaBus, database: str, storage_url: str
) -> None:
    await migrate(database)
    site = f"shop-{uuid4().hex[:8]}"
    noted = AuditNoted(
        id=uuid4().hex, at=utc_now(), kind="site.origins", subject=site, data={"after": "https://a.example\0"}
    )
    newer = msgspec.structs.replace(noted, id=uuid4().hex, kind="site.kind-of-tomorrow")
    async with desk_on(database, storage_url, bus) as desk:
        stop = asyncio.Event()
        reading = asyncio.create_task(consumer.audited(desk).run(stop))
        for event in (noted, noted, newer):
            await bus.publish(AUDIT_NOTED, site, event)
        try:
            await until(partial(_entries, desk, site, 2), "the newer one was never logged")
        finally:
            stop.set()
            await reading
        newest, first = await audit.entries(desk.database, who=site)
    assert (newest.kind, first.kind) == ("site.kind-of-tomorrow", "site.origins")
    assert (first.actor, first.at, first.data) == ("command", noted.at, {"after": "https://a.example\ufffd"})


async def _entries(desk: Desk, who: str, count: int) -> bool:
    return len(await audit.entries(desk.database, who=who)) == count
