"""A service of which a part has ended ends as a whole, with an exit code that a supervisor starts
it again for."""

from __future__ import annotations

import asyncio

import pytest
from fastapi import FastAPI

from shared.run import serve


async def cancelled(stop: asyncio.Event) -> None:
    """As a library leaves it whose connection was lost while somebody waited for it."""
    raise asyncio.CancelledError


async def failed(stop: asyncio.Event) -> None:
    raise OSError(28, "No space left on device")


async def over(stop: asyncio.Event) -> None:
    return


@pytest.mark.parametrize("part", [cancelled, failed, over])
def test_a_part_that_ended_however_it_did_ends_the_service_in_order(part: object, free_port: int) -> None:
    left: list[bool] = []

    async def other(stop: asyncio.Event) -> None:
        await stop.wait()
        left.append(True)

    assert serve("test", "127.0.0.1", free_port, FastAPI(), {"part": part, "other": other}) == 1  # type: ignore[dict-item]
    assert left == [True], "the others were asked to end, and did"
