"""Calls, presence of agents, callbacks.

Revision ID: 0002
"""

from alembic import op
from sqlalchemy import text

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    ALTER TABLE agents
        ADD COLUMN presence TEXT DEFAULT 'away' NOT NULL,
        ADD COLUMN presence_since TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        ADD COLUMN presence_reason TEXT DEFAULT '' NOT NULL,
        ADD COLUMN presence_after TEXT DEFAULT '' NOT NULL,
        ADD COLUMN phone TEXT DEFAULT '' NOT NULL,
        ADD COLUMN skills TEXT[] DEFAULT '{}' NOT NULL,
        ADD CONSTRAINT ck_agents_presence CHECK (presence IN ('ready', 'busy', 'wrap-up', 'away'))
    """,
    "ALTER TABLE contact_points ADD COLUMN consent_at TIMESTAMP WITH TIME ZONE",
    """
    CREATE TABLE calls (
        call_id TEXT NOT NULL,
        version INTEGER NOT NULL,
        state TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        direction TEXT NOT NULL,
        customer TEXT NOT NULL,
        language TEXT NOT NULL,
        message_id TEXT NOT NULL,
        waiting_since TIMESTAMP WITH TIME ZONE,
        connected_at TIMESTAMP WITH TIME ZONE,
        ended_at TIMESTAMP WITH TIME ZONE,
        agent TEXT NOT NULL,
        request_id TEXT NOT NULL,
        outcome TEXT NOT NULL,
        detail TEXT NOT NULL,
        ticket_id UUID,
        about TEXT NOT NULL,
        asked JSONB NOT NULL,
        offered_to TEXT NOT NULL,
        offered_until TIMESTAMP WITH TIME ZONE,
        offer_missing JSONB NOT NULL,
        answered_by TEXT NOT NULL,
        answer_id TEXT NOT NULL,
        answer_until TIMESTAMP WITH TIME ZONE,
        position INTEGER NOT NULL,
        position_at TIMESTAMP WITH TIME ZONE,
        finished_at TIMESTAMP WITH TIME ZONE,
        counted BOOLEAN NOT NULL,
        noted BOOLEAN NOT NULL,
        CONSTRAINT pk_calls PRIMARY KEY (call_id),
        CONSTRAINT fk_calls_ticket_id_tickets FOREIGN KEY(ticket_id) REFERENCES tickets (id)
    )
    """,
    """
    CREATE INDEX ix_calls_open ON calls (state)
        WHERE state IN ('queued', 'offered', 'bridging', 'connected', 'wrap-up')
    """,
    "CREATE INDEX ix_calls_ticket_id ON calls (ticket_id, at)",
    "CREATE INDEX ix_calls_unlinked ON calls (at) WHERE ticket_id IS NULL",
    "CREATE INDEX ix_calls_ended ON calls (ended_at) WHERE connected_at IS NOT NULL",
    """
    CREATE TABLE call_requests (
        id TEXT NOT NULL,
        call_id TEXT NOT NULL,
        action TEXT NOT NULL,
        agent TEXT NOT NULL,
        ticket_id UUID,
        requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
        outcome TEXT NOT NULL,
        detail TEXT NOT NULL,
        outcome_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_call_requests PRIMARY KEY (id),
        CONSTRAINT fk_call_requests_ticket_id_tickets FOREIGN KEY(ticket_id) REFERENCES tickets (id)
    )
    """,
    "CREATE INDEX ix_call_requests_call_id ON call_requests (call_id)",
    "CREATE INDEX ix_call_requests_ticket_id ON call_requests (ticket_id, requested_at)",
    "CREATE INDEX ix_messages_callbacks ON messages (at, ticket_id) WHERE facts ->> 'callback' = 'wanted'",
    "CREATE INDEX ix_messages_calls ON messages (conversation, at) WHERE channel = 'phone' AND direction = 'in'",
    """
    CREATE INDEX ix_tickets_callbacks ON tickets (rank, waiting_since)
        WHERE status = 'open' AND waiting_since IS NOT NULL AND channels -> 0 ->> 'channel' = 'phone'
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(text(statement))
