"""Whatever dies in whichever moment: a customer's message is neither lost nor doubled."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from functools import partial
from uuid import uuid4

import asyncpg
import httpx
import pytest
from prometheus_client import REGISTRY

from services.dashboard import delivering, sessions
from services.dashboard.app import context
from services.dashboard.context import Dashboard
from services.dashboard.settings import DashboardSettings
from shared.bus import Record
from shared.bus.memory import MemoryBus
from shared.errors import Unavailable
from shared.events import InboundMessage, OutboundMessage
from shared.settings import Settings
from shared.topics import MESSAGES_RECEIVED, deliveries_requested
from tests.integration.dashboard_parts import Process, Site, Stage, answer, held, received, reply, reports, stage
from tests.topic import events_on


@pytest.fixture
def place(kafka: str, postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    settings = {"DASHBOARD_SWEEP_AFTER": "1", "DASHBOARD_RATE_PER_VISITOR": "0"}
    with stage(kafka, postgres, tmp_path_factory.mktemp("dashboard"), **settings) as made:
        yield made


async def test_with_kafka_away_the_sender_is_asked_to_retry_and_a_kill_loses_nothing(place: Stage) -> None:
    site = place.site()
    alone = place.start(SWITCHBOARD_KAFKA="127.0.0.1:1").up()
    once = {"Idempotency-Key": uuid4().hex}
    async with alone.client(site, site.token("kafka")) as http, asyncio.timeout(60):
        answer = await http.post("/api/v1/messages", json={"text": "please help"}, headers=once)
        assert (answer.status_code, bool(answer.headers.get("retry-after"))) == (503, True), answer.text
        (own,) = (await http.get("/api/v1/conversation")).json()["messages"]
        assert (await http.get("/health/ready")).status_code == 503
    alone.end(signal.SIGKILL)

    back = place.start().ready()
    opened = await back.session(site, identity=site.token("kafka"))
    (event,) = await received(place.kafka, opened["conversation"])
    assert (event.id, event.text) == (own["id"], "please help")
    async with back.client(site, opened["token"]) as http:
        retried = await http.post("/api/v1/messages", json={"text": "please help"}, headers=once)
    assert (retried.status_code, retried.json()["id"]) == (202, event.id)
    assert {found.id for found in await received(place.kafka, opened["conversation"])} == {event.id}


async def test_a_kill_in_the_middle_of_many_messages_loses_and_doubles_nothing(place: Stage) -> None:
    site = place.site()
    door = place.start().ready()
    where = [door]
    sent: dict[str, str] = {}

    async def one(number: int) -> None:
        once = {
            "Idempotency-Key": f"key-{number}",
            "X-Site-Key": site.key,
            "Authorization": f"Bearer {site.token(f'u{number % 20}')}",
        }
        while True:
            try:
                answer = await http.post(
                    f"{where[0].url}/api/v1/messages", json={"text": f"message {number}"}, headers=once
                )
            except httpx.TransportError:
                await asyncio.sleep(0.2)
                continue
            if answer.status_code == 202:
                sent[f"message {number}"] = answer.json()["id"]
                return
            assert answer.status_code == 503, answer.text
            await asyncio.sleep(0.2)

    async with httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=20)) as http, asyncio.timeout(150):
        work = [asyncio.ensure_future(one(number)) for number in range(300)]
        while len(sent) < 80:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(door.end, signal.SIGKILL)
        where[0] = await asyncio.to_thread(_again, place)
        await asyncio.gather(*work)
    ours = [event for event in await events_on(place.kafka, MESSAGES_RECEIVED) if event.recipient == site.site]
    by_text = {event.text: event.id for event in ours}
    assert by_text == sent
    assert len({event.id for event in ours}) == 300
    texts: Counter[str] = Counter()
    for user in range(20):
        async with where[0].client(site, site.token(f"u{user}")) as http:
            own = (await http.get("/api/v1/conversation")).json()["messages"]
        assert [m["seq"] for m in own] == sorted(m["seq"] for m in own)
        texts.update(m["text"] for m in own)
    assert texts == Counter(sent.keys())


def _again(place: Stage) -> Process:
    return place.start().ready()


async def test_an_answer_asked_for_while_the_service_was_dead_is_delivered_once(place: Stage) -> None:
    site = place.site()
    door = place.start().ready()
    message = await question(place, door, site, "late")
    door.end(signal.SIGKILL)
    outbound = await reply(place.kafka, message, "late answer")
    back = await asyncio.to_thread(_again, place)
    assert [report.state for report in await reports(place.kafka, outbound.id, 1)] == ["sent"]
    async with back.client(site, site.token("late")) as http:
        own = (await http.get("/api/v1/conversation")).json()["messages"]
    assert [m["text"] for m in own] == ["question", "late answer"]


@pytest.fixture
async def processes(place: Stage, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Dashboard]]:
    """Two, in which nothing runs but what a test calls."""
    for name, value in place.environment.items():
        monkeypatch.setenv(name, value)
    two = [context(Settings(), DashboardSettings(), MemoryBus()) for _ in range(2)]
    yield two
    for one in two:
        await one.database.dispose()


async def question(place: Stage, door: Process, site: Site, who: str) -> InboundMessage:
    async with door.client(site, site.token(who)) as http:
        sent = await http.post("/api/v1/messages", json={"text": "question"}, headers={"Idempotency-Key": "1"})
    message, *again = await received(place.kafka, sent.json()["conversation"])
    assert {one.id for one in again} <= {message.id}, "on the topic it may be twice, and then is the same"
    return message


def record(outbound: OutboundMessage) -> Record[OutboundMessage]:
    return Record(deliveries_requested("chat").name, 0, 0, outbound.ticket_id, outbound)


async def test_an_answer_that_two_processes_read_at_once_takes_one_place_in_the_conversation(
    place: Stage, processes: list[Dashboard]
) -> None:
    """While a partition changes hands, both may have it."""
    site, door = place.site(), place.start().ready()
    message = await question(place, door, site, "both")
    door.end()
    records = [record(answer(message, text)) for text in ("first answer", "second answer")]
    async with held(place, "SELECT FROM dashboard.conversations FOR UPDATE") as waiting:
        under_way = [asyncio.ensure_future(delivering.deliver(one, records)) for one in processes]
        await waiting(2)
    await asyncio.gather(*under_way)
    database = await asyncpg.connect(place.dsn)
    last = await database.fetchval("SELECT last_seq FROM dashboard.conversations")
    told = await database.fetchval("SELECT count(*) FROM dashboard.outbox")
    await database.close()
    async with place.start().ready().client(site, site.token("both")) as http:
        own = (await http.get("/api/v1/conversation")).json()["messages"]
    assert [(m["seq"], m["text"]) for m in own] == [(1, "question"), (2, "first answer"), (3, "second answer")]
    assert (last, told) == (3, 2)


async def test_two_customers_whose_answers_two_processes_read_in_turned_order_wait_for_no_deadlock(
    place: Stage, processes: list[Dashboard]
) -> None:
    """Both have a ticket in either partition."""
    site, door = place.site(), place.start().ready()
    both = [await question(place, door, site, who) for who in ("ann", "bob")]
    async with held(place, "SELECT FROM dashboard.conversations FOR UPDATE") as waiting:
        under_way = [
            asyncio.ensure_future(delivering.deliver(one, [record(answer(message, "answer")) for message in order]))
            for one, order in zip(processes, (both, both[::-1]), strict=True)
        ]
        await waiting(2)
    await asyncio.gather(*under_way)
    for who in ("ann", "bob"):
        async with door.client(site, site.token(who)) as http:
            own = (await http.get("/api/v1/conversation")).json()["messages"]
        assert [m["text"] for m in own] == ["question", "answer", "answer"]


async def test_an_answer_is_counted_once_although_its_transactions_had_to_be_repeated(
    place: Stage, processes: list[Dashboard]
) -> None:
    site, door = place.site(), place.start().ready()
    message = await question(place, door, site, "counted")
    door.end()
    customer = await sessions.speaker(processes[0], await processes[0].sites.of_key(site.key), site.token("counted"))
    database = await asyncpg.connect(place.dsn)
    await database.execute(NO_COMMIT)
    before = counted("sent"), counted("delivered")
    records = [record(answer(message, "answer"))]
    for work in (
        partial(delivering.deliver, processes[0], records),
        partial(delivering.mark_read, processes[0], customer, 2),
    ):
        await database.execute("ALTER TABLE dashboard.outbox ENABLE TRIGGER no_commit")
        with pytest.raises(Unavailable):
            await work()
        await database.execute("ALTER TABLE dashboard.outbox DISABLE TRIGGER no_commit")
        await work()
    await database.close()
    assert (counted("sent"), counted("delivered")) == (before[0] + 1, before[1] + 1)


NO_COMMIT = """
CREATE FUNCTION no_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE SQLSTATE '40001'; END $$;
CREATE CONSTRAINT TRIGGER no_commit AFTER INSERT ON dashboard.outbox DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION no_commit();
"""


def counted(state: str) -> float:
    return REGISTRY.get_sample_value("switchboard_deliveries_total", {"channel": "chat", "state": state}) or 0
