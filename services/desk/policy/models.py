"""Tables of drafts, and of what each would have changed."""

from sqlalchemy import Column, DateTime, ForeignKey, Integer, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from services.desk.schema import METADATA

DRAFTS = Table(
    "policy_drafts",
    METADATA,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("author", Text, nullable=False, unique=True),
    Column("base", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
)
"""`base`: the version in force when it was begun. `revision`: grows with each change."""

PREVIEWS = Table(
    "policy_previews",
    METADATA,
    Column("draft_id", Uuid(as_uuid=False), ForeignKey(DRAFTS.c.id, ondelete="CASCADE"), primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("beat_at", DateTime(timezone=True)),
    Column("done", Integer, nullable=False, server_default=text("0")),
    Column("of_all", Integer, nullable=False, server_default=text("0")),
    Column("result", JSONB(none_as_null=True)),
    Column("failed", Text, nullable=False, server_default=""),
)
"""`revision`: of the draft that was looked at. `beat_at`: when whoever makes it was last heard of;
NULL while nobody began."""
