"""The words that a search looks in, made by us and not by PostgreSQL's parser.

Revision ID: 0010
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE message_words (
        ticket_id UUID NOT NULL,
        message_id UUID NOT NULL,
        words TSVECTOR NOT NULL,
        CONSTRAINT pk_message_words PRIMARY KEY (ticket_id, message_id),
        CONSTRAINT fk_message_words_message_id_messages FOREIGN KEY(message_id) REFERENCES messages (id) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX ix_message_words_words ON message_words USING gin (words) WITH (gin_pending_list_limit = 512)",
    """
    CREATE TABLE customer_words (
        customer_id UUID NOT NULL,
        words TSVECTOR NOT NULL,
        CONSTRAINT pk_customer_words PRIMARY KEY (customer_id),
        CONSTRAINT fk_customer_words_customer_id_customers FOREIGN KEY(customer_id) REFERENCES customers (id) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX ix_customer_words_words ON customer_words USING gin (words) WITH (gin_pending_list_limit = 512)",
    """
    CREATE TABLE search_progress (
        what TEXT NOT NULL,
        place TEXT NOT NULL,
        CONSTRAINT pk_search_progress PRIMARY KEY (what)
    )
    """,
    "INSERT INTO search_progress VALUES ('tickets', ''), ('customers', '')",
    "DROP INDEX ix_messages_search",
    "DROP INDEX ix_tickets_search",
    "DROP INDEX ix_contact_points_search",
)


def upgrade() -> None:
    """Takes a moment, however much there is: the desk reads old messages into these tables while it
    runs."""
    for statement in _STATEMENTS:
        op.execute(statement)
