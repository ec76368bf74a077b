"""To whom each answer went, and the mail that it came back with."""

import sqlalchemy as sa
from alembic import op

revision = "email_0002"
down_revision = "email_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("recipient", "returned_by"):
        op.add_column("deliveries", sa.Column(name, sa.Text, nullable=False, server_default=""), schema="email")
    # PostgreSQL's JSON knows no U+0000, and what was asked for may hold some.
    readable = r"replace(convert_from(request, 'UTF8'), '\u0000', '\ufffd')"
    op.execute(f"UPDATE email.deliveries SET recipient = CAST({readable} AS json) ->> 'to'")  # noqa: S608 - no value of anybody's
    op.create_index("ix_deliveries_ticket_id", "deliveries", ["ticket_id", "position"], schema="email")
    op.create_index("ix_deliveries_recipient", "deliveries", ["recipient", "position"], schema="email")
    op.create_index(
        "ix_deliveries_returned_by",
        "deliveries",
        ["returned_by"],
        schema="email",
        postgresql_where=sa.text("returned_by <> ''"),
    )


def downgrade() -> None:
    for name in ("returned_by", "recipient", "ticket_id"):
        op.drop_index(f"ix_deliveries_{name}", "deliveries", schema="email")
    for name in ("returned_by", "recipient"):
        op.drop_column("deliveries", name, schema="email")
