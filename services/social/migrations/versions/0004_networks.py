"""Key cursors, posts and corrections by network, so that two networks may use the same ids."""

import sqlalchemy as sa
from alembic import op

revision = "social_0004"
down_revision = "social_0003"
branch_labels = None
depends_on = None

_KEYS = {"cursors": "source", "posts": "id", "corrections": "post_id"}


def upgrade() -> None:
    """Mark all that is there as of X."""
    for table, key in _KEYS.items():
        op.add_column(table, sa.Column("network", sa.Text, nullable=False, server_default="x"), schema="social")
        op.drop_constraint(f"{table}_pkey", table, schema="social")
        op.create_primary_key(f"{table}_pkey", table, ["network", key], schema="social")


def downgrade() -> None:
    """Keep what is of X."""
    for table, key in _KEYS.items():
        rows = sa.table(table, sa.column("network"), schema="social")
        op.execute(rows.delete().where(rows.c.network != "x"))
        op.drop_constraint(f"{table}_pkey", table, schema="social")
        op.create_primary_key(f"{table}_pkey", table, [key], schema="social")
        op.drop_column(table, "network", schema="social")
