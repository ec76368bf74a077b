"""Mentions and grouped tickets.

Revision ID: 0004
"""

from alembic import op
from sqlalchemy import text

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    ALTER TABLE tickets
        ADD COLUMN group_id UUID,
        ADD COLUMN burst_id TEXT DEFAULT '' NOT NULL,
        ADD COLUMN alone BOOLEAN DEFAULT false NOT NULL,
        ADD CONSTRAINT fk_tickets_group_id_tickets FOREIGN KEY(group_id) REFERENCES tickets (id)
    """,
    "CREATE INDEX ix_tickets_group_id ON tickets (group_id) WHERE group_id IS NOT NULL",
    "CREATE INDEX ix_tickets_burst_id ON tickets (burst_id) WHERE burst_id <> ''",
    """
    ALTER TABLE messages
        ADD COLUMN public BOOLEAN DEFAULT false NOT NULL,
        ADD COLUMN reach BIGINT DEFAULT 0 NOT NULL,
        ADD COLUMN complaint REAL,
        ADD COLUMN label TEXT DEFAULT '' NOT NULL,
        ADD COLUMN label_by TEXT DEFAULT '' NOT NULL
    """,
    """
    CREATE TABLE burst_posts (
        message_id UUID NOT NULL,
        burst_id TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_burst_posts PRIMARY KEY (message_id)
    )
    """,
    "CREATE INDEX ix_burst_posts_at ON burst_posts (at)",
    """
    CREATE TABLE mentions (
        id UUID NOT NULL,
        channel TEXT NOT NULL,
        provider_id TEXT NOT NULL,
        author TEXT NOT NULL,
        author_name TEXT NOT NULL,
        text TEXT NOT NULL,
        language TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        reach BIGINT NOT NULL,
        complaint REAL,
        facts JSONB NOT NULL,
        label TEXT DEFAULT '' NOT NULL,
        asked BOOLEAN DEFAULT false NOT NULL,
        judged_by TEXT DEFAULT '' NOT NULL,
        judged_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_mentions PRIMARY KEY (id)
    )
    """,
    "CREATE INDEX ix_mentions_newest ON mentions (at, id)",
    "CREATE INDEX ix_mentions_search ON mentions USING gin (text {trgm}.gin_trgm_ops)",
)


def upgrade() -> None:
    """The extension pg_trgm is there since the first step."""
    found = (
        "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm'"
    )
    trgm = op.get_bind().execute(text(found)).scalar_one()
    for statement in _STATEMENTS:
        op.execute(text(statement.replace("{trgm}", f'"{trgm}"')))
