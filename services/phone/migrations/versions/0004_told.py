"""A message goes ahead of files that cannot be had soon; and a STOP from a Mexican number in its
old form stays with that number, which is a telephone now and was a mere word before."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_MOVE = """
    INSERT INTO consents (point, stopped, sid, changed_at)
    SELECT 'tel:+52' || right(point, 10), stopped, sid, changed_at FROM consents WHERE point ~ '^sender:\\+521[0-9]{10}$'
    ON CONFLICT DO NOTHING
"""


def upgrade() -> None:
    """Of the messages that wait for their files none has been published."""
    op.add_column("fetches", sa.Column("told", sa.Boolean, nullable=False, server_default="false"))
    op.execute(_MOVE)


def downgrade() -> None:
    """Those that went ahead would be published a second time: their files are given up."""
    op.execute("DELETE FROM fetches WHERE told")
    op.drop_column("fetches", "told")
