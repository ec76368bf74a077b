"""Which statuses of a text that went out were heard, so that one that is played again is told from
one that is new."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Texts that went out before have heard nothing yet: their statuses count as new once more."""
    op.add_column("deliveries", sa.Column("heard", JSONB, nullable=False, server_default=sa.text("'{}'")))


def downgrade() -> None:
    """Forget it."""
    op.drop_column("deliveries", "heard")
