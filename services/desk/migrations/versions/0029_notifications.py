"""What agents are told, and how they want to be told.

Revision ID: 0029
"""

from alembic import op

revision = "0029"
down_revision = "0031"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE notifications (
        id UUID NOT NULL CONSTRAINT pk_notifications PRIMARY KEY,
        agent_id UUID NOT NULL CONSTRAINT fk_notifications_agent_id_agents REFERENCES agents (id) ON DELETE CASCADE,
        kind TEXT NOT NULL,
        about TEXT NOT NULL,
        ticket_id UUID CONSTRAINT fk_notifications_ticket_id_tickets REFERENCES tickets (id) ON DELETE CASCADE,
        actor TEXT NOT NULL,
        what TEXT NOT NULL,
        count INTEGER NOT NULL,
        first_at TIMESTAMP WITH TIME ZONE NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        seq BIGINT NOT NULL,
        ways TEXT[] NOT NULL,
        read_at TIMESTAMP WITH TIME ZONE,
        mailed_at TIMESTAMP WITH TIME ZONE
    )
    """,
    "CREATE UNIQUE INDEX ix_notifications_unread ON notifications (agent_id, kind, about) WHERE read_at IS NULL",
    "CREATE INDEX ix_notifications_agent_id ON notifications (agent_id, seq)",
    "CREATE INDEX ix_notifications_ticket_id ON notifications (ticket_id)",
    "CREATE INDEX ix_notifications_at ON notifications (at)",
    """
    CREATE INDEX ix_notifications_to_mail ON notifications (agent_id)
    WHERE read_at IS NULL AND mailed_at IS NULL AND 'mail' = ANY (ways)
    """,
    """
    CREATE TABLE notification_settings (
        agent_id UUID NOT NULL CONSTRAINT pk_notification_settings PRIMARY KEY
            CONSTRAINT fk_notification_settings_agent_id_agents REFERENCES agents (id) ON DELETE CASCADE,
        preferences JSONB NOT NULL,
        mailed_at TIMESTAMP WITH TIME ZONE
    )
    """,
    """
    CREATE TABLE notification_cursor (
        held BOOLEAN DEFAULT true NOT NULL CONSTRAINT pk_notification_cursor PRIMARY KEY,
        seq BIGINT NOT NULL,
        CONSTRAINT ck_notification_cursor_one_row CHECK (held)
    )
    """,
    "INSERT INTO notification_cursor (seq) SELECT coalesce(max(seq), 0) FROM ticket_events",
)


def upgrade() -> None:
    """Everybody is told what happens from now on."""
    for statement in _STATEMENTS:
        op.execute(statement)
