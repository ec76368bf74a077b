"""Who was asked to come in, by whom and why.

Revision ID: 0028
"""

from alembic import op

revision = "0028"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody was asked yet."""
    op.execute(
        "ALTER TABLE agents ADD COLUMN called_at TIMESTAMP WITH TIME ZONE,"
        " ADD COLUMN called_by TEXT DEFAULT '' NOT NULL, ADD COLUMN called_for TEXT DEFAULT '' NOT NULL"
    )
