"""Tables of what was given and offered to whom, and of what was known when that was decided."""

from sqlalchemy import Column, DateTime, ForeignKey, Index, LargeBinary, Table, Text, Uuid, text

from services.desk.people.models import AGENTS
from services.desk.schema import METADATA
from services.desk.tickets.models import TICKETS

OFFERED, GIVEN, ACCEPTED, DECLINED, MISSED, WITHDRAWN = (
    "offered",
    "given",
    "accepted",
    "declined",
    "missed",
    "withdrawn",
)
"""Outcomes. `offered`: nobody has said anything yet; `withdrawn`: it went elsewhere meanwhile."""

ASSIGNMENTS = Table(
    "assignments",
    METADATA,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("ticket_id", Uuid(as_uuid=False), ForeignKey(TICKETS.c.id), nullable=False),
    Column("agent_id", Uuid(as_uuid=False), ForeignKey(AGENTS.c.id), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True)),
    Column("outcome", Text, nullable=False),
    Column("pass_id", Uuid(as_uuid=False), nullable=False),
    Index("ix_assignments_ticket_id", "ticket_id", "at"),
    Index("ix_assignments_at", "at", postgresql_include=["agent_id"]),
    Index("ix_assignments_offered", "ticket_id", unique=True, postgresql_where=text("outcome = 'offered'")),
)

PASSES = Table(
    "assignment_passes",
    METADATA,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, index=True),
    Column("snapshot", LargeBinary, nullable=False),
)
"""`snapshot`: conversations that were given, the members of their teams and these teams, as JSON.
The same decisions follow from it."""
