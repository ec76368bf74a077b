"""Waiting for a condition, with a deadline: no test sleeps for luck."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx

from shared.errors import Unavailable

T = TypeVar("T")
_NOT_YET = (AssertionError, Unavailable, httpx.TransportError, OSError, LookupError, StopIteration)
"""What looking may raise while the other side is not there yet."""


def eventually(look: Callable[[], T], what: str = "", seconds: float = 90) -> T:
    """What `look` returns once it is truthy. An assertion inside it that fails counts as "not
    yet"."""
    deadline, problem = time.monotonic() + seconds, None
    while time.monotonic() < deadline:
        try:
            if found := look():
                return found
        except _NOT_YET as error:
            problem = error
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what or look} ({problem!r})")


async def until(look: Callable[[], T | Awaitable[T]], what: str = "", seconds: float = 90) -> T:
    """As `eventually`, in a loop that goes on meanwhile; what `look` returns may be awaited."""
    deadline, problem = time.monotonic() + seconds, None
    while time.monotonic() < deadline:
        try:
            found = look()
            if inspect.isawaitable(found):
                found = await found
            if found:
                return found
        except _NOT_YET as error:
            problem = error
        await asyncio.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what or look} ({problem!r})")
