"""The audit log has what the commands of other services did, each once.

Revision ID: 0014
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What is logged stays as it is."""
    op.execute("ALTER TABLE audit_log ADD COLUMN event_id TEXT CONSTRAINT uq_audit_log_event_id UNIQUE")
