"""The consumer that hands whole runs of records to Faust. Rules: see the package's docstring."""

# ruff: noqa: SLF001, ASYNC109, ASYNC110 - private names of pinned versions; signatures and waiting
# as Faust has them

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import faust.transport.drivers.aiokafka as driver
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.errors import ConsumerStoppedError, IllegalStateError, KafkaError
from faust.types import TP
from mode import Service
from mode.utils.futures import maybe_async

from services.router.adapters.engine.ledger import Batch, Ledger
from shared.bus.connecting import be_patient
from shared.bus.pace import FEW, Pace
from shared.logs import log

Run = tuple[int, int, Sequence[ConsumerRecord]]
"""Position before, position after, and the records between."""

_ROOM_WAIT = 0.02
"""Seconds to wait for records while some partitions are full, before looking whether they have room
again."""


@dataclass(frozen=True, slots=True)
class Batching:
    """How the consumer reads."""

    lanes: tuple[frozenset[str], ...] = ()
    """Topics, the most urgent first; what is in none of them comes last."""
    max_records: int = 100
    max_outstanding: int = 4
    settle: float = 3.0
    """Seconds to wait for started batches at a revocation or at the end; within the 5 that a
    service has to stop."""
    stall: float = 120.0
    """Seconds without progress after which the worker gives itself up."""


class BatchClient(driver.AIOKafkaConsumerThread):
    """aiokafka's consumer on the loop of everything else (rule 3). Faust has it in a thread of its
    own, and calls into that thread: two threads would pass the interpreter's lock back and forth
    with each batch (decision 0009)."""

    consumer: BatchConsumer
    wait_for_shutdown = False
    start, maybe_start, stop = Service.start, Service.maybe_start, Service.stop
    on_stop = driver.AIOKafkaConsumerThread.on_thread_stop
    _stopped_set = Service._stopped_set
    _stop_children, _stop_futures = Service._stop_children, Service._stop_futures
    _stop_exit_stacks = Service._stop_exit_stacks

    def __init__(self, consumer: BatchConsumer, **kwargs: Any) -> None:
        super().__init__(consumer, thread_loop=consumer.loop, **kwargs)
        self._pace, self._rest_until = Pace(), 0.0
        self._step_since: float | None = None
        """When records of the other lanes were handed over, until their rest begins."""

    async def crash(self, exc: BaseException) -> None:
        """Crashes this service only: there is no other loop to notify."""
        await Service.crash(self, exc)

    async def call_thread(self, fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Calls the function at once, in this thread."""
        return await maybe_async(fun(*args, **kwargs))

    async def on_start(self) -> None:
        """Starts without Faust's own wait of 1,500 ms, which would be felt by a lone message
        whose partition was just emptied."""
        await super().on_start()
        be_patient(self._ensure_consumer())

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"  # what a writer took back was never true
        return consumer

    def _assignment(self) -> Any:
        """Returns Aiokafka's current assignment, or None while there is none."""
        assignment = getattr(self._ensure_consumer()._subscription.subscription, "assignment", None)
        return assignment if assignment is not None and assignment.active else None

    async def fetch_runs(
        self, urgent: Sequence[set[TP]], partitions: set[TP], timeout: float, max_records: int
    ) -> dict[TP, Run]:
        """Returns what each partition moved by (rule 3): `urgent` lanes, for which a rest is
        long enough to wait, then all (rule 13). No set is empty."""
        consumer, assignment = self._ensure_consumer(), self._assignment()
        if assignment is None or not self.consumer.flow_active:
            return {}
        fetcher = consumer._fetcher
        if fetcher._closed:
            raise ConsumerStoppedError
        before = {tp: assignment.state_value(tp)._position for tp in assignment.tps}
        now = time.monotonic()
        if self._step_since is not None:
            self._rest_until, self._step_since = now + self._pace.rest(now - self._step_since), None
        rest = max(self._rest_until - now, 0.0)
        with fetcher._subscriptions.fetch_context():
            for lane in urgent:
                if fetched := await fetcher.fetched_records(lane, rest, max_records):
                    break
            else:
                fetched = await fetcher.fetched_records(partitions, timeout, FEW if self._pace.lately else max_records)
                self._step_since = time.monotonic() if fetched else None
        if any(tp in lane for lane in urgent for tp in fetched):
            self._pace.served()
        if not assignment.active:
            for tp, records in fetched.items():
                consumer.seek(tp, records[0].offset)
            return {}
        after = {tp: assignment.state_value(tp)._position for tp in before}
        return {
            TP(*tp): (start, after[tp], fetched.get(tp, ()))
            for tp, start in before.items()
            if start is not None and after[tp] is not None and after[tp] != start
        }

    async def seek_to_start(self) -> dict[TP, int]:
        """Seeks every assigned partition to where its group left off (rule 2); returns the
        offsets."""
        consumer, assignment = self._ensure_consumer(), self._assignment()
        if assignment is None:
            raise IllegalStateError("no assignment")
        lowest = await consumer.beginning_offsets(list(assignment.tps))
        highest = await consumer.end_offsets(list(assignment.tps))
        committed = {tp: await consumer.committed(tp) for tp in assignment.tps}
        if not assignment.active:
            raise IllegalStateError("the assignment changed meanwhile")
        start = {
            tp: offset if offset is not None and lowest[tp] <= offset <= highest[tp] else lowest[tp]
            for tp, offset in committed.items()
        }
        for tp, offset in start.items():
            consumer.seek(tp, offset)
        return {TP(*tp): offset for tp, offset in start.items()}

    def lag(self) -> dict[str, int]:
        """Records behind the end of the log, by topic, as far as the last fetches told."""
        assignment, behind = self._assignment(), dict[str, int]()
        for tp in assignment.tps if assignment else ():
            state = assignment.state_value(tp)
            if state._position is not None and state.highwater is not None:
                behind[tp.topic] = behind.get(tp.topic, 0) + max(0, state.highwater - state._position)
        return behind

    def in_group(self) -> bool:
        """Whether the consumer is a member of its group's current generation."""
        coordinator = self._consumer and self._consumer._coordinator  # none until aiokafka's consumer has started
        return coordinator is not None and coordinator.generation >= 0


class BatchConsumer(driver.Consumer):
    """Faust's consumer, but one message is a batch, and commits come from the ledger."""

    _thread: BatchClient

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.ledger: Ledger[TP, ConsumerRecord] = Ledger()
        self._room = asyncio.Event()
        super().__init__(*args, **kwargs)
        self.batching: Batching = self.app.batching  # type: ignore[attr-defined]

    def _new_consumer_thread(self) -> BatchClient:
        return BatchClient(self, loop=self.loop, beacon=self.beacon)

    def _begin(self, positions: Mapping[TP, int]) -> None:
        self.ledger.begin(positions)
        self._read_offset.clear()
        self._committed_offset.clear()
        self._room.set()

    async def perform_seek(self) -> None:
        """Seeks to the start. Faust calls this after every assignment, before it resumes the
        flow (rule 2)."""
        self._begin(await self._thread.seek_to_start())

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Begins an empty epoch after Faust has stopped the flow, emptied its queues and called
        `wait_empty`: from then on no partition is ours (rule 8)."""
        await super().on_partitions_revoked(revoked)
        self._begin({})

    async def wait_empty(self) -> None:
        """Waits until what was started has finished, then commits; at a revocation and at the
        end (rules 7 and 8)."""
        if self.app.crashed:
            return
        deadline = time.monotonic() + self.batching.settle
        while self.ledger.working() and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        if not await self.commit():
            await self.commit()

    def finish(self, batch: Batch[TP, ConsumerRecord]) -> None:
        """Marks a batch as done, once all its outputs are acknowledged (rule 6)."""
        if self.ledger.finish(batch):
            self._room.set()

    # Faust's commit asks these two which partitions to look at, and up to where each may be
    # committed.
    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Any:
        return [tp for tp in self.ledger.safe if topics is None or tp in topics or tp.topic in topics]

    def _new_offset(self, tp: TP) -> int | None:
        return self.ledger.safe.get(tp)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Gaps are within the ledger's runs already."""

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Does nothing: Faust's own check counts single records; ours is `_watchdog`."""

    async def on_task_error(self, exc: BaseException) -> None:
        """Crashes the app where an agent raised: Faust alone would restart it and go on behind
        the lost batch (rule 9)."""
        await self.app.crash(exc)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:
        """Batches as Faust messages (rules 4 and 5)."""
        if not self.flow_active:
            await self.wait(self.can_resume_flow.wait())
        epoch, doubtful, size = self.ledger.epoch, False, self.batching.max_records
        for tp, (start, end, records) in (await self._fetch(timeout)).items():
            if start != self.ledger.next.get(tp):
                doubtful = True
                continue
            for first in range(0, len(records) or 1, size):
                if not self._flows(epoch):
                    return
                chunk = records[first : first + size]
                chunk_end = end if first + size >= len(records) else chunk[-1].offset + 1
                batch = self.ledger.hand_over(tp, chunk, chunk_end, time.monotonic())
                if chunk:
                    message = self._to_message(tp, chunk[-1])
                    message.value = batch  # type: ignore[assignment]
                    yield tp, message
        if doubtful and self._flows(epoch):
            log.warning("something fetched was not handed over: back to the committed offsets")
            try:
                await self.perform_seek()
            except KafkaError as error:
                log.warning("cannot seek back yet", error=repr(error))

    def _flows(self, epoch: int) -> bool:
        return self.flow_active and self.ledger.epoch == epoch and not self.should_stop

    async def _fetch(self, timeout: float) -> dict[TP, Run]:
        """Fetches from the most urgent lane that has something; full partitions are left out
        (rules 10 and 13)."""
        active = set(self._get_active_partitions())
        free = {tp for tp in active if self.ledger.outstanding(tp) < self.batching.max_outstanding}
        if not free:
            self._room.clear()
            await self.wait_first(self._room.wait() if active else asyncio.sleep(0.1), timeout=timeout)
            return {}
        urgent = [partitions for lane in self.batching.lanes if (partitions := {tp for tp in free if tp.topic in lane})]
        room = self.batching.max_outstanding - max(self.ledger.outstanding(tp) for tp in free)
        return await self._thread.fetch_runs(
            urgent, free, timeout if free == active else _ROOM_WAIT, room * self.batching.max_records
        )

    @property
    def at_work(self) -> bool:
        """Whether records flow from partitions that are ours."""
        return self.flow_active and self._thread.in_group() and bool(self.assignment())

    def lag(self) -> dict[str, int]:
        """Records behind, by topic."""
        return self._thread.lag()

    @Service.task
    async def _watchdog(self) -> None:
        """Crashes the app after a stall: a batch that never ends, a flow that never resumes or a
        consumer that its group refuses must not look healthy (rule 12)."""
        stall, well = self.batching.stall, time.monotonic()
        while not self.should_stop:
            await self.sleep(min(5.0, stall / 4))
            now = time.monotonic()
            if self.flow_active and self._thread.in_group():
                well = now
            oldest = self.ledger.oldest()
            if now - min(well, well if oldest is None else oldest) > stall:
                await self.app.crash(
                    RuntimeError(f"no progress for {stall:g} s: a batch that does not end, or no group")
                )
