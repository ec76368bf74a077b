"""Many rows in one statement. The rows travel as one JSON document that PostgreSQL unpacks by the
table's own column types: for this process that costs a hundredth of binding each value, and the
statement is the same for one row and for 500."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Column, ColumnElement, Table, any_, literal
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from shared.statements import Part, write

_encoder = msgspec.json.Encoder()
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


def document(rows: Sequence[dict[str, Any]]) -> str:
    """Encodes rows as JSON that PostgreSQL accepts: U+0000, which its text type cannot hold,
    becomes U+FFFD."""
    data = _encoder.encode(rows)
    if b"\\u0000" in data:
        data = _NUL.sub(rb"\1\\ufffd", data)
    return data.decode()


def among(column: Column[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """Builds `column = ANY(values)`: one parameter and one statement, however many values there
    are."""
    return column == any_(literal(list(values), ARRAY(column.type)))


def inserting(table: Table, rows: Sequence[dict[str, Any]]) -> Part:
    """Inserts rows that all have the same keys; those that exist already are left alone."""
    return Part(_insertion(table, tuple(rows[0])), (document(rows),)) if rows else Part()


def updating(table: Table, rows: Sequence[dict[str, Any]], key: str = "id") -> Part:
    """Sets all other columns of the rows with these keys."""
    return Part(_update(table, tuple(rows[0]), key), (document(rows),)) if rows else Part()


async def insert_all(session: AsyncSession, table: Table, rows: Sequence[dict[str, Any]]) -> int:
    """Inserts as `inserting` does, by itself. Returns how many were new."""
    return (await write(session, inserting(table, rows)))[0]


async def update_all(session: AsyncSession, table: Table, rows: Sequence[dict[str, Any]], key: str = "id") -> None:
    """Updates as `updating` does, by itself."""
    await write(session, updating(table, rows, key))


@cache
def _insertion(table: Table, keys: tuple[str, ...]) -> str:
    names = ", ".join(f'"{name}"' for name in keys)
    return (
        f"INSERT INTO {table.fullname} ({names}) SELECT {names}"  # noqa: S608 - names of our own columns
        f" FROM json_populate_recordset(NULL::{table.fullname}, {{0}}::json) ON CONFLICT DO NOTHING"
    )


@cache
def _update(table: Table, keys: tuple[str, ...], key: str) -> str:
    names = ", ".join(f'"{name}" = r."{name}"' for name in keys if name != key)
    return (
        f"UPDATE {table.fullname} AS t SET {names}"  # noqa: S608 - names of our own columns
        f" FROM json_populate_recordset(NULL::{table.fullname}, {{0}}::json) AS r WHERE t.{key} = r.{key}"
    )
