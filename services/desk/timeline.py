"""The timeline: every event of the desk, numbered in the order in which they were committed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ConfigDict

from shared.events.desk import AnyChange, change_of

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
    """The tag of a change, as in the AsyncAPI document: `ticket.opened`, `message.added` and so
    on."""
    at: datetime
    actor: str
    data: dict[str, str]
    """The fields of that change, as in the AsyncAPI document."""

    @property
    def change(self) -> AnyChange | None:
        """What happened; None where only a newer desk knows it."""
        return change_of(self.kind, self.data)


def event_view(row: Any) -> EventView:
    """Converts a row of the timeline into the view for readers."""
    return EventView(
        seq=row.seq, id=row.id, ticket_id=row.ticket_id or "", kind=row.kind, at=row.at, actor=row.actor, data=row.data
    )
