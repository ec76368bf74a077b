"""What may be committed: never more than what is done, whatever the order in which things end."""

from __future__ import annotations

from types import SimpleNamespace

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from services.router.adapters.engine.consumer import BatchClient
from services.router.adapters.engine.ledger import Batch, Ledger


def test_a_batch_that_ends_early_waits_for_the_one_before() -> None:
    ledger: Ledger[str, int] = Ledger()
    ledger.begin({"p": 0})
    first, second = ledger.hand_over("p", [0, 1], 2, now=1), ledger.hand_over("p", [2], 3, now=2)
    ledger.finish(second)
    assert ledger.safe == {}
    assert ledger.oldest() == 1
    ledger.finish(first)
    assert ledger.safe == {"p": 3}
    assert ledger.oldest() is None


def test_a_run_without_records_is_done_but_overtakes_nobody() -> None:
    ledger: Ledger[str, int] = Ledger()
    ledger.begin({"p": 0})
    first = ledger.hand_over("p", [0], 1, now=1)
    ledger.hand_over("p", [], 9, now=1)
    assert (ledger.next, ledger.safe) == ({"p": 9}, {})
    ledger.finish(first)
    assert ledger.safe == {"p": 9}


def test_what_ends_after_the_partition_moved_away_counts_for_nothing() -> None:
    ledger: Ledger[str, int] = Ledger()
    ledger.begin({"p": 0})
    late = ledger.hand_over("p", [0], 1, now=1)
    ledger.begin({"p": 0})
    assert not ledger.finish(late)
    assert ledger.safe == {}
    assert ledger.outstanding("p") == 0


def test_only_what_an_agent_holds_is_waited_for() -> None:
    ledger: Ledger[str, int] = Ledger()
    ledger.begin({"p": 0})
    batch = ledger.hand_over("p", [0], 1, now=1)
    assert not ledger.working()
    batch.started = True
    assert ledger.working()
    ledger.finish(batch)
    assert not ledger.working()


class AnyOrder(RuleBasedStateMachine):
    """Hand-overs, ends and rebalances in any order, against the plain definition of what is
    safe."""

    batches = Bundle("batches")

    def __init__(self) -> None:
        super().__init__()
        self.ledger: Ledger[str, int] = Ledger()
        self.start = {"a": 0, "b": 0}
        self.ledger.begin(self.start)
        self.mine: list[Batch[str, int]] = []

    @rule(target=batches, partition=st.sampled_from(["a", "b"]), size=st.integers(0, 3), hole=st.integers(0, 2))
    def hand_over(self, partition: str, size: int, hole: int) -> Batch[str, int]:
        at = self.ledger.next[partition]
        batch = self.ledger.hand_over(partition, list(range(at, at + size)), at + size + hole, now=0)
        self.mine.append(batch)
        return batch

    @rule(batch=consumes(batches))
    def finish(self, batch: Batch[str, int]) -> None:
        self.ledger.finish(batch)

    @rule()
    def rebalance(self) -> None:
        self.start = {"a": self.ledger.safe.get("a", self.start["a"]), "b": self.ledger.safe.get("b", self.start["b"])}
        self.ledger.begin(self.start)
        self.mine.clear()

    @invariant()
    def nothing_unfinished_is_committed(self) -> None:
        for partition, safe in self.ledger.safe.items():
            assert all(batch.done for batch in self.mine if batch.partition == partition and batch.end <= safe)

    @invariant()
    def what_is_done_up_to_a_hole_is_committed(self) -> None:
        for partition in ("a", "b"):
            prefix = self.start[partition]
            for batch in [batch for batch in self.mine if batch.partition == partition]:
                if not batch.done:
                    break
                prefix = batch.end
            assert self.ledger.safe.get(partition, self.start[partition]) == prefix


TestAnyOrder = AnyOrder.TestCase


def test_a_consumer_that_has_not_started_yet_is_in_no_group() -> None:
    """The watchdog may ask before aiokafka has a coordinator; it must not end the service for
    that."""
    client = BatchClient.__new__(BatchClient)
    client._consumer = None
    assert not client.in_group()
    client._consumer = SimpleNamespace(_coordinator=None)
    assert not client.in_group()
    client._consumer = SimpleNamespace(_coordinator=SimpleNamespace(generation=3))
    assert client.in_group()
