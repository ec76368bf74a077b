"""Tables of automatic replies. What was sent is in `messages`: outgoing, and `automatic`."""

from sqlalchemy import Boolean, CheckConstraint, Column, DateTime, Table, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB

from services.desk.schema import METADATA

AUTOREPLIES = Table(
    "autoreplies",
    METADATA,
    Column("team", Text, primary_key=True),
    Column("enabled", Boolean, nullable=False),
    Column("hours", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("holidays", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("texts", JSONB, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("changed_by", Text, nullable=False),
)

AUTOREPLY_BRAKE = Table(
    "autoreply_brake",
    METADATA,
    Column("held", Boolean, primary_key=True, server_default=text("true")),
    Column("paused_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("held", name="one_row"),
)
"""A row while all automatic replies are paused."""
