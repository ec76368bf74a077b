"""Dead letters: what every service set aside, and the way back to the topic where it came from.

A letter's id is its offset in `dead-letters`, where nothing is ever changed or taken away. That it
was replayed, and by whom, is told on `dead-letters-replayed`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, KafkaTimeoutError

from shared.bus.client import options, shown
from shared.bus.kafka import CUT, MAX_EVENT, ORIGINAL, REQUEST_TIMEOUT_MS, KafkaBus
from shared.bus.unreadable import UNREADABLE
from shared.clock import utc_now
from shared.errors import Malformed, Unavailable
from shared.events import DeadLetterReplayed
from shared.events.codec import MalformedEvent, decode
from shared.topics import DEAD_LETTERS, DEAD_LETTERS_REPLAYED, DOORS, all_topics

_LETTERS = TopicPartition(DEAD_LETTERS.name, 0)
_REPLAYED = TopicPartition(DEAD_LETTERS_REPLAYED.name, 0)
COMPACTED = frozenset(topic.name for topic in all_topics(()) if topic.retention_days is None)
_WAIT_MS = 5_000
"""For records whose offsets are known; a broker that is there answers in milliseconds."""
_FETCH_MS = 50
"""That the broker may hold a request for more: the next one, for another topic, waits behind it."""
_SKEW_MS = 3_600_000
"""By how much the clocks of two machines may differ when a replay is looked for by its time."""

Headers = list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Letter:
    """A record that `group` could not handle. `headers` are the record's own; its value is read
    when it is needed."""

    id: int
    topic: str
    partition: str
    offset: str
    key: bytes | None
    headers: Headers
    group: str
    error: str
    stack: str
    at: str
    """When it was set aside, ISO 8601."""
    size: int
    """Bytes of the value."""
    cut: int = 0
    """Bytes of the whole record, where it was too large to be set aside and only the beginning of
    its value is kept."""
    replayed: str = ""
    """When it was replayed last, ISO 8601; empty: never."""
    replayed_by: str = ""
    """Who did."""


class NoWayBack(Malformed):
    """A letter that cannot be replayed. `code`: `compacted`, `door` (it never was on a topic),
    `cut` (too large to be kept whole), `unreadable` (a damaged batch) or `empty`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def parsed(id_: int, value: bytes | None, headers: Sequence[tuple[str, bytes]]) -> Letter:
    """Parses a record of `dead-letters`. A header that is missing is empty: whatever is there is
    shown."""
    ours = {name: data.decode(errors="replace") for name, data in headers if not name.startswith(ORIGINAL)}
    return Letter(
        id=id_,
        topic=ours.get("source_topic", ""),
        partition=ours.get("source_partition", ""),
        offset=ours.get("source_offset", ""),
        key=dict(headers).get("source_key") or None,  # no key of ours is empty: that is a record without one
        headers=[(name.removeprefix(ORIGINAL), data) for name, data in headers if name.startswith(ORIGINAL)],
        group=ours.get("group", ""),
        error=ours.get("error", ""),
        stack=ours.get("stack", ""),
        at=ours.get("ce_time", ""),
        size=len(value or b""),
        cut=int(cut) if (cut := ours.get(CUT, "")).isdecimal() else 0,
    )


def way_back(letter: Letter) -> str:
    """Returns the topic on which a replay publishes the letter."""
    return DOORS.get(letter.topic, letter.topic)


def printable(data: bytes | str, *, lines: bool = False) -> str:
    """Returns text that is safe to show: what came from outside could hold control sequences, or
    characters that reverse the direction of writing."""
    text = data.decode(errors="backslashreplace") if isinstance(data, bytes) else data
    return "".join(
        each if each.isprintable() or (lines and each in "\n\t") else json.dumps(each)[1:-1] for each in text
    )


class DeadLetters:
    """`dead-letters` of the Kafka at `servers`, for `service`. Every method raises Unavailable
    where it is away; one at a time."""

    def __init__(self, servers: str, service: str) -> None:
        self._servers, self._bus = servers, KafkaBus(servers, service)
        self._consumer = AIOKafkaConsumer(
            **options(servers),
            enable_auto_commit=False,
            fetch_max_wait_ms=_FETCH_MS,
            isolation_level="read_committed",
        )
        self._producer = AIOKafkaProducer(
            **options(servers),
            client_id="dead-letters",
            acks="all",
            enable_idempotence=True,
            max_request_size=2 * MAX_EVENT,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
        )

    async def __aenter__(self) -> Self:
        try:
            with self._kafka():
                await self._consumer.start()
                await self._producer.start()
            await self._bus.start()
            if missing := {_LETTERS.topic, _REPLAYED.topic} - await self.topics():
                raise Unavailable(
                    f"the topic {' and '.join(missing)} is not there: `python -m services topics` makes it"
                )
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._bus.stop()
        await self._producer.stop()
        await self._consumer.stop()

    async def all(self) -> list[Letter]:
        """Returns every letter that is kept, oldest first."""
        with self._kafka(), self._at_rest_after():
            return await self._read(0)

    async def newest(self, count: int) -> list[Letter]:
        """Returns at most `count` of the newest letters, oldest first. Reads no more than these
        and the replays since the first of them."""
        _, end = await self.bounds()
        with self._kafka(), self._at_rest_after():
            return await self._read(max(0, end - count))

    async def one(self, id_: int) -> tuple[Letter, bytes | None]:
        """Returns a letter with the raw record's value. Raises Malformed where it is no longer
        kept or never existed."""
        oldest, end = await self.bounds()
        if oldest <= id_ < end:
            with self._kafka(), self._at_rest_after():
                async for record in self._records(_LETTERS, id_):
                    if record.offset != id_:
                        break
                    found = {id_: parsed(id_, record.value, record.headers)}
                    await self._mark_replayed(found, record.timestamp)
                    return found[id_], bytes(record.value) if record.value is not None else None
        raise Malformed(f"letter {id_} is not kept (any more): `dead-letters list` shows those that are")

    async def bounds(self) -> tuple[int, int]:
        """Returns the oldest id that is kept, and the next one to be assigned."""
        with self._kafka():
            oldest = await self._consumer.beginning_offsets([_LETTERS])
            end = await self._consumer.end_offsets([_LETTERS])
        return oldest[_LETTERS], end[_LETTERS]

    async def replays(self) -> int:
        """Returns how many replays there have been so far; it grows by one with each."""
        with self._kafka():
            end = await self._consumer.end_offsets([_REPLAYED])
        return int(end[_REPLAYED])

    async def topics(self) -> set[str]:
        """Returns the topics that exist, to which a letter can be replayed."""
        with self._kafka():
            return set(await self._consumer.topics())

    async def obstacle(self, letter: Letter) -> NoWayBack | None:
        """Returns the reason why this letter cannot be replayed, or None where it can."""
        if letter.topic in COMPACTED:
            return NoWayBack(
                "compacted",
                f"letter {letter.id} is from {letter.topic}, which keeps the newest value of each key: "
                f"this older one would take its place",
            )
        if way_back(letter) not in await self.topics():
            return NoWayBack(
                "door",
                f"letter {letter.id} was set aside by {letter.group} at its door, before any topic: "
                f"`python -m services {letter.group} replay {letter.id}` reads it again, where {letter.group} has that command",
            )
        if any(name == UNREADABLE for name, _ in letter.headers):
            return NoWayBack(
                "unreadable",
                f"letter {letter.id} is a whole batch that nobody can read, as it was in partition {letter.partition} of {letter.topic}: "
                f"whoever wrote it has to write it again",
            )
        if letter.cut:
            return NoWayBack(
                "cut",
                f"letter {letter.id} had {letter.cut} bytes, too many to be kept whole: until {letter.topic} forgets it, the record "
                f"is in partition {letter.partition} at offset {letter.offset}",
            )
        if not letter.size and letter.key is None:
            return NoWayBack("empty", f"letter {letter.id} has neither key nor value: there is nothing to replay")
        return None

    async def replay(self, letter: Letter, by: str) -> DeadLetterReplayed:
        """Publishes the record unchanged where it came from: same partition, key, value and
        headers; returns when Kafka has it (acks=all). `by`: who replays it.

        Its partition too, because not everybody finds one for a key as we would (the router:
        decision 9), and what is of one ticket stays in order only within one. Where the topic has
        it no more, the key tells. That it was done is told after, so that a crash between the two
        shows the letter as not replayed: another replay is the same record with the same ids again,
        which its readers drop. Raises Malformed where it is not kept, NoWayBack where it cannot go.
        """
        if obstacle := await self.obstacle(letter):
            raise obstacle
        _, value = await self.one(letter.id)
        with self._kafka():
            topic = way_back(letter)
            there = await self._producer.partitions_for(topic)
            place = next((number for number in there if str(number) == letter.partition), None)
            await self._producer.send_and_wait(topic, value, key=letter.key, partition=place, headers=letter.headers)
        done = DeadLetterReplayed(letter=letter.id, topic=topic, at=utc_now(), by=by)
        await self._bus.publish(DEAD_LETTERS_REPLAYED, str(letter.id), done)
        return done

    async def _read(self, start: int) -> list[Letter]:
        letters: dict[int, Letter] = {}
        since = 0
        async for record in self._records(_LETTERS, start):
            letters[record.offset] = parsed(record.offset, record.value, record.headers)
            since = min(since, record.timestamp) if since else record.timestamp
        if letters:
            await self._mark_replayed(letters, since)
        return list(letters.values())

    async def _mark_replayed(self, letters: dict[int, Letter], since: int) -> None:
        """Marks the letters that were replayed. `since`: milliseconds since 1970; none of the
        letters is older."""
        places = await self._consumer.offsets_for_times({_REPLAYED: max(0, since - _SKEW_MS)})
        place = places.get(_REPLAYED)
        if place is None:
            return
        async for record in self._records(_REPLAYED, place.offset):
            with suppress(MalformedEvent):
                done = decode(DeadLetterReplayed, record.value)
                if letter := letters.get(done.letter):
                    letters[letter.id] = replace(letter, replayed=done.at.isoformat(), replayed_by=done.by)

    async def _records(self, partition: TopicPartition, start: int = 0) -> AsyncIterator[ConsumerRecord]:
        """Yields records from `start`, or the oldest that is kept, to the end as of now."""
        self._consumer.assign([partition])
        oldest = (await self._consumer.beginning_offsets([partition]))[partition]
        self._consumer.seek(partition, max(start, oldest))
        end = (await self._consumer.end_offsets([partition]))[partition]
        while await self._consumer.position(partition) < end:
            records = (await self._consumer.getmany(partition, timeout_ms=_WAIT_MS)).get(partition, [])
            if not records:
                raise KafkaTimeoutError(f"nothing came within {_WAIT_MS} ms")
            for record in records:
                yield record

    @contextmanager
    def _at_rest_after(self) -> Iterator[None]:
        """Holds the consumer back from asking for more: aiokafka asks for what comes next as
        long as a partition is assigned, and nobody waits for it."""
        try:
            yield
        finally:
            self._consumer.unsubscribe()

    @contextmanager
    def _kafka(self) -> Iterator[None]:
        try:
            yield
        except (KafkaError, OSError) as error:
            raise Unavailable(f"Kafka at {shown(self._servers)} is unavailable: {error!r}") from error
