"""Which request told a caller's place, so that an older one that is carried out late does not bring
back its own."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Whatever the desk tells next is newer than what was told before."""
    op.add_column("calls", sa.Column("placed_by", sa.BigInteger, nullable=False, server_default="0"))


def downgrade() -> None:
    """Forget it."""
    op.drop_column("calls", "placed_by")
