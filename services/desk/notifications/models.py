"""Tables of what agents are told, how they want to be told, and how far the timeline was read."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.desk.people.models import AGENTS
from services.desk.schema import METADATA
from services.desk.tickets.models import TICKETS

NOTIFICATIONS = Table(
    "notifications",
    METADATA,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("agent_id", Uuid(as_uuid=False), ForeignKey(AGENTS.c.id, ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("ticket_id", Uuid(as_uuid=False), ForeignKey(TICKETS.c.id, ondelete="CASCADE"), index=True),
    Column("actor", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("first_at", DateTime(timezone=True), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("ways", ARRAY(Text), nullable=False),
    Column("read_at", DateTime(timezone=True)),
    Column("mailed_at", DateTime(timezone=True)),
    Index(
        "ix_notifications_unread", "agent_id", "kind", "about", unique=True, postgresql_where=text("read_at IS NULL")
    ),
    Index("ix_notifications_agent_id", "agent_id", "seq"),
    Index("ix_notifications_at", "at"),
    Index(
        "ix_notifications_to_mail",
        "agent_id",
        postgresql_where=text("read_at IS NULL AND mailed_at IS NULL AND 'mail' = ANY (ways)"),
    ),
)
"""One line of somebody's list: what happened since they last read of it. `about`: the ticket's id,
or a team. `actor`, `what`, `at`, `seq`: of the newest event; `seq` is its number in the
timeline."""

NOTIFICATION_SETTINGS = Table(
    "notification_settings",
    METADATA,
    Column("agent_id", Uuid(as_uuid=False), ForeignKey(AGENTS.c.id, ondelete="CASCADE"), primary_key=True),
    Column("preferences", JSONB, nullable=False),
    Column("mailed_at", DateTime(timezone=True)),
)

NOTIFICATION_CURSOR = Table(
    "notification_cursor",
    METADATA,
    Column("held", Boolean, primary_key=True, server_default=text("true")),
    Column("seq", BigInteger, nullable=False),
    CheckConstraint("held", name="one_row"),
)
"""One row: the newest event of the timeline of which everybody was told."""
