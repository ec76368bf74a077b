"""Asks clamd whether a file is infected (clamd(8), INSTREAM).

aioclamd 1.1 speaks TCP only and hands a file over in pieces of 1 KB, each by a thread: 25 MB take
seconds of the service's own loop.
"""

from __future__ import annotations

import asyncio
import struct

from services.email.ports import TooLarge
from shared.errors import Unavailable

PATIENCE = 60.0
"""Seconds for one file: large archives are unpacked."""
_PIECE = 1 << 16
_LENGTH = struct.Struct("!L")
_FOUND, _CLEAN = " FOUND", "stream: OK"


class Clamd:
    """A clamd at `where`: the path of its socket, or host and port."""

    def __init__(self, where: str, patience: float = PATIENCE) -> None:
        self._where, self._patience = where, patience

    async def scan(self, data: bytes) -> str:
        try:
            async with asyncio.timeout(self._patience):
                answer = await self._ask(b"zINSTREAM\0", data)
                if not answer and await self._ask(b"zPING\0") == "PONG":
                    answer = "size limit exceeded"  # it hangs up where it is handed too much
        except (OSError, TimeoutError) as error:
            raise Unavailable(f"clamd at {self._where}: {str(error) or 'no answer in time'}") from error
        if answer == _CLEAN:
            return ""
        if answer.endswith(_FOUND):
            return answer.removeprefix("stream: ").removesuffix(_FOUND)[:200]
        if "size limit exceeded" in answer:
            raise TooLarge
        raise Unavailable(f"clamd at {self._where}: {answer[:200] or 'it hung up'}")

    async def _ask(self, command: bytes, data: bytes | None = None) -> str:
        if self._where.startswith("/"):
            reader, writer = await asyncio.open_unix_connection(self._where)
        else:
            host, _, port = self._where.rpartition(":")
            reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
        try:
            writer.write(command)
            try:
                for start in range(0, len(data or b""), _PIECE):
                    piece = memoryview(data or b"")[start : start + _PIECE]
                    writer.write(_LENGTH.pack(len(piece)))
                    writer.write(piece)
                    await writer.drain()
                if data is not None:
                    writer.write(_LENGTH.pack(0))
                    await writer.drain()
                answer = await reader.readuntil(b"\0")
            except asyncio.IncompleteReadError as error:
                answer = error.partial
            except (ConnectionError, asyncio.LimitOverrunError):
                answer = b""
            return answer.decode("utf-8", "replace").strip("\0\n")
        finally:
            writer.close()
