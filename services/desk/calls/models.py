"""Tables of calls and of what was asked of the phone service."""

from sqlalchemy import Boolean, Column, DateTime, ForeignKey, Index, Integer, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from services.desk.schema import METADATA
from services.desk.tickets.models import TICKETS

OPEN = ("queued", "offered", "bridging", "connected", "wrap-up")
"""States in which a call is somebody's work."""

CALLS = Table(
    "calls",
    METADATA,
    # As the phone service tells it: the newest version.
    Column("call_id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("direction", Text, nullable=False),
    Column("customer", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("waiting_since", DateTime(timezone=True)),
    Column("connected_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    Column("agent", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("detail", Text, nullable=False),
    # What the desk adds.
    Column("ticket_id", Uuid(as_uuid=False), ForeignKey(TICKETS.c.id)),
    Column("about", Text, nullable=False),
    Column("asked", JSONB, nullable=False),
    Column("offered_to", Text, nullable=False),
    Column("offered_until", DateTime(timezone=True)),
    Column("offer_missing", JSONB, nullable=False),
    Column("answered_by", Text, nullable=False),
    Column("answer_id", Text, nullable=False),
    Column("answer_until", DateTime(timezone=True)),
    Column("position", Integer, nullable=False),
    Column("position_at", DateTime(timezone=True)),
    Column("finished_at", DateTime(timezone=True)),
    Column("counted", Boolean, nullable=False),
    Column("noted", Boolean, nullable=False),
    Index("ix_calls_open", "state", postgresql_where=text(f"state IN {OPEN}")),
    Index("ix_calls_ticket_id", "ticket_id", "at"),
    Index("ix_calls_unlinked", "at", postgresql_where=text("ticket_id IS NULL")),
    Index("ix_calls_waiting_since", "waiting_since", postgresql_where=text("direction = 'in'")),
    Index("ix_calls_ended", "ended_at", postgresql_where=text("connected_at IS NOT NULL")),
)
"""`answered_by`, `answer_id`, `answer_until`: an agent has accepted, and the phone service has not
said what became of it. `asked`: agent → when they were offered it in vain. `counted`, `noted`: the
talk is in its ticket."""

REQUESTS = Table(
    "call_requests",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("call_id", Text, nullable=False, index=True),
    Column("action", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("ticket_id", Uuid(as_uuid=False), ForeignKey(TICKETS.c.id)),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("outcome", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("outcome_at", DateTime(timezone=True)),
    Index("ix_call_requests_ticket_id", "ticket_id", "requested_at"),
)
"""Offers, answers and callbacks, and what became of each."""
