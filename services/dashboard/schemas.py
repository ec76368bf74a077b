"""Response structs: what a customer may see of their own messages and the replies, and no other
field."""

from __future__ import annotations

from datetime import datetime

import msgspec

from services.dashboard.domain.sites import Speaker
from services.dashboard.repository import Message


class FileView(msgspec.Struct, frozen=True):
    """An attachment; `GET /api/v1/conversation/files/<message>/<its place>` gives the bytes."""

    name: str
    media_type: str
    size: int


class MessageView(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message of a conversation."""

    id: str
    seq: int
    sender: str
    """`customer` or `agent`."""
    text: str
    at: datetime
    verified: bool
    """Whether a signed identity wrote it; always true for an agent."""
    author: str = ""
    subject: str = ""
    files: tuple[FileView, ...] = ()


class SpeakerView(msgspec.Struct, frozen=True):
    """Who the service takes the caller for."""

    verified: bool
    name: str


def message_view(row: Message) -> MessageView:
    """Maps a row of `messages` for its customer."""
    return MessageView(
        id=row.id,
        seq=row.seq,
        sender="customer" if row.incoming else "agent",
        text=row.text,
        at=row.at,
        verified=row.verified or not row.incoming,
        author=row.author,
        subject=row.subject,
        files=tuple(FileView(file["name"], file["media_type"], file["size"]) for file in row.attachments),
    )


def speaker_view(speaker: Speaker) -> SpeakerView:
    """Maps a speaker for themselves."""
    return SpeakerView(speaker.author.verified, speaker.author.name)
