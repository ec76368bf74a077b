"""Work goes on until it is stopped, and is patient while something is unavailable."""

from __future__ import annotations

import asyncio

from prometheus_client import REGISTRY

from shared.attempts import LONGEST
from shared.errors import Unavailable
from shared.loops import BackOff, forever, persist


def counted(what: str) -> float:
    return REGISTRY.get_sample_value("switchboard_retries_total", {"what": what}) or 0.0


async def test_work_is_called_again_after_the_time_that_it_asks_for_or_when_it_is_woken() -> None:
    stop, wake, calls = asyncio.Event(), asyncio.Event(), 0

    async def work() -> float | None:
        nonlocal calls
        calls += 1
        if calls < 3:
            return 0.0
        if calls == 3:
            asyncio.get_running_loop().call_soon(wake.set)
            return 3600.0
        stop.set()
        return None

    async with asyncio.timeout(10):
        await forever("tests", work, stop, 3600.0, wake=wake)
    assert calls == 4


async def test_what_woke_it_during_the_work_is_not_forgotten() -> None:
    stop, wake, calls = asyncio.Event(), asyncio.Event(), 0

    async def work() -> float:
        nonlocal calls
        calls += 1
        wake.set()
        if calls == 2:
            stop.set()
        return 3600.0

    async with asyncio.timeout(10):
        await forever("tests", work, stop, wake=wake)
    assert calls == 2


async def test_it_backs_off_counts_and_goes_on() -> None:
    stop, calls, before = asyncio.Event(), 0, counted("loop-test")

    async def work() -> None:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise Unavailable("not yet")
        stop.set()

    async with asyncio.timeout(10):
        await forever("loop-test", work, stop)
    assert counted("loop-test") - before == 2


async def test_persisting_ends_with_success_or_with_the_process() -> None:
    stop, calls = asyncio.Event(), 0

    async def work() -> None:
        nonlocal calls
        calls += 1
        if calls < 2:
            raise Unavailable("not yet")

    async with asyncio.timeout(10):
        assert await persist("tests", work, stop)

    async def never() -> None:
        stop.set()
        raise Unavailable("never")

    async with asyncio.timeout(10):
        assert not await persist("tests", never, stop)


def test_a_failure_long_after_the_last_is_the_first_again() -> None:
    backoff = BackOff("tests")
    seconds = [backoff.failed(Unavailable("x")) for _ in range(12)]
    assert seconds[-1] >= LONGEST / 2
    backoff._until -= LONGEST + 60
    assert backoff.failed(Unavailable("x")) < 1
