"""Calls and what is known of them, callers, consents, texts, fetches, deliveries, requests,
outbox."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_NOW = sa.text("now()")
_UNDER_WAY = sa.text("state IN ('waiting', 'sending')")


def upgrade() -> None:
    """Create everything."""
    op.create_table(
        "calls",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("sid", sa.Text, nullable=False, server_default=""),
        sa.Column("state", sa.Text, nullable=False, server_default="greeting"),
        sa.Column("version", sa.Integer, nullable=False, server_default="0"),
        sa.Column("view", sa.LargeBinary, nullable=False, server_default=""),
        sa.Column("outcomes", JSONB, nullable=False, server_default=sa.text("'{}'")),
        sa.Column("told", JSONB, nullable=False, server_default=sa.text("'[]'")),
        sa.Column("waiting_since", _MOMENT),
        sa.Column("connected_at", _MOMENT),
        sa.Column("position", sa.Integer, nullable=False, server_default="0"),
        sa.Column("expected_wait", sa.Integer, nullable=False, server_default="0"),
        sa.Column("over", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("due_at", _MOMENT),
        sa.Column("heard_at", _MOMENT, nullable=False, server_default=_NOW),
    )
    op.create_index("ix_calls_due", "calls", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL"))
    op.create_index(
        "ix_calls_waiting", "calls", ["waiting_since"], postgresql_where=sa.text("state IN ('queued', 'offered')")
    )
    op.create_index(
        "ix_calls_connected", "calls", ["connected_at"], postgresql_where=sa.text("connected_at IS NOT NULL")
    )
    op.create_index("ix_calls_going_on", "calls", ["heard_at"], postgresql_where=sa.text("NOT over"))
    op.create_table(
        "facts",
        sa.Column("call_id", sa.Text, sa.ForeignKey("calls.id"), primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("fact", sa.LargeBinary, nullable=False),
        sa.Column("heard_at", _MOMENT, nullable=False, server_default=_NOW),
    )
    op.create_table(
        "callers",
        sa.Column("point", sa.Text, primary_key=True),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("changed_at", _MOMENT, nullable=False, server_default=_NOW),
    )
    op.create_table(
        "consents",
        sa.Column("point", sa.Text, primary_key=True),
        sa.Column("stopped", sa.Boolean, nullable=False),
        sa.Column("sid", sa.Text, nullable=False),
        sa.Column("changed_at", _MOMENT, nullable=False),
    )
    op.create_table(
        "texts",
        sa.Column("sid", sa.Text, primary_key=True),
        sa.Column("received_at", _MOMENT, nullable=False),
    )
    op.create_table(
        "fetches",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("message", sa.LargeBinary, nullable=False),
        sa.Column("files", JSONB, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("created_at", _MOMENT, nullable=False, server_default=_NOW),
        sa.Column("due_at", _MOMENT, nullable=False, server_default=_NOW),
    )
    op.create_table(
        "deliveries",
        sa.Column("outbound_id", sa.Text, primary_key=True),
        sa.Column("place", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("ticket_id", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("request", sa.LargeBinary, nullable=False),
        sa.Column("requested_at", _MOMENT, nullable=False),
        sa.Column("due_at", _MOMENT, nullable=False, server_default=_NOW),
        sa.Column("sending_since", _MOMENT),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("sid", sa.Text, nullable=False, server_default=""),
        sa.Column("detail", sa.Text, nullable=False, server_default=""),
    )
    op.create_index("ix_deliveries_under_way", "deliveries", ["ticket_id", "place"], postgresql_where=_UNDER_WAY)
    op.create_index("ix_deliveries_due", "deliveries", ["due_at"], postgresql_where=_UNDER_WAY)
    op.create_index("ix_deliveries_sid", "deliveries", ["sid"], postgresql_where=sa.text("sid <> ''"))
    op.create_table(
        "requests",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("place", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("call_id", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False, server_default=""),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("request", sa.LargeBinary, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("due_at", _MOMENT, nullable=False, server_default=_NOW),
    )
    op.create_index("ix_requests_subject", "requests", ["subject"], postgresql_where=sa.text("subject <> ''"))
    op.create_index("ix_requests_due", "requests", ["due_at"], postgresql_where=sa.text("state <> 'done'"))
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop everything."""
    for table in ("outbox", "requests", "deliveries", "fetches", "texts", "consents", "callers", "facts", "calls"):
        op.drop_table(table)
