"""When a promise to a customer was last broken.

Revision ID: 0007
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE customers ADD COLUMN late_at TIMESTAMP WITH TIME ZONE",
    "CREATE INDEX ix_customers_late_at ON customers (late_at) WHERE late_at IS NOT NULL",
)


def upgrade() -> None:
    """Who waits too long already is noticed at once; of answers that came too late before, nothing
    was kept."""
    for statement in _STATEMENTS:
        op.execute(statement)
