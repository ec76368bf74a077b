"""Cursors, posts, corrections, models, the delivery ledger and its outbox."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "social_0001"
down_revision = None
branch_labels = None
depends_on = None

NOW = sa.text("now()")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "cursors",
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("newest", sa.BigInteger, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False, server_default=NOW),
        schema="social",
    )
    texts = ("author", "name", "username", "thread", "conversation", "text", "language", "source", "outcome", "kind")
    op.create_table(
        "posts",
        sa.Column("id", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in texts),
        *(sa.Column(name, ARRAY(sa.Text), nullable=False) for name in ("media", "reasons", "causes")),
        *(sa.Column(name, MOMENT, nullable=False) for name in ("created_at", "received_at")),
        *(sa.Column(name, sa.Float, nullable=False) for name in ("complaint", "question")),
        sa.Column("followers", sa.BigInteger, nullable=False),
        sa.CheckConstraint("outcome IN ('ticket', 'mention')", name="outcome"),
        sa.CheckConstraint("kind IN ('complaint', 'question', 'other', 'message')", name="kind"),
        schema="social",
    )
    for name, columns, where in (
        ("ix_posts_thread", ["thread"], "outcome = 'ticket'"),
        ("ix_posts_mentions", ["received_at", "id"], "outcome = 'mention'"),
        ("ix_posts_complaints", ["received_at"], "kind = 'complaint'"),
    ):
        op.create_index(name, "posts", columns, schema="social", postgresql_where=sa.text(where))
    op.create_table(
        "corrections",
        sa.Column("post_id", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("text", "language", "label", "given_by")),
        sa.Column("given_at", MOMENT, nullable=False, server_default=NOW),
        sa.CheckConstraint("label IN ('complaint', 'question', 'other')", name="label"),
        schema="social",
    )
    op.create_table(
        "models",
        sa.Column("version", sa.Integer, sa.Identity(always=True), primary_key=True),
        sa.Column("made_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("figures", JSONB, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        schema="social",
    )
    op.create_index(
        "uq_models_active", "models", ["active"], unique=True, schema="social", postgresql_where=sa.text("active")
    )
    op.create_table(
        "deliveries",
        sa.Column("outbound_id", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("ticket_id", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("request", sa.LargeBinary, nullable=False),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("provider_id", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False, server_default=NOW),
        sa.CheckConstraint("state IN ('waiting', 'sending', 'sent', 'failed', 'uncertain')", name="state"),
        schema="social",
    )
    op.create_index(
        "ix_deliveries_under_way",
        "deliveries",
        ["ticket_id", "position"],
        schema="social",
        postgresql_where=sa.text("state IN ('waiting', 'sending')"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("topic", "key", "kind", "event_id")),
        sa.Column("value", sa.LargeBinary, nullable=False),
        schema="social",
    )


def downgrade() -> None:
    for table in ("outbox", "deliveries", "models", "corrections", "posts", "cursors"):
        op.drop_table(table, schema="social")
