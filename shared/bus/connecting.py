"""Consumers that wait: for a broker that may be away, and for records that may be long in
coming."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.client import ConnectionGroup
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.errors import KafkaError

from shared.errors import Unavailable
from shared.loops import persist

PATIENCE = 5.0
"""Seconds for which a broker may hold a fetch that has nothing yet, where all partitions take part
in it: whatever comes is answered at once."""
_LEADERS_MOVE = 1.0
"""The same where there are several brokers: a partition that moves to one that holds a fetch of
ours waits for its end."""
_LEFT = 0.1
"""The same where records are left that nobody has taken: their partitions join the next fetch
only."""


class PatientFetcher(Fetcher):  # type: ignore[misc] # aiokafka has no types
    """Aiokafka's, whose fetches are short or frequent whatever they are for. At rest these are most
    of what a broker has to do."""

    @property
    def _fetch_max_wait_ms(self) -> int:
        several = len(self._client.cluster.brokers()) > 1
        return round(1000 * (_LEFT if self._records else _LEADERS_MOVE if several else PATIENCE))

    @_fetch_max_wait_ms.setter
    def _fetch_max_wait_ms(self, _usual: int) -> None: ...

    @property
    def _fetcher_timeout(self) -> float:
        """Seconds between two looks at whether there is something to fetch; all that changes this
        wakes it too."""
        return PATIENCE

    @_fetcher_timeout.setter
    def _fetcher_timeout(self, _usual: float) -> None: ...

    async def _proc_fetch_request(self, assignment: Any, node_id: int, request: Any) -> bool:
        """Closes the connection of a fetch that we do not want any more: the broker would go on
        to hold it, and answer nothing else there."""
        try:
            return bool(await super()._proc_fetch_request(assignment, node_id, request))
        except asyncio.CancelledError:
            if connection := self._client._conns.get((node_id, ConnectionGroup.DEFAULT)):  # noqa: SLF001
                connection.close()
            raise


def be_patient(consumer: AIOKafkaConsumer) -> None:
    """Lets a consumer that was started wait for records instead of asking for them again and
    again."""
    consumer._fetcher.__class__ = PatientFetcher  # noqa: SLF001 - aiokafka is pinned, and has no way to give it another


async def connect(consumer: AIOKafkaConsumer, stop: asyncio.Event) -> None:
    """Starts the consumer as soon as a broker answers, or returns without starting it once
    `stop` is set."""

    async def start() -> None:
        try:
            await consumer.start()
        except (KafkaError, OSError) as error:
            raise Unavailable(f"Kafka is unavailable: {error}") from error
        be_patient(consumer)

    await persist("kafka", start, stop)


async def fetched(
    consumer: AIOKafkaConsumer, stop: asyncio.Event, most: int, seconds: float = PATIENCE
) -> dict[TopicPartition, Sequence[ConsumerRecord[Any, Any]]]:
    """Returns at most so many records as soon as there are any; none once `stop` is set, or
    after so many seconds."""
    found: dict[TopicPartition, Sequence[ConsumerRecord[Any, Any]]] = await consumer.getmany(max_records=most)
    if found:
        return found
    getting = asyncio.ensure_future(consumer.getmany(timeout_ms=round(seconds * 1000), max_records=most))
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({getting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return getting.result() if getting.done() else {}
    finally:
        getting.cancel()
        stopping.cancel()
