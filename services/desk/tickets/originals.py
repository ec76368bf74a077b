"""What customers sent, byte for byte: the raw original of a message and its files. Only ever
downloaded."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote

from services.desk.actors import Actor, Permission
from services.desk.context import Desk
from services.desk.people import audit
from services.desk.tickets import service
from shared.errors import Malformed, Rejected

SAFE = frozenset({"application/pdf", "image/gif", "image/jpeg", "image/png", "image/webp", "text/csv", "text/plain"})
"""Types that a browser may know; the rest is bytes. All are downloads."""
_SANDBOX = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"}


PICTURES = frozenset({"image/gif", "image/jpeg", "image/png", "image/webp"})
"""Types that a page may show."""


class Download(NamedTuple):
    """Bytes, with headers under which no browser shows, runs or guesses at them."""

    data: bytes
    media_type: str
    headers: dict[str, str]


async def raw(desk: Desk, message: str, actor: Actor) -> Download:
    """Downloads the message as its channel received it: a mail with all of its headers. Rejected
    403, 404 where nothing was kept."""
    actor.require(Permission.READ)
    uri = (await service.get_message(desk, message)).raw_uri
    if not uri:
        raise Rejected(404, "no-original", "No original of this message was kept.")
    await audit.noted(desk.database, "message.read", actor, message)
    return await _download(desk, uri, f"{message}.eml", "text/plain")


async def file(desk: Desk, message: str, index: int, actor: Actor) -> Download:
    """Downloads a file that came with a message, the first is 0. Rejected 403, 404."""
    actor.require(Permission.READ)
    files = (await service.get_message(desk, message)).attachments
    if not 0 <= index < len(files):
        raise Rejected(404, "no-such-file", "Attachment not found.")
    found = files[index]
    await audit.noted(desk.database, "message.read", actor, message, file=str(index))
    name = "".join(letter for letter in found.name if letter.isprintable() and letter not in '/\\"') or "file"
    return await _download(desk, found.uri, name, found.media_type if found.media_type in SAFE else "")


async def picture(desk: Desk, message: str, index: int) -> Download:
    """Returns a picture that is shown with its message, which is no more than reading the
    conversation. Raises Rejected 404."""
    files = (await service.get_message(desk, message)).attachments
    if not 0 <= index < len(files) or files[index].media_type not in PICTURES:
        raise Rejected(404, "no-such-file", "Image not found.")
    return await _download(desk, files[index].uri, "picture", files[index].media_type)


async def _download(desk: Desk, uri: str, name: str, media_type: str) -> Download:
    try:
        data = await desk.storage.get(uri)
    except Malformed as error:
        raise Rejected(404, "no-original", "Not found in the storage.") from error
    disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    return Download(data, media_type or "application/octet-stream", _SANDBOX | {"Content-Disposition": disposition})
