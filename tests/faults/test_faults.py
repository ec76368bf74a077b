"""People write at a steady rate while something breaks. Nothing is lost, and each message takes
effect once at the desk.

The short form is part of `make test`; `make faults` runs every case of `cases.py`, several times,
and prints a table.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict

import pytest
import pytest_asyncio

from shared.clock import utc_now
from tests.faults.cases import CASES, Case
from tests.faults.counting import balanced, counted
from tests.faults.stage import Stage, staged
from tests.faults.stream import steady

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

LONG = os.environ.get("SWITCHBOARD_FAULTS") == "all"
PER_SECOND = 500 if LONG else 100
REPEAT = int(os.environ.get("SWITCHBOARD_FAULTS_REPEAT", "3")) if LONG else 1
RUNS = [
    pytest.param(case, measure, id=f"{case.name.format(measure)}, {number}")
    for case in CASES
    if (measure := case.long if LONG else case.short) is not None
    for number in range(1, REPEAT + 1)
]


class Stages:
    """One at a time: the same for case after case, until one needs other brokers or has left it
    broken."""

    def __init__(self, postgres: str) -> None:
        self._postgres, self._stack = postgres, AsyncExitStack()
        self._stage: Stage | None = None
        self._made_for = (0, 0)

    async def for_case(self, case: Case) -> Stage:
        wanted = (case.brokers, case.disk)
        if self._stage is None or self._made_for != wanted:
            await self.leave()
            self._stage, self._made_for = (
                await self._stack.enter_async_context(staged(wanted[0], self._postgres, wanted[1])),
                wanted,
            )
        return self._stage

    async def leave(self, broken: bool = False) -> None:
        """After all that was done on it, the books balance."""
        stage, self._stage = self._stage, None
        try:
            if stage and not broken:
                await balanced(stage)
        finally:
            await self._stack.aclose()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stages(postgres: str) -> AsyncIterator[Stages]:
    made = Stages(postgres)
    yield made
    await made.leave()


@pytest.mark.parametrize(("case", "measure"), RUNS)
async def test_nothing_is_lost_and_nothing_happens_twice_when(
    case: Case, measure: float, stages: Stages, record_property: Callable[[str, object], None]
) -> None:
    stage = await stages.for_case(case)
    since, restarts = utc_now(), stage.restarts
    try:
        async with steady(stage.bus, stage.cluster.bootstrap, PER_SECOND) as stream:
            await case.fault(stage, stream, measure)
        figures = await counted(stage, stream.acknowledged, since, stream.longest_wait, stage.restarts - restarts)
    except BaseException:
        await stages.leave(broken=True)
        raise
    record_property("faults", {"case": case.name.format(measure), **asdict(figures)})
    assert (figures.lost, figures.twice_at_desk) == (0, 0)
    assert not case.once or figures.twice_on_topic == 0
