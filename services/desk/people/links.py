"""Links by which somebody sets their password, once: an invitation, or because it was forgotten."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.actors import Actor, Kind
from services.desk.context import Desk
from services.desk.people import audit, passwords, sessions
from services.desk.people.models import AGENT_LINKS, AGENTS
from services.desk.people.schemas import LinkView
from shared.clock import utc_now
from shared.errors import Rejected

INVITED = timedelta(days=7)
"""Somebody who begins on Monday is invited before."""
FORGOTTEN = timedelta(days=1)
"""Somebody who forgot their password waits for the link."""


async def make(desk: Desk, session: AsyncSession, agent: Any) -> LinkView:
    """Creates a new link for an agent (a row that is locked); older ones stop working."""
    token = secrets.token_urlsafe(32)
    expires = utc_now() + (FORGOTTEN if agent.password_hash else INVITED)
    await session.execute(delete(AGENT_LINKS).where(AGENT_LINKS.c.agent_id == agent.id))
    await session.execute(
        insert(AGENT_LINKS).values(token_hash=sessions.digest(token), agent_id=agent.id, expires_at=expires)
    )
    return LinkView(email=agent.email, url=f"{desk.common.public_url}/join/{token}", expires_at=expires)


async def owner(desk: Desk, token: str) -> tuple[str, str]:
    """Returns the mail address and name of the person this link is for; looking does not use it
    up. Raises Rejected 410."""
    async with desk.database.transaction() as session:
        row = (await session.execute(_found(token))).one_or_none()
    if row is None:
        raise _over()
    return row.email, row.name


async def use(desk: Desk, token: str, password: str, ip: str) -> str:
    """Sets the password: somebody who was invited may now sign in, somebody who forgot it is
    signed in nowhere else. Returns the mail address. Raises Rejected 410; 422 if the password is
    too short, too long or easily guessed, and the link stays valid."""
    email, name = await owner(desk, token)
    hashed = await passwords.hash_new(password, email, name)
    async with desk.unit_of_work() as work:
        row = (await work.session.execute(_found(token).with_for_update(of=AGENTS, key_share=True))).one_or_none()
        used = delete(AGENT_LINKS).where(AGENT_LINKS.c.token_hash == sessions.digest(token))
        if row is None or not await work.session.scalar(used.returning(AGENT_LINKS.c.agent_id)):
            raise _over()
        actor = Actor(Kind.AGENT, row.email, ip=ip)
        joins = not row.password_hash
        values = {"password_hash": hashed} | ({"active": True} if joins else {})
        await work.session.execute(update(AGENTS).where(AGENTS.c.id == row.id).values(values))
        await audit.note(work.session, "person.joined" if joins else "password.reset", actor, row.email)
        await sessions.ended(work, row.id, row.email, actor)
    return email


def _found(token: str) -> Any:
    joined = select(AGENTS).join(AGENT_LINKS, AGENT_LINKS.c.agent_id == AGENTS.c.id)
    return joined.where(AGENT_LINKS.c.token_hash == sessions.digest(token), AGENT_LINKS.c.expires_at > utc_now())


def _over() -> Rejected:
    return Rejected(410, "link-over", "This link was already used or has expired. Ask an admin for a new one.")
