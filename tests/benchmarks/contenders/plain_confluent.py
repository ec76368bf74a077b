"""What one would write by hand on confluent-kafka: librdkafka fetches and sends in threads of its
own, outside Python."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer

from services.router.ports import Output
from shared.bus.kafka import MAX_EVENT
from shared.bus.memory import MemoryRecord
from shared.topics import MESSAGES_RECEIVED

Decide = Callable[[Sequence[object]], list[Output]]
_COMMIT_EVERY = 1.0
"""Seconds."""


async def run(servers: str, group: str, decide: Decide, stop: asyncio.Event) -> None:
    """The client blocks, so that it has a thread; the views go on in the loop."""
    await asyncio.to_thread(_route, servers, group, decide, stop)


def _route(servers: str, group: str, decide: Decide, stop: asyncio.Event) -> None:
    """Fetch, decide, send; each second wait for the acknowledgements and commit."""
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 100,
        }
    )
    producer = Producer(
        {
            "bootstrap.servers": servers,
            "acks": "all",
            "enable.idempotence": True,
            "linger.ms": 2,
            "batch.size": 1 << 20,
            "message.max.bytes": 2 * MAX_EVENT,
        }
    )
    consumer.subscribe([MESSAGES_RECEIVED.name])
    failed: list[KafkaError] = []
    committed, pending = time.monotonic(), False
    while not stop.is_set():
        if messages := consumer.consume(500, 0.01):
            for output in decide([_record(message) for message in messages]):
                _send(producer, output, failed)
            pending = True
        producer.poll(0)
        if pending and time.monotonic() - committed > _COMMIT_EVERY:
            producer.flush()
            if failed:
                raise KafkaException(failed[0])
            consumer.commit(asynchronous=False)
            committed, pending = time.monotonic(), False
    producer.flush()
    consumer.close()


def _record(message: Message) -> MemoryRecord:
    if error := message.error():
        raise KafkaException(error)
    place = message.topic(), message.partition(), message.offset()
    return MemoryRecord(*place, message.key(), message.value(), message.headers() or ())


def _send(producer: Producer, output: Output, failed: list[KafkaError]) -> None:
    def delivered(error: KafkaError | None, _message: Message) -> None:
        if error:
            failed.append(error)

    while True:
        try:
            producer.produce(output.topic, output.value, output.key, headers=output.headers, on_delivery=delivered)
            return
        except BufferError:
            producer.poll(0.05)
