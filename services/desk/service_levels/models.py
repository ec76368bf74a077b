"""Tables of service levels."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.desk.schema import METADATA

CALENDARS = Table(
    "sla_calendars",
    METADATA,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("hours", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("days_off", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("feed", Text, nullable=False),
    Column("feed_days", JSONB, nullable=False, server_default=text("'[]'")),
    Column("feed_at", DateTime(timezone=True)),
    Column("feed_next_at", DateTime(timezone=True)),
    Column("feed_error", Text, nullable=False, server_default=""),
    Column("changed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("changed_by", Text, nullable=False),
)
"""`feed_at`: when the feed was read last without an error; `feed_error`: of the newest attempt."""

POLICIES = Table(
    "sla_policies",
    METADATA,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("place", Integer, nullable=False),
    Column("name", Text, nullable=False, unique=True),
    Column("enabled", Boolean, nullable=False),
    Column("teams", ARRAY(Text), nullable=False),
    Column("channels", ARRAY(Text), nullable=False),
    Column("tiers", ARRAY(Text), nullable=False),
    Column("levels", ARRAY(Text), nullable=False),
    Column("first", Integer, nullable=False),
    Column("next", Integer, nullable=False),
    Column("solution", Integer, nullable=False),
    Column("calendar", Uuid(as_uuid=False), ForeignKey(CALENDARS.c.id)),
    Column("warn_share", SmallInteger, nullable=False),
    Column("warn_minutes", Integer, nullable=False),
    Column("on_warning", JSONB, nullable=False),
    Column("on_breach", JSONB, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("changed_by", Text, nullable=False),
)

VERSIONS = Table(
    "sla_versions",
    METADATA,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column("version", BigInteger, nullable=False, server_default=text("0")),
    Column("applied", BigInteger, nullable=False, server_default=text("0")),
    CheckConstraint("one", name="one_row"),
)
"""`version`: grows with each change of policies and calendars; `applied`: by which all tickets that
wait were looked at."""

STANDINGS = Table(
    "sla_standings",
    METADATA,
    Column("ticket_id", Uuid(as_uuid=False), ForeignKey("desk.tickets.id"), primary_key=True),
    Column("policy", Uuid(as_uuid=False)),
    Column("targets", JSONB, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("next_at", DateTime(timezone=True)),
    Index("ix_sla_standings_next_at", "next_at", postgresql_where=text("next_at IS NOT NULL")),
)
"""Where tickets stand. `next_at`: when something becomes true of a target that runs."""
