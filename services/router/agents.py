"""The Kafka edge: Faust hands over batches, the handlers decide, the outputs go out before anything
is committed."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Collection, Sequence
from typing import cast

from aiokafka import ConsumerRecord

from services.router.adapters.engine.app import BatchApp
from services.router.adapters.engine.consumer import BatchConsumer, Batching
from services.router.adapters.engine.sending import send
from services.router.handlers import Router
from services.router.settings import RouterSettings
from services.router.waiting import all_set, until
from shared.bus import TooManyDeadLetters
from shared.bus.kafka import MAX_EVENT
from shared.errors import Unavailable
from shared.health import Health
from shared.metrics import METRICS
from shared.topics import MESSAGES_RECEIVED, MESSAGES_RECEIVED_LIVE, PARTITIONS

COMMIT_EVERY = 1.0
"""Seconds between two commits of what is done."""
_END_WITHIN = 4.5
"""Seconds for an orderly end, longer than what is under way may take. Only a group that is being
joined keeps us for longer, and who has just joined has nothing to finish."""
_LOOK_EVERY = 2.0
"""Seconds between two looks at the lag and at the flow."""


def create_app(settings: RouterSettings, servers: str, router: Router) -> BatchApp:
    """Creates the Faust app: two lanes, live first."""
    batching = Batching(
        lanes=(frozenset({MESSAGES_RECEIVED_LIVE.name}),), max_records=settings.batch, stall=settings.stall
    )
    app = BatchApp(
        settings.group,
        servers,
        batching,
        store="memory://",
        web_enabled=False,
        topic_partitions=PARTITIONS,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        consumer_max_fetch_size=MAX_EVENT,
        broker_commit_interval=COMMIT_EVERY,
        broker_session_timeout=settings.session_timeout,
        broker_heartbeat_interval=settings.session_timeout / 4,
        broker_rebalance_timeout=30.0,
        broker_request_timeout=30.0,
        broker_max_poll_records=settings.batch,
        producer_acks=-1,
        producer_linger=0.002,
        producer_max_batch_size=1 << 20,
        producer_max_request_size=2 * MAX_EVENT,
        producer_request_timeout=60.0,  # outlasts an election of leaders; aiokafka gives up only what has no leader
    )

    async def work(records: Sequence[ConsumerRecord]) -> Collection[asyncio.Future[object]]:
        try:
            return await send(app.kafka, router.handle(records))
        except TooManyDeadLetters:
            # Halt only when what was set aside is committed, or it would be set aside again after
            # each restart.
            await asyncio.sleep(2 * COMMIT_EVERY)
            raise

    for topic in (MESSAGES_RECEIVED_LIVE, MESSAGES_RECEIVED):
        app.work(topic.name, work)
    return app


async def run(
    settings: RouterSettings,
    servers: str,
    router: Router,
    ready: Sequence[asyncio.Event],
    health: Health,
    stop: asyncio.Event,
) -> None:
    """Routes until `stop` is set, once the views are ready. Raises Unavailable where the engine
    crashed: start afresh."""
    if not await all_set(ready, stop):
        return
    _quiet()
    app = create_app(settings, servers, router)
    app.finalize()
    stopped, *parts = map(asyncio.ensure_future, (until(stop), _run(app), _watch(app, health)))
    await asyncio.wait({stopped, *parts}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    await asyncio.wait({asyncio.ensure_future(app.stop())}, timeout=_END_WITHIN)
    for part in parts:
        part.cancel()
    outcomes = await asyncio.gather(*parts, return_exceptions=True)
    failures = [app.crash_reason, *(outcome for outcome in outcomes if isinstance(outcome, Exception))]
    if any(failures):
        raise Unavailable(f"the engine crashed: {next(filter(None, failures))!r}")


async def _run(app: BatchApp) -> None:
    await app.start()
    gc.collect()
    gc.freeze()  # what is there now stays; looking through it again and again would hold up messages for nothing
    await app.wait_until_stopped()


async def _watch(app: BatchApp, health: Health) -> None:
    """Updates health and lag at intervals."""
    while True:
        consumer = cast("BatchConsumer", app.consumer) if app.started else None
        flowing = consumer is not None and consumer.at_work
        health.set("engine", ok=flowing, detail="" if flowing else "waiting for its partitions")
        if consumer and flowing:
            for topic, behind in consumer.lag().items():
                METRICS.records_behind.labels(group=app.conf.id, topic=topic).set(behind)
        await asyncio.sleep(_LOOK_EVERY if flowing else 0.2)


def _quiet() -> None:
    """Sets log levels: Faust logs each start and stop of its parts, and misses the monitor that
    we left out; we log a crash ourselves."""
    for name, level in (
        ("mode", logging.ERROR),
        ("faust", logging.WARNING),
        ("services.router.adapters.engine", logging.ERROR),
    ):
        logging.getLogger(name).setLevel(level)
