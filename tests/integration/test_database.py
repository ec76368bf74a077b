"""What a customer wrote stays in the database, and out of the words of an error."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.db import Database


async def test_an_error_of_the_database_does_not_tell_what_a_customer_wrote(database: str) -> None:
    opened = Database(database, "public")
    try:
        with pytest.raises(DBAPIError) as told:
            async with opened.transaction() as session:
                await session.execute(text("SELECT CAST(:words AS text) FROM nowhere"), {"words": "my card is 4111"})
        assert "4111" not in str(told.value)
        assert "hide_parameters" in str(told.value)
    finally:
        await opened.dispose()
