"""Sending a batch's outputs: an acknowledgement for each run that travels together, where aiokafka
makes one for each record."""

# ruff: noqa: SLF001 - the package pins the versions whose private names it uses

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from zlib import crc32

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaTimeoutError, ProducerClosed

from services.router.ports import Output


async def send(producer: AIOKafkaProducer, outputs: Iterable[Output]) -> set[asyncio.Future[object]]:
    """Sends the outputs to the producer in order; returns the acknowledgements to wait for, without
    cancelling them.

    As `AIOKafkaProducer.send` for each of them, with its errors. Its price is a future, a look at
    the metadata and Murmur's hash in Python for every record: more than the record itself. A key's
    partition is found as librdkafka finds it (`consistent`, CRC-32): where the order of a ticket's
    messages matters, the router alone writes, and it does the same each time.
    """
    accumulator = producer._message_accumulator
    places: dict[str, list[TopicPartition]] = {}
    acknowledgements: set[asyncio.Future[object]] = set()
    for output in outputs:
        if output.topic not in places:
            await producer.client._wait_on_metadata(output.topic)
            numbers = sorted(producer._metadata.partitions_for_topic(output.topic))
            places[output.topic] = [TopicPartition(output.topic, number) for number in numbers]
        found = places[output.topic]
        place = found[crc32(output.key) % len(found)]
        while True:
            if accumulator._exception is not None:
                raise accumulator._exception
            if accumulator._closed:
                raise ProducerClosed
            pending = accumulator._batches.get(place)
            batch = pending[-1] if pending else accumulator._append_batch(accumulator.create_builder(), place)
            if batch._builder.append(timestamp=None, key=output.key, value=output.value, headers=output.headers):
                acknowledgements.add(batch.future)
                break
            if not accumulator._waiter_future.done():
                accumulator._waiter_future.set_result(None)
            patience, began = producer._request_timeout_ms / 1000, time.monotonic()
            await batch.wait_drain(patience)
            if time.monotonic() - began >= patience:
                raise KafkaTimeoutError
    return acknowledgements
