"""How teams get their work, what was given to whom, and offers.

Revision ID: 0026
"""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    ALTER TABLE teams
        ADD COLUMN delivery TEXT DEFAULT 'pull' NOT NULL,
        ADD COLUMN turn TEXT DEFAULT 'spare' NOT NULL,
        ADD COLUMN weight SMALLINT DEFAULT 1 NOT NULL,
        ADD CONSTRAINT ck_teams_delivery CHECK (delivery IN ('pull', 'push')),
        ADD CONSTRAINT ck_teams_turn CHECK (turn IN ('spare', 'round'))
    """,
    "ALTER TABLE agents ADD COLUMN assigned_at TIMESTAMP WITH TIME ZONE",
    "ALTER TABLE tickets ADD COLUMN given_at TIMESTAMP WITH TIME ZONE",
    """
    CREATE TABLE assignments (
        id UUID NOT NULL CONSTRAINT pk_assignments PRIMARY KEY,
        ticket_id UUID NOT NULL CONSTRAINT fk_assignments_ticket_id_tickets REFERENCES tickets (id),
        agent_id UUID NOT NULL CONSTRAINT fk_assignments_agent_id_agents REFERENCES agents (id),
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        until TIMESTAMP WITH TIME ZONE,
        outcome TEXT NOT NULL,
        pass_id UUID NOT NULL
    )
    """,
    "CREATE INDEX ix_assignments_ticket_id ON assignments (ticket_id, at)",
    "CREATE INDEX ix_assignments_at ON assignments (at) INCLUDE (agent_id)",
    "CREATE UNIQUE INDEX ix_assignments_offered ON assignments (ticket_id) WHERE outcome = 'offered'",
    """
    CREATE TABLE assignment_passes (
        id UUID NOT NULL CONSTRAINT pk_assignment_passes PRIMARY KEY,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        snapshot BYTEA NOT NULL
    )
    """,
    "CREATE INDEX ix_assignment_passes_at ON assignment_passes (at)",
)


def upgrade() -> None:
    """All teams go on to take from their queues."""
    for statement in _STATEMENTS:
        op.execute(statement)
