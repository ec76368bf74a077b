"""Which burst a complaint belongs to, so that its name outlives its first posts."""

import sqlalchemy as sa
from alembic import op

revision = "social_0002"
down_revision = "social_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("posts", sa.Column("burst", sa.Text, nullable=False, server_default=""), schema="social")


def downgrade() -> None:
    op.drop_column("posts", "burst", schema="social")
