"""Who goes first inside one process of the desk: a person who waits, before mail and posts by the
thousand."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from shared.bus.pace import Pace


class Lanes:
    """Tells work in bulk when somebody is served live. One per process."""

    def __init__(self) -> None:
        self._under_way = 0
        self.pace = Pace()
        self.mail = Pace()
        """Of messages as they come: what is imported from archives comes after them."""
        self._none = asyncio.Event()
        self._none.set()

    @contextmanager
    def live(self) -> Iterator[None]:
        """Marks what happens meanwhile as done for somebody who waits."""
        self._under_way += 1
        self._none.clear()
        try:
            yield
        finally:
            self._under_way -= 1
            self.pace.served()
            if not self._under_way:
                self._none.set()

    async def clear(self) -> bool:
        """Returns once nobody is served live right now; whether somebody was lately, so that
        whatever is begun should be short. Hold no lock while you wait here: whoever is served may
        need it."""
        await self._none.wait()
        return self.pace.lately
