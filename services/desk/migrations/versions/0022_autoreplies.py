"""Automatic replies: what customers are told when their first message is in.

Revision ID: 0022
"""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_SENT = "WHERE direction = 'out' AND automatic <> ''"
_STATEMENTS = (
    """
    CREATE TABLE autoreplies (
        team TEXT NOT NULL CONSTRAINT pk_autoreplies PRIMARY KEY,
        enabled BOOLEAN NOT NULL,
        hours TEXT NOT NULL,
        zone TEXT NOT NULL,
        holidays TEXT NOT NULL,
        language TEXT NOT NULL,
        texts JSONB NOT NULL,
        changed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        changed_by TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE autoreply_brake (
        held BOOLEAN DEFAULT true NOT NULL CONSTRAINT pk_autoreply_brake PRIMARY KEY,
        paused_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT ck_autoreply_brake_one_row CHECK (held)
    )
    """,
    f"CREATE INDEX ix_messages_autoreplies ON messages (recipient, at) {_SENT}",
    f"CREATE INDEX ix_messages_autoreplies_at ON messages (at) {_SENT}",
    """
    UPDATE roles SET permissions = permissions || '{autoreplies.manage}'
    WHERE 'people.manage' = ANY (permissions) AND NOT 'autoreplies.manage' = ANY (permissions)
    """,
)


def upgrade() -> None:
    """Nobody is answered automatically until an admin says so."""
    for statement in _STATEMENTS:
        op.execute(statement)
