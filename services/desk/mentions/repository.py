"""Reading mentions, with the tickets that became of them."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Select, literal, select, tuple_

from services.desk.cursors import read_place, write_place
from services.desk.mentions import domain
from services.desk.mentions.models import MENTIONS
from services.desk.mentions.schemas import MentionQuery, MentionView
from services.desk.tickets.models import MESSAGES, TICKETS
from services.desk.tickets.repository import post_view
from shared.errors import Rejected

ROWS = (
    select(MENTIONS, MESSAGES.c.ticket_id, TICKETS.c.number.label("ticket_number"))
    .outerjoin(MESSAGES, MESSAGES.c.id == MENTIONS.c.id)
    .outerjoin(TICKETS, TICKETS.c.id == MESSAGES.c.ticket_id)
)
"""A mention and its message have one id, made from the post's, so that they meet whichever comes
first."""
_NEWEST = (MENTIONS.c.at, MENTIONS.c.id)


def page(query: MentionQuery) -> Select[Any]:
    """Builds the statement for one page of mentions and one row more. Raises Rejected 422."""
    if not 1 <= query.limit <= 100:
        raise Rejected(422, "limit", "A page has 1 to 100 mentions.")
    if "\x00" in query.channel + query.language:
        raise Rejected(422, "filter", "A filter contains a NUL character. Leave it out.")
    statement = ROWS
    if query.channel:
        statement = statement.where(MENTIONS.c.channel == query.channel)
    if query.language:
        statement = statement.where(MENTIONS.c.language == query.language)
    for word in domain.words(query.q):
        like = "%" + re.sub(r"([\\%_])", r"\\\1", word) + "%"
        statement = statement.where(MENTIONS.c.text.ilike(like))
    if query.cursor:
        at, mention = read_place(query.cursor, "t")
        place = tuple_(literal(at, MENTIONS.c.at.type), literal(mention, MENTIONS.c.id.type))
        statement = statement.where(tuple_(*_NEWEST) < place)
    return statement.order_by(MENTIONS.c.at.desc(), MENTIONS.c.id.desc()).limit(query.limit + 1)


def cursor_after(row: Any) -> str:
    """Returns the cursor of the next page, which begins after this row."""
    return write_place("t", row.at, row.id)


def view(row: Any) -> MentionView:
    """Converts a mention's row into the view for readers."""
    names = (
        "id", "channel", "author", "author_name", "text", "language", "at", "reach", "complaint", "account", "facts", "label",
        "asked", "judged_by", "judged_at", "ticket_number",
    )  # fmt: skip
    values = {name: getattr(row, name) for name in names}
    post = post_view(row.post)
    return MentionView(**values, post=post, link=domain.link(post.url) if post else "", ticket_id=row.ticket_id or "")
