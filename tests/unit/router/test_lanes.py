"""What the router's consumer asks for, and how long: who is served live, then the rest of the
world."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from services.router.adapters.engine.consumer import BatchClient
from shared.bus.pace import FEW, Pace

LIVE, BULK = TP("live", 0), TP("bulk", 0)
ALL = {LIVE, BULK}


class Fetcher:
    """aiokafka's, with what each lane has; notes what it is asked for."""

    _closed = False

    def __init__(self, position: dict[TP, int]) -> None:
        self.has: dict[TP, int] = {}
        self.asked: list[tuple[set[TP], float, int]] = []
        self._position = position
        self._subscriptions = SimpleNamespace(fetch_context=lambda: self)

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...

    async def fetched_records(self, partitions: set[TP], timeout: float, most: int) -> dict[TP, list[Any]]:
        self.asked.append((partitions, timeout, most))
        found = {tp: [SimpleNamespace(offset=0)] * min(self.has.pop(tp), most) for tp in partitions & self.has.keys()}
        for tp, records in found.items():
            self._position[tp] += len(records)
        return found


@pytest.fixture
def clock() -> SimpleNamespace:
    return SimpleNamespace(now=0.0)


@pytest.fixture
def fetcher() -> Fetcher:
    return Fetcher(dict.fromkeys(ALL, 0))


@pytest.fixture
def client(fetcher: Fetcher, clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> BatchClient:
    made = BatchClient.__new__(BatchClient)
    made._pace, made._rest_until, made._step_since = Pace(lambda: clock.now), 0.0, None
    made.consumer = SimpleNamespace(flow_active=True)  # type: ignore[assignment]
    state = lambda tp: SimpleNamespace(_position=fetcher._position[tp])  # noqa: E731
    assignment = SimpleNamespace(tps=ALL, active=True, state_value=state)
    monkeypatch.setattr(made, "_ensure_consumer", lambda: SimpleNamespace(_fetcher=fetcher), raising=False)
    monkeypatch.setattr(made, "_assignment", lambda: assignment, raising=False)
    monkeypatch.setattr("services.router.adapters.engine.consumer.time.monotonic", lambda: clock.now)
    return made


async def test_who_is_served_live_is_asked_for_first_and_then_everything(client: BatchClient, fetcher: Fetcher) -> None:
    fetcher.has = {BULK: 400}
    assert await client.fetch_runs([{LIVE}], ALL, 1.0, 400) == {BULK: (0, 400, [SimpleNamespace(offset=0)] * 400)}
    assert fetcher.asked == [({LIVE}, 0.0, 400), (ALL, 1.0, 400)]


async def test_after_somebody_was_served_a_flood_goes_on_in_small_steps_with_rests_in_which_the_next_is_served(
    client: BatchClient, fetcher: Fetcher, clock: SimpleNamespace
) -> None:
    fetcher.has = {LIVE: 1}
    await client.fetch_runs([{LIVE}], ALL, 1.0, 400)
    fetcher.has = {BULK: 400}
    await client.fetch_runs([{LIVE}], ALL, 1.0, 400)
    clock.now += 0.03
    fetcher.has = {BULK: 400}
    await client.fetch_runs([{LIVE}], ALL, 1.0, 400)
    assert fetcher.asked[-2:] == [({LIVE}, pytest.approx(0.06), 400), (ALL, 1.0, FEW)]
    clock.now += 11
    await client.fetch_runs([{LIVE}], ALL, 1.0, 400)
    assert fetcher.asked[-2:] == [({LIVE}, 0.0, 400), (ALL, 1.0, 400)], "the flood has the machine again"


async def test_a_live_message_that_comes_while_all_is_waited_for_counts_as_one(
    client: BatchClient, fetcher: Fetcher, clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = fetcher.fetched_records

    async def later(partitions: set[TP], timeout: float, most: int) -> dict[TP, list[Any]]:
        if partitions == ALL:
            fetcher.has = {LIVE: 1}
        return await asked(partitions, timeout, most)

    monkeypatch.setattr(fetcher, "fetched_records", later)
    await client.fetch_runs([{LIVE}], ALL, 1.0, 400)
    clock.now += 0.01
    await client.fetch_runs([{LIVE}], ALL, 1.0, 400)
    assert fetcher.asked[-2:] == [({LIVE}, pytest.approx(0.02), 400), (ALL, 1.0, FEW)]


@pytest.mark.parametrize("every", [0.02, 0.1, 0.4])
async def test_a_flood_goes_on_however_often_somebody_is_served(
    client: BatchClient, fetcher: Fetcher, clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, every: float
) -> None:
    """A step takes 15 ms here, so it has a third of the time: 22 in a second, less what the live
    ones take."""
    bulk, arrivals = 0, iter(number * every for number in range(10_000))
    following = next(arrivals)

    async def fetched(partitions: set[TP], timeout: float, most: int) -> dict[TP, list[Any]]:
        nonlocal bulk, following
        if partitions == {LIVE}:
            if following > clock.now + timeout:
                clock.now += timeout
                return {}
            clock.now, following = max(clock.now, following), next(arrivals)
            fetcher._position[LIVE] += 1
            return {LIVE: [SimpleNamespace(offset=0)]}
        bulk += most
        fetcher._position[BULK] += most
        return {BULK: [SimpleNamespace(offset=0)] * most}

    monkeypatch.setattr(fetcher, "fetched_records", fetched)
    while clock.now < 30:
        runs = await client.fetch_runs([{LIVE}], ALL, 1.0, 400)
        clock.now += 0.015 if BULK in runs or not runs else 0.002
    assert bulk / 30 > 15 * FEW
