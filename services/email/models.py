"""The schema `email`: the delivery ledger and its outbox, addresses that are not written to, how
mailboxes send, those that are read by IMAP, and imports of archives."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.db import metadata
from shared.delivery import deliveries_table
from shared.outbox import outbox_table

SCHEMA = "email"
METADATA = metadata(SCHEMA)

DELIVERIES = deliveries_table(
    METADATA,
    Column(
        "returned_by",
        Text,
        nullable=False,
        server_default="",
        comment="the id of the returned mail that said it did not arrive",
    ),
    Column("turn_at", DateTime(timezone=True), comment="from when on it may leave; none: not asked yet"),
    Index("ix_deliveries_ticket_id", "ticket_id", "position"),
    Index("ix_deliveries_recipient", "recipient", "position"),
    Index("ix_deliveries_returned_by", "returned_by", postgresql_where=text("returned_by <> ''")),
)
"""Replies on their way to customers; `provider_id` is the Message-ID."""
OUTBOX = outbox_table(METADATA)


def _mailbox() -> Column[str]:
    return Column("mailbox_id", Text, ForeignKey("imap_mailboxes.id", ondelete="CASCADE"), primary_key=True)


def _now(name: str) -> Column[datetime]:
    return Column(name, DateTime(timezone=True), nullable=False, server_default=func.now())


SUPPRESSIONS = Table(
    "suppressions",
    METADATA,
    Column("address", Text, primary_key=True, comment="in lower case"),
    Column("reason", Text, nullable=False, comment="hard-bounce, complaint or by-hand"),
    Column("detail", Text, nullable=False, comment="the other side's words, or a person's"),
    Column("source", Text, nullable=False, comment="who said so"),
    _now("added_at"),
)
"""Addresses that are not written to."""
SENDERS = Table(
    "senders",
    METADATA,
    Column("address", Text, primary_key=True),
    Column("settings", JSONB, nullable=False),
    Column("secrets", JSONB, nullable=False, comment="sealed, base64: shared/security/sealing.py"),
    _now("changed_at"),
)
"""How a mailbox sends, where that is not as all do."""
PACE = Table(
    "pace",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("next_at", DateTime(timezone=True), nullable=False, comment="when all turns that were given are over"),
)
"""Limits of mailboxes and domains that are in use."""
IMAP_MAILBOXES = Table(
    "imap_mailboxes",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("address", Text, nullable=False, unique=True),
    Column("host", Text, nullable=False),
    Column("port", Integer, nullable=False),
    Column("security", Text, nullable=False, comment="tls, starttls or none"),
    Column("username", Text, nullable=False),
    Column("sign_in", Text, nullable=False, comment="password, google or microsoft"),
    Column(
        "secret", LargeBinary, nullable=False, server_default=text("''"), comment="sealed: shared/security/sealing.py"
    ),
    Column(
        "secret_from", Text, nullable=False, server_default="", comment="the variable that has the password instead"
    ),
    Column("folders", JSONB, nullable=False),
    Column("junk", Text, nullable=False, comment="auto, off, or the folder's name"),
    Column("after", Text, nullable=False, comment="leave, seen or move"),
    Column("move_to", Text, nullable=False),
    Column("since", Date, comment="mails from this day on are taken; none: what comes after the first sign-in"),
    Column("enabled", Boolean, nullable=False),
    _now("added_at"),
    Column("version", Integer, nullable=False, server_default="1", comment="counts changes of what stands above"),
    Column("state", Text, nullable=False, server_default="new"),
    Column("detail", Text, nullable=False, server_default=""),
    _now("state_at"),
)
"""Mailboxes at IMAP servers."""
IMAP_FOLDERS = Table(
    "imap_folders",
    METADATA,
    _mailbox(),
    Column("folder", Text, primary_key=True),
    Column("validity", BigInteger, nullable=False, comment="UIDVALIDITY"),
    Column("uid", BigInteger, nullable=False, comment="every mail up to this UID is taken"),
    Column("begun", BigInteger, nullable=False, comment="UIDNEXT when this UIDVALIDITY was first seen"),
)
"""How far each folder is taken."""
IMAP_TAKEN = Table(
    "imap_taken",
    METADATA,
    _mailbox(),
    Column("digest", LargeBinary, primary_key=True, comment="SHA-256 of the mail"),
    Column("taken_on", Date, nullable=False, server_default=func.current_date(), comment="forgotten a year later"),
)
"""What was published of each mailbox: told by content, where a mail was moved or UIDVALIDITY
changed."""
IMAP_DELAYED = Table(
    "imap_delayed",
    METADATA,
    _mailbox(),
    Column("folder", Text, primary_key=True),
    Column("validity", BigInteger, primary_key=True),
    Column("uid", BigInteger, primary_key=True),
    Column("attempts", Integer, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("reason", Text, nullable=False),
)
"""Mails that their server did not hand out, mark or move. The others did not wait for them."""
IMPORTS = Table(
    "imports",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("source", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False, comment="running, stopped, failed or done"),
    Column("detail", Text, nullable=False, server_default=""),
    Column("counts", JSONB, nullable=False, comment="folder → what became of its mails → how many"),
    Column("problems", JSONB, nullable=False, comment="mails that cannot be read, the first of them"),
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    _now("begun_at"),
    _now("changed_at"),
)
"""Archives that were imported, and how far."""
IMPORT_FOLDERS = Table(
    "import_folders",
    METADATA,
    Column("import_id", Text, ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True),
    Column("folder", Text, primary_key=True),
    Column("identity", Text, nullable=False, comment="of what it was when it was read: another one begins anew"),
    Column("place", Text, nullable=False, comment="after the last mail that was taken"),
    Column("done", BigInteger, nullable=False),
)
"""How far each folder of an archive is read."""
IMPORT_TAKEN = Table("import_taken", METADATA, Column("digest", LargeBinary, primary_key=True))
"""SHA-256 of every mail that was published out of an archive, or set aside."""
