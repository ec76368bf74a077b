"""What happened to a ticket at the desk."""

from datetime import datetime

from shared.events.base import Event


class DeskEvent(Event, frozen=True, kw_only=True):
    """One change of one ticket."""

    id: str
    ticket_id: str
    kind: str
    """`ticket.opened`, `message.added`, `reply.added`, `note.added`, `ticket.assigned`, `ticket.status`,
    `ticket.reopened`, `ticket.answered` (by a call), `ticket.widened` (a skill is no longer asked for), `ticket.overflowed` (to
    another team, because nobody got to it in time), `delivery.changed`, `customer.changed`, `call.changed`, `call.offered`,
    `agent.presence`, `agent.signed-out`, `post.judged`, `ticket.grouped`, `ticket.ungrouped`, `mentions.added`, `mention.judged`."""
    at: datetime
    actor: str = ""
    """The agent's e-mail address, or the service that did it."""
    data: dict[str, str] = {}
