"""Tables of customers and where they can be reached."""

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.desk.schema import METADATA

CUSTOMERS = Table(
    "customers",
    METADATA,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("name", Text, nullable=False, server_default=""),
    Column("language", Text, nullable=False, server_default=""),
    Column("tier", Text, nullable=False, server_default=""),
    Column("birth_year", SmallInteger),
    Column("stated", JSONB),
    Column("observed", JSONB, nullable=False, server_default=text("'{}'")),
    Column("recent_contacts", JSONB, nullable=False, server_default=text("'[]'")),
    Column("facts", JSONB, nullable=False, server_default=text("'{}'")),
    Column("late_at", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Index("ix_customers_late_at", "late_at", postgresql_where=text("late_at IS NOT NULL")),
)

PROFILES_OWED = Table(
    "profiles_owed",
    METADATA,
    Column("customer_id", Uuid(as_uuid=False), ForeignKey(CUSTOMERS.c.id, ondelete="CASCADE"), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, index=True),
)
"""Customers of whom an archive told something that the router does not know yet: each is published
once it is quiet, and not with each of their mails."""

CONTACT_POINTS = Table(
    "contact_points",
    METADATA,
    Column("point", Text, primary_key=True),
    Column("customer_id", Uuid(as_uuid=False), ForeignKey(CUSTOMERS.c.id), nullable=False, index=True),
    Column("verified", Boolean, nullable=False, server_default=text("false")),
    Column("opted_out", Boolean, nullable=False, server_default=text("false")),
    Column("consent_at", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
