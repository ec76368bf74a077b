"""What one would write by hand on aiokafka: no lanes, no static membership, no watchdog, no
health."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from services.router.ports import Output
from shared.bus.kafka import MAX_EVENT
from shared.topics import MESSAGES_RECEIVED


async def run(
    servers: str, group: str, decide: Callable[[Sequence[object]], list[Output]], stop: asyncio.Event
) -> None:
    """Fetch, decide, send, wait for the acknowledgements, commit."""
    consumer = AIOKafkaConsumer(
        MESSAGES_RECEIVED.name,
        bootstrap_servers=servers,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=MAX_EVENT,
        fetch_max_wait_ms=100,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=servers,
        acks="all",
        enable_idempotence=True,
        linger_ms=2,
        max_batch_size=1 << 20,
        max_request_size=2 * MAX_EVENT,
    )
    await producer.start()
    await consumer.start()
    try:
        while not stop.is_set():
            batches = await consumer.getmany(timeout_ms=200, max_records=500)
            acknowledged = [
                await producer.send(output.topic, output.value, key=output.key, headers=output.headers)
                for records in batches.values()
                for output in decide(records)
            ]
            await asyncio.gather(*acknowledged)
            if batches:
                await consumer.commit({partition: records[-1].offset + 1 for partition, records in batches.items()})
    finally:
        await consumer.stop()
        await producer.stop()
