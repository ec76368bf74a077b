"""Archives that are imported, and how far."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "email_0006"
down_revision = "email_0005"
branch_labels = None
depends_on = None

NOW = sa.text("now()")


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False, comment="running, stopped, failed or done"),
        sa.Column("detail", sa.Text, nullable=False, server_default=""),
        sa.Column("counts", JSONB, nullable=False, comment="folder → what became of its mails → how many"),
        sa.Column("problems", JSONB, nullable=False, comment="mails that cannot be read, the first of them"),
        sa.Column("done", sa.BigInteger, nullable=False),
        sa.Column("total", sa.BigInteger, nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
        sa.UniqueConstraint("source", name="uq_imports_source"),
        schema="email",
    )
    op.create_table(
        "import_folders",
        sa.Column("import_id", sa.Text, sa.ForeignKey("email.imports.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("folder", sa.Text, primary_key=True),
        sa.Column(
            "identity", sa.Text, nullable=False, comment="of what it was when it was read: another one begins anew"
        ),
        sa.Column("place", sa.Text, nullable=False, comment="after the last mail that was taken"),
        sa.Column("done", sa.BigInteger, nullable=False),
        schema="email",
    )
    op.create_table("import_taken", sa.Column("digest", sa.LargeBinary, primary_key=True), schema="email")


def downgrade() -> None:
    for name in ("import_taken", "import_folders", "imports"):
        op.drop_table(name, schema="email")
