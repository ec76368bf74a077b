"""The delivery ledger and the outbox, as `shared.delivery` and `shared.outbox` have them today."""

import sqlalchemy as sa
from alembic import op

revision = "pigeon_0001"
down_revision = None
branch_labels = None
depends_on = None

UNDER_WAY = sa.text("state IN ('waiting', 'sending')")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "deliveries",
        sa.Column("outbound_id", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("ticket_id", sa.Text, nullable=False),
        sa.Column("recipient", sa.Text, nullable=False, server_default=""),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("request", sa.LargeBinary, nullable=False),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False, server_default=sa.text("now()")),
        sa.Column("started_at", MOMENT),
        sa.Column("holder", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("provider_id", sa.Text, nullable=False, server_default=""),
        sa.Column("detail", sa.Text, nullable=False, server_default=""),
        sa.Column("changed_at", MOMENT, nullable=False, server_default=sa.text("now()")),
        schema="pigeon",
    )
    for name, columns, where in (
        ("under_way", ["ticket_id", "position"], UNDER_WAY),
        ("due", ["due_at"], UNDER_WAY),
        ("provider_id", ["provider_id"], sa.text("provider_id <> ''")),
    ):
        op.create_index(f"ix_deliveries_{name}", "deliveries", columns, schema="pigeon", postgresql_where=where)
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        schema="pigeon",
    )
