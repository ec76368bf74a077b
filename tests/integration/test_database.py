"""What a customer wrote stays in the database, and out of the words of an error."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.db import Database
from shared.errors import Malformed
from shared.statements import Part, fetch, write


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


@pytest.fixture
async def by_key(database: str) -> AsyncIterator[Database]:
    opened = Database(database, "public", by_key=True)
    async with opened.transaction() as session:
        await session.execute(text("CREATE TABLE things (id int PRIMARY KEY, name text NOT NULL)"))
    yield opened
    await opened.dispose()


def adding(*rows: tuple[int, str]) -> Part:
    numbers, names = (list(column) for column in zip(*rows, strict=True))
    return Part(
        "INSERT INTO things SELECT * FROM unnest({0}::int[], {1}::text[]) ON CONFLICT DO NOTHING", (numbers, names)
    )


async def test_several_changes_are_one_statement_and_each_tells_how_many_rows(by_key: Database) -> None:
    renaming = Part("UPDATE things SET name = {0}", ("x",))
    async with by_key.transaction() as session:
        assert await write(session, adding((1, "a"), (2, "b")), Part()) == [2, 0]
        assert await write(session, Part(), adding((2, "c"), (3, "c")), renaming) == [0, 1, 2]
        assert await write(session, Part()) == [0]
        rows = await fetch(session, "SELECT id, name FROM things ORDER BY id")
    assert [tuple(row) for row in rows] == [(1, "x"), (2, "x"), (3, "c")]


async def test_a_statement_of_the_drivers_own_is_part_of_the_transaction(by_key: Database) -> None:
    with suppress(ZeroDivisionError):
        async with by_key.transaction() as session:
            await write(session, adding((1, "a")))
            raise ZeroDivisionError
    async with by_key.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM things")) == 0


@pytest.mark.parametrize("bad", ["\x00", "\ud800"])
async def test_a_value_that_no_store_takes_is_malformed_by_either_way(by_key: Database, bad: str) -> None:
    with pytest.raises(Malformed):
        async with by_key.transaction() as session:
            await write(session, adding((1, bad)))


async def test_where_plans_are_kept_they_never_read_a_whole_table_however_small_it_was(by_key: Database) -> None:
    async with by_key.transaction() as session:
        await write(session, adding((1, "a")))
        await session.execute(text("ANALYZE things"))
        plan = await session.scalars(text("EXPLAIN SELECT * FROM things WHERE id = 1"))
        assert "Index" in str(plan.first())
        assert await session.scalar(text("SHOW plan_cache_mode")) == "auto"
