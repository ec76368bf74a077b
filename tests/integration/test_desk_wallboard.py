"""The wallboard's figures from a real PostgreSQL and a real Kafka, and who may see them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from msgspec.structs import replace as replaced
from sqlalchemy import text

from deploy.local.postgres import Postgres
from services.desk import consumer
from services.desk.actors import COMMAND
from services.desk.context import Desk
from services.desk.intake.messages import apply
from services.desk.people import service as people
from services.desk.people.limits import Limiter
from services.desk.tickets import deliveries
from services.desk.tickets import service as tickets
from services.desk.tickets.schemas import TicketQuery
from services.desk.wallboard import display, figures
from services.desk.wallboard.pipeline import PipelineReader
from services.desk.wallboard.schemas import Pace, Snapshot, Times
from services.desk.wallboard.service import Wallboard
from shared.bus import TAKEN, WRITTEN, DeadLetter
from shared.bus.kafka import KafkaBus, create_topics
from shared.bus.memory import MemoryBus
from shared.clock import utc_now
from shared.errors import Unavailable
from shared.events import DeliveryReport, DeliveryState, Post, RoutedMessage
from shared.events.codec import encode
from shared.topics import MESSAGES_ROUTED, all_topics
from tests.conftest import engine_folder
from tests.integration.desk_parts import SECRET, acting, app_of, desk_on, migrate, service_on, with_channels
from tests.unit.desk.examples import routed

NOWHERE = "127.0.0.1:9"


@pytest.fixture
async def desk(database: str, storage_url: str) -> AsyncIterator[Desk]:
    await migrate(database)
    async with desk_on(database, storage_url) as made:
        yield with_channels(made)


def message(minutes_ago: float, *, team: str = "billing", within: int = 0, **more: object) -> RoutedMessage:
    """From somebody new, so many minutes ago, to be answered within so many minutes."""
    own = uuid4().hex
    return routed(
        f"<{own}@x>",
        sender=f"email:{own}@x.y",
        thread=f"email:{own}",
        team=team,
        received_at=utc_now() - timedelta(minutes=minutes_ago),
        reply_within=within * 60,
        **more,
    )


@asynccontextmanager
async def running(board: Wallboard) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(board.run(stop))
    try:
        yield
    finally:
        stop.set()
        await task


class TestDue:
    async def test_who_waits_too_long_is_overdue_until_somebody_answers(self, desk: Desk) -> None:
        late, soon, later = message(40, within=30), message(5, within=30), message(0, within=480)
        await apply(desk, [later, soon, late, message(60)])

        async def listed(due: str) -> list[str]:
            return [row.id for row in (await tickets.list_tickets(desk, TicketQuery(due=due))).items]

        assert await listed("overdue") == [late.decision.ticket_id]
        assert await listed("soon") == [soon.decision.ticket_id]
        counts = {count.name: count.count for count in await tickets.view_counts(desk, "")}
        assert (counts["overdue"], counts["soon"]) == (1, 1)
        row = (await tickets.get_rows(desk, [late.decision.ticket_id]))[late.decision.ticket_id]
        assert row.due_at == late.message.received_at + timedelta(minutes=30)

        await tickets.reply(desk, row.id, tickets.Draft(text="Here."), actor=acting("bo@desk"))
        assert await listed("overdue") == []
        assert (await tickets.get_rows(desk, [row.id]))[row.id].due_at is None

    async def test_work_stays_in_the_order_of_urgency_and_waiting(self, desk: Desk) -> None:
        first, second = message(20, within=480), message(10, within=1)
        await apply(desk, [second, first])
        rows = (await tickets.list_tickets(desk, TicketQuery(status=("open",)))).items
        assert [row.id for row in rows] == [first.decision.ticket_id, second.decision.ticket_id]

    async def test_a_ticket_that_is_settled_is_due_no_more(self, desk: Desk) -> None:
        late = message(40, within=30)
        await apply(desk, [late])
        row = await tickets.set_status(desk, late.decision.ticket_id, "solved", actor=acting("bo@desk"))
        assert row.due_at is None
        assert (await figures.work(desk.database, utc_now())).late == 0


class TestFigures:
    async def test_they_tell_who_waits_and_what_is_late_by_team(self, desk: Desk) -> None:
        await apply(desk, [message(40, within=30), message(50, within=480), message(3, team="support")])
        work = await figures.work(desk.database, utc_now())
        assert (work.waiting, work.late) == (3, 1)
        billing, support = work.queues
        assert (billing.team, billing.waiting, billing.late, billing.in_time) == ("billing", 2, 1, 0.5)
        assert (support.waiting, support.in_time) == (1, None)
        assert work.oldest is not None
        assert utc_now() - work.oldest >= timedelta(minutes=50)
        assert work.last_event is not None

    async def test_an_answered_customer_waits_no_more_and_counts_as_a_first_reply(self, desk: Desk) -> None:
        asked = message(4)
        await apply(desk, [asked])
        await tickets.reply(desk, asked.decision.ticket_id, tickets.Draft(text="Here."), actor=acting("bo@desk"))
        work = await figures.work(desk.database, utc_now())
        assert work.waiting == 0
        assert work.first_reply == work.first_reply_half == pytest.approx(240, abs=30)

    async def test_agents_are_counted_by_what_they_do(self, desk: Desk) -> None:
        for name in ("ann", "bo", "cy", "dee"):
            await people.create_agent(
                desk.database,
                email=f"{name}@example.org",
                name=name,
                role="agent",
                password="long enough",
                actor=COMMAND,
            )
        await _run(desk, "UPDATE desk.agents SET presence = 'busy' WHERE email LIKE 'dee%'")
        await _run(desk, "UPDATE desk.agents SET presence = 'ready', skills = '{french}' WHERE email LIKE 'ann%'")
        await _run(desk, "UPDATE desk.agents SET presence = 'ready' WHERE email LIKE 'bo%'")
        await apply(desk, [message(1)])
        work = await figures.work(desk.database, utc_now())
        assert (work.staff.all, work.staff.ready, work.staff.busy, work.staff.away) == (4, 2, 1, 1)
        assert work.queues[0].ready == 2

    async def test_the_last_hour_is_there_after_a_restart(self, desk: Desk) -> None:
        await apply(desk, [message(30.5), message(30.6), message(0.1), message(70)])
        history = await Wallboard(desk.database, NOWHERE).history(["email", "chat"])
        assert len(history.times) == 60
        assert sum(history.messages["email"]) == 3
        assert history.messages["email"][29] == 2
        assert sum(history.messages["chat"]) == 0

    async def test_posts_are_counted_by_what_they_sound_like(self, desk: Desk) -> None:
        post = {"channel": "x", "sender": "x:1", "thread": "x:1", "rule": "conversation", "public": True}
        await apply(
            desk,
            [
                routed("1", received_at=utc_now(), post=Post(sounds="complaint"), **post),
                routed("2", received_at=utc_now(), post=Post(sounds="question", words=("how",)), **post),
                routed("3", received_at=utc_now(), **post),
                routed("4", received_at=utc_now() - timedelta(hours=2), post=Post(sounds="complaint"), **post),
            ],
        )
        mood = await figures.mood(desk.database, utc_now())
        assert (mood.complaints, mood.questions, mood.other) == (1, 1, 1)


class TestTimes:
    async def test_each_stage_is_told_from_the_times_that_messages_carry(self, desk: Desk) -> None:
        """40 s ago at the door, in Kafka 10 s later, and 20 s after that the router had decided."""
        asked, old = message(40 / 60), message(1, channel="chat")
        taken, decided = (
            (asked.message.received_at + timedelta(seconds=seconds)).isoformat().encode() for seconds in (10, 30)
        )
        assert isinstance(desk.bus, MemoryBus)
        key = asked.decision.ticket_id.encode()
        await desk.bus.publish_raw(MESSAGES_ROUTED.name, key, encode(asked), [(TAKEN, taken), (WRITTEN, decided)])
        await desk.bus.publish_raw(
            MESSAGES_ROUTED.name, key, encode(old), [(TAKEN, b"noon"), (WRITTEN, b"2026-03-02T12:00")]
        )
        stop = asyncio.Event()
        taking = asyncio.create_task(consumer.routed(desk).run(stop))
        try:
            async with asyncio.timeout(30):
                while (await figures.work(desk.database, utc_now())).waiting < 2:
                    await asyncio.sleep(0.05)
        finally:
            stop.set()
            await taking

        times = await figures.times(desk.database, utc_now())
        assert set(times.channels) == {"email", "chat"}
        assert set(times.channels["chat"]) == {"arrival"}, "a record of an older router carries no times"
        email = times.channels["email"]
        assert email["received"] == Pace(half=10, most=10)
        assert email["router"] == times.everything["router"] == Pace(half=20, most=20)
        assert email["desk"].most == pytest.approx(10, abs=9)
        assert email["arrival"].most == pytest.approx(40, abs=9)
        assert times.everything["arrival"].half == email["arrival"].half, "half of two are not slower than the faster"
        assert times.everything["arrival"].most == times.channels["chat"]["arrival"].most
        later = await figures.times(desk.database, utc_now() + timedelta(minutes=6))
        assert later == Times(), "what happened more than five minutes ago is no news"

    async def test_an_answer_is_timed_until_the_provider_has_it(self, desk: Desk) -> None:
        asked = message(4)
        await apply(desk, [asked])
        reply = await tickets.reply(
            desk, asked.decision.ticket_id, tickets.Draft(text="Here."), actor=acting("bo@desk")
        )
        assert "delivery" not in (await figures.times(desk.database, utc_now())).everything, "it is on its way"
        sent = DeliveryReport(
            id=str(uuid4()), outbound_id=reply.id, ticket_id=asked.decision.ticket_id, channel="email",
            state=DeliveryState.SENT, at=reply.at + timedelta(seconds=3),
        )  # fmt: skip
        later = replaced(sent, id=str(uuid4()), state=DeliveryState.DELIVERED, at=reply.at + timedelta(seconds=60))
        await deliveries.report(desk, [later, sent])  # in whatever order they come
        times = await figures.times(desk.database, utc_now())
        assert times.everything["delivery"] == times.channels["email"]["delivery"] == Pace(half=3, most=3)
        assert times.channels["email"]["reply"].most == pytest.approx(240, abs=30)


class TestPipeline:
    @pytest.fixture
    async def bus(self, kafka: str) -> AsyncIterator[KafkaBus]:
        await create_topics(kafka, all_topics(["email"]))
        bus = KafkaBus(kafka, "desk")
        await bus.start()
        yield bus
        await bus.stop()

    async def test_a_stuck_consumer_shows_how_far_it_is_behind(self, bus: KafkaBus, kafka: str) -> None:
        group = f"stuck-{uuid4().hex}"
        sent = [message(0) for _ in range(40)]
        consumer = AIOKafkaConsumer(
            MESSAGES_ROUTED.name, bootstrap_servers=kafka, group_id=group, enable_auto_commit=False
        )
        await consumer.start()
        reader = PipelineReader(kafka)
        try:
            places = [TopicPartition(MESSAGES_ROUTED.name, number) for number in range(MESSAGES_ROUTED.partitions)]
            await consumer.commit(await consumer.end_offsets(places))  # it has read everything so far, and now it stops
            assert (await reader.read(utc_now())).groups[group] == 0
            await bus.publish_all([(MESSAGES_ROUTED, one.decision.ticket_id, one) for one in sent])
            after = await reader.read(utc_now())
            assert after.groups[group] >= len(sent)
            stages = {stage.name: stage for stage in after.stages}
            assert (stages["desk"].lag or 0) >= len(sent)
            assert stages["router"].per_second > 0, "what the router has written"
            assert stages["received"].lag is None
        finally:
            await consumer.stop()
            await reader.close()

    async def test_a_dead_letter_is_counted(self, bus: KafkaBus, kafka: str) -> None:
        reader = PipelineReader(kafka)
        try:
            before = await reader.read(utc_now())
            await bus.set_aside(DeadLetter("messages-routed", 0, 1, b"k", b"not json", "broken", "desk"))
            after = await reader.read(utc_now())
            assert after.dead_letters >= before.dead_letters + 1
            assert after.dead_letters_new >= before.dead_letters_new + 1
            later = await reader.read(utc_now() + timedelta(hours=2))
            assert later.dead_letters_new == 0, "what happened more than an hour ago is no news"
            assert later.dead_letters >= after.dead_letters
        finally:
            await reader.close()

    async def test_without_kafka_the_rest_is_still_shown(self, desk: Desk) -> None:
        await apply(desk, [message(1)])
        with pytest.raises(Unavailable):
            await PipelineReader(NOWHERE).read(utc_now())
        snapshot = await Wallboard(desk.database, NOWHERE).current()
        assert (snapshot.pipeline.ok, snapshot.pipeline.value) == (False, None)
        assert snapshot.work.value is not None
        assert snapshot.work.value.waiting == 1


async def test_while_postgresql_is_away_the_last_figures_stay(storage_url: str) -> None:
    with engine_folder() as folder:
        await _postgresql_goes_and_comes(Postgres(folder / "own"), storage_url)


async def _postgresql_goes_and_comes(server: Postgres, storage_url: str) -> None:
    await asyncio.to_thread(server.start)
    try:
        await migrate(server.dsn)
        async with service_on(server.dsn, storage_url) as service:
            desk = service.desk
            await apply(desk, [message(1)])
            before = await service.wallboard.current()
            assert before.work.ok
            hall, unseen = [await display.create(desk.database, SECRET, "Hall", actor=COMMAND) for _ in range(2)]
            assert await display.allows(desk.database, SECRET, hall)
            await asyncio.to_thread(server.kill)

            async def looked() -> Snapshot:
                await asyncio.sleep(0.6)
                return await service.wallboard.current()

            away = await looked()
            assert not away.work.ok
            assert away.work.value == before.work.value
            assert away.work.at == before.work.at
            assert await display.allows(desk.database, SECRET, hall), "a display goes on with what it had"
            assert not await display.allows(desk.database, SECRET, unseen), "nobody can say whether it was revoked"
            await asyncio.to_thread(server.start)
            async with asyncio.timeout(30):
                while not (await looked()).work.ok:
                    pass
    finally:
        await asyncio.to_thread(server.stop)


async def test_many_who_watch_cost_no_more_than_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0
    real = figures.work

    async def counted(*args: object) -> object:
        nonlocal looks
        looks += 1
        return await real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(figures, "work", counted)
    board = Wallboard(desk.database, NOWHERE)
    seen: list[set[int]] = [set() for _ in range(20)]

    async def watch(number: int) -> None:
        source = board.watch()
        async for snapshot in source:
            seen[number].add(snapshot.seq)
            if len(seen[number]) == 3:
                break
        await source.aclose()

    async with running(board):
        await asyncio.sleep(0.2)
        assert looks == 0, "nobody watches"
        async with asyncio.timeout(30):
            await asyncio.gather(*(watch(number) for number in range(20)))
        assert looks <= 6
    assert len({frozenset(one) for one in seen}) <= 2, "all see the same"


class TestWhoMaySee:
    @pytest.fixture
    async def browser(self, desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app_of(desk)),
            base_url="http://desk",
            headers={"Origin": "http://desk"},
        ) as client:
            yield client

    async def signed_in(self, desk: Desk, browser: httpx.AsyncClient, role: str) -> str:
        """The form's token."""
        email = f"{role}@example.org"
        await people.create_agent(
            desk.database, email=email, name=role, role=role, password="long enough", actor=COMMAND
        )
        token = await people.sign_in(desk, Limiter(10), email, "long enough", ip="")
        browser.cookies.set(people.COOKIE, token)
        session = await people.session(desk, token)
        assert session is not None
        return session.csrf

    async def test_a_stranger_is_asked_to_sign_in(self, browser: httpx.AsyncClient) -> None:
        answer = await browser.get("/wallboard")
        assert (answer.status_code, answer.headers["location"]) == (303, "/login")
        assert (await browser.get("/wallboard?display=abc")).status_code == 403

    async def test_a_display_sees_the_wallboard_and_nothing_else_until_its_link_is_revoked(
        self, desk: Desk, browser: httpx.AsyncClient
    ) -> None:
        await apply(desk, [message(40, within=30, sender_name="Ann Secret")])
        csrf = await self.signed_in(desk, browser, "admin")
        made = await browser.post("/wallboard/links", data={"name": "Office", "csrf": csrf})
        found = re.search(r"/wallboard\?display=(\w+)", made.text)
        assert found
        browser.cookies.clear()

        answer = await browser.get(f"/wallboard?display={found[1]}", follow_redirects=True)
        assert answer.status_code == 200
        assert str(answer.url) == "http://desk/wallboard", "the token is in no address any more"
        assert "SLA breached" in answer.text
        assert "Ann Secret" not in answer.text
        assert "/inbox" not in answer.text
        assert 'data-theme="dark"' in answer.text
        assert (await browser.get("/inbox/all")).status_code == 303

        (link,) = await display.links(desk.database)
        assert link.name == "Office"
        assert await display.revoke(desk.database, link.id, actor=COMMAND) == 1
        assert (await browser.get("/wallboard")).status_code == 303
        assert (await browser.get(f"/wallboard?display={found[1]}")).status_code == 403

    async def test_only_an_admin_makes_and_revokes_links(self, desk: Desk, browser: httpx.AsyncClient) -> None:
        token = await display.create(desk.database, SECRET, "Hall", actor=COMMAND)
        csrf = await self.signed_in(desk, browser, "agent")
        assert (await browser.post("/wallboard/links", data={"name": "x", "csrf": csrf})).status_code == 403
        (link,) = await display.links(desk.database)
        assert (await browser.post(f"/wallboard/links/{link.id}/revoke", data={"csrf": csrf})).status_code == 403
        assert "Displays without a login" not in (await browser.get("/wallboard")).text
        assert await display.allows(desk.database, SECRET, token)
        assert not await display.allows(desk.database, "another secret" * 4, token), "a new secret ends all links"


async def _run(desk: Desk, sql: str) -> None:
    async with desk.database.transaction() as session:
        await session.execute(text(sql))
