"""Whom else a mail went to.

Revision ID: 0011
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of mails that are there already nothing was kept."""
    op.execute(
        "ALTER TABLE messages ADD COLUMN also_to TEXT[] DEFAULT '{}' NOT NULL, "
        "ADD COLUMN cc TEXT[] DEFAULT '{}' NOT NULL, ADD COLUMN bcc TEXT[] DEFAULT '{}' NOT NULL"
    )
