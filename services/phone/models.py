"""Tables of the schema `phone`: calls with their events, requests and their state, and consents."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.db import metadata
from shared.delivery import deliveries_table
from shared.outbox import outbox_table

SCHEMA = "phone"
METADATA = metadata(SCHEMA)
_MOMENT = DateTime(timezone=True)

CALLS = Table(
    "calls",
    METADATA,
    Column(
        "id", Text, primary_key=True, comment="the provider's CallSid; for a callback the id that it was asked with"
    ),
    Column(
        "sid", Text, nullable=False, server_default="", comment="the provider's CallSid of the caller's or agent's line"
    ),
    Column("state", Text, nullable=False, server_default="greeting"),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("view", LargeBinary, nullable=False, server_default="", comment="the newest CallChanged"),
    Column("outcomes", JSONB, nullable=False, server_default=text("'{}'"), comment="request id → published outcome"),
    Column("told", JSONB, nullable=False, server_default=text("'[]'"), comment="messages that were published"),
    Column("waiting_since", _MOMENT),
    Column("connected_at", _MOMENT),
    Column("position", Integer, nullable=False, server_default="0", comment="as the desk tells; 0: we count ourselves"),
    Column("expected_wait", Integer, nullable=False, server_default="0"),
    Column("placed_by", BigInteger, nullable=False, server_default="0", comment="`place` of the request that told it"),
    Column("over", Boolean, nullable=False, server_default=text("false")),
    Column("due_at", _MOMENT, comment="when the next timer runs out"),
    Column("heard_at", _MOMENT, nullable=False, server_default=text("now()")),
    Index("ix_calls_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    Index("ix_calls_waiting", "waiting_since", postgresql_where=text("state IN ('queued', 'offered')")),
    Index("ix_calls_connected", "connected_at", postgresql_where=text("connected_at IS NOT NULL")),
    Index("ix_calls_going_on", "heard_at", postgresql_where=text("NOT over")),
)
EVENTS = Table(
    "call_events",
    METADATA,
    Column("call_id", Text, ForeignKey("calls.id"), primary_key=True),
    Column("key", Text, primary_key=True, comment="the same for a webhook that comes again"),
    Column("kind", Text, nullable=False),
    Column("event", LargeBinary, nullable=False),
    Column("heard_at", _MOMENT, nullable=False, server_default=text("now()")),
)
CALLERS = Table(
    "callers",
    METADATA,
    Column("point", Text, primary_key=True),
    Column("language", Text, nullable=False, comment="chosen by key; greeted in it the next time"),
    Column("changed_at", _MOMENT, nullable=False, server_default=text("now()")),
)
CONSENTS = Table(
    "consents",
    METADATA,
    Column("point", Text, primary_key=True),
    Column("stopped", Boolean, nullable=False),
    Column("sid", Text, nullable=False, comment="the message that said so"),
    Column("changed_at", _MOMENT, nullable=False),
)
TEXTS = Table(
    "texts",
    METADATA,
    Column("sid", Text, primary_key=True, comment="of a text message that came in"),
    Column("received_at", _MOMENT, nullable=False),
)
FETCHES = Table(
    "fetches",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("message", LargeBinary, nullable=False, comment="an InboundMessage without its files"),
    Column("files", JSONB, nullable=False, comment="list of {url, media_type, name}"),
    Column("told", Boolean, nullable=False, server_default="false", comment="the message went ahead of its files"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("created_at", _MOMENT, nullable=False, server_default=text("now()")),
    Column("due_at", _MOMENT, nullable=False, server_default=text("now()")),
)
DELIVERIES = deliveries_table(
    METADATA,
    Column("heard", JSONB, nullable=False, server_default=text("'{}'"), comment="Twilio's status → when it came first"),
)
"""Texts on their way to customers; `provider_id` is Twilio's SID."""
REQUESTS = Table(
    "requests",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("place", BigInteger, Identity(always=True)),
    Column("call_id", Text, nullable=False),
    Column("subject", Text, nullable=False, server_default="", comment="of a callback: what its tries are counted for"),
    Column("state", Text, nullable=False, comment="waiting, doing or done"),
    Column("request", LargeBinary, nullable=False, comment="the CallRequested"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column(
        "due_at", _MOMENT, nullable=False, server_default=text("now()"), comment="doing: when the attempt must be over"
    ),
    Index("ix_requests_subject", "subject", postgresql_where=text("subject <> ''")),
    Index("ix_requests_due", "due_at", postgresql_where=text("state <> 'done'")),
)
OUTBOX = outbox_table(METADATA)
