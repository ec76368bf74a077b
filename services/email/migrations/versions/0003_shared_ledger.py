"""The delivery table in the shape that all channels share. What is on its way stays so."""

import sqlalchemy as sa
from alembic import op

revision = "email_0003"
down_revision = "email_0002"
branch_labels = None
depends_on = None

DEFAULTS = {"holder": "0", "attempts": "0", "provider_id": "", "detail": ""}


def upgrade() -> None:
    op.alter_column("deliveries", "message_id", new_column_name="provider_id", schema="email")
    for name, default in DEFAULTS.items():
        op.alter_column("deliveries", name, server_default=default, schema="email")
    op.add_column("deliveries", sa.Column("started_at", sa.DateTime(timezone=True)), schema="email")
    op.execute("UPDATE email.deliveries SET started_at = changed_at WHERE state = 'sending'")
    # Which states there are is said once, in code: `shared/events/deliveries.py`.
    op.drop_constraint("state", "deliveries", schema="email", type_="check")
    op.create_index(
        "ix_deliveries_provider_id",
        "deliveries",
        ["provider_id"],
        schema="email",
        postgresql_where=sa.text("provider_id <> ''"),
    )


def downgrade() -> None:
    op.drop_index("ix_deliveries_provider_id", "deliveries", schema="email")
    op.create_check_constraint(
        "state", "deliveries", "state IN ('waiting', 'sending', 'sent', 'failed', 'uncertain')", schema="email"
    )
    op.drop_column("deliveries", "started_at", schema="email")
    for name in DEFAULTS:
        op.alter_column("deliveries", name, server_default=None, schema="email")
    op.alter_column("deliveries", "provider_id", new_column_name="message_id", schema="email")
