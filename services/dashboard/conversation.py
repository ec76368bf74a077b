"""Reads a speaker's own conversation."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from services.dashboard import repository, sessions
from services.dashboard.context import Dashboard
from services.dashboard.domain.sites import Speaker
from services.dashboard.repository import Message, Turn
from shared.errors import Rejected
from shared.events import Attachment

PAGE = 200
"""Messages of a conversation in one response."""


async def state(dashboard: Dashboard, speaker: Speaker) -> Turn | None:
    """Returns the speaker's conversation with its last sequence number; None before the first
    message."""
    async with dashboard.database.transaction() as session:
        return await repository.conversation_of(session, speaker.author.point)


async def after(dashboard: Dashboard, speaker: Speaker, seq: int, limit: int = PAGE) -> Sequence[Message]:
    """Lists messages and replies after a sequence number, oldest first. Does not mark them as read.

    Raises Rejected 401 for a visitor who has signed in since.
    """
    async with dashboard.database.transaction() as session:
        own = await repository.conversation_of(session, speaker.author.point)
        if own is None:
            await sessions.check(session, speaker)
            return []
        return await repository.messages_after(session, own.conversation, seq, limit)


async def newest(dashboard: Dashboard, speaker: Speaker) -> Sequence[Message]:
    """Lists the last page of the conversation, oldest first."""
    known = await state(dashboard, speaker)
    return await after(dashboard, speaker, max(0, known.seq - PAGE)) if known else []


async def file(dashboard: Dashboard, speaker: Speaker, message_id: str, place: int) -> Attachment:
    """Finds an attachment of the speaker's own conversation; `place` counts from 0. Raises Rejected
    404."""
    async with dashboard.database.transaction() as session:
        row = await repository.message(session, speaker.author.point, message_id)
    if row is None or not 0 <= place < len(row.attachments):
        raise Rejected(404, "file-not-found", "your conversation has no such file")
    return msgspec.convert(row.attachments[place], Attachment)
