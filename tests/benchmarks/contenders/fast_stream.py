"""FastStream in its fastest form that does the same: whole batches in, raw bytes, each output with
its own key and headers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from itertools import groupby

from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage

from services.router.ports import Output
from shared.bus.kafka import MAX_EVENT
from shared.topics import MESSAGES_RECEIVED


async def run(
    servers: str, group: str, decide: Callable[[Sequence[object]], list[Output]], stop: asyncio.Event
) -> None:
    """Acknowledges a batch when its outputs are acknowledged."""
    logging.getLogger("faststream").setLevel(logging.WARNING)
    broker = KafkaBroker(
        servers,
        acks="all",
        enable_idempotence=True,
        linger_ms=2,
        max_batch_size=1 << 20,
        max_request_size=2 * MAX_EVENT,
        allow_auto_create_topics=False,
        logger=None,
    )

    async def undecoded(message: KafkaMessage) -> KafkaMessage:
        return message

    @broker.subscriber(
        MESSAGES_RECEIVED.name,
        group_id=group,
        batch=True,
        max_records=500,
        batch_timeout_ms=20,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=100,
        max_partition_fetch_bytes=MAX_EVENT,
        ack_policy=AckPolicy.NACK_ON_ERROR,
        decoder=undecoded,
    )
    async def route(message: KafkaMessage) -> None:
        outputs = [
            output
            for _, records in groupby(message.raw_message, key=lambda record: record.partition)
            for output in decide(list(records))
        ]
        acknowledged = [
            await broker.publish(
                output.value,
                output.topic,
                key=output.key,
                headers={name: value.decode() for name, value in output.headers},
                no_confirm=True,
            )
            for output in outputs
        ]
        await asyncio.gather(*acknowledged)

    async with broker:
        await broker.start()
        await stop.wait()
