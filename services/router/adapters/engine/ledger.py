"""What was fetched, handed over and done, and what may be committed: rules 1, 2 and 4 to 7, without
any I/O."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

P = TypeVar("P")
"""A partition."""
R = TypeVar("R")
"""A record."""


@dataclass(slots=True, eq=False)
class Batch(Generic[P, R]):
    """Records of one partition, in order, on their way through an agent."""

    partition: P
    records: Sequence[R]
    end: int
    """The offset to commit when this batch and all before it are done: that after the last record,
    or behind what the log holds no records for."""
    epoch: int
    born: float
    """Monotonic seconds."""
    started: bool = False
    done: bool = False


class Ledger(Generic[P, R]):
    """Batches by partition, in the order of the log. Used from one thread."""

    def __init__(self) -> None:
        self.epoch = 0
        self.next: dict[P, int] = {}
        self.safe: dict[P, int] = {}
        self._batches: defaultdict[P, deque[Batch[P, R]]] = defaultdict(deque)

    def begin(self, positions: Mapping[P, int]) -> None:
        """Begins a new epoch that reads on from these offsets; whatever was in flight has no
        owner any more."""
        self.epoch += 1
        self.next = dict(positions)
        self.safe.clear()
        self._batches.clear()

    def hand_over(self, partition: P, records: Sequence[R], end: int, now: float) -> Batch[P, R]:
        """Adds the run of records that ends before `end` as a batch. One without records is done
        already."""
        batch = Batch(partition, records, end, self.epoch, now)
        self._batches[partition].append(batch)
        self.next[partition] = end
        if not records:
            self.finish(batch)
        return batch

    def finish(self, batch: Batch[P, R]) -> bool:
        """Marks a batch as done, when all its outputs are acknowledged. Returns False where it
        is of an older epoch: its next owner reads it again."""
        batch.done, batch.records = True, ()
        if batch.epoch != self.epoch:
            return False
        queue = self._batches[batch.partition]
        while queue and queue[0].done:
            self.safe[batch.partition] = queue.popleft().end
        return True

    def outstanding(self, partition: P) -> int:
        """Returns how many batches of the partition are not committable yet."""
        return len(self._batches[partition])

    def working(self) -> bool:
        """Whether an agent has a batch in its hands."""
        return any(batch.started and not batch.done for queue in self._batches.values() for batch in queue)

    def oldest(self) -> float | None:
        """Returns when the oldest batch in flight was created; None where there is none."""
        return min((queue[0].born for queue in self._batches.values() if queue), default=None)
