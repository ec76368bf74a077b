"""Mails of archives.

Revision ID: 0023
"""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE tickets ADD COLUMN imported BOOLEAN NOT NULL DEFAULT false",
    """
    CREATE TABLE profiles_owed (
        customer_id UUID NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_profiles_owed PRIMARY KEY (customer_id),
        CONSTRAINT fk_profiles_owed_customer_id_customers FOREIGN KEY(customer_id) REFERENCES customers (id) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX ix_profiles_owed_at ON profiles_owed (at)",
    """
    CREATE TABLE imports (
        id TEXT NOT NULL,
        received BIGINT NOT NULL,
        sent BIGINT NOT NULL,
        known BIGINT NOT NULL,
        tickets BIGINT NOT NULL,
        begun_at TIMESTAMP WITH TIME ZONE NOT NULL,
        changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_imports PRIMARY KEY (id)
    )
    """,
)


def upgrade() -> None:
    """What is there came live: no ticket is from an archive."""
    for statement in _STATEMENTS:
        op.execute(statement)
