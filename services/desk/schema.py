"""The desk's schema in PostgreSQL: what all subjects write to; each subject's `models.py` adds its
tables."""

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Identity, Index, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from shared.db import metadata
from shared.outbox import outbox_table

SCHEMA = "desk"
METADATA = metadata(SCHEMA)
OUTBOX = outbox_table(METADATA)

EVENTS = Table(
    "ticket_events",
    METADATA,
    Column("seq", BigInteger, Identity(), primary_key=True),
    Column("id", Uuid(as_uuid=False), nullable=False),
    Column("ticket_id", Uuid(as_uuid=False), ForeignKey("desk.tickets.id")),
    Column("kind", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("actor", Text, nullable=False),
    Column("data", JSONB, nullable=False),
    Index("ix_ticket_events_ticket_id", "ticket_id", "seq"),
)
"""The timeline of tickets, and what else the live feed tells."""
