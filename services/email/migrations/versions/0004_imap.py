"""Mailboxes that are read by IMAP, and how far."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "email_0004"
down_revision = "email_0003"
branch_labels = None
depends_on = None

NOW = sa.text("now()")


def _mailbox() -> sa.Column:
    return sa.Column(
        "mailbox_id", sa.Text, sa.ForeignKey("email.imap_mailboxes.id", ondelete="CASCADE"), primary_key=True
    )


def upgrade() -> None:
    op.create_table(
        "imap_mailboxes",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("port", sa.Integer, nullable=False),
        sa.Column("security", sa.Text, nullable=False, comment="tls, starttls or none"),
        sa.Column("username", sa.Text, nullable=False),
        sa.Column("sign_in", sa.Text, nullable=False, comment="password, google or microsoft"),
        sa.Column(
            "secret",
            sa.LargeBinary,
            nullable=False,
            server_default=sa.text("''"),
            comment="sealed: shared/security/sealing.py",
        ),
        sa.Column(
            "secret_from",
            sa.Text,
            nullable=False,
            server_default="",
            comment="the variable that has the password instead",
        ),
        sa.Column("folders", JSONB, nullable=False),
        sa.Column("junk", sa.Text, nullable=False, comment="auto, off, or the folder's name"),
        sa.Column("after", sa.Text, nullable=False, comment="leave, seen or move"),
        sa.Column("move_to", sa.Text, nullable=False),
        sa.Column(
            "since", sa.Date, comment="mails from this day on are taken; none: what comes after the first sign-in"
        ),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
        sa.Column(
            "version", sa.Integer, nullable=False, server_default="1", comment="counts changes of what stands above"
        ),
        sa.Column("state", sa.Text, nullable=False, server_default="new"),
        sa.Column("detail", sa.Text, nullable=False, server_default=""),
        sa.Column("state_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
        sa.UniqueConstraint("address", name="uq_imap_mailboxes_address"),
        schema="email",
    )
    op.create_table(
        "imap_folders",
        _mailbox(),
        sa.Column("folder", sa.Text, primary_key=True),
        sa.Column("validity", sa.BigInteger, nullable=False, comment="UIDVALIDITY"),
        sa.Column("uid", sa.BigInteger, nullable=False, comment="every mail up to this UID is taken"),
        sa.Column("begun", sa.BigInteger, nullable=False, comment="UIDNEXT when this UIDVALIDITY was first seen"),
        schema="email",
    )
    op.create_table(
        "imap_taken",
        _mailbox(),
        sa.Column("digest", sa.LargeBinary, primary_key=True, comment="SHA-256 of the mail"),
        schema="email",
    )
    op.create_table(
        "imap_delayed",
        _mailbox(),
        sa.Column("folder", sa.Text, primary_key=True),
        sa.Column("validity", sa.BigInteger, primary_key=True),
        sa.Column("uid", sa.BigInteger, primary_key=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        schema="email",
    )


def downgrade() -> None:
    for name in ("imap_delayed", "imap_taken", "imap_folders", "imap_mailboxes"):
        op.drop_table(name, schema="email")
