"""Outgoing mails as files in a folder, where no relay is configured."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

from services.email.domain.outgoing import OutgoingMail
from shared.attempts import Result
from shared.delivery import SendResult
from shared.storage import write_durably


class FolderSender:
    """Writes `<outbound id>.eml`: the whole file appears at once, on disk, and the same mail twice
    is one file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def name(self) -> str:
        """See `MailSender`."""
        return f"folder {self._folder}"

    async def send(self, mail: OutgoingMail) -> SendResult:
        """Writes the mail to its file (see `MailSender`)."""
        try:
            await asyncio.to_thread(write_durably, self._path(mail.outbound_id), mail.content)
        except OSError as error:
            return SendResult(Result.LATER, f"{self._folder} cannot be written: {error.strerror or error}")
        return SendResult(Result.DONE, f"written to {self._folder}")

    async def was_sent(self, outbound_id: str) -> bool | None:
        """Whether this mail's file exists (see `MailSender`)."""
        return await asyncio.to_thread(self._path(outbound_id).exists)

    async def check(self) -> str:
        """Checks that the folder can be written (see `MailSender`)."""
        try:
            await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True)
        except OSError as error:
            return f"{self._folder} cannot be made: {error.strerror or error}"
        return "" if os.access(self._folder, os.W_OK) else f"{self._folder} cannot be written"

    async def close(self) -> None:
        """Does nothing (see `MailSender`): files are closed."""

    def _path(self, outbound_id: str) -> Path:
        return self._folder / f"{re.sub(r'[^A-Za-z0-9-]', '_', outbound_id)[:100]}.eml"
