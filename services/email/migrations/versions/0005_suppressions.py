"""Addresses that are not written to any more."""

import sqlalchemy as sa
from alembic import op

revision = "email_0005"
down_revision = "email_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "suppressions",
        sa.Column("address", sa.Text, primary_key=True, comment="in lower case"),
        sa.Column("reason", sa.Text, nullable=False, comment="hard-bounce, complaint or by-hand"),
        sa.Column("detail", sa.Text, nullable=False, comment="the other side's words, or a person's"),
        sa.Column("source", sa.Text, nullable=False, comment="who said so"),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        schema="email",
    )


def downgrade() -> None:
    op.drop_table("suppressions", schema="email")
