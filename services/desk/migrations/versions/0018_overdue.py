"""Lists whose cost does not grow with the tickets: who is overdue, and what nobody has.

Revision ID: 0018
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_WAITS = "status = 'open' AND waiting_since IS NOT NULL"
_STATEMENTS = (
    "ALTER TABLE tickets ADD COLUMN overdue_since TIMESTAMP WITH TIME ZONE",
    f"""
    UPDATE tickets SET overdue_since = due_at WHERE {_WAITS} AND due_at <= now()
        AND customer_id IN (SELECT id FROM customers WHERE late_at IS NOT NULL)
    """,  # noqa: S608
    "DROP INDEX ix_tickets_callbacks",
    f"CREATE INDEX ix_tickets_callbacks ON tickets ((rank / 101), waiting_since) WHERE {_WAITS} AND channels -> 0 ->> 'channel' = 'phone'",
    "DROP INDEX ix_tickets_waiting",
    f"CREATE INDEX ix_tickets_waiting ON tickets (rank, queue_at, id) WHERE {_WAITS}",
    f"CREATE INDEX ix_tickets_overdue ON tickets (rank, queue_at, id) WHERE {_WAITS} AND overdue_since = due_at",
    f"CREATE INDEX ix_tickets_not_overdue ON tickets (due_at) WHERE {_WAITS} AND overdue_since IS DISTINCT FROM due_at",
    "CREATE STATISTICS st_tickets_work (mcv, dependencies) ON status, assignee_id FROM tickets",
    "ANALYZE tickets",
)


def upgrade() -> None:
    """Tickets of customers of whom the router has not heard yet are left for the desk to see."""
    for statement in _STATEMENTS:
        op.execute(statement)
