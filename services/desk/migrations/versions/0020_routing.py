"""Who manages people may try how messages are routed.

Revision ID: 0020
"""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Admins, and roles of one's own that are as much."""
    op.execute(
        "UPDATE roles SET permissions = permissions || '{routing.manage}'"
        " WHERE 'people.manage' = ANY (permissions) AND NOT 'routing.manage' = ANY (permissions)"
    )
