"""`python -m services <channel> ledger`."""

from __future__ import annotations

from sqlalchemy import Table

from shared.db import Database
from shared.delivery.ledger import count
from shared.settings import ServiceSettings


async def print_counts(table: Table, settings: ServiceSettings) -> None:
    """Prints how many deliveries are in which state."""
    database = Database(settings.database.get_secret_value(), str(table.schema))
    try:
        async with database.transaction() as session:
            for state, number in sorted((await count(session, table)).items()):
                print(f"{state}: {number}")
    finally:
        await database.dispose()
