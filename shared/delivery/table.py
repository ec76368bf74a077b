"""The table that a channel's own migration creates."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, Integer, LargeBinary, MetaData, Table, Text, text

_MOMENT = DateTime(timezone=True)
_UNDER_WAY = text("state IN ('waiting', 'sending')")


def deliveries_table(metadata: MetaData, *own: Column[Any] | Index) -> Table:
    """Returns the table `deliveries`. `own`: what only this channel keeps with a delivery; all with
    a default."""
    return Table(
        "deliveries",
        metadata,
        Column("outbound_id", Text, primary_key=True),
        Column(
            "position", BigInteger, Identity(always=True), nullable=False, comment="one ticket's go out in this order"
        ),
        Column("ticket_id", Text, nullable=False),
        Column("recipient", Text, nullable=False, server_default="", comment="the contact point that it goes to"),
        Column("state", Text, nullable=False),
        Column("request", LargeBinary, nullable=False, comment="the OutboundMessage, as it was asked for"),
        Column("requested_at", _MOMENT, nullable=False),
        Column(
            "due_at",
            _MOMENT,
            nullable=False,
            server_default=text("now()"),
            comment="waiting: when to try; sending: when nobody sees any more how the attempt ended",
        ),
        Column("started_at", _MOMENT, comment="when the newest attempt began"),
        Column("holder", BigInteger, nullable=False, server_default="0", comment="advisory lock of the process"),
        Column("attempts", Integer, nullable=False, server_default="0"),
        Column("provider_id", Text, nullable=False, server_default=""),
        Column("detail", Text, nullable=False, server_default="", comment="the other side's words, for an agent"),
        Column("changed_at", _MOMENT, nullable=False, server_default=text("now()")),
        Index("ix_deliveries_under_way", "ticket_id", "position", postgresql_where=_UNDER_WAY),
        Index("ix_deliveries_due", "due_at", postgresql_where=_UNDER_WAY),
        Index("ix_deliveries_provider_id", "provider_id", postgresql_where=text("provider_id <> ''")),
        *own,
    )
