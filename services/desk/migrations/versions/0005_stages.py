"""When a message passed each stage of its way, for the wallboard.

Revision ID: 0005
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    ALTER TABLE messages
        ADD COLUMN taken_at TIMESTAMP WITH TIME ZONE,
        ADD COLUMN routed_at TIMESTAMP WITH TIME ZONE,
        ADD COLUMN applied_at TIMESTAMP WITH TIME ZONE,
        ADD COLUMN sent_at TIMESTAMP WITH TIME ZONE
    """,
    """
    CREATE INDEX ix_messages_applied_at ON messages (applied_at) INCLUDE (channel, at, taken_at, routed_at)
    WHERE applied_at IS NOT NULL
    """,
    "CREATE INDEX ix_messages_sent_at ON messages (sent_at) INCLUDE (channel, at) WHERE sent_at IS NOT NULL",
)


def upgrade() -> None:
    """Messages that are here already keep no times."""
    for statement in _STATEMENTS:
        op.execute(statement)
