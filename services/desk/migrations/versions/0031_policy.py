"""The routing policy on a page: drafts, what each would have changed, and who may read it.

Revision ID: 0031
"""

from alembic import op

revision = "0031"
down_revision = "0027"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE policy_drafts (
        id UUID NOT NULL CONSTRAINT pk_policy_drafts PRIMARY KEY,
        author TEXT NOT NULL CONSTRAINT uq_policy_drafts_author UNIQUE,
        base INTEGER NOT NULL,
        text TEXT NOT NULL,
        revision INTEGER NOT NULL,
        changed_at TIMESTAMP WITH TIME ZONE NOT NULL
    )
    """,
    """
    CREATE TABLE policy_previews (
        draft_id UUID NOT NULL CONSTRAINT pk_policy_previews PRIMARY KEY
            CONSTRAINT fk_policy_previews_draft_id_policy_drafts REFERENCES policy_drafts (id) ON DELETE CASCADE,
        revision INTEGER NOT NULL,
        asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
        beat_at TIMESTAMP WITH TIME ZONE,
        done INTEGER DEFAULT 0 NOT NULL,
        of_all INTEGER DEFAULT 0 NOT NULL,
        result JSONB,
        failed TEXT DEFAULT '' NOT NULL
    )
    """,
    """
    UPDATE roles SET permissions = permissions || '{routing.read}'
    WHERE ('teams.manage' = ANY (permissions) OR 'routing.manage' = ANY (permissions))
        AND NOT 'routing.read' = ANY (permissions)
    """,
)


def upgrade() -> None:
    """Whoever manages teams may see by which policy they get their work."""
    for statement in _STATEMENTS:
        op.execute(statement)
