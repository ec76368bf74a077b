"""Parts of pages about posts, for every viewer of a language."""

from __future__ import annotations

from services.desk.mentions import service as mentions
from services.desk.tickets import service as tickets
from services.desk.timeline import EventView
from services.desk.web.console import Console
from shared.events.desk import MentionLabelled, MentionsAdded, TicketGrouped, TicketUngrouped

GROUPED = (TicketGrouped, TicketUngrouped)
"""Events after which a ticket's group looks different."""
MENTIONS = (MentionsAdded, MentionLabelled)


async def mention_parts(console: Console, language: str, event: EventView) -> str:
    """Renders what changed on the page of mentions: new ones are offered, not inserted while
    somebody reads."""
    if not isinstance(event.change, MentionLabelled):
        return console.render("parts/mentions-fresh.html", language, fresh=True)
    found = await mentions.get_many(console.desk, [event.change.mention_id])
    return "".join(
        console.render("parts/mention-changed.html", language, mention=mention, viewer=None) for mention in found
    )


async def group_part(console: Console, language: str, ticket: str) -> str:
    """Renders the group of a ticket, and the button that answers all of it."""
    found = await tickets.get_ticket(console.desk, ticket, messages=1)
    return console.render("parts/grouped.html", language, ticket=found, viewer=None)
