"""The schema `email`: the delivery ledger and its outbox."""

from __future__ import annotations

from sqlalchemy import Column, Index, Text, text

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
    Index("ix_deliveries_ticket_id", "ticket_id", "position"),
    Index("ix_deliveries_recipient", "recipient", "position"),
    Index("ix_deliveries_returned_by", "returned_by", postgresql_where=text("returned_by <> ''")),
)
"""Replies on their way to customers; `provider_id` is the Message-ID."""
OUTBOX = outbox_table(METADATA)
