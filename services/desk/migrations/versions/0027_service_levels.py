"""Service levels: policies, calendars, and where each ticket stands.

Revision ID: 0027
"""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE sla_calendars (
        id UUID NOT NULL CONSTRAINT pk_sla_calendars PRIMARY KEY,
        name TEXT NOT NULL CONSTRAINT uq_sla_calendars_name UNIQUE,
        hours TEXT NOT NULL,
        zone TEXT NOT NULL,
        days_off TEXT NOT NULL,
        country TEXT NOT NULL,
        region TEXT NOT NULL,
        feed TEXT NOT NULL,
        feed_days JSONB DEFAULT '[]' NOT NULL,
        feed_at TIMESTAMP WITH TIME ZONE,
        feed_next_at TIMESTAMP WITH TIME ZONE,
        feed_error TEXT DEFAULT '' NOT NULL,
        changed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        changed_by TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE sla_policies (
        id UUID NOT NULL CONSTRAINT pk_sla_policies PRIMARY KEY,
        place INTEGER NOT NULL,
        name TEXT NOT NULL CONSTRAINT uq_sla_policies_name UNIQUE,
        enabled BOOLEAN NOT NULL,
        teams TEXT[] NOT NULL,
        channels TEXT[] NOT NULL,
        tiers TEXT[] NOT NULL,
        levels TEXT[] NOT NULL,
        first INTEGER NOT NULL,
        next INTEGER NOT NULL,
        solution INTEGER NOT NULL,
        calendar UUID CONSTRAINT fk_sla_policies_calendar_sla_calendars REFERENCES sla_calendars (id),
        warn_share SMALLINT NOT NULL,
        warn_minutes INTEGER NOT NULL,
        on_warning JSONB NOT NULL,
        on_breach JSONB NOT NULL,
        changed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        changed_by TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE sla_versions (
        one BOOLEAN DEFAULT true NOT NULL CONSTRAINT pk_sla_versions PRIMARY KEY,
        version BIGINT DEFAULT 0 NOT NULL,
        applied BIGINT DEFAULT 0 NOT NULL,
        CONSTRAINT ck_sla_versions_one_row CHECK (one)
    )
    """,
    """
    CREATE TABLE sla_standings (
        ticket_id UUID NOT NULL CONSTRAINT pk_sla_standings PRIMARY KEY
            CONSTRAINT fk_sla_standings_ticket_id_tickets REFERENCES tickets (id),
        policy UUID,
        targets JSONB NOT NULL,
        version BIGINT NOT NULL,
        next_at TIMESTAMP WITH TIME ZONE
    )
    """,
    "CREATE INDEX ix_sla_standings_next_at ON sla_standings (next_at) WHERE next_at IS NOT NULL",
    """
    UPDATE roles SET permissions = permissions || '{service-levels.manage}'
    WHERE 'people.manage' = ANY (permissions) AND NOT 'service-levels.manage' = ANY (permissions)
    """,
)


def upgrade() -> None:
    """No policies: what the router promises goes on counting."""
    for statement in _STATEMENTS:
        op.execute(statement)
