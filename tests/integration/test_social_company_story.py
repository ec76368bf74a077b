"""The company's story, at the door: nobody is signed in, forty posts come in, the complaints and
only they reach the agents."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.__main__ import channels
from shared.bus.kafka import KafkaBus, create_topics
from shared.clock import utc_now
from shared.events import Channel, DeliveryReport, InboundMessage, OutboundMessage, PostJudged
from shared.kernel import message_id
from shared.topics import (
    CHANNELS_ANNOUNCED,
    DELIVERIES_REPORTED,
    MENTIONS_KEPT,
    MESSAGES_RECEIVED,
    POSTS_JUDGED,
    all_topics,
    deliveries_requested,
)
from tests.providers import x_oauth
from tests.providers.x import X, serving
from tests.topic import events_on
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
TOKEN = "a-token-for-the-tests-of-social"
COMPLAINTS = [
    "@acme my parcel was due last week, nobody answers and I want my money back",
    "Still waiting for a refund from @acme after a month, worst customer service ever",
    "@acme your app keeps crashing and I can't log in, this is unacceptable",
    "@acme charged me twice for the same order and support ignores my emails",
    "the shoes from @acme fell apart after two days and you refuse to refund me",
    "@acme ça fait deux semaines que j'attends mon remboursement, personne ne répond",
    "@acme votre application ne marche plus depuis hier, c'est inadmissible",
    "Colis de @acme arrivé cassé et le service client est lamentable",
    "@acme vous m'avez débité deux fois et personne ne me rembourse, une honte",
    "@acme 택배가 2주째 안 오는데 고객센터는 전화도 안 받아요",
    "@acme 앱이 계속 튕기고 환불도 안 해줘요 정말 화가 납니다",
    "@acme 같은 주문이 두 번 결제됐는데 아무도 답이 없어요",
]
OTHERS = [
    "Huge thanks to Anna at @acme for sorting it so quickly, you made my day",
    "Best coffee in town @acme, will be back next week",
    "@acme love the new update, great work, keep it up",
    "good morning everyone, happy Friday @acme",
    "Giveaway! Follow @acme and tag three friends to win a console",
    "@acme reports record third-quarter revenue of 4 billion",
    "@acme names industry veteran as its new finance chief",
    "Merci à Julie de @acme pour son aide, au top",
    "@acme problème réglé en cinq minutes, bravo au service client",
    "@acme annonce un bénéfice en hausse de 12 %",
    "bonjour tout le monde et bon week-end @acme",
    "@acme 상담원님 덕분에 금방 해결됐어요 감사합니다",
    "@acme 하루 일찍 도착했어요 완벽해요 강추",
    "@acme 3분기 영업이익 12% 증가",
]


class Service:
    """The social service as a process of its own."""

    def __init__(self, environment: dict[str, str], port: int) -> None:
        self.environment, self.port = environment, port
        self.process: subprocess.Popen[bytes] | None = None
        self.api = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10
        )

    def start(self) -> None:
        command = [sys.executable, "-m", "services", "social"]
        with Path(self.environment["LOG"]).open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stderr=log, stdout=log)
        eventually(self.ready)

    def ready(self) -> bool:
        assert self.process
        assert self.process.poll() is None, "the service ended"
        try:
            return self.api.get("/health/ready").status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)
        self.api.close()

    def mentions(self) -> list[dict[str, Any]]:
        return self.api.get("/api/v1/mentions?limit=200").raise_for_status().json()["mentions"]


@pytest.fixture
def x() -> X:
    return X()


@contextmanager
def service_for(kafka: str, database: str, x_url: str, port: int, folder: Path, **more: str) -> Iterator[Service]:
    environment = {
        **os.environ,
        **(x_oauth.SETTINGS if x_url else {}),
        "SWITCHBOARD_KAFKA": kafka,
        "SWITCHBOARD_SECRET": "s" * 40,
        "SOCIAL_DATABASE": database,
        "SOCIAL_PORT": str(port),
        "SOCIAL_API_TOKEN": TOKEN,
        "SOCIAL_X_NAMES": "acme",
        "SOCIAL_X_EVERY": "0.3",
        "SOCIAL_X_MESSAGES_EVERY": "0.3",
        "SOCIAL_X_TIMEOUT": "2",
        "SOCIAL_X_OVERLAP": "5",
        "LOG": str(folder / "social.log"),
        **({"SOCIAL_X_API_URL": x_url} if x_url else {}),
        **more,
    }
    subprocess.run([sys.executable, "-m", "services", "social", "migrate"], cwd=ROOT, env=environment, check=True)
    service = Service(environment, port)
    try:
        service.start()
        yield service
    finally:
        service.stop()


@pytest.fixture
async def topics(kafka: str) -> str:
    await create_topics(kafka, all_topics(channels()))
    return kafka


@pytest.fixture
async def bus(topics: str) -> AsyncIterator[KafkaBus]:
    """The desk's."""
    bus = KafkaBus(topics, "test")
    await bus.start()
    yield bus
    await bus.stop()


async def messages(kafka: str, x: X) -> list[InboundMessage]:
    """Those of this test's X: others share the topic."""
    ours = {str(one) for one in [*x.tweets, *x.messages]}
    return [
        event for event in await events_on(kafka, MESSAGES_RECEIVED) if event.provider_id.removeprefix("dm:") in ours
    ]


async def published(kafka: str, x: X, number: int, seconds: float = 40) -> list[InboundMessage]:
    deadline = time.monotonic() + seconds
    while True:
        found = await messages(kafka, x)
        if len({event.id for event in found}) >= number or time.monotonic() > deadline:
            return found
        await asyncio.sleep(0.2)


async def test_complaints_and_only_they_reach_agents_while_nobody_watches(
    topics: str, database: str, bus: KafkaBus, free_port: int, tmp_path: Path, x: X
) -> None:
    star = x.person("star", followers=2_000_000, name="A Star")
    expected: dict[str, str] = {}
    with serving(x) as url:
        for number, text in enumerate(COMPLAINTS):
            author = star if number == 2 else x.person(f"customer{number}", followers=40)
            expected[str(x.post(author, text))] = text
        for number, text in enumerate(OTHERS):
            x.post(x.person(f"reader{number}"), text)
        for number in range(14):  # what is ignored: our own posts and reposts
            if number % 2:
                x.post(x.me, f"News from @acme number {number}: our app keeps crashing less and less")
            else:
                x.post(x.person("fan"), f"RT @someone: {COMPLAINTS[number % 5]}", reposts=1)
        with service_for(topics, database, url, free_port, tmp_path) as service:
            found = await published(topics, x, len(COMPLAINTS))
            eventually(lambda: len(service.mentions()) == len(OTHERS))
            found = await messages(topics, x)
            assert {event.provider_id for event in found} == set(expected)
            assert len(found) == len(expected), "a post that was mentioned and searched for is one message"
            by_id = {event.provider_id: event for event in found}
            for one, text in expected.items():
                event = by_id[one]
                assert event.id == message_id("x", one)
                assert (event.text, event.public, event.channel) == (text, True, "x")
                assert event.complaint is not None
                assert event.complaint >= 0.5
                assert event.post is not None
                assert event.post.sounds == "complaint"
            assert {event.language for event in found} == {"en", "fr", "ko"}
            assert max(found, key=lambda event: event.reach).sender == f"x:{star.id}"
            assert max(event.reach for event in found) == 2_000_000
            announced = [c for c in await events_on(topics, CHANNELS_ANNOUNCED) if c.name == "x"]
            assert announced[-1].enabled

            praised = next(m for m in service.mentions() if "Anna" in m["text"])
            opened = service.api.post(f"/api/v1/mentions/{praised['id']}/ticket").raise_for_status().json()
            assert service.api.post(f"/api/v1/mentions/{praised['id']}/ticket").json() == opened
            assert opened["message_id"] in {event.id for event in await messages(topics, x)}
            assert praised["id"] not in {m["id"] for m in service.mentions()}
            assert httpx.get(f"{service.api.base_url}/api/v1/mentions").status_code == 401


async def test_a_kill_in_the_middle_loses_no_post_and_says_nothing_twice(
    topics: str, database: str, bus: KafkaBus, free_port: int, tmp_path: Path, x: X
) -> None:
    x.page_size = 5
    with serving(x) as url, service_for(topics, database, url, free_port, tmp_path) as service:
        first = [x.post(x.person(f"early{n}"), f"{COMPLAINTS[n % 12]} {uuid4()}") for n in range(20)]
        await published(topics, x, 5)
        service.kill()
        later = [x.post(x.person(f"late{n}"), f"{COMPLAINTS[n % 12]} {uuid4()}") for n in range(20)]
        service.start()
        found = await published(topics, x, 40)
        assert {event.provider_id for event in found} == {str(one) for one in (*first, *later)}

        x.after_post = "hang"  # X takes the answer, and we are killed before it says so
        request = answer_to(found[0], "We are so sorry. Your refund is on its way.")
        await bus.publish(deliveries_requested("x"), request.ticket_id, request)
        eventually(x.ours)
        service.kill()
        x.after_post = ""
        service.start()
        report = await reported(topics, request.id)
        assert (report.state, report.provider_id) == ("sent", str(x.ours()[0].id))
        await bus.publish(deliveries_requested("x"), request.ticket_id, request)  # Kafka may say it again
        second = answer_to(found[0], "It has arrived, hasn't it?")
        await bus.publish(deliveries_requested("x"), second.ticket_id, second)
        assert (await reported(topics, second.id)).state == "sent"
        assert [tweet.text for tweet in x.ours()] == [request.text, second.text]
        assert {str(tweet.answers) for tweet in x.ours()} == {found[0].provider_id}


async def test_an_hour_without_x_loses_nothing_and_its_limits_are_obeyed(
    topics: str, database: str, bus: KafkaBus, free_port: int, tmp_path: Path, x: X
) -> None:
    x.page_size = 10
    with serving(x) as url, service_for(topics, database, url, free_port, tmp_path, SOCIAL_X_OVERLAP="0") as service:
        before = x.post(x.person("before"), COMPLAINTS[0])
        assert len(await published(topics, x, 1)) == 1
        for trouble in ("503", "drop", "cut"):
            x.outage = trouble
            calls = len(x.calls)
            eventually(lambda calls=calls: len(x.calls) > calls)
        missed = [x.post(x.person(f"during{n}"), f"{COMPLAINTS[n % 12]} #{n}") for n in range(45)]
        assert service.ready(), "what is away is X, not us"
        x.outage = ""
        found = await published(topics, x, 46, seconds=60)
        assert {event.provider_id for event in found} == {str(one) for one in (before, *missed)}
        assert len(found) == 46

        x.lift_limit("mentions", 0)
        x.lift_limit("search", 0)
        limited = eventually(lambda: "rate limit" in service.api.get("/health/ready").json()["parts"]["x"]["detail"])
        assert limited
        asked = len([call for call in x.calls if "mentions" in call[1]])
        x.post(x.person("patient"), COMPLAINTS[1])
        answered = answer_to(found[0], "Thank you for waiting.")  # answers have a limit of their own
        await bus.publish(deliveries_requested("x"), answered.ticket_id, answered)
        assert (await reported(topics, answered.id)).state == "sent"
        assert len([call for call in x.calls if "mentions" in call[1]]) - asked <= 1, "nobody asks before the reset"


async def test_where_the_plan_has_the_stream_posts_come_by_it_and_polling_closes_its_gaps(
    topics: str, database: str, bus: KafkaBus, free_port: int, tmp_path: Path, x: X
) -> None:
    x.streams.allowed, x.streams.keep_alive = True, 0.3
    patient = {"SOCIAL_X_STREAM_EVERY": "3600", "SOCIAL_X_STREAM_SILENCE": "2"}
    with serving(x) as url, service_for(topics, database, url, free_port, tmp_path, **patient) as service:
        early = [x.post(x.person("early"), COMPLAINTS[0])]
        eventually(lambda: x.streams.open)
        await published(topics, x, 1)
        eventually(lambda: resting(x))
        looks = looked(x)
        heard = [x.post(x.person(f"heard{n}"), f"{COMPLAINTS[n]} #{n}") for n in range(5)]
        praise = x.post(x.person("fan"), OTHERS[0])
        assert {m.provider_id for m in await published(topics, x, 6)} == {str(one) for one in (*early, *heard)}
        kept = await kept_mentions(topics, praise)
        assert (kept.facts["Kind"], kept.public) == ("other", True)
        assert looked(x) == looks, "nobody had to ask"

        with service_for(topics, database, url, free_port_beside(free_port), tmp_path, **patient):
            assert len(x.streams.open) == 1, "one process listens, the others stand by"
            x.streams.allowed = False  # the plan ends
            x.streams.cut()
            eventually(lambda: "polled" in service.api.get("/health/ready").json()["parts"]["x"]["detail"])
            missed = [x.post(x.person(f"missed{n}"), f"{COMPLAINTS[n]} in the gap #{n}") for n in range(5)]
            found = await published(topics, x, 11)
        assert {message.provider_id for message in found} == {str(one) for one in (*early, *heard, *missed)}
        assert len(found) == 11, "by whatever way it came, a post is one message"


async def test_an_agents_word_at_the_desk_reaches_the_model_and_opens_the_ticket(
    topics: str, database: str, bus: KafkaBus, free_port: int, tmp_path: Path, x: X
) -> None:
    with serving(x) as url, service_for(topics, database, url, free_port, tmp_path) as service:
        praise = x.post(x.person("fan"), OTHERS[0])
        kept = await kept_mentions(topics, praise)
        word = PostJudged(
            id=str(uuid4()),
            channel="x",
            provider_id=kept.provider_id,
            at=utc_now(),
            agent="ann@example.org",
            label="complaint",
            open_ticket=True,
        )
        for _ in range(2):
            await bus.publish(POSTS_JUDGED, word.provider_id, word)
        (message,) = await published(topics, x, 1)
        assert (message.id, message.text) == (kept.id, kept.text)
        eventually(lambda: service.api.get("/api/v1/model").json()["own_posts"]["complaint"]["wanted"] == 1)
        assert len(await messages(topics, x)) == 1


async def test_direct_messages_stay_private_and_public_answers_short(
    topics: str, database: str, bus: KafkaBus, free_port: int, tmp_path: Path, x: X
) -> None:
    ann = x.person("ann")
    with serving(x) as url, service_for(topics, database, url, free_port, tmp_path):
        x.write_to_us(ann, "Hello, my account number is 4471")
        post = x.post(ann, COMPLAINTS[0])
        found = {event.public: event for event in await published(topics, x, 2)}
        assert found[False].text == "Hello, my account number is 4471"
        assert found[False].complaint is None
        assert found[False].thread.conversation != found[True].thread.conversation
        private, long = answer_to(found[False], "Thank you, Ann."), answer_to(found[True], "sorry " * 60)
        for request in (private, long):
            await bus.publish(deliveries_requested("x"), request.ticket_id, request)
        assert (await reported(topics, private.id)).state == "sent"
        assert [message.text for message in x.our_messages()] == ["Thank you, Ann."]
        refused = await reported(topics, long.id)
        assert refused.state == "failed"
        assert "shorten" in refused.detail
        assert not x.ours()

        thanks = x.post(ann, "@acme ok thanks", answers=post)
        found_again = {event.provider_id: event for event in await published(topics, x, 3)}
        assert found_again[str(thanks)].thread == found[True].thread, "what belongs to a ticket reaches its agent"
        edited = x.edit(thanks, "@acme ok thanks, it came!")
        newer = {event.provider_id: event for event in await published_with(topics, x, str(edited))}
        assert newer[str(edited)].facts["Edited"] == "version 2"


async def test_without_credentials_the_channel_says_what_to_set_and_the_service_runs(
    topics: str, database: str, bus: KafkaBus, free_port: int, tmp_path: Path
) -> None:
    with service_for(topics, database, "", free_port, tmp_path) as service:
        channel = await announced(topics, lambda channel: not channel.enabled)
        assert "SOCIAL_X_CONSUMER_KEY" in channel.why_off
        assert service.mentions() == []
        request = OutboundMessage(
            id=str(uuid4()), ticket_id="t", channel="x", to="x:1", text="Hi", requested_at=utc_now()
        )
        await bus.publish(deliveries_requested("x"), request.ticket_id, request)
        report = await reported(topics, request.id)
        assert report.state == "failed"
        assert "SOCIAL_X_CONSUMER_KEY" in report.detail


async def test_wrong_credentials_turn_the_channel_off_and_say_so(
    topics: str, database: str, bus: KafkaBus, free_port: int, tmp_path: Path, x: X
) -> None:
    x.denied = 401
    with serving(x) as url, service_for(topics, database, url, free_port, tmp_path) as service:
        channel = await announced(topics, lambda channel: "refuses" in channel.why_off)
        assert not channel.enabled
        assert service.ready()


async def test_a_wrong_token_secret_turns_the_channel_off_since_x_checks_every_signature(
    topics: str, database: str, bus: KafkaBus, free_port: int, tmp_path: Path, x: X
) -> None:
    wrong = {"SOCIAL_X_ACCESS_TOKEN_SECRET": "not-the-one-we-were-given"}
    with serving(x) as url, service_for(topics, database, url, free_port, tmp_path, **wrong) as service:
        channel = await announced(topics, lambda channel: "refuses" in channel.why_off)
        assert not channel.enabled
        assert "SOCIAL_X_CONSUMER_KEY" in channel.why_off
        assert service.ready()


def looked(x: X) -> int:
    """How often mentions and the search were asked."""
    return len([path for _, path in x.calls if path.endswith(("/mentions", "/recent"))])


def resting(x: X) -> bool:
    """Whether polling has nothing to do: two seconds are many times its usual pause here."""
    before = looked(x)
    time.sleep(2)
    return looked(x) == before


def free_port_beside(port: int) -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found = int(probe.getsockname()[1])
    return found if found != port else free_port_beside(port)


async def kept_mentions(kafka: str, post: int, seconds: float = 40) -> InboundMessage:
    """The kept mention of this post, once it is there."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for event in await events_on(kafka, MENTIONS_KEPT):
            if event.provider_id == str(post):
                return event
        await asyncio.sleep(0.2)
    raise AssertionError("no kept mention")


def answer_to(message: InboundMessage, text: str) -> OutboundMessage:
    return OutboundMessage(
        id=str(uuid4()),
        ticket_id=f"ticket of {message.id}",
        channel="x",
        to=message.sender,
        text=text,
        requested_at=utc_now(),
        references=(message.provider_id,),
        conversation=message.thread.conversation,
    )


async def reported(kafka: str, outbound_id: str, seconds: float = 40) -> DeliveryReport:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = [report for report in await events_on(kafka, DELIVERIES_REPORTED) if report.outbound_id == outbound_id]
        if found:
            assert len(found) == 1, "told once"
            return found[0]
        await asyncio.sleep(0.2)
    raise AssertionError(f"no report within {seconds} s")


async def published_with(kafka: str, x: X, one: str) -> list[InboundMessage]:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = await messages(kafka, x)
        if any(event.provider_id == one for event in found):
            return found
        await asyncio.sleep(0.2)
    raise AssertionError("not published")


async def announced(kafka: str, wanted: Callable[[Channel], bool]) -> Channel:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = [c for c in await events_on(kafka, CHANNELS_ANNOUNCED) if c.name == "x"]
        if found and wanted(found[-1]):
            return found[-1]
        await asyncio.sleep(0.2)
    raise AssertionError("not announced")


async def test_credentials_that_are_taken_back_turn_the_channel_off_until_they_work_again(
    topics: str, database: str, bus: KafkaBus, free_port: int, tmp_path: Path, x: X
) -> None:
    with serving(x) as url, service_for(topics, database, url, free_port, tmp_path) as service:
        eventually(lambda: "@acme" in service.api.get("/health/ready").json()["parts"]["x"]["detail"])
        await announced(topics, lambda channel: channel.enabled)
        x.denied = 401
        off = await announced(topics, lambda channel: not channel.enabled)
        assert "SOCIAL_X_CONSUMER_KEY" in off.why_off
