"""The table of mentions."""

from sqlalchemy import REAL, BigInteger, Boolean, Column, DateTime, Index, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from services.desk.schema import METADATA

MENTIONS = Table(
    "mentions",
    METADATA,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("channel", Text, nullable=False),
    Column("provider_id", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("author_name", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("reach", BigInteger, nullable=False),
    Column("complaint", REAL),
    Column("account", Text, nullable=False, server_default=""),
    Column("post", JSONB(none_as_null=True)),
    Column("facts", JSONB, nullable=False),
    Column("label", Text, nullable=False, server_default=""),
    Column("asked", Boolean, nullable=False, server_default=text("false")),
    Column("judged_by", Text, nullable=False, server_default=""),
    Column("judged_at", DateTime(timezone=True)),
    Index("ix_mentions_newest", "at", "id"),
    Index("ix_mentions_search", "text", postgresql_using="gin", postgresql_ops={"text": "gin_trgm_ops"}),
)
