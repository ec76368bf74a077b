"""Connections to one relay, kept while there is mail: a greeting, TLS and sign-in take longer than
a mail does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiosmtplib import SMTP
from aiosmtplib.errors import SMTPException, SMTPHeloError

MOST_MAILS = 100
"""Mails on one connection. Exim and Exchange take about as many, then ask for a new one."""
_GOODBYE = 2.0
"""Seconds for QUIT or RSET: the outcome of the mail is known already."""


@dataclass(slots=True)
class Connection:
    """A connection that is in use. `mails`: how many went over it before."""

    client: SMTP
    mails: int = 0


class Connections:
    """There are never more than attempts at a time. `idle`: seconds that one is kept without a
    mail; 0: a connection for each."""

    def __init__(self, make: Callable[[], SMTP], idle: float) -> None:
        self._make, self._idle_seconds = make, idle
        self._idle = list[tuple[Connection, asyncio.TimerHandle]]()
        self._leaving = set[asyncio.Task[None]]()

    async def take(self) -> Connection:
        """Returns the one that was used last, or a new one. Raises what connecting does."""
        while self._idle:
            connection, timer = self._idle.pop()
            timer.cancel()
            if connection.client.is_connected:
                return connection
            connection.client.close()
        client = self._make()
        try:
            await client.connect()
            if client.is_ehlo_or_helo_needed:  # without TLS and sign-in nobody has asked for its extensions yet
                try:
                    await client.ehlo()
                except SMTPHeloError:
                    await client.helo()
        except BaseException:
            client.close()
            raise
        return Connection(client)

    async def give_back(self, connection: Connection, *, finished: bool = True) -> None:
        """Keeps a connection that still answers. `finished`: its mail was accepted; otherwise what
        was said of it is taken back (RSET)."""
        connection.mails += 1
        if not finished and not await _answered(connection.client.rset):
            connection.client.close()
        elif not self._idle_seconds or connection.mails >= MOST_MAILS:
            await _leave(connection)
        elif connection.client.is_connected:
            timer = asyncio.get_running_loop().call_later(self._idle_seconds, self._expire, connection)
            self._idle.append((connection, timer))

    async def close(self) -> None:
        """Closes all that are kept."""
        kept, self._idle = self._idle, []
        for _, timer in kept:
            timer.cancel()
        await asyncio.gather(*self._leaving, *(_leave(connection) for connection, _ in kept))

    def drop(self) -> None:
        """Forgets all that are kept: one was found dead, and the others ended with it."""
        for connection, timer in self._idle:
            timer.cancel()
            connection.client.close()
        self._idle.clear()

    def _expire(self, connection: Connection) -> None:
        self._idle = [entry for entry in self._idle if entry[0] is not connection]
        task = asyncio.create_task(_leave(connection))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)


async def _leave(connection: Connection) -> None:
    await _answered(connection.client.quit)
    connection.client.close()


async def _answered(command: Callable[[], Awaitable[object]]) -> bool:
    """Whether the relay answers RSET or QUIT."""
    try:
        async with asyncio.timeout(_GOODBYE):
            await command()
    except (SMTPException, OSError, TimeoutError):
        return False
    return True
