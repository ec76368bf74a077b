"""Tables of what reports count, made from the timeline and made anew from it at any time."""

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
from sqlalchemy.dialects.postgresql import JSONB

from services.desk.people.models import AGENTS
from services.desk.schema import METADATA

_OF_WHOM = ("team", "agent", "channel", "language", "tier")

FACTS = Table(
    "report_facts",
    METADATA,
    Column("ticket_id", Uuid(as_uuid=False), primary_key=True),
    Column("no", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True)),
    Column("since", DateTime(timezone=True)),
    Column("seconds", Integer),
    Column("work_seconds", Integer),
    Column("met", Boolean),
    Column("team", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("tier", Text, nullable=False),
    Index(
        "ix_report_facts_at",
        "kind",
        "at",
        postgresql_include=["until", "seconds", "work_seconds", "met", *_OF_WHOM],
    ),
    Index(
        "ix_report_facts_until",
        "kind",
        "until",
        postgresql_include=["at", "since", *_OF_WHOM],
        postgresql_where=text("kind IN ('open', 'work')"),
    ),
)
"""As `domain.Fact` says. No key leads to the tickets: counting locks none of them. A trigger takes
the facts of a deleted ticket away."""

PRESENCE = Table(
    "report_presence",
    METADATA,
    Column("seq", BigInteger, primary_key=True),
    Column("agent", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True)),
    Column("presence", Text, nullable=False),
    Index("ix_report_presence_now", "agent", postgresql_where=text("until IS NULL")),
    Index("ix_report_presence_until", "until"),
)
"""When agents were there: `ready`, `busy` or `wrap-up`."""

VALUES = Table(
    "report_values",
    METADATA,
    Column("dimension", Text, primary_key=True),
    Column("value", Text, primary_key=True),
)
"""What there is to choose from."""

MAILS = Table(
    "report_mails",
    METADATA,
    Column("agent_id", Uuid(as_uuid=False), ForeignKey(AGENTS.c.id, ondelete="CASCADE"), primary_key=True),
    Column("every", Text, nullable=False),
    Column("asked", JSONB, nullable=False),
    Column("next_at", DateTime(timezone=True), nullable=False, index=True),
    CheckConstraint("every IN ('weekly', 'monthly')", name="every"),
)
"""Who gets a report by mail. `asked`: `by`, `clock` and `only` of a `service.Query`."""

PROGRESS = Table(
    "report_progress",
    METADATA,
    Column("held", Boolean, primary_key=True, server_default=text("true")),
    Column("seq", BigInteger, nullable=False),
    Column("rebuilt", Uuid(as_uuid=False)),
    Column("hours", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    CheckConstraint("held", name="one_row"),
)
"""`seq`: events up to this one are counted. `rebuilt`: tickets up to this one are counted anew;
NULL where all are. `hours`: the business hours that were counted with. `at`: when all was counted
last."""
