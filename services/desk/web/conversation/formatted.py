"""A message as it was formatted: what of it is shown, and where its pictures come from."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote

from services.desk.tickets.originals import PICTURES
from services.desk.tickets.schemas import AttachmentView, MessageView
from shared.text import clean_html

_THUMBNAIL = 5_000_000
"""Bytes up to which a picture is fetched without being asked for."""
_LOST = ("<table", "<ul", "<ol", "<dl", ' src="cid:', ' src="data:')
"""What plain text has no shape for."""


def needs_frame(message: MessageView) -> bool:
    """Whether text alone would lose something of what this person wrote; what they quote does not
    count."""
    own = message.html.partition("<blockquote")[0]
    return any(tag in own for tag in _LOST) or bool(own and not message.text.strip())


def has_remote(message: MessageView) -> bool:
    """Whether pictures would have to be fetched from elsewhere."""
    html = message.html.lower()
    return any(f' src="{scheme}://' in html for scheme in ("http", "https"))


def body(message: MessageView, *, remote: bool) -> str:
    """Returns a message's HTML for the frame. remote: also with pictures from elsewhere, by
    which their sender learns that they were seen."""
    inline = _inline(message)

    def place(address: str) -> str | None:
        scheme, _, rest = address.partition(":")
        if scheme.lower() == "cid":
            number = inline.get(unquote(rest))
            return None if number is None else f"/m/{message.id}/pictures/{number}"
        return address if scheme.lower() == "data" or remote else None

    return clean_html(message.html, place)


def listed(message: MessageView) -> Sequence[tuple[int, AttachmentView, bool]]:
    """Lists the files that are not seen in the frame already, with their numbers, and whether
    each can be shown small."""
    shown = {unquote(part.partition('"')[0]) for part in message.html.split(' src="cid:')[1:]}
    shown = shown if needs_frame(message) else set()
    inline = {number for content_id, number in _inline(message).items() if content_id in shown}
    return [
        (number, file, file.media_type in PICTURES and file.size <= _THUMBNAIL)
        for number, file in enumerate(message.attachments)
        if number not in inline
    ]


def _inline(message: MessageView) -> dict[str, int]:
    files = enumerate(message.attachments)
    return {file.content_id: number for number, file in files if file.content_id and file.media_type in PICTURES}
