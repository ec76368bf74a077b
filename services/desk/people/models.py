"""Tables of agents, their sessions, and machines' tokens. Secrets are kept only as hashes."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    LargeBinary,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from services.desk.schema import METADATA

AGENTS = Table(
    "agents",
    METADATA,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("language", Text, nullable=False, server_default=""),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("presence", Text, nullable=False, server_default="away"),
    Column("presence_since", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("presence_reason", Text, nullable=False, server_default=""),
    Column("presence_after", Text, nullable=False, server_default=""),
    Column("phone", Text, nullable=False, server_default=""),
    Column("skills", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    CheckConstraint("role IN ('agent', 'admin')", name="role"),
    CheckConstraint("presence IN ('ready', 'busy', 'wrap-up', 'away')", name="presence"),
)
"""`presence_after`: to what a call's end returns this agent; empty where the agent chose the presence by hand."""

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("agent_id", Uuid(as_uuid=False), ForeignKey(AGENTS.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
)

API_TOKENS = Table(
    "api_tokens",
    METADATA,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("name", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("revoked_at", DateTime(timezone=True)),
)
