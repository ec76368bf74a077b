"""An admin sees at the desk what services set aside, and puts it back once its cause is
corrected."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from services.desk.actors import COMMAND
from services.desk.app import DeskService
from services.desk.dead_letters.service import MOST, DeadLetterList
from services.desk.people import service as people
from services.desk.people.limits import Limiter
from shared.bus import DeadLetter
from shared.bus.kafka import KafkaBus, create_topics
from shared.clock import utc_now
from shared.events import DeskEvent, UnreadableMail
from shared.events.codec import encode
from shared.storage import Storage
from shared.topics import DEAD_LETTERS_REPLAYED, MAILS_REPLAYED, Topic, all_topics
from tests.integration.desk_parts import KNOWN, migrate, service_on
from tests.topic import events_on, records_on

HEADERS = [("ce_id", b"one"), ("odd", b"\xff\x00")]


@pytest.fixture
async def bus(kafka: str) -> AsyncIterator[KafkaBus]:
    await create_topics(kafka, all_topics([]))
    bus = KafkaBus(kafka, "desk")
    await bus.start()
    yield bus
    await bus.stop()


@pytest.fixture
async def topic(kafka: str) -> Topic[DeskEvent]:
    """One of its own, so that nobody else handles what goes back."""
    own = Topic(f"letters-{uuid4().hex[:8]}", DeskEvent, "ticket id", ("tests",), ("tests",), "tests", 1, partitions=1)
    await create_topics(kafka, [own])
    return own


@pytest.fixture
async def service(database: str, storage_url: str, bus: KafkaBus) -> AsyncIterator[DeskService]:
    await migrate(database)
    async with service_on(database, storage_url, bus, channels=KNOWN) as made:
        yield made
        await made.dead_letters.close()
        await made.wallboard._kafka.close()


@pytest.fixture
async def service_without_kafka(database: str, storage_url: str) -> AsyncIterator[DeskService]:
    await migrate(database)
    async with service_on(database, storage_url, channels=KNOWN) as made:
        yield made


def opened(service: DeskService, **headers: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(service.api)
    return httpx.AsyncClient(transport=transport, base_url="http://desk", headers=headers, timeout=60)


async def machine(service: DeskService, scope: str) -> httpx.AsyncClient:
    token = await people.create_token(service.desk.database, name="ops", scopes=(scope,), actor=COMMAND)
    return opened(service, Authorization=f"Bearer {token}")


async def person(service: DeskService, role: str) -> tuple[httpx.AsyncClient, str]:
    """Signed in, and the form's token."""
    email = f"{role}@example.org"
    await people.create_agent(
        service.desk.database, email=email, name=role.title(), role=role, password="long enough", actor=COMMAND
    )
    token = await people.sign_in(service.desk, Limiter(10), email, "long enough", ip="")
    session = await people.session(service.desk, token)
    assert session is not None
    client = opened(service, Origin="http://desk", Accept="text/html")
    client.cookies.set(people.COOKIE, token)
    return client, session.csrf


async def set_aside(bus: KafkaBus, topic: str, key: str, value: bytes | None = b"{not json", **more: str) -> None:
    told = {"error": "MalformedEvent: not JSON", "group": "desk", "stack": "Traceback: line 1", **more}
    await bus.set_aside(DeadLetter(topic, 0, 5, key.encode(), value, headers=tuple(HEADERS), **told))  # type: ignore[arg-type]


async def the_id(api: httpx.AsyncClient, key: str) -> int:
    listed = await api.get("/api/v1/dead-letters")
    assert listed.status_code == 200, listed.text
    (found,) = [letter for letter in listed.json() if letter["key"] == key]
    return int(found["id"])


async def test_a_machine_finds_a_letter_and_puts_it_back_exactly_as_it_was(
    service: DeskService, bus: KafkaBus, topic: Topic[DeskEvent], kafka: str
) -> None:
    key, value = uuid4().hex, b'{"text": "\x1b[2J<script>"}'
    await set_aside(bus, topic.name, key, value)
    async with await machine(service, "admin") as api:
        own = await the_id(api, key)
        assert service.dead_letters.waiting(utc_now()) >= 1
        found = (await api.get(f"/api/v1/dead-letters/{own}")).json()
        assert (found["letter"]["topic"], found["letter"]["error"]) == (topic.name, "MalformedEvent: not JSON")
        assert found["raw"] == '{"text": "\\u001b[2J<script>"}'
        assert (found["stays"], found["stack"]) == ("", "Traceback: line 1")
        assert ["odd", "\\xff\\u0000"] in found["headers"]

        done = await api.post(f"/api/v1/dead-letters/{own}/replay")
        assert done.status_code == 200, done.text
        assert done.json()["replayed_by"] == "api:ops"
        (record,) = await records_on(kafka, topic)
        assert (record.key, record.value, list(record.headers)) == (key.encode(), value, HEADERS)
        told = [event for event in await events_on(kafka, DEAD_LETTERS_REPLAYED) if event.letter == own]
        assert [(event.topic, event.by) for event in told] == [(topic.name, "api:ops")]

        again = await api.post(f"/api/v1/dead-letters/{own}/replay")
        assert (again.status_code, again.json()["type"].rpartition(":")[2]) == (409, "replayed")
        assert (await api.post(f"/api/v1/dead-letters/{own}/replay?again=true")).status_code == 200
        assert len(await records_on(kafka, topic)) == 2
        waiting = (await api.get("/api/v1/dead-letters?waiting=true")).json()
        assert own not in {letter["id"] for letter in waiting}


async def test_an_admin_sees_the_mail_that_could_not_be_read_and_has_it_read_again(
    service: DeskService, bus: KafkaBus, kafka: str
) -> None:
    raw = "Subject: Où est ma commande ?\r\n\r\nBonjour \x1b[2J <script>".encode()
    stored = await service.desk.storage.put(raw, name="original.eml", media_type="message/rfc822")
    mail = UnreadableMail(
        raw_uri=stored.uri, sender="zoé@shop.example", recipients=("help@shop.example",), received_at=utc_now()
    )
    key = uuid4().hex
    await set_aside(bus, "email", key, encode(mail), group="email")
    async with await machine(service, "admin") as api:
        own = await the_id(api, key)
        found = (await api.get(f"/api/v1/dead-letters/{own}")).json()
        assert found["mail"] == "Subject: Où est ma commande ?\n\nBonjour \\u001b[2J <script>"
        assert '"sender": "zoé@shop.example"' in found["decoded"]
        client, csrf = await person(service, "admin")
        async with client:
            page = (await client.get(f"/dead-letters/{own}")).text
            assert "Subject: Où est ma commande ?" in page
            assert "[2J &lt;script&gt;" in page
            done = await client.post(f"/dead-letters/{own}/replay", data={"csrf": csrf})
            assert done.status_code == 303, done.text
    assert mail in await events_on(kafka, MAILS_REPLAYED)
    no_json, gone = uuid4().hex, uuid4().hex
    await set_aside(bus, "email", no_json, b"{not json")
    await set_aside(
        bus, "email", gone, encode(UnreadableMail(raw_uri="../passwd", sender="", recipients=(), received_at=utc_now()))
    )
    async with await machine(service, "admin") as api:
        for which, decoded in ((no_json, False), (gone, True)):
            found = (await api.get(f"/api/v1/dead-letters/{await the_id(api, which)}")).json()
            assert (found["mail"], found["decoded"] is not None) == (None, decoded)


async def test_what_another_process_replays_is_seen_and_waits_no_more(
    service: DeskService, bus: KafkaBus, topic: Topic[DeskEvent], kafka: str
) -> None:
    key = uuid4().hex
    await set_aside(bus, topic.name, key)
    async with await machine(service, "admin") as api:
        own = await the_id(api, key)
        before = service.dead_letters.waiting(utc_now())
        other = DeadLetterList(kafka, service.desk.storage)
        try:
            await other.replay(own, by="ann@example.org")
        finally:
            await other.close()
        (seen,) = [letter for letter in (await api.get("/api/v1/dead-letters")).json() if letter["id"] == own]
        assert seen["replayed_by"] == "ann@example.org"
        assert service.dead_letters.waiting(utc_now()) == before - 1
        assert service.dead_letters.waiting(utc_now() + timedelta(days=2)) == 0, "what is older than a day is no news"


async def test_a_letter_without_a_way_back_stays_and_says_why(service: DeskService, bus: KafkaBus) -> None:
    door, compacted = uuid4().hex, uuid4().hex
    await set_aside(bus, "x-mentions", door, group="social")
    await set_aside(bus, "customers-updated", compacted)
    async with await machine(service, "admin") as api:
        for key, why in ((door, "door"), (compacted, "compacted")):
            own = await the_id(api, key)
            assert (await api.get(f"/api/v1/dead-letters/{own}")).json()["stays"] == why
            refused = await api.post(f"/api/v1/dead-letters/{own}/replay")
            assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (409, "no-way-back")
        assert (await api.get("/api/v1/dead-letters/999999999")).status_code == 404
        assert (await api.get("/api/v1/dead-letters/-1")).status_code == 422
        client, csrf = await person(service, "admin")
        async with client:
            page = (await client.get(f"/dead-letters/{await the_id(api, door)}")).text
            assert "python -m services social replay" in page
            assert "/replay" not in page.replace("social replay", ""), "there is no button for what cannot be done"
            told = await client.post(f"/dead-letters/{await the_id(api, door)}/replay", data={"csrf": csrf})
            assert (told.status_code, "cannot be replayed" in told.text) == (409, True)


async def test_only_a_few_are_read_however_many_there_are(
    bus: KafkaBus, topic: Topic[DeskEvent], kafka: str, storage_url: str
) -> None:
    keys = [uuid4().hex for _ in range(MOST + 5)]
    for key in keys:
        await set_aside(bus, topic.name, key)
    letters = DeadLetterList(kafka, Storage(storage_url))
    try:
        found = [letter.key for letter in await letters.newest()]
        assert len(found) == MOST
        assert found[0] == keys[-1], "newest first"
        assert keys[0] not in found
        first = (await letters.newest())[-1].id - 1
        assert (await letters.one(first)).letter.id == first, "an older one is still there for who knows its id"
    finally:
        await letters.close()


@pytest.mark.parametrize("scope", ["read", "write"])
async def test_a_token_that_may_not_see_dead_letters_is_refused(service: DeskService, scope: str) -> None:
    async with await machine(service, scope) as api:
        for answer in (await api.get("/api/v1/dead-letters"), await api.post("/api/v1/dead-letters/0/replay")):
            assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (403, "permission")


async def test_an_agent_is_told_who_may_see_dead_letters(
    service: DeskService, bus: KafkaBus, topic: Topic[DeskEvent]
) -> None:
    await set_aside(bus, topic.name, uuid4().hex)
    await service.dead_letters.newest()
    client, csrf = await person(service, "agent")
    async with client:
        for answer in (
            await client.get("/dead-letters"),
            await client.get("/dead-letters/0"),
            await client.post("/dead-letters/0/replay", data={"csrf": csrf}),
        ):
            assert answer.status_code == 403
            assert "You do not have permission" in answer.text
        assert "/dead-letters" not in (await client.get("/inbox/all")).text
        assert "/dead-letters" not in (await client.get("/wallboard")).text
        client.cookies.clear()
        assert (await client.get("/dead-letters")).headers["location"] == "/login"


async def test_an_admin_replays_and_is_named(
    service: DeskService, bus: KafkaBus, topic: Topic[DeskEvent], kafka: str
) -> None:
    key = uuid4().hex
    evil = "<img src=x onerror=alert(1)>"
    await set_aside(bus, topic.name, key, f"{evil}{'x' * 9000}".encode(), error=evil, stack=evil)
    await service.dead_letters.newest()
    client, csrf = await person(service, "admin")
    async with client:
        assert 'href="/dead-letters"' in (await client.get("/inbox/all")).text, "something new waits"
        assert 'href="/dead-letters"' in (await client.get("/wallboard")).text
        listed = (await client.get("/dead-letters?show=waiting")).text
        assert key in listed
        own = next(letter.id for letter in service.dead_letters.last if letter.key == key)
        page = (await client.get(f"/dead-letters/{own}")).text
        assert "<img" not in page
        assert page.count("&lt;img src=x") == 3
        assert f"dead-letters show {own} --bytes 9028" in page

        without = await client.post(f"/dead-letters/{own}/replay", data={"csrf": "wrong"})
        assert without.status_code == 403
        assert await records_on(kafka, topic) == []
        done = await client.post(f"/dead-letters/{own}/replay", data={"csrf": csrf})
        assert (done.status_code, done.headers["location"]) == (303, f"/dead-letters/{own}")
        assert len(await records_on(kafka, topic)) == 1
        after = (await client.get(f"/dead-letters/{own}")).text
        assert "Replayed by Admin" in after
        twice = await client.post(f"/dead-letters/{own}/replay", data={"csrf": csrf})
        assert (twice.status_code, "already replayed" in twice.text) == (409, True)
        assert len(await records_on(kafka, topic)) == 1


async def test_without_kafka_the_page_says_so_and_the_rest_of_the_console_works(
    service_without_kafka: DeskService,
) -> None:
    client, _ = await person(service_without_kafka, "admin")
    async with client:
        page = await client.get("/dead-letters")
        assert (page.status_code, "Kafka is unavailable" in page.text) == (503, True)
        assert (await client.get("/dead-letters/1")).status_code == 503
        assert (await client.get("/inbox/all")).status_code == 200
    async with await machine(service_without_kafka, "admin") as api:
        assert (await api.get("/api/v1/dead-letters")).status_code == 503
