"""What a reply ended, so that one that does not arrive ends nothing.

Revision ID: 0008
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of replies that are there already nothing was kept: if one fails, its customer waits since it
    was written, as before."""
    op.execute("ALTER TABLE messages ADD COLUMN ended_wait JSONB")
    op.execute("ALTER TABLE tickets ADD COLUMN undelivered TEXT DEFAULT '' NOT NULL")
