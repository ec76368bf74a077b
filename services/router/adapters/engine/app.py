"""A Faust app on the batch consumer, and its agents."""

# ruff: noqa: SLF001 - the package pins the versions whose private names it uses

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

import faust
import faust.transport.drivers.aiokafka as driver
from aiokafka import AIOKafkaProducer, ConsumerRecord
from faust.types import TP

from services.router.adapters.engine.consumer import BatchConsumer, Batching
from services.router.adapters.engine.ledger import Batch
from shared.bus.client import parsed

Work = Callable[[Sequence[ConsumerRecord]], Awaitable[Collection[asyncio.Future[object]]]]
"""Takes records of one partition in order, sends what follows, and returns the acknowledgements to
wait for."""


class BatchProducer(driver.Producer):
    """Acknowledged by every in-sync replica, and without doubles when the client itself tries
    again."""

    def _settings_extra(self) -> dict[str, Any]:
        return {"acks": "all", "enable_idempotence": True}


class BatchTransport(driver.Transport):
    """Faust's Kafka transport with our consumer and producer."""

    Consumer = BatchConsumer
    Producer = BatchProducer


class BatchApp(faust.App):
    """A Faust app whose agents get whole batches: see `work`. `servers`: an address, as
    `shared.bus.client` has it."""

    def __init__(self, name: str, servers: str, batching: Batching, **settings: Any) -> None:
        self.batching = batching
        address = parsed(servers)
        broker = ";".join(f"kafka://{server.strip()}" for server in address.servers.split(","))
        login = faust.SASLCredentials(username=address.user, password=address.password) if address.user else None
        super().__init__(
            name,
            broker=broker,
            broker_credentials=login,
            consumer_auto_offset_reset="earliest",
            stream_wait_empty=True,
            **settings,
        )

    async def on_first_start(self) -> None:
        """Does not make folders for tables: we have none, and a process that is killed would
        leave them behind."""

    def on_init_dependencies(self) -> Any:
        """Removes Faust's monitor from the dependencies: it keeps statistics per event that
        nobody reads; ours are in `shared.metrics`."""
        dependencies = super().on_init_dependencies()
        self.sensors.remove(self.monitor)
        return dependencies

    def _new_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_producer, self)

    @property
    def kafka(self) -> AIOKafkaProducer:
        """Aiokafka's producer behind Faust's: Faust flushes it before each commit. There once the
        app has started."""
        return self.producer._producer  # type: ignore[attr-defined]

    def work(self, topic: str, work: Work) -> None:
        """Registers `work` as the handler of this topic's batches; the only agent on it (rule
        11)."""

        async def finish(
            batch: Batch[TP, ConsumerRecord], acknowledgements: Collection[asyncio.Future[object]]
        ) -> None:
            try:
                # Others wait for the same ones: `gather` would cancel them with itself.
                await asyncio.wait(acknowledgements)
                for acknowledgement in acknowledgements:
                    acknowledgement.result()
            except BaseException as error:  # noqa: BLE001 - also a cancelled send: not acknowledged is not done
                await self.crash(error)
            else:
                self.consumer.finish(batch)  # type: ignore[attr-defined]

        async def agent(stream: Any) -> None:
            finishing: set[asyncio.Task[None]] = set()
            async for event in stream.noack().events():
                if event.message.refcount != 1:
                    raise RuntimeError(f"two agents on {topic}: each batch would count as done when the first is")
                batch: Batch[TP, ConsumerRecord] = event.value
                batch.started = True
                task = asyncio.ensure_future(finish(batch, await work(batch.records)))
                finishing.add(task)
                task.add_done_callback(finishing.discard)
                # Faust hands over what it has without a pause; sockets, heartbeats and the fast
                # lane have their turn.
                await asyncio.sleep(0)

        self.agent(self.topic(topic, key_serializer="raw", value_serializer="raw"), name=f"router.{topic}")(agent)
