"""Why a sender may be somebody else.

Revision ID: 0012
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of mails that are there already nobody looked."""
    op.execute("ALTER TABLE messages ADD COLUMN doubt TEXT DEFAULT '' NOT NULL")
