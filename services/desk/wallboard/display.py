"""Displays on a wall: a signed link shows the wallboard and nothing else, until it is revoked or
the secret is changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from sqlalchemy import func, insert, select, update

from services.desk.actors import Actor, Permission
from services.desk.people import audit
from services.desk.wallboard.models import DISPLAY_LINKS
from shared.db import Database
from shared.errors import Rejected, Unavailable
from shared.security import tokens

_PURPOSE = "wallboard-display"
_LONGEST_NAME = 60
_known: set[str] = set()
"""Links that were good when the database was last asked: they stay good while it is away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplayLink:
    """A link that is in force."""

    id: str
    name: str
    """Where it hangs: `Office`."""
    created_at: datetime


async def create(database: Database, secret: str, name: str, *, actor: Actor) -> str:
    """Creates a link and returns its token; only who sees it now can use it. Rejected 403, 422."""
    actor.require(Permission.MANAGE_DISPLAYS)
    name = " ".join(name.replace("\x00", "").split())
    if not name or len(name) > _LONGEST_NAME:
        raise Rejected(422, "name", f"Name the display by 1 to {_LONGEST_NAME} characters, such as: Office.")
    own = str(uuid4())
    async with database.transaction() as session:
        await session.execute(insert(DISPLAY_LINKS).values(id=own, name=name))
        await audit.note(session, "display.created", actor, name)
    return tokens.sign(secret, _PURPOSE, own)


async def links(database: Database) -> tuple[DisplayLink, ...]:
    """Lists the links in force, oldest first."""
    found = select(DISPLAY_LINKS).where(DISPLAY_LINKS.c.revoked_at.is_(None)).order_by(DISPLAY_LINKS.c.created_at)
    async with database.transaction() as session:
        rows = await session.execute(found)
        return tuple(DisplayLink(id=row.id, name=row.name, created_at=row.created_at) for row in rows)


async def revoke(database: Database, link: str = "", *, actor: Actor) -> int:
    """Revokes one link by its id, or all of them: their displays go dark within half a minute.
    Returns how many there were. Rejected 403."""
    actor.require(Permission.MANAGE_DISPLAYS)
    statement = update(DISPLAY_LINKS).where(DISPLAY_LINKS.c.revoked_at.is_(None)).values(revoked_at=func.now())
    if link:
        statement = statement.where(DISPLAY_LINKS.c.id == link)
    async with database.transaction() as session:
        names = list(await session.scalars(statement.returning(DISPLAY_LINKS.c.name)))
        for name in names:
            await audit.note(session, "display.revoked", actor, name)
        return len(names)


async def allows(database: Database, secret: str, token: str) -> bool:
    """Whether this token is one of a link in force. While the database is away: whether it was when
    last asked."""
    link = tokens.verify(secret, _PURPOSE, token) if token else None
    if link is None:
        return False
    found = select(DISPLAY_LINKS.c.id).where(DISPLAY_LINKS.c.id == link, DISPLAY_LINKS.c.revoked_at.is_(None))
    try:
        async with database.transaction() as session:
            good = await session.scalar(found) is not None
    except Unavailable:
        return link in _known
    (_known.add if good else _known.discard)(link)
    return good
