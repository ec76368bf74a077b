"""Sites, visitors, conversations, messages, outbox."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create everything."""
    op.create_table(
        "sites",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("secrets", JSONB, nullable=False),
        sa.Column("origins", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
    )
    op.create_table(
        "visitors",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("site", sa.Text, sa.ForeignKey("sites.id"), nullable=False),
        sa.Column("token", sa.Text, nullable=False, unique=True),
        sa.Column("older_token", sa.Text, unique=True),
        sa.Column("older_until", _MOMENT),
        sa.Column("issued_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("author", JSONB, nullable=False),
    )
    op.create_index("ix_visitors_expires_at", "visitors", ["expires_at"])
    op.create_table(
        "conversations",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("site", sa.Text, sa.ForeignKey("sites.id"), nullable=False),
        sa.Column("owner", sa.Text, nullable=False, unique=True),
        sa.Column("last_seq", sa.BigInteger, nullable=False),
        sa.Column("merged_into", sa.Text, sa.ForeignKey("conversations.id")),
        sa.Column("also", sa.ARRAY(sa.Text), nullable=False, server_default=sa.text("'{}'")),
        sa.Column("created_at", _MOMENT, nullable=False),
    )
    op.create_index("ix_conversations_also", "conversations", ["also"], postgresql_using="gin")
    op.create_table(
        "messages",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("conversation", sa.Text, sa.ForeignKey("conversations.id"), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("incoming", sa.Boolean, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("author", sa.Text, nullable=False, server_default=""),
        sa.Column("verified", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("subject", sa.Text, nullable=False, server_default=""),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("attachments", JSONB, nullable=False, server_default=sa.text("'[]'")),
        sa.Column("idempotency_key", sa.Text),
        sa.Column("fingerprint", sa.Text),
        sa.Column("topic", sa.Text),
        sa.Column("event", sa.LargeBinary),
        sa.Column("ticket_id", sa.Text),
        sa.Column("delivered_at", _MOMENT),
        sa.UniqueConstraint("conversation", "seq", name="uq_messages_conversation_seq"),
        sa.UniqueConstraint("conversation", "idempotency_key", name="uq_messages_idempotency_key"),
    )
    op.create_index("ix_messages_unpublished", "messages", ["at"], postgresql_where=sa.text("event IS NOT NULL"))
    op.create_index(
        "ix_messages_undelivered",
        "messages",
        ["conversation", "seq"],
        postgresql_where=sa.text("NOT incoming AND delivered_at IS NULL"),
    )
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
    for table in ("outbox", "messages", "conversations", "visitors", "sites"):
        op.drop_table(table)
