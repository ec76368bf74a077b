"""The timeline: every event of the desk, numbered in the order in which they were committed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ConfigDict

_DOCS = ConfigDict(use_attribute_docstrings=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """One change of a ticket."""

    __pydantic_config__ = _DOCS

    seq: int
    """Grows with every event of the desk."""
    id: str
    ticket_id: str
    kind: str
    """As in `DeskEvent.kind`: `ticket.opened`, `message.added`, `reply.added`, `note.added`, `ticket.assigned`,
    `ticket.status`, `ticket.reopened`, `ticket.routed`, `ticket.answered`, `ticket.widened`, `ticket.overflowed`,
    `delivery.changed`, `customer.changed`,
    `call.changed`, `call.offered`, `agent.presence`, `agent.signed-out`, `post.judged`, `ticket.grouped`, `ticket.ungrouped`,
    `mentions.added`, `mention.judged`."""
    at: datetime
    actor: str
    data: dict[str, str]
    """`ticket.status`: from, to; of one settled unanswered also version, messages,
    waiting_since, due_at. `ticket.assigned`: assignee, team.
    `message.added`, `reply.added`, `note.added`: message_id.
    `delivery.changed`: message_id, state, detail. `ticket.routed`: rule, evidence, level, score, team. `ticket.opened`:
    channel, level, linked (the earlier ticket's id) and why (`closed`, `stranger`). `ticket.reopened`: why.
    `ticket.widened`: skill that is no longer asked for. `ticket.overflowed`: from and team. Both: after, seconds.
    `post.judged`: message_id, label, before. `ticket.grouped`: leader, or (of the leader) joined or left. `mention.judged`:
    mention_id, label."""


def event_view(row: Any) -> EventView:
    """A row of the timeline."""
    return EventView(
        seq=row.seq, id=row.id, ticket_id=row.ticket_id or "", kind=row.kind, at=row.at, actor=row.actor, data=row.data
    )
