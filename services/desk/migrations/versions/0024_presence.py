"""What somebody does not take at the moment, and signs of life of their consoles.

Revision ID: 0024
"""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Whoever is ready takes all kinds of work."""
    op.execute(
        """
        ALTER TABLE agents
            ADD COLUMN paused TEXT[] DEFAULT '{}' NOT NULL,
            ADD COLUMN seen_at TIMESTAMP WITH TIME ZONE,
            ADD COLUMN active_at TIMESTAMP WITH TIME ZONE
        """
    )
