"""Roles: what those who have one may do."""

from __future__ import annotations

from sqlalchemy import Select, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.actors import Permission, permissions_of
from services.desk.people.models import ROLES
from shared.db import Database
from shared.errors import Rejected


async def roles(database: Database) -> dict[str, frozenset[Permission]]:
    """Returns what each role allows, the widest first."""
    async with database.transaction() as session:
        rows = await session.execute(select(ROLES))
        found = {row.name: permissions_of(row.permissions) for row in rows}
    return dict(sorted(found.items(), key=lambda role: (-len(role[1]), role[0])))


async def check(session: AsyncSession, role: str) -> frozenset[Permission]:
    """Returns what a role allows. Rejected 422 where there is none of this name."""
    rows = {row.name: row.permissions for row in await session.execute(select(ROLES).order_by(ROLES.c.name))}
    if role not in rows:
        raise Rejected(422, "role", f"The role is one of {', '.join(rows)}.")
    return permissions_of(rows[role])


def with_permission(permission: Permission) -> Select[tuple[str]]:
    """Selects the names of the roles that allow this."""
    return select(ROLES.c.name).where(literal(permission.value) == ROLES.c.permissions.any_())
