"""Sends one answer at a time: a file in the outbox, named by the delivery, is what a pigeon
took."""

from __future__ import annotations

import asyncio
from pathlib import Path

from services.pigeon.domain import letters
from shared.attempts import Result
from shared.delivery import Attempt, Finding, NotSent, SendResult, Sent
from shared.errors import Malformed, Unavailable
from shared.kernel import kind_of
from shared.storage import write_durably


class PigeonSender:
    """Implements `shared.delivery.Sender`. `folder`: None while the channel is off."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    async def send(self, attempt: Attempt) -> SendResult:
        request = attempt.request
        if kind_of(request.to) != "loft" or not self._folder:
            raise Malformed("No pigeon flies there: answer on another channel.")
        path = self._folder / f"{request.id}.txt"
        try:
            await asyncio.to_thread(write_durably, path, letters.write(request).encode())
        except OSError as error:
            raise Unavailable(f"PIGEON_OUTBOX cannot be written: {error}") from error
        return SendResult(Result.DONE, provider_id=path.name)

    async def find(self, attempt: Attempt) -> Finding:
        path = self._folder / f"{attempt.request.id}.txt" if self._folder else None
        return Sent([path.name]) if path and await asyncio.to_thread(path.exists) else NotSent()
