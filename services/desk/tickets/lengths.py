"""How long an answer may be where everybody reads it, as far as its channel has told."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.bulk import among
from services.desk.tickets.models import MESSAGES
from shared.bus import View
from shared.errors import Rejected
from shared.events import Channel, Length

_LINK = re.compile(r"https?://[^\s/?#]*\.[a-z]{2,}\b\S*", re.IGNORECASE)
"""An address with a name in it; neither localhost nor a number is shortened by a network."""
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}")
_JOINED = re.compile("\u200d.|[\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
"""What makes one sign of several: a family, a colour of skin, a keycap."""


def weigh(text: str, length: Length) -> int:
    """Returns a lower bound of a text's length: the channel's own service counts exactly, and
    has the last word."""
    plain, links = _LINK.subn("", text) if length.link else (text, 0)
    plain = _JOINED.sub("", _FLAG.sub("\U0001f1e6", unicodedata.normalize("NFC", plain)))
    light = sum(any(low <= ord(letter) <= high for low, high in length.light) for letter in plain)
    return links * length.link + (2 * len(plain) - light if length.light else len(plain))


async def check(
    session: AsyncSession,
    channels: View[Channel],
    ticket: str,
    channel: str,
    text: str,
    *,
    together: Sequence[str] = (),
) -> None:
    """Raises Rejected 422 for a text that cannot be sent like this. together: tickets whose
    customers are answered by name in the same words."""
    described = channels.get(channel)
    if described is None or described.length is None:
        return
    posts = (MESSAGES.c.direction == "in", MESSAGES.c.channel == channel)
    newest = select(MESSAGES.c.public).where(MESSAGES.c.ticket_id == ticket, *posts)
    if not await session.scalar(newest.order_by(MESSAGES.c.at.desc(), MESSAGES.c.id.desc()).limit(1)):
        return
    if together:
        account = func.max(func.length(MESSAGES.c.account))
        longest = await session.scalar(select(account).where(among(MESSAGES.c.ticket_id, together), *posts)) or 0
        text = f"{'x' * longest} {text}"
    over = weigh(text, described.length) - described.length.longest
    if over > 0:
        raise Rejected(
            422,
            "too-long-here",
            f"{described.label} takes at most {described.length.longest} characters: this is {over} over the limit.",
        )
