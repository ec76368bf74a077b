"""How long a ticket waits for the right people.

Revision ID: 0006
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    ALTER TABLE tickets
        ADD COLUMN patience JSONB DEFAULT '{}' NOT NULL,
        ADD COLUMN widens_at TIMESTAMP WITH TIME ZONE
    """,
    """
    CREATE INDEX ix_tickets_widens_at ON tickets (widens_at)
    WHERE status = 'open' AND waiting_since IS NOT NULL AND assignee_id IS NULL
    """,
)


def upgrade() -> None:
    """Tickets that wait already wait on as they did: the next message tells for how long."""
    for statement in _STATEMENTS:
        op.execute(statement)
