"""The audit log has what the commands of other services did, each once.

Revision ID: 0015
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What is logged stays as it is."""
    op.execute("ALTER TABLE audit_log ADD COLUMN event_id TEXT CONSTRAINT uq_audit_log_event_id UNIQUE")
