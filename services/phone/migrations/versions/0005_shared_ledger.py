"""Brings deliveries to the shape that all channels share, and names a call's events so. What is on
its way stays so."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_RENAMED = {"place": "position", "sid": "provider_id", "sending_since": "started_at"}


def upgrade() -> None:
    """The recipient is read from the request, so that one that is looked up at Twilio meets those
    to the same number."""
    for old, new in _RENAMED.items():
        op.alter_column("deliveries", old, new_column_name=new)
    op.add_column("deliveries", sa.Column("recipient", sa.Text, nullable=False, server_default=""))
    op.add_column("deliveries", sa.Column("holder", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column(
        "deliveries",
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
    )
    # Not as JSON, which PostgreSQL cannot read where there is a NUL in it. A quote within a text is
    # `\"`, so this is the key.
    op.execute(
        "UPDATE deliveries SET changed_at = requested_at, "
        """recipient = coalesce(substring(convert_from(request, 'UTF8') from '"to":"([^"]*)"'), '')"""
    )
    op.execute("ALTER INDEX ix_deliveries_sid RENAME TO ix_deliveries_provider_id")
    op.rename_table("facts", "call_events")
    op.alter_column("call_events", "fact", new_column_name="event")


def downgrade() -> None:
    """As it was before."""
    op.alter_column("call_events", "event", new_column_name="fact")
    op.rename_table("call_events", "facts")
    op.execute("ALTER INDEX ix_deliveries_provider_id RENAME TO ix_deliveries_sid")
    for name in ("recipient", "holder", "changed_at"):
        op.drop_column("deliveries", name)
    for old, new in _RENAMED.items():
        op.alter_column("deliveries", new, new_column_name=old)
