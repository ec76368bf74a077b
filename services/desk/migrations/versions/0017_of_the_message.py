"""Who forwarded a message, which files it lacks and which reply it repeats, in columns of their own
beside the facts for people.

Revision ID: 0017
"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    ALTER TABLE messages
        ADD COLUMN forwarded_by TEXT DEFAULT '' NOT NULL,
        ADD COLUMN missing_files TEXT DEFAULT '' NOT NULL,
        ADD COLUMN copy_of UUID
    """,
    """
    UPDATE messages SET forwarded_by = facts ->> 'forwarded_by', facts = facts - 'forwarded_by'
    WHERE direction = 'in' AND channel = 'email' AND facts ? 'forwarded_by'
    """,
    """
    UPDATE messages SET missing_files = facts ->> 'missing_files', facts = facts - 'missing_files'
    WHERE direction = 'in' AND channel IN ('phone', 'sms', 'whatsapp') AND facts ? 'missing_files'
    """,
    """
    UPDATE messages SET copy_of = (facts ->> 'copy_of')::uuid, facts = facts - 'copy_of'
    WHERE direction = 'out' AND facts ? 'copy_of'
    """,
)


def upgrade() -> None:
    """A customer's own site may have facts of these names: those stay facts."""
    for statement in _STATEMENTS:
        op.execute(statement)
