"""What a network does, on loopback: a proxy between Kafka's clients and a broker that can be slow,
silent or cut."""

from __future__ import annotations

import asyncio
import contextlib

from deploy.local.ports import HOST

_CHUNK = 64 << 10
"""Bytes that are handed on at once."""
_SLOW = 0.1
"""Seconds that each chunk waits on a slow network, in each direction: between continents, on a bad
day."""


class Proxy:
    """Listens on `port` and hands on to `target`. Everything runs on the loop that started it."""

    def __init__(self, port: int, target: int) -> None:
        self.port, self.target = port, target
        self._delay = 0.0
        self._refusing = False
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._links: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, HOST, self.port)

    async def stop(self) -> None:
        assert self._server
        self._server.close()
        links = list(self._links)
        self.cut()
        await asyncio.gather(*links, return_exceptions=True)

    def cut(self) -> int:
        """Every connection is reset, and new ones are too. How many there were."""
        self._refusing = True
        for link in self._links:
            link.cancel()
        return len(self._links)

    def hush(self) -> int:
        """Nothing comes through and nobody is told: the packets are lost on the way. How many
        connections there are."""
        self._flowing.clear()
        return len(self._links)

    def slow(self) -> int:
        """Everything takes its time. How many connections there are."""
        self._delay = _SLOW
        return len(self._links)

    def heal(self) -> None:
        """All is well again. What was held back arrives, as TCP would send it again."""
        self._delay, self._refusing = 0.0, False
        self._flowing.set()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = asyncio.ensure_future(self._link(reader, writer))
        self._links.add(link)
        link.add_done_callback(self._links.discard)

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        try:
            if self._refusing:
                return
            onward, further = await asyncio.open_connection(HOST, self.target)
            ends.append(further)
            both = [asyncio.ensure_future(self._pump(*way)) for way in ((reader, further), (onward, writer))]
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in both:
                    way.cancel()
                await asyncio.gather(*both, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            pass  # the broker is away, or the link was cut: the client sees its connection end
        finally:
            for end in ends:
                end.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                await asyncio.sleep(self._delay)
                await self._flowing.wait()
                writer.write(chunk)
                await writer.drain()
