"""Invitations, lists of sessions, signing in with a second step, and a log of who did what that
nobody can change.

Revision ID: 0009
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE agents ADD COLUMN totp_seed BYTEA, ADD COLUMN totp_step BIGINT DEFAULT 0 NOT NULL",
    """
    ALTER TABLE sessions
        ADD COLUMN id UUID DEFAULT gen_random_uuid() NOT NULL,
        ADD COLUMN used_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        ADD COLUMN ip TEXT DEFAULT '' NOT NULL,
        ADD COLUMN browser TEXT DEFAULT '' NOT NULL,
        ADD CONSTRAINT uq_sessions_id UNIQUE (id)
    """,
    """
    CREATE TABLE agent_links (
        token_hash BYTEA NOT NULL,
        agent_id UUID NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_agent_links PRIMARY KEY (token_hash),
        CONSTRAINT fk_agent_links_agent_id_agents FOREIGN KEY(agent_id) REFERENCES agents (id) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX ix_agent_links_agent_id ON agent_links (agent_id)",
    """
    CREATE TABLE recovery_codes (
        code_hash BYTEA NOT NULL,
        agent_id UUID NOT NULL,
        CONSTRAINT pk_recovery_codes PRIMARY KEY (code_hash),
        CONSTRAINT fk_recovery_codes_agent_id_agents FOREIGN KEY(agent_id) REFERENCES agents (id) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX ix_recovery_codes_agent_id ON recovery_codes (agent_id)",
    """
    CREATE TABLE audit_log (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        kind TEXT NOT NULL,
        actor TEXT NOT NULL,
        subject TEXT NOT NULL,
        ip TEXT NOT NULL,
        data JSONB NOT NULL,
        CONSTRAINT pk_audit_log PRIMARY KEY (id)
    )
    """,
    "CREATE INDEX ix_audit_log_kind ON audit_log (kind, id)",
    "CREATE INDEX ix_audit_log_actor ON audit_log (actor, id)",
    "CREATE INDEX ix_audit_log_subject ON audit_log (subject, id)",
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the audit log is only ever added to';
    END $$
    """,
    """
    CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
)


def upgrade() -> None:
    """Who is signed in stays so until the session's time is over."""
    for statement in _STATEMENTS:
        op.execute(statement)
