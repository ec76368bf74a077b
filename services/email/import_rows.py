"""Statements about imports of archives. Each takes the session of a transaction that its caller
commits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import any_, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.email.models import IMPORT_FOLDERS, IMPORT_TAKEN, IMPORTS
from shared.kernel import stable_id

_RUN, _FOLDER = IMPORTS.c, IMPORT_FOLDERS.c
Counts = dict[str, dict[str, int]]


class Place(NamedTuple):
    """How far a folder is read."""

    identity: str
    place: str
    done: int


class Import(NamedTuple):
    """An import as it stands."""

    id: str
    source: str
    state: str
    detail: str
    counts: Counts
    problems: list[str]
    done: int
    total: int
    begun_at: Any
    changed_at: Any


async def begin(session: AsyncSession, source: str, total: int) -> tuple[Import, dict[str, Place]]:
    """Begins the import of an archive, or goes on with one that was not done. Returns it, and how
    far its folders are read."""
    identity = stable_id("import", source)
    values = {"state": "running", "detail": "", "total": total, "changed_at": func.now()}
    before = await one(session, identity)
    if before is None or before.state == "done":
        values |= {"counts": {}, "problems": [], "done": 0, "begun_at": func.now()}
        await session.execute(delete(IMPORT_FOLDERS).where(_FOLDER.import_id == identity))
    added = upsert(IMPORTS).values(
        **{"id": identity, "source": source, "counts": {}, "problems": [], "done": 0} | values
    )
    await session.execute(added.on_conflict_do_update(index_elements=["id"], set_=values))
    found = await session.execute(select(IMPORT_FOLDERS).where(_FOLDER.import_id == identity))
    places = {row.folder: Place(row.identity, row.place, row.done) for row in found}
    begun = await one(session, identity)
    assert begun is not None  # noqa: S101 - it was just written
    return begun, places


async def one(session: AsyncSession, identity: str) -> Import | None:
    """Returns an import."""
    row = (await session.execute(select(IMPORTS).where(_RUN.id == identity))).first()
    return Import(*row) if row else None


async def every(session: AsyncSession) -> Sequence[Import]:
    """Returns all imports, the newest first."""
    return [Import(*row) for row in await session.execute(select(IMPORTS).order_by(_RUN.begun_at.desc()))]


async def taken(session: AsyncSession, digests: Collection[bytes]) -> set[bytes]:
    """Returns which of these mails were taken out of an archive before."""
    column = IMPORT_TAKEN.c.digest
    among = column == any_(literal(list(digests), ARRAY(column.type)))
    return set(await session.scalars(select(column).where(among)))


async def take(
    session: AsyncSession,
    identity: str,
    folder: str,
    place: Place,
    digests: Collection[bytes],
    told: Mapping[str, object],
) -> None:
    """Notes mails that were published, how far their folder is read, and what the import tells of
    itself (`counts`, `problems`, `done`)."""
    if digests:
        rows = [{"digest": digest} for digest in digests]
        await session.execute(upsert(IMPORT_TAKEN).values(rows).on_conflict_do_nothing())
    reached = place._asdict()
    noted = upsert(IMPORT_FOLDERS).values(import_id=identity, folder=folder, **reached)
    await session.execute(noted.on_conflict_do_update(index_elements=["import_id", "folder"], set_=reached))
    values = {**told, "changed_at": func.now()}
    await session.execute(update(IMPORTS).where(_RUN.id == identity).values(**values))


async def end(session: AsyncSession, identity: str, state: str, detail: str = "") -> None:
    """Notes how an import ended."""
    values = {"state": state, "detail": detail[:500], "changed_at": func.now()}
    await session.execute(update(IMPORTS).where(_RUN.id == identity).values(**values))
