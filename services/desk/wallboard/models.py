"""Links by which a display shows the wallboard without a login."""

from sqlalchemy import Column, DateTime, Table, Text, Uuid, func

from services.desk.schema import METADATA

DISPLAY_LINKS = Table(
    "display_links",
    METADATA,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("revoked_at", DateTime(timezone=True)),
)
