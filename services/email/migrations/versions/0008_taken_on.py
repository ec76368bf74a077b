"""When a mail of a mailbox was taken, so that it can be forgotten."""

import sqlalchemy as sa
from alembic import op

revision = "email_0008"
down_revision = "email_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "imap_taken",
        sa.Column(
            "taken_on",
            sa.Date,
            nullable=False,
            server_default=sa.func.current_date(),
            comment="forgotten a year later",
        ),
        schema="email",
    )


def downgrade() -> None:
    op.drop_column("imap_taken", "taken_on", schema="email")
