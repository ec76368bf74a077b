"""Tables of agents, their roles, teams and sessions, machines' tokens, and the log of who did what.
Secrets are kept only as hashes."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.desk.schema import METADATA

ROLES = Table(
    "roles",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("permissions", ARRAY(Text), nullable=False),
)

AGENTS = Table(
    "agents",
    METADATA,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("role", Text, ForeignKey(ROLES.c.name), nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("language", Text, nullable=False, server_default=""),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("presence", Text, nullable=False, server_default="away"),
    Column("presence_since", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("presence_reason", Text, nullable=False, server_default=""),
    Column("presence_after", Text, nullable=False, server_default=""),
    Column("paused", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("seen_at", DateTime(timezone=True)),
    Column("active_at", DateTime(timezone=True)),
    Column("assigned_at", DateTime(timezone=True)),
    Column("called_at", DateTime(timezone=True)),
    Column("called_by", Text, nullable=False, server_default=""),
    Column("called_for", Text, nullable=False, server_default=""),
    Column("phone", Text, nullable=False, server_default=""),
    Column("skills", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("skill_levels", JSONB, nullable=False, server_default=text("'{}'")),
    Column("languages", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("capacity", JSONB, nullable=False, server_default=text("'{}'")),
    Column("hours", Text, nullable=False, server_default=""),
    Column("timezone", Text, nullable=False, server_default="UTC"),
    Column("time_off", Text, nullable=False, server_default=""),
    Column("totp_seed", LargeBinary),
    Column("totp_step", BigInteger, nullable=False, server_default=text("0")),
    CheckConstraint("presence IN ('ready', 'busy', 'wrap-up', 'away')", name="presence"),
)
"""`presence_after`: to what a call's end returns this agent; empty where the agent chose the
presence by hand. `seen_at`: the last sign of life of a console of theirs since they chose; NULL
where there was none. `active_at`: when they last did something there. `assigned_at`: when they were
last given work. `skill_levels`, `capacity`: what was said; the rest is usual. `password_hash`:
empty until an invitation is accepted; such an agent is not `active` yet. `totp_seed`: of the second
step when signing in; NULL where there is none. `totp_step`: the last time step of which a code was
used; none is taken twice. `called_at`, `called_by`, `called_for`: when they were asked to come in,
by whom and why, since they last said whether they are there."""

TEAMS = Table(
    "teams",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("delivery", Text, nullable=False, server_default="pull"),
    Column("turn", Text, nullable=False, server_default="spare"),
    Column("weight", SmallInteger, nullable=False, server_default=text("1")),
    CheckConstraint("delivery IN ('pull', 'push')", name="delivery"),
    CheckConstraint("turn IN ('spare', 'round')", name="turn"),
)

TEAM_MEMBERS = Table(
    "team_members",
    METADATA,
    Column("team", Text, ForeignKey(TEAMS.c.name, ondelete="CASCADE"), primary_key=True),
    Column("agent_id", Uuid(as_uuid=False), ForeignKey(AGENTS.c.id, ondelete="CASCADE"), primary_key=True, index=True),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("agent_id", Uuid(as_uuid=False), ForeignKey(AGENTS.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
    Column("id", Uuid(as_uuid=False), nullable=False, unique=True, server_default=func.gen_random_uuid()),
    Column("used_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("ip", Text, nullable=False, server_default=""),
    Column("browser", Text, nullable=False, server_default=""),
)

AGENT_LINKS = Table(
    "agent_links",
    METADATA,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("agent_id", Uuid(as_uuid=False), ForeignKey(AGENTS.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)
"""Links by which somebody sets their password, once: an invitation, or because it was forgotten."""

RECOVERY_CODES = Table(
    "recovery_codes",
    METADATA,
    Column("code_hash", LargeBinary, primary_key=True),
    Column("agent_id", Uuid(as_uuid=False), ForeignKey(AGENTS.c.id, ondelete="CASCADE"), nullable=False, index=True),
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

AUDIT_LOG = Table(
    "audit_log",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("ip", Text, nullable=False),
    Column("data", JSONB, nullable=False),
    Column("event_id", Text, unique=True),
    Index("ix_audit_log_kind", "kind", "id"),
    Index("ix_audit_log_actor", "actor", "id"),
    Index("ix_audit_log_subject", "subject", "id"),
)
"""A trigger refuses to change or delete what is in it."""
