"""Waiting for a broker that may be away."""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from shared.errors import Unavailable
from shared.loops import persist


async def connect(consumer: AIOKafkaConsumer, stop: asyncio.Event) -> None:
    """Start the consumer as soon as a broker answers, or return without it once `stop` is set."""

    async def start() -> None:
        try:
            await consumer.start()
        except (KafkaError, OSError) as error:
            raise Unavailable(f"Kafka is unavailable: {error}") from error

    await persist("kafka", start, stop)
