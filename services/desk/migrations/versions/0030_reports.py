"""What reports count; who manages agents reads them.

Revision ID: 0030
"""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_OF_WHOM = "team, agent, channel, language, tier"
_STATEMENTS = (
    """
    CREATE TABLE report_facts (
        ticket_id UUID NOT NULL,
        no INTEGER NOT NULL,
        kind TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        until TIMESTAMP WITH TIME ZONE,
        since TIMESTAMP WITH TIME ZONE,
        seconds INTEGER,
        work_seconds INTEGER,
        met BOOLEAN,
        team TEXT NOT NULL,
        agent TEXT NOT NULL,
        channel TEXT NOT NULL,
        language TEXT NOT NULL,
        tier TEXT NOT NULL,
        CONSTRAINT pk_report_facts PRIMARY KEY (ticket_id, no)
    )
    """,
    f"""
    CREATE INDEX ix_report_facts_at ON report_facts (kind, at)
    INCLUDE (until, seconds, work_seconds, met, {_OF_WHOM})
    """,
    f"""
    CREATE INDEX ix_report_facts_until ON report_facts (kind, until) INCLUDE (at, since, {_OF_WHOM})
    WHERE kind IN ('open', 'work')
    """,
    """
    CREATE TABLE report_presence (
        seq BIGINT NOT NULL CONSTRAINT pk_report_presence PRIMARY KEY,
        agent TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        until TIMESTAMP WITH TIME ZONE,
        presence TEXT NOT NULL
    )
    """,
    "CREATE INDEX ix_report_presence_now ON report_presence (agent) WHERE until IS NULL",
    "CREATE INDEX ix_report_presence_until ON report_presence (until)",
    """
    CREATE TABLE report_values (
        dimension TEXT NOT NULL,
        value TEXT NOT NULL,
        CONSTRAINT pk_report_values PRIMARY KEY (dimension, value)
    )
    """,
    """
    CREATE TABLE report_progress (
        held BOOLEAN DEFAULT true NOT NULL CONSTRAINT pk_report_progress PRIMARY KEY,
        seq BIGINT NOT NULL,
        rebuilt UUID,
        hours TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT ck_report_progress_one_row CHECK (held)
    )
    """,
    """
    INSERT INTO report_progress (seq, rebuilt, hours, at)
    SELECT coalesce(max(seq), 0), '00000000-0000-0000-0000-000000000000', '', now() FROM ticket_events
    """,
    """
    CREATE FUNCTION forget_report_facts() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        DELETE FROM desk.report_facts WHERE ticket_id IN (SELECT id FROM gone);
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER forget_report_facts AFTER DELETE ON tickets REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION forget_report_facts()
    """,
    "CREATE INDEX ix_calls_waiting_since ON calls (waiting_since) WHERE direction = 'in'",
    """
    UPDATE roles SET permissions = permissions || '{reports.read}'
    WHERE 'teams.manage' = ANY (permissions) AND NOT 'reports.read' = ANY (permissions)
    """,
)


def upgrade() -> None:
    """What happened until now is counted by the desk while it runs."""
    for statement in _STATEMENTS:
        op.execute(statement)
