"""A server that speaks clamd's wire format on loopback, from clamd(8): what holds `MARKER` is
"infected"."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.waiting import until

MARKER = b"this-word-stands-for-a-virus"
NAME = "Test.Marker-1"


class FakeClamd:
    """`largest`: StreamMaxLength; `words`: what it says instead of a verdict."""

    def __init__(self) -> None:
        self.largest, self.words, self.mute = 1 << 20, b"", False
        self.scanned: list[bytes] = []
        self.open = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                command = await reader.readuntil(b"\0")
                answer = b"PONG" if command == b"zPING\0" else await self._stream(reader)
                if self.mute:
                    await reader.read()
                writer.write(answer + b"\0" if answer else b"")
                await writer.drain()
        finally:
            writer.close()
            self.open -= 1

    async def _stream(self, reader: asyncio.StreamReader) -> bytes:
        data = b""
        while length := struct.unpack("!L", await reader.readexactly(4))[0]:
            if len(data) + length > self.largest:
                return b""  # the real one says so and hangs up in the middle: who still writes reads no word
            data += await reader.readexactly(length)
        self.scanned.append(data)
        if self.words:
            return self.words
        return f"stream: {NAME} FOUND".encode() if MARKER in data else b"stream: OK"


@asynccontextmanager
async def serving(path: Path | None = None) -> AsyncIterator[tuple[str, FakeClamd]]:
    """Yields where it listens, as `EMAIL_CLAMD` has it, and itself."""
    fake = FakeClamd()
    if path:
        server = await asyncio.start_unix_server(fake.serve, path)
        where = str(path)
    else:
        server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
        where = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield where, fake
        await until(lambda: fake.open == 0)
