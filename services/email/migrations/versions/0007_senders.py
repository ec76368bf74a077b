"""How each mailbox sends, and how fast."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "email_0007"
down_revision = "email_0006"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "senders",
        sa.Column("address", sa.Text, primary_key=True),
        sa.Column("settings", JSONB, nullable=False),
        sa.Column("secrets", JSONB, nullable=False, comment="sealed, base64: shared/security/sealing.py"),
        sa.Column("changed_at", MOMENT, nullable=False, server_default=sa.text("now()")),
        schema="email",
    )
    op.create_table(
        "pace",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("next_at", MOMENT, nullable=False, comment="when all turns that were given are over"),
        schema="email",
    )
    op.add_column(
        "deliveries",
        sa.Column("turn_at", MOMENT, comment="from when on it may leave; none: not asked yet"),
        schema="email",
    )


def downgrade() -> None:
    op.drop_column("deliveries", "turn_at", schema="email")
    op.drop_table("pace", schema="email")
    op.drop_table("senders", schema="email")
