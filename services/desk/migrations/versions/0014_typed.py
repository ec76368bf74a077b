"""What services tell each other of a message, beside the facts for people.

Revision ID: 0014
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_POST = """
    jsonb_strip_nulls(jsonb_build_object(
        'url', facts ->> 'Post',
        'sounds', CASE WHEN facts ? 'Sounds like a complaint' THEN 'complaint' WHEN facts ? 'Sounds like a question' THEN 'question' END,
        'words', (SELECT to_jsonb(string_to_array(told, ', ')) FROM (
            SELECT coalesce(facts ->> 'Sounds like a complaint', facts ->> 'Sounds like a question') AS told
        ) AS words WHERE told <> 'by its whole wording')
    ))
"""
_HIDDEN = "ARRAY['call', 'call_id', 'callback', 'consent', 'missing_files', 'page', 'waiting_since']"
_STATEMENTS = (
    "ALTER TABLE messages ADD COLUMN account TEXT DEFAULT '' NOT NULL, ADD COLUMN post JSONB, ADD COLUMN call JSONB",
    "ALTER TABLE mentions ADD COLUMN account TEXT DEFAULT '' NOT NULL, ADD COLUMN post JSONB",
    f"UPDATE messages SET account = coalesce(facts ->> 'Account', ''), post = {_POST} WHERE direction = 'in' AND public",  # noqa: S608
    f"UPDATE mentions SET account = coalesce(facts ->> 'Account', ''), post = {_POST}",  # noqa: S608
    """
    UPDATE messages SET call = jsonb_strip_nulls(jsonb_build_object(
        'id', facts ->> 'call_id',
        'kind', facts ->> 'call',
        'callback', CASE WHEN facts ->> 'callback' = 'wanted' THEN true END,
        'waiting_since', facts ->> 'waiting_since'
    ))
    WHERE direction = 'in' AND channel = 'phone' AND facts ? 'call_id'
    """,
    "DROP INDEX ix_messages_callbacks",
    "CREATE INDEX ix_messages_callbacks ON messages (at, ticket_id) WHERE call ->> 'callback' = 'true'",
    f"UPDATE customers SET facts = facts - {_HIDDEN} WHERE facts ?| {_HIDDEN}",  # noqa: S608
)


def upgrade() -> None:
    """What is in the facts of a customer's own site or mail stays theirs: only channels that wrote
    such facts are read."""
    for statement in _STATEMENTS:
        op.execute(statement)
