"""Tables of the schema `dashboard`: sites, their visitors, and one conversation for each person of
a site.

A message is a row of `messages`, whichever way it went. For what came in the row holds the event
until Kafka has acknowledged it; for what goes out the row is the delivery ledger: it is there once
the reply was stored, `delivered_at` is set once the customer's client has it.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from shared.db import metadata
from shared.outbox import outbox_table

SCHEMA = "dashboard"
METADATA = metadata(SCHEMA)
_MOMENT = DateTime(timezone=True)

SITES = Table(
    "sites",
    METADATA,
    Column("id", Text, primary_key=True, comment="short and readable; the `aud` of identity tokens"),
    Column("name", Text, nullable=False, unique=True),
    Column("key", Text, nullable=False, unique=True, comment="public: it names the site and proves nothing"),
    Column(
        "secrets", JSONB, nullable=False, comment="kid → secret of identity tokens; several while one is being replaced"
    ),
    Column("origins", ARRAY(Text), nullable=False, comment="pages that may call from a browser"),
    Column("mode", Text, nullable=False, comment="anonymous, optional or required"),
    Column("created_at", _MOMENT, nullable=False),
)
VISITORS = Table(
    "visitors",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("site", Text, ForeignKey("sites.id"), nullable=False),
    Column("token", Text, nullable=False, unique=True, comment="SHA-256; the token itself is only with the visitor"),
    Column("older_token", Text, unique=True, comment="the one before, for an answer that got lost on its way"),
    Column("older_until", _MOMENT),
    Column("issued_at", _MOMENT, nullable=False),
    Column("expires_at", _MOMENT, nullable=False, index=True),
    Column("author", JSONB, nullable=False, comment="who it is, as the site or the visitor told"),
)
CONVERSATIONS = Table(
    "conversations",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("site", Text, ForeignKey("sites.id"), nullable=False),
    Column("owner", Text, nullable=False, unique=True, comment="contact point of the one who reads and writes it"),
    Column("last_seq", BigInteger, nullable=False),
    Column("merged_into", Text, ForeignKey("conversations.id"), comment="where its messages are now"),
    Column(
        "also", ARRAY(Text), nullable=False, server_default=text("'{}'"), comment="contact points merged into its owner"
    ),
    Column("created_at", _MOMENT, nullable=False),
    Index("ix_conversations_also", "also", postgresql_using="gin"),
)
MESSAGES = Table(
    "messages",
    METADATA,
    Column("id", Text, primary_key=True, comment="the event's id: of InboundMessage or OutboundMessage"),
    Column("conversation", Text, ForeignKey("conversations.id"), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("incoming", Boolean, nullable=False),
    Column("at", _MOMENT, nullable=False),
    Column("author", Text, nullable=False, server_default=""),
    Column("verified", Boolean, nullable=False, server_default=text("false")),
    Column("subject", Text, nullable=False, server_default=""),
    Column("text", Text, nullable=False),
    Column("attachments", JSONB, nullable=False, server_default=text("'[]'")),
    Column("idempotency_key", Text),
    Column("fingerprint", Text),
    Column("topic", Text),
    Column("event", LargeBinary, comment="until Kafka has acknowledged it"),
    Column("ticket_id", Text),
    Column("delivered_at", _MOMENT),
    UniqueConstraint("conversation", "seq", name="uq_messages_conversation_seq"),
    UniqueConstraint("conversation", "idempotency_key", name="uq_messages_idempotency_key"),
    Index("ix_messages_unpublished", "at", postgresql_where=text("event IS NOT NULL")),
    Index(
        "ix_messages_undelivered",
        "conversation",
        "seq",
        postgresql_where=text("NOT incoming AND delivered_at IS NULL"),
    ),
)
OUTBOX = outbox_table(METADATA)
