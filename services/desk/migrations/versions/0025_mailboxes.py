"""Who manages people may manage mailboxes.

Revision ID: 0025
"""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Admins, and roles of one's own that are as much."""
    op.execute(
        "UPDATE roles SET permissions = permissions || '{mailboxes.manage}'"
        " WHERE 'people.manage' = ANY (permissions) AND NOT 'mailboxes.manage' = ANY (permissions)"
    )
