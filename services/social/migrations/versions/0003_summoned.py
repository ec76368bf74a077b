"""Whether a post mentioned us, without which X may not let us answer it."""

import sqlalchemy as sa
from alembic import op

revision = "social_0003"
down_revision = "social_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of those that are here nobody knows: X has the last word on them, as before."""
    op.add_column("posts", sa.Column("summoned", sa.Boolean, nullable=False, server_default="true"), schema="social")


def downgrade() -> None:
    """Forget it."""
    op.drop_column("posts", "summoned", schema="social")
