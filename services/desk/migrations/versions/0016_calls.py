"""Messages of calls are found by what they say of the call, and not by the name of a channel.

Revision ID: 0016
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The phone service has named the call in each of its messages from the first."""
    op.execute("DROP INDEX ix_messages_calls")
    op.execute("CREATE INDEX ix_messages_calls ON messages (conversation, at) WHERE call IS NOT NULL")
