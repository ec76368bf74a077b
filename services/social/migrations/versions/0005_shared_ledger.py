"""The delivery table in the shape that all channels share. What is on its way stays so."""

import sqlalchemy as sa
from alembic import op

revision = "social_0005"
down_revision = "social_0004"
branch_labels = None
depends_on = None

DEFAULTS = {"attempts": "0", "provider_id": "", "detail": ""}
UNDER_WAY = "state IN ('waiting', 'sending')"
INDEXES = {"due_at": UNDER_WAY, "provider_id": "provider_id <> ''"}
NAMES = {"due_at": "ix_deliveries_due", "provider_id": "ix_deliveries_provider_id"}


def upgrade() -> None:
    for name, default in DEFAULTS.items():
        op.alter_column("deliveries", name, server_default=default, schema="social")
    for column in (
        sa.Column("recipient", sa.Text, nullable=False, server_default=""),
        sa.Column("holder", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("started_at", sa.DateTime(timezone=True)),
    ):
        op.add_column("deliveries", column, schema="social")
    # PostgreSQL's JSON knows no U+0000, and what was asked for may hold some.
    readable = r"replace(convert_from(request, 'UTF8'), '\u0000', '\ufffd')"
    op.execute(
        f"UPDATE social.deliveries SET recipient = CAST({readable} AS json) ->> 'to' WHERE {UNDER_WAY}"  # noqa: S608 - no value of anybody's
    )
    op.execute(
        "UPDATE social.deliveries SET started_at = changed_at, due_at = greatest(due_at, now() + interval '1 minute') "
        "WHERE state = 'sending'"
    )
    # Which states there are is said once, in code: `shared/events/deliveries.py`.
    op.drop_constraint("state", "deliveries", schema="social", type_="check")
    for name, where in INDEXES.items():
        op.create_index(NAMES[name], "deliveries", [name], schema="social", postgresql_where=sa.text(where))


def downgrade() -> None:
    for name in NAMES.values():
        op.drop_index(name, "deliveries", schema="social")
    op.create_check_constraint(
        "state", "deliveries", "state IN ('waiting', 'sending', 'sent', 'failed', 'uncertain')", schema="social"
    )
    for name in ("started_at", "holder", "recipient"):
        op.drop_column("deliveries", name, schema="social")
    for name in DEFAULTS:
        op.alter_column("deliveries", name, server_default=None, schema="social")
