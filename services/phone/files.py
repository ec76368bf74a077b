"""Fetches pictures and recordings from Twilio, stores them and publishes them with their message;
what takes longer than seconds follows it."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import msgspec

from services.phone import repository
from services.phone.ports import Provider
from services.phone.repository import Fetch
from shared.attempts import RetryPolicy, next_attempt
from shared.clock import utc_now
from shared.db import Database
from shared.errors import Malformed, Unavailable
from shared.events import Attachment, InboundMessage
from shared.events.codec import decode
from shared.kernel import message_id
from shared.logs import log
from shared.loops import REST, forever
from shared.outbox import Outbox
from shared.storage import Storage
from shared.topics import MESSAGES_RECEIVED

_LEASE = timedelta(seconds=120)
"""For all files of one message; after it another process may try."""
_PATIENCE = RetryPolicy(first=timedelta(seconds=1), longest=timedelta(minutes=1), give_up=timedelta(minutes=15))
"""After that a picture counts as missing."""
HOLD = timedelta(seconds=5)
"""Most files are there within it. What a customer wrote does not wait longer for one."""
FILES = "files"
"""`InboundMessage.automatic` of what brings the files of a message that went ahead."""


class FileFetcher:
    """Fetches the files of one message at a time."""

    def __init__(self, database: Database, outbox: Outbox, storage: Storage, provider: Provider) -> None:
        self._database, self._outbox, self._storage, self._provider = database, outbox, storage, provider

    async def run(self, stop: asyncio.Event) -> None:
        """Fetches files until `stop`."""
        await forever("phone-files", self._work, stop, wake=self._outbox.woken())

    async def _work(self) -> float | None:
        async with self._database.transaction() as session:
            fetch = await repository.claim_fetch(session, _LEASE)
            busy = fetch is not None or await repository.fetches(session)
        if fetch is None:
            return None if busy else REST
        attachments: list[Attachment] = []
        missing: list[str] = []
        for file in fetch.files:
            try:
                found = await self._provider.fetch(file.url)
            except Malformed as error:
                missing.append(f"{file.name}: {error}")
            except Unavailable as error:
                if await self._reschedule(fetch):
                    return 0.0
                missing.append(f"{file.name}: {error}")
            else:
                media_type = file.media_type or found.media_type
                attachments.append(await self._storage.put(found.data, name=file.name, media_type=media_type))
        await self._publish(fetch, attachments, missing)
        return 0.0

    async def _reschedule(self, fetch: Fetch) -> bool:
        """Reschedules the fetching; False where it has been tried long enough."""
        due = next_attempt(fetch.attempts, fetch.created_at, utc_now(), _PATIENCE, random.random())
        if due is None:
            return False
        async with self._database.transaction() as session:
            await repository.reschedule_fetch(session, fetch.id, due)
        return True

    async def _publish(self, fetch: Fetch, attachments: list[Attachment], missing: list[str]) -> None:
        message = decode(InboundMessage, fetch.message)
        async with self._database.transaction() as session:
            ahead = await repository.end_fetch(session, fetch.id)
            if ahead is None:
                return
            message = _later(message) if ahead else message
            whole = msgspec.structs.replace(message, attachments=tuple(attachments), missing_files="; ".join(missing))
            await self._outbox.add(session, MESSAGES_RECEIVED, whole.sender, whole)
        self._outbox.wake()
        log.info("files fetched", message_id=whole.id, files=len(attachments), missing=len(missing))


class EarlyPublisher:
    """Publishes a message whose files are not there yet, however long their fetching takes."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database, self._outbox = database, outbox

    async def run(self, stop: asyncio.Event) -> None:
        """Publishes messages until `stop`."""
        await forever("phone-early-messages", self._work, stop, wake=self._outbox.woken())

    async def _work(self) -> float | None:
        async with self._database.transaction() as session:
            messages = [decode(InboundMessage, one) for one in await repository.go_ahead(session, HOLD)]
            await self._outbox.add_all(session, [(MESSAGES_RECEIVED, one.sender, one) for one in messages])
            busy = await repository.fetches(session)
        for message in messages:
            log.info("message published before its files", message_id=message.id)
        if messages:
            self._outbox.wake()
        return None if busy else REST


def _later(message: InboundMessage) -> InboundMessage:
    """Makes the message that brings the files later, in the same conversation; nobody wrote it."""
    own = f"{message.provider_id}/files"
    return msgspec.structs.replace(
        message,
        id=message_id(message.channel, own),
        provider_id=own,
        text="",
        automatic=FILES,
        consent="",
        facts={},
        received_at=utc_now(),
    )
