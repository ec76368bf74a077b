"""The delivery ledger: what was asked of us, how far each came, and what is still to be told."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, DateTime, Identity, Index, Integer, LargeBinary, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.db import metadata
from shared.outbox import outbox_table

SCHEMA = "email"


class State(StrEnum):
    """`waiting` and `sending` are under way; the others are final, except that `uncertain` may turn out `sent`, and what was
    sent may come back: `failed`."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNCERTAIN = "uncertain"


class Base(DeclarativeBase):
    """Tables of this service."""

    metadata = metadata(SCHEMA)


class Delivery(Base):
    """One answer on its way to a customer."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Index(
            "ix_deliveries_under_way", "ticket_id", "position", postgresql_where=text("state IN ('waiting', 'sending')")
        ),
        Index("ix_deliveries_due", "due_at", postgresql_where=text("state IN ('waiting', 'sending')")),
        Index("ix_deliveries_ticket_id", "ticket_id", "position"),
        Index("ix_deliveries_recipient", "recipient", "position"),
        Index("ix_deliveries_returned_by", "returned_by", postgresql_where=text("returned_by <> ''")),
    )

    outbound_id: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    """The order in which answers were asked for; one ticket's go out in it."""
    ticket_id: Mapped[str] = mapped_column(Text)
    recipient: Mapped[str] = mapped_column(Text, server_default="")
    """The contact point that it goes to."""
    state: Mapped[State] = mapped_column(Text, default=State.WAITING)
    request: Mapped[bytes] = mapped_column(LargeBinary)
    """The `OutboundMessage`, as it was asked for."""
    requested_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
    """While waiting: when to try. While sending: when the attempt must be over; after that nobody knows how it ended."""
    holder: Mapped[int] = mapped_column(BigInteger, default=0)
    """The process that is sending it: the advisory lock that it holds for as long as it lives."""
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    message_id: Mapped[str] = mapped_column(Text, default="")
    detail: Mapped[str] = mapped_column(Text, default="")
    """The other side's words on the last attempt."""
    returned_by: Mapped[str] = mapped_column(Text, server_default="")
    """The id of the returned mail that said it did not arrive."""
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))


OUTBOX = outbox_table(Base.metadata)
