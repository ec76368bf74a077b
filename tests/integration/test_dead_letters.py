"""An operator sees what was set aside, corrects the cause, and sends it on its way again: handled
once, nothing lost."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer

from services.router import commands
from shared.bus import DeadLetter, Record
from shared.bus.dead_letters import COMPACTED, DeadLetters, Letter
from shared.bus.kafka import KafkaBus, create_topics
from shared.clock import utc_now
from shared.errors import Unavailable
from shared.events import DeskEvent
from shared.events.codec import encode
from shared.topics import DEAD_LETTERS, DEAD_LETTERS_REPLAYED, TICKETS_CHANGED, Topic
from tests.topic import records_on
from tests.waiting import until

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


@dataclass
class Stage:
    """A topic of its own with one consumer, whose code can be corrected."""

    bus: KafkaBus
    topic: Topic[DeskEvent]
    capture: pytest.CaptureFixture[str]
    handled: list[str] = field(default_factory=list)
    raw: list[Record[DeskEvent]] = field(default_factory=list)
    broken: bool = True

    async def handle(self, records: Sequence[Record[DeskEvent]]) -> None:
        """A reader that drops what it has seen, as those of services do."""
        for record in records:
            if self.broken and record.event.kind == "trips":
                raise ZeroDivisionError("division by zero")
            self.raw.append(record)
            if record.event.id not in self.handled:
                self.handled.append(record.event.id)

    async def write(
        self, value: bytes | None, key: bytes | None, headers: list[tuple[str, bytes]], partition: int | None = None
    ) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.bus.servers)
        await producer.start()
        try:
            await producer.send_and_wait(self.topic.name, value, key=key, headers=headers, partition=partition)
        finally:
            await producer.stop()

    async def letters(self) -> list[Letter]:
        async with DeadLetters(self.bus.servers, "tests") as dead:
            return [letter for letter in await dead.all() if letter.topic == self.topic.name]

    async def command(self, *arguments: str) -> Said:
        """A command of the router, as `python -m services router dead-letters` runs it, in a thread
        with a loop of its own."""
        self.capture.readouterr()
        code = await asyncio.to_thread(commands.main, ["dead-letters", *arguments])
        out, err = self.capture.readouterr()
        # The stage's own consumer logs in this process: a real command's output has none of it.
        return Said(
            code, "".join(line for line in out.splitlines(keepends=True) if "record set aside" not in line), err
        )


@pytest.fixture
async def stage(
    kafka: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stage]:
    monkeypatch.setenv("SWITCHBOARD_KAFKA", kafka)
    monkeypatch.setenv("SWITCHBOARD_SECRET", "s" * 32)
    topic = Topic(
        f"letters-{uuid4().hex[:8]}", DeskEvent, "ticket id", ("tests",), ("tests",), "tests", 1, partitions=2
    )
    await create_topics(kafka, [topic, DEAD_LETTERS, DEAD_LETTERS_REPLAYED])
    bus = KafkaBus(kafka, "tests")
    await bus.start()
    stage = Stage(bus, topic, capsys)

    async def known() -> bool:
        with suppress(Unavailable):
            async with DeadLetters(kafka, "tests") as dead:
                return topic.name in await dead.topics()
        return False

    await until(known, "the broker to tell of the new topic: a consumer that joins before would wait for minutes")
    stop = asyncio.Event()
    reading = asyncio.ensure_future(bus.consumer([topic], f"group-{topic.name}", stage.handle).run(stop))
    yield stage
    stop.set()
    await reading
    await bus.stop()


def event(kind: str, identity: str) -> DeskEvent:
    return DeskEvent(id=identity, ticket_id="t", kind=kind, at=utc_now())


async def set_aside(stage: Stage, count: int) -> list[Letter]:
    """Wait until so many are."""

    async def look() -> bool:
        return len(await stage.letters()) >= count

    await until(look, f"{count} dead letters")
    return await stage.letters()


async def test_once_its_cause_is_corrected_a_record_is_replayed_and_handled_exactly_once(stage: Stage) -> None:
    value = encode(event("trips", "one"))
    headers = [("ce_id", b"one"), ("traceparent", b"00-abc-def-01"), ("odd", b"\xff\x00")]
    await stage.write(value, b"ticket-1", headers)
    (letter,) = await set_aside(stage, 1)
    assert (letter.key, letter.headers, letter.replayed) == (b"ticket-1", headers, "")
    assert letter.error == "ZeroDivisionError: division by zero"
    assert "in handle" in letter.stack

    stage.broken = False
    done = await stage.command("replay", str(letter.id))
    assert (done.returncode, done.stdout) == (0, f"{letter.id}: back on {stage.topic.name}\n"), done.stderr

    async def handled() -> bool:
        return bool(stage.handled)

    await until(handled, "the record to be handled")
    first, second = sorted(await records_on(stage.bus.servers, stage.topic), key=lambda record: record.offset)
    assert (second.key, second.value, list(second.headers)) == (first.key, first.value, list(first.headers))
    assert second.partition == first.partition
    (letter,) = await stage.letters()
    assert letter.replayed
    assert letter.replayed_by == "command line"
    assert "by command line" in (await stage.command("show", str(letter.id))).stdout

    refused = await stage.command("replay", str(letter.id))
    assert refused.returncode == 1
    assert "--again" in refused.stderr
    assert (await stage.command("replay", str(letter.id), "--again")).returncode == 0

    async def seen_twice() -> bool:
        return len(stage.raw) == 2

    await until(seen_twice, "the record to come again")
    assert stage.handled == ["one"]
    assert len(await stage.letters()) == 1


async def test_a_record_goes_back_behind_the_others_of_its_ticket_whoever_chose_their_partition(stage: Stage) -> None:
    for partition in (0, 1):
        await stage.write(b"{not json", b"ticket-1", [], partition)
    await set_aside(stage, 2)
    assert (await stage.command("replay", "--all", "--topic", stage.topic.name)).returncode == 0
    places = [record.partition for record in await records_on(stage.bus.servers, stage.topic)]
    assert sorted(places) == [0, 0, 1, 1]


async def test_a_record_whose_partition_its_topic_has_no_more_goes_where_its_key_belongs(stage: Stage) -> None:
    value = encode(event("fine", "one"))
    await stage.bus.set_aside(DeadLetter(stage.topic.name, 7, 0, b"ticket-1", value, "Malformed: unreadable", "tests"))
    (letter,) = await set_aside(stage, 1)
    done = await stage.command("replay", str(letter.id))
    assert done.returncode == 0, done.stderr
    (record,) = await records_on(stage.bus.servers, stage.topic)
    assert (record.key, record.value) == (b"ticket-1", value)


async def test_everything_of_a_topic_goes_back_at_once_and_what_is_still_bad_is_set_aside_again(stage: Stage) -> None:
    await stage.write(b"{not json", b"ticket-1", [])
    await stage.write(encode(event("trips", "two")), b"ticket-2", [])
    await stage.write(encode(event("fine", "three")), b"ticket-2", [])
    await stage.write(b"[]", None, [])
    before = await set_aside(stage, 3)
    stage.broken = False
    done = await stage.command("replay", "--all", "--topic", stage.topic.name)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "3 replayed, 0 left"), done.stderr
    after = await set_aside(stage, 5)
    assert [bool(letter.replayed) for letter in after] == [True, True, True, False, False]
    assert {letter.error.split(":")[0] for letter in after[3:]} == {"MalformedEvent"}
    assert {letter.key for letter in after[3:]} == {b"ticket-1", None}
    assert {letter.id for letter in before} < {letter.id for letter in after}

    async def handled() -> bool:
        return set(stage.handled) == {"two", "three"}

    await until(handled, "both to be handled")


async def test_an_operator_reads_what_was_set_aside_and_why(stage: Stage) -> None:
    await stage.write(
        b'{"text": "\x1b[2Jcleared\x07", "more": "' + b"x" * 5000, b"tel:+33612345678", [("ce_id", b"m1")]
    )
    (letter,) = await set_aside(stage, 1)
    listed = await stage.command("list", "--topic", stage.topic.name)
    assert listed.returncode == 0
    (line,) = listed.stdout.splitlines()
    assert line.split()[0] == str(letter.id)
    assert all(part in line for part in ("waiting", stage.topic.name, "tel:+33612345678", "MalformedEvent"))
    shown = (await stage.command("show", str(letter.id))).stdout
    for part in (
        f"partition {letter.partition}, offset {letter.offset}",
        "ce_id: m1",
        "Traceback",
        "bytes more",
    ):
        assert part in shown
    assert "\\u001b[2Jcleared\\u0007" in shown, "a record from outside must not steer the terminal"
    assert "\x1b" not in shown
    whole = (await stage.command("show", str(letter.id), "--bytes", "100000")).stdout
    assert "x" * 5000 in whole
    await stage.command("replay", str(letter.id))
    assert "replayed" in (await stage.command("list", "--topic", stage.topic.name)).stdout.splitlines()[0]
    waiting = await stage.command("list", "--waiting", "--topic", stage.topic.name)
    assert str(letter.id) not in {line.split()[0] for line in waiting.stdout.splitlines()}


async def test_what_has_no_way_back_is_left_where_it_is_and_says_so(stage: Stage) -> None:
    door, compacted = uuid4().hex, uuid4().hex
    for topic, key in (("x-mentions", door), ("customers-updated", compacted)):
        await stage.bus.set_aside(DeadLetter(topic, 0, 7, key.encode(), b"raw", "Malformed: unreadable", "email"))
    async with DeadLetters(stage.bus.servers, "tests") as dead:
        ids = {letter.key: str(letter.id) for letter in await dead.all()}
    at_the_door = await stage.command("replay", ids[door.encode()])
    assert at_the_door.returncode == 1
    assert f"python -m services email replay {ids[door.encode()]}" in at_the_door.stderr
    older = await stage.command("replay", ids[compacted.encode()])
    assert older.returncode == 1
    assert "would take its place" in older.stderr
    unknown = await stage.command("replay", "999999999")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "dead-letters list" in unknown.stderr


def test_without_kafka_the_operator_is_told_in_one_line(free_port: int) -> None:
    away = subprocess.run(
        [sys.executable, "-m", "services", "router", "dead-letters", "list"],
        cwd=ROOT,
        env=os.environ | {"SWITCHBOARD_KAFKA": f"127.0.0.1:{free_port}", "SWITCHBOARD_SECRET": "s" * 32},
        capture_output=True,
        text=True,
        check=False,
    )
    assert away.returncode == 75
    assert "is unavailable" in away.stderr
    assert "Traceback" not in away.stderr


def test_the_topics_of_the_house_lead_back_unless_they_are_compacted() -> None:
    assert "customers-updated" in COMPACTED
    assert TICKETS_CHANGED.name not in COMPACTED
