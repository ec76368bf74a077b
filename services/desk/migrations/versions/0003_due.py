"""When a ticket is due, the links of displays without a login, and what the wallboard counts by.

Revision ID: 0003
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE tickets ADD COLUMN due_at TIMESTAMP WITH TIME ZONE",
    """
    CREATE INDEX ix_tickets_waiting ON tickets (due_at, team, waiting_since) INCLUDE (skills)
    WHERE status = 'open' AND waiting_since IS NOT NULL
    """,
    "CREATE INDEX ix_tickets_first_reply_at ON tickets (first_reply_at) INCLUDE (created_at)",
    "CREATE INDEX ix_messages_inbound ON messages (at, channel) WHERE direction = 'in'",
    """
    CREATE TABLE display_links (
        id UUID NOT NULL,
        name TEXT NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        revoked_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_display_links PRIMARY KEY (id)
    )
    """,
)


def upgrade() -> None:
    """Tickets that wait already keep no target: the next message sets one."""
    for statement in _STATEMENTS:
        op.execute(statement)
