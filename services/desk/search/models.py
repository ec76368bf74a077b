"""Tables of the words that a search looks in."""

from sqlalchemy import Column, ForeignKey, Index, PrimaryKeyConstraint, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import TSVECTOR

from services.desk.customers.models import CUSTOMERS
from services.desk.schema import METADATA
from services.desk.tickets.models import MESSAGES

_PENDING = {"gin_pending_list_limit": 512}
"""kB of new words that every search walks through one by one until they are sorted in: PostgreSQL's
own 4 MB take milliseconds."""

MESSAGE_WORDS = Table(
    "message_words",
    METADATA,
    Column("ticket_id", Uuid(as_uuid=False), nullable=False),
    Column("message_id", Uuid(as_uuid=False), ForeignKey(MESSAGES.c.id, ondelete="CASCADE"), nullable=False),
    Column("words", TSVECTOR, nullable=False),
    PrimaryKeyConstraint("ticket_id", "message_id"),
    Index("ix_message_words_words", "words", postgresql_using="gin", postgresql_with=_PENDING),
)
"""A table of its own: a message is never rewritten for it, and reading it does not read what people
wrote."""

CUSTOMER_WORDS = Table(
    "customer_words",
    METADATA,
    Column("customer_id", Uuid(as_uuid=False), ForeignKey(CUSTOMERS.c.id, ondelete="CASCADE"), primary_key=True),
    Column("words", TSVECTOR, nullable=False),
    Index("ix_customer_words_words", "words", postgresql_using="gin", postgresql_with=_PENDING),
)
"""Names, contact points and facts."""

SEARCH_PROGRESS = Table(
    "search_progress",
    METADATA,
    Column("what", Text, primary_key=True),
    Column("place", Text, nullable=False),
)
"""How far what was there before these tables is read into them: `tickets` (those with a number
below this one are left), `customers` (those with an id after this one). Empty: from the beginning.
No row: all is done."""
