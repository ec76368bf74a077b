"""Reads and writes posts, cursors, corrections and models. Each function takes the session of a
transaction that its caller commits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, delete, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.social.domain.bursts import Complaint
from services.social.models import Correction, Cursor, PostOutcome, Seen, Trained

_MOST_COMPLAINTS = 2_000
"""Complaints within the window that a new one is compared with."""


async def cursor(session: AsyncSession, network: str, source: str, start: int) -> int:
    """Returns how far this source was read; where it never was, records and returns `start`."""
    new = insert(Cursor).values(network=network, source=source, newest=start)
    await session.execute(new.on_conflict_do_nothing())
    return (await session.get_one(Cursor, (network, source))).newest


async def move_cursor(session: AsyncSession, network: str, source: str, newest: int) -> None:
    """Moves a cursor, never backwards: another process may have read further."""
    await session.execute(
        update(Cursor)
        .where(Cursor.network == network, Cursor.source == source)
        .values(newest=func.greatest(Cursor.newest, newest), changed_at=func.now())
    )


async def known(session: AsyncSession, network: str, ids: Iterable[str]) -> set[str]:
    """Returns those of these posts that were taken in already."""
    return set(await session.scalars(select(Seen.id).where(Seen.network == network, Seen.id.in_(list(ids)))))


async def threads_with_tickets(session: AsyncSession, network: str, threads: Iterable[str]) -> set[str]:
    """Returns those of these conversations that agents see already."""
    return set(await session.scalars(_threads(network, threads)))


async def threads_summoned(session: AsyncSession, network: str, threads: Iterable[str]) -> set[str]:
    """Returns those of these conversations in which somebody mentioned us."""
    return set(await session.scalars(_threads(network, threads).where(Seen.summoned)))


def _threads(network: str, threads: Iterable[str]) -> Select[str]:
    ticket = Seen.network == network, Seen.thread.in_(list(threads)), Seen.outcome == PostOutcome.TICKET
    return select(Seen.thread).where(*ticket).distinct()


async def add(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Records posts; idempotent."""
    if rows:
        await session.execute(insert(Seen).on_conflict_do_nothing(), list(rows))


async def complaints_since(session: AsyncSession, network: str, moment: datetime) -> list[Complaint]:
    """Returns the newest complaints, oldest first."""
    found = (
        select(Seen.id, Seen.author, Seen.causes, Seen.burst)
        .where(Seen.network == network, Seen.kind == "complaint", Seen.received_at >= moment)
        .order_by(Seen.received_at.desc(), Seen.id.desc())
        .limit(_MOST_COMPLAINTS)
    )
    rows = (await session.execute(found)).all()
    return [Complaint(row.id, row.author, frozenset(row.causes), row.burst) for row in reversed(rows)]


async def join(session: AsyncSession, network: str, bursts: Mapping[str, str]) -> None:
    """Records which burst these complaints turned out to belong to. `bursts`: its id by post."""
    for name in set(bursts.values()):
        ids = [post for post, burst in bursts.items() if burst == name]
        await session.execute(update(Seen).where(Seen.network == network, Seen.id.in_(ids)).values(burst=name))


async def mentions(
    session: AsyncSession, kind: str, language: str, before: tuple[datetime, str] | None, limit: int
) -> list[Seen]:
    """Returns posts that are no ticket, newest first, after the one given."""
    found = select(Seen).where(Seen.outcome == PostOutcome.MENTION)
    if kind:
        found = found.where(Seen.kind == kind)
    if language:
        found = found.where(Seen.language == language)
    if before:
        moment, last = before
        found = found.where(or_(Seen.received_at < moment, and_(Seen.received_at == moment, Seen.id < last)))
    return list(await session.scalars(found.order_by(Seen.received_at.desc(), Seen.id.desc()).limit(limit)))


async def post(session: AsyncSession, network: str, name: str) -> Seen | None:
    """Returns one post, locked."""
    return await session.get(Seen, (network, name), with_for_update=True)


async def newest_of(
    session: AsyncSession, network: str, author: str, ids: Sequence[str], *, summoned_first: bool
) -> Seen | None:
    """Returns the newest of these posts that this person wrote, or of those that mention us where
    there is one; None where there is none."""
    own = select(Seen).where(Seen.network == network, Seen.id.in_(list(ids)), Seen.author == author)
    first = [Seen.summoned.desc()] if summoned_first else []
    return (await session.scalars(own.order_by(*first, Seen.created_at.desc(), Seen.id.desc()).limit(1))).first()


async def username_of(session: AsyncSession, network: str, author: str) -> str:
    """Returns the name under which this person posted last, as far as it is known still."""
    named = select(Seen.username).where(Seen.network == network, Seen.author == author, Seen.username != "")
    return (await session.scalars(named.order_by(Seen.created_at.desc()).limit(1))).first() or ""


async def forget(session: AsyncSession, before: datetime) -> None:
    """Deletes old mentions; of tickets' posts the bare fact stays, for later replies below them."""
    labelled = select(Correction.network, Correction.post_id)
    await session.execute(
        delete(Seen).where(
            Seen.outcome == PostOutcome.MENTION,
            Seen.received_at < before,
            tuple_(Seen.network, Seen.id).not_in(labelled),
        )
    )
    old = and_(Seen.received_at < before, Seen.text != "")
    await session.execute(
        update(Seen).where(old).values(text="", name="", username="", reasons=[], causes=[], media=[])
    )


async def correct(session: AsyncSession, row: Seen, label: str, by: str, at: datetime) -> None:
    """Records what this post is; of several labels the one that was given last counts."""
    said = {"label": label, "given_by": by, "given_at": at}
    values = {"network": row.network, "post_id": row.id, "text": row.text, "language": row.language, **said}
    statement = insert(Correction).values(values)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["network", "post_id"], set_=said, where=Correction.given_at <= at
        )
    )


async def corrections(session: AsyncSession) -> list[Correction]:
    """Returns all of them, in a stable order."""
    return list(await session.scalars(select(Correction).order_by(Correction.network, Correction.post_id)))


async def corrected_since(session: AsyncSession, moment: datetime | None) -> int:
    """Returns the number of corrections that are newer."""
    found = select(func.count()).select_from(Correction)
    return int((await session.execute(found.where(Correction.given_at > moment) if moment else found)).scalar_one())


async def active_version(session: AsyncSession) -> int:
    """Returns the version in use; 0 is the shipped model."""
    return int((await session.scalars(select(Trained.version).where(Trained.active))).first() or 0)


async def trained(session: AsyncSession, version: int) -> Trained | None:
    """Returns one model."""
    return await session.get(Trained, version)


async def last_trained(session: AsyncSession) -> datetime | None:
    """Returns when a model was made for the last time, taken or not."""
    return (await session.scalars(select(func.max(Trained.made_at)))).first()


async def add_model(session: AsyncSession, content: bytes, figures: dict[str, Any], taken: bool) -> int:
    """Stores a model; where it was taken it is the active one from now on."""
    if taken:
        await activate(session, 0)
    row = Trained(content=content, figures=figures, active=taken)
    session.add(row)
    await session.flush()
    return row.version


async def activate(session: AsyncSession, version: int) -> None:
    """Makes this version active; 0 is the shipped one."""
    await session.execute(update(Trained).where(Trained.active).values(active=False))
    if version:
        await session.execute(update(Trained).where(Trained.version == version).values(active=True))


async def taken_before(session: AsyncSession, version: int) -> int:
    """Returns the version that was active before this one; 0 is the shipped one."""
    earlier = select(func.max(Trained.version)).where(
        Trained.version < version, Trained.figures["taken"].as_boolean().is_(True)
    )
    return int((await session.scalars(earlier)).first() or 0)
