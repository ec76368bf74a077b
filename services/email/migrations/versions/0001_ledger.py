"""The delivery ledger and its outbox."""

import sqlalchemy as sa
from alembic import op

revision = "email_0001"
down_revision = None
branch_labels = None
depends_on = None

UNDER_WAY = sa.text("state IN ('waiting', 'sending')")


def upgrade() -> None:
    op.create_table(
        "deliveries",
        sa.Column("outbound_id", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("ticket_id", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("request", sa.LargeBinary, nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.Column("holder", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.CheckConstraint("state IN ('waiting', 'sending', 'sent', 'failed', 'uncertain')", name="state"),
        schema="email",
    )
    op.create_index(
        "ix_deliveries_under_way", "deliveries", ["ticket_id", "position"], schema="email", postgresql_where=UNDER_WAY
    )
    op.create_index("ix_deliveries_due", "deliveries", ["due_at"], schema="email", postgresql_where=UNDER_WAY)
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        schema="email",
    )


def downgrade() -> None:
    op.drop_table("outbox", schema="email")
    op.drop_table("deliveries", schema="email")
