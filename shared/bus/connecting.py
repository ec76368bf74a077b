"""Waiting for a broker that may be away."""

from __future__ import annotations

import asyncio
import random

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from shared.attempts import delay
from shared.logs import log
from shared.waiting import wait


async def connect(consumer: AIOKafkaConsumer, stop: asyncio.Event) -> None:
    """Start the consumer as soon as a broker answers, or return without it once `stop` is set."""
    attempt = 0
    while not stop.is_set():
        try:
            await consumer.start()
        except (KafkaError, OSError) as error:
            attempt += 1
            log.warning("waiting for Kafka", error=str(error), attempt=attempt)
            await wait(stop, delay(attempt, random.random()))
        else:
            return
