"""Who gets a report by mail.

Revision ID: 0032
"""

from alembic import op

revision = "0032"
down_revision = "0028"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE report_mails (
        agent_id UUID NOT NULL CONSTRAINT pk_report_mails PRIMARY KEY
            CONSTRAINT fk_report_mails_agent_id_agents REFERENCES agents (id) ON DELETE CASCADE,
        every TEXT NOT NULL,
        asked JSONB NOT NULL,
        next_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT ck_report_mails_every CHECK (every IN ('weekly', 'monthly'))
    )
    """,
    "CREATE INDEX ix_report_mails_next_at ON report_mails (next_at)",
)


def upgrade() -> None:
    """Nobody, until they ask for it."""
    for statement in _STATEMENTS:
        op.execute(statement)
