"""The table of what archives brought."""

from sqlalchemy import BigInteger, Column, DateTime, Table, Text

from services.desk.schema import METADATA

IMPORTS = Table(
    "imports",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("received", BigInteger, nullable=False),
    Column("sent", BigInteger, nullable=False),
    Column("known", BigInteger, nullable=False),
    Column("tickets", BigInteger, nullable=False),
    Column("begun_at", DateTime(timezone=True), nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
)
"""Mails of customers and of ours that were new, those that were here already (some of them counted
twice, where a process was killed), and tickets, by import."""
