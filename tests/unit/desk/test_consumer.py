"""What the desk writes at the same time, and who goes first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.desk import consumer
from services.desk.context import Desk
from services.desk.intake import messages
from services.desk.intake.messages import apart
from shared.bus.memory import MemoryBus
from shared.errors import Unavailable
from shared.events import RoutedMessage
from shared.topics import MESSAGES_ROUTED
from tests.integration.desk_parts import desk_on
from tests.unit.desk.examples import routed
from tests.waiting import until

NOWHERE = "postgresql://desk:x@127.0.0.1:9/desk"


def message(number: int, person: int = 0, thread: int = 0, also: Sequence[int] = ()) -> RoutedMessage:
    points = tuple(f"email:{other}@x" for other in also)
    return routed(f"<{number}@x>", sender=f"email:{person}@x", thread=f"email:<t{thread}@x>", rule="root", also=points)


def names(part: Sequence[RoutedMessage]) -> set[str]:
    return {
        name
        for one in part
        for name in (one.message.sender, *one.message.also, one.decision.thread.key, one.decision.ticket_id)
    }


PEOPLE = st.integers(0, 12)


@given(st.lists(st.tuples(PEOPLE, PEOPLE, st.lists(PEOPLE, max_size=2)), max_size=40))
def test_parts_written_at_the_same_time_share_nobody_and_each_is_in_order(
    drawn: list[tuple[int, int, list[int]]],
) -> None:
    batch = [message(number, *each) for number, each in enumerate(drawn)]
    parts = apart(batch)
    assert sorted(batch.index(one) for part in parts for one in part) == list(range(len(batch)))
    for part in parts:
        assert [batch.index(one) for one in part] == sorted(batch.index(one) for one in part)
    if len(parts) == 2:
        assert not names(parts[0]) & names(parts[1])


def test_messages_of_many_people_make_two_parts_of_the_same_size() -> None:
    assert [len(part) for part in apart([message(n, person=n, thread=n) for n in range(200)])] == [100, 100]


def test_a_colleague_who_answers_in_the_same_thread_is_in_the_same_part() -> None:
    batch = [message(0, person=0, thread=0), message(1, person=1, thread=1), message(2, person=1, thread=0)]
    assert apart(batch) == [batch]


class Applied:
    """Stands in for the database: notes what is written, each when it is told to go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sizes: list[int] = []
        self.seen: list[str] = []
        self.failing: list[Exception] = []
        self.at_once = self.most_at_once = 0
        monkeypatch.setattr(messages, "apply", self)

    async def __call__(self, desk: Desk, batch: Sequence[RoutedMessage], passed: Any) -> int:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        if self.failing:
            raise self.failing.pop()
        self.sizes.append(len(batch))
        self.seen += [one.message.id for one in batch]
        return len(batch)


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> Applied:
    return Applied(monkeypatch)


@pytest.fixture
async def desk(tmp_path: Any) -> AsyncIterator[Desk]:
    async with desk_on(NOWHERE, f"file://{tmp_path}", MemoryBus()) as made:
        yield made


@asynccontextmanager
async def running(run: Callable[[asyncio.Event], Awaitable[None]]) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.ensure_future(run(stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def flood(desk: Desk, count: int = 400) -> list[RoutedMessage]:
    sent = [message(n, person=n, thread=n) for n in range(count)]
    await desk.bus.publish_all([(MESSAGES_ROUTED, one.decision.ticket_id, one) for one in sent])
    return sent


async def test_a_flood_is_written_by_two_large_transactions_at_a_time(desk: Desk, applied: Applied) -> None:
    sent = await flood(desk)
    async with running(consumer.routed(desk).run):
        await until(lambda: len(applied.seen) == len(sent))
    assert applied.sizes == [200, 200]
    assert applied.most_at_once == 2


async def test_while_somebody_is_served_live_a_flood_waits_and_goes_on_in_small_steps(
    desk: Desk, applied: Applied
) -> None:
    sent = await flood(desk)
    with ExitStack() as served:
        served.enter_context(desk.lanes.live())
        async with running(consumer.routed(desk).run):
            with desk.lanes.live():
                pass
            for _ in range(50):
                await asyncio.sleep(0)
            assert not applied.sizes, "one of the two who were served still is"
            served.close()
            await until(lambda: len(applied.seen) == len(sent))
    assert set(applied.sizes) == {25}


async def test_while_somebody_was_served_lately_a_flood_rests_after_each_step(
    desk: Desk, applied: Applied, monkeypatch: pytest.MonkeyPatch
) -> None:
    rests: list[float] = []
    monkeypatch.setattr(desk.lanes.pace, "rest", lambda worked: rests.append(worked) or 0.0)
    await flood(desk, 100)
    async with running(consumer.routed(desk).run):
        await until(lambda: len(applied.seen) == 100)
        assert not rests, "nobody is served"
        with desk.lanes.live():
            pass
        await flood(desk, 100)
        await until(lambda: len(applied.seen) == 200)
    assert len(rests) == 2
    assert all(worked > 0 for worked in rests)


async def test_where_one_of_two_parts_fails_the_batch_comes_again_and_nothing_is_set_aside(
    desk: Desk, applied: Applied
) -> None:
    applied.failing = [Unavailable("the database is away")]
    sent = await flood(desk)
    async with running(consumer.routed(desk).run):
        await until(lambda: {one.message.id for one in sent} <= set(applied.seen))
    assert isinstance(desk.bus, MemoryBus)
    assert not desk.bus.dead
