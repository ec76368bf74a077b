"""A telephone exchange for the whole system: Twilio's stand-in on loopback, in a thread of its own,
and people with telephones."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.providers.twilio import ACCOUNT, OURS, TOKEN, Twilio
from tests.providers.twilio_calls import Line, Person

PUBLIC_URL = "https://phone.example.org"


class Exchange:
    """Set `network.webhooks` to the phone service's address once that is known."""

    def __init__(self, port: int) -> None:
        self.network = Twilio(public_url=PUBLIC_URL, pace=0.02)
        self.settings = {
            "PHONE_ACCOUNT_SID": ACCOUNT,
            "PHONE_AUTH_TOKEN": TOKEN,
            "PHONE_NUMBER": OURS,
            "PHONE_PUBLIC_URL": PUBLIC_URL,
            "PHONE_API_URL": f"http://127.0.0.1:{port}",
            "PHONE_COMPANY": "Acorn",
        }
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._ready, self._stop = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)

    def call(self, number: str, person: Person) -> Line:
        """Somebody calls us."""

        async def dial() -> Line:
            return self.network.call(number, person)

        return asyncio.run_coroutine_threadsafe(dial(), self._loop).result(10)

    def hang_up(self, line: Line) -> None:
        """The caller puts the receiver down."""
        self._loop.call_soon_threadsafe(line.hang_up)

    def text(self, number: str, body: str) -> int:
        """Somebody texts us; the status with which our webhook answered in the end."""
        return asyncio.run_coroutine_threadsafe(self.network.text(number, body), self._loop).result(60)

    async def _serve(self) -> None:
        async with self.network.running(self._port):
            self._ready.set()
            await self._stop.wait()

    def _start(self) -> None:
        self._thread.start()
        assert self._ready.wait(20), "the exchange did not start"

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        assert not self._thread.is_alive(), "the exchange did not stop"
        self._loop.close()


@contextmanager
def exchange(port: int) -> Iterator[Exchange]:
    """Open from here to the end."""
    made = Exchange(port)
    made._start()
    try:
        yield made
    finally:
        made._end()
