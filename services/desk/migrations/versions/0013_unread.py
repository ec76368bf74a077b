"""When a reply that nobody has read goes by mail too.

Revision ID: 0013
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Replies that are there already stay where they are."""
    op.execute("ALTER TABLE messages ADD COLUMN mail_after TIMESTAMP WITH TIME ZONE")
    op.execute("CREATE INDEX ix_messages_mail_after ON messages (mail_after) WHERE mail_after IS NOT NULL")
