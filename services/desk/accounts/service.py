"""What admins do to people who answer customers, and what these do to their own account."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.actors import Actor, Permission
from services.desk.assignment import service as assignment
from services.desk.context import Desk
from services.desk.people import audit, links, passwords, presence, roles, second_step, sessions
from services.desk.people.limits import Limiter
from services.desk.people.models import AGENT_LINKS, AGENTS, SESSIONS
from services.desk.people.schemas import LinkView, PersonView
from services.desk.people.service import mail_address, too_many
from shared.clock import utc_now
from shared.errors import Rejected
from shared.text import storable

_LONGEST_NAME = 200
_IS_ADMIN = and_(AGENTS.c.role.in_(roles.with_permission(Permission.MANAGE_PEOPLE)), AGENTS.c.active)


async def people(desk: Desk) -> tuple[PersonView, ...]:
    """Lists everybody who may sign in, was invited to, or could once, by name."""
    now = utc_now()
    seen = (
        select(SESSIONS.c.agent_id, func.count().label("sessions"), func.max(SESSIONS.c.used_at).label("seen_at"))
        .where(SESSIONS.c.expires_at > now)
        .group_by(SESSIONS.c.agent_id)
        .subquery()
    )
    found = (
        select(AGENTS, func.coalesce(seen.c.sessions, 0).label("sessions"), seen.c.seen_at)
        .outerjoin(seen, seen.c.agent_id == AGENTS.c.id)
        .order_by(AGENTS.c.active.desc(), AGENTS.c.name, AGENTS.c.email)
    )
    async with desk.database.transaction() as session:
        return tuple(
            PersonView(
                id=row.id,
                email=row.email,
                name=row.name,
                role=row.role,
                state="active" if row.active else "disabled" if row.password_hash else "invited",
                two_step=row.totp_seed is not None,
                sessions=row.sessions,
                seen_at=row.seen_at,
            )
            for row in await session.execute(found)
        )


async def person(desk: Desk, agent: str) -> PersonView:
    """Returns one person, by mail address. Raises Rejected 404."""
    email = agent.strip().lower()
    found = next((each for each in await people(desk) if each.email == email), None)
    if found is None:
        raise _unknown(agent)
    return found


async def invite(desk: Desk, email: str, name: str, role: str, actor: Actor) -> LinkView:
    """Lets somebody join by a link that they use once. Inviting them again makes a new link.
    Rejected 409 where somebody with this address has joined already, 403, 422."""
    actor.require(Permission.MANAGE_PEOPLE)
    email, name = mail_address(email), " ".join(storable(name).split())[:_LONGEST_NAME]
    values = {"id": str(uuid4()), "email": email, "name": name or email, "role": role}
    async with desk.database.transaction() as session:
        await roles.check(session, role)
        new = upsert(AGENTS).values(values | {"password_hash": "", "active": False})
        await session.execute(new.on_conflict_do_nothing(index_elements=["email"]))
        row = await _hold(session, email)
        if row.password_hash:
            raise Rejected(409, "joined", f"{email} already has an account. Create a password reset link instead.")
        await session.execute(update(AGENTS).where(AGENTS.c.id == row.id).values(name=values["name"], role=role))
        await audit.note(session, "person.invited", actor, email, role=role)
        return await links.make(desk, session, row)


async def password_link(desk: Desk, agent: str, actor: Actor) -> LinkView:
    """Makes a link by which they set a new password, once; the old one works until then.
    Rejected 403, 404, 409 where they are disabled."""
    actor.require(Permission.MANAGE_PEOPLE)
    async with desk.database.transaction() as session:
        row = await _hold(session, agent)
        if row.password_hash and not row.active:
            raise Rejected(409, "disabled", "This person is disabled. Enable them first.")
        await audit.note(session, "password.link" if row.password_hash else "person.invited", actor, row.email)
        return await links.make(desk, session, row)


async def disable(desk: Desk, agent: str, actor: Actor) -> int:
    """Disables somebody: they can sign in no more, are signed out everywhere and are offered no
    calls; their open conversations go back to their queues. Whoever has not joined yet is
    forgotten. How many conversations went back. Rejected 403, 404; 409 `last-admin`."""
    actor.require(Permission.MANAGE_PEOPLE)
    async with desk.unit_of_work() as work:
        row = await _hold(work.session, agent)
        await _not_the_last_admin(work.session, row)
        if row.active or not row.password_hash:
            await audit.note(work.session, "person.disabled", actor, row.email)
        if not row.password_hash:
            await work.session.execute(delete(AGENTS).where(AGENTS.c.id == row.id))
            return 0
        await sessions.ended(work, row.id, row.email, actor)
        if row.active:
            await presence.change(work, row, "away", "", actor=actor)
        await work.session.execute(update(AGENTS).where(AGENTS.c.id == row.id).values(active=False))
        await work.session.execute(delete(AGENT_LINKS).where(AGENT_LINKS.c.agent_id == row.id))
        return await assignment.give_back(desk, work, row, actor)


async def enable(desk: Desk, agent: str, actor: Actor) -> None:
    """Enables somebody: they can sign in again, with the password that they had. Rejected 403,
    404; 409 where they have never joined."""
    actor.require(Permission.MANAGE_PEOPLE)
    async with desk.database.transaction() as session:
        row = await _hold(session, agent)
        if not row.password_hash:
            raise Rejected(409, "not-joined", "This person has not joined yet. Create a new link for them.")
        if not row.active:
            await session.execute(update(AGENTS).where(AGENTS.c.id == row.id).values(active=True))
            await audit.note(session, "person.enabled", actor, row.email)


async def set_role(desk: Desk, agent: str, role: str, actor: Actor) -> None:
    """Changes a role, from the next request on. Whose new role takes no calls is offered none.
    Rejected 403, 404, 409 `last-admin`, 422."""
    actor.require(Permission.MANAGE_PEOPLE)
    async with desk.unit_of_work() as work:
        permissions = await roles.check(work.session, role)
        row = await _hold(work.session, agent)
        if role == row.role:
            return
        if Permission.MANAGE_PEOPLE not in permissions:
            await _not_the_last_admin(work.session, row)
        if Permission.TAKE_CALLS not in permissions and row.active:
            await presence.change(work, row, "away", "", actor=actor)
        await work.session.execute(update(AGENTS).where(AGENTS.c.id == row.id).values(role=role))
        await audit.note(work.session, "person.role", actor, row.email, role=role)


async def end_second_step(desk: Desk, agent: str, actor: Actor) -> None:
    """Ends the second step: their own, or that of somebody who lost their telephone and their
    recovery codes. Rejected 403, 404."""
    actor.require_for(agent, Permission.MANAGE_PEOPLE)
    async with desk.database.transaction() as session:
        row = await _hold(session, agent)
        if row.totp_seed is not None:
            await second_step.turn_off(session, row, actor)


async def change_password(
    desk: Desk, tries: Limiter, agent: str, old: str, new: str, actor: Actor, *, but: str = ""
) -> None:
    """Changes an agent's own password and ends all their sessions except one (`but`, its id).
    Raises Rejected 403 if the old password is wrong, 422 if the new one is not acceptable, 429."""
    row = await confirmed(desk, tries, agent, old)
    hashed = await passwords.hash_new(new, row.email, row.name)
    async with desk.unit_of_work() as work:
        await _hold(work.session, agent)
        await work.session.execute(update(AGENTS).where(AGENTS.c.id == row.id).values(password_hash=hashed))
        await work.session.execute(delete(AGENT_LINKS).where(AGENT_LINKS.c.agent_id == row.id))
        await audit.note(work.session, "password.changed", actor, row.email)
        await sessions.ended(work, row.id, row.email, actor, but=but)


async def confirmed(desk: Desk, tries: Limiter, agent: str, password: str) -> Any:
    """Returns the row of a signed-in agent after checking their password once more, before
    something that a thief of their browser would do first. Raises Rejected 403, 429."""
    key, now = f"confirm:{agent}", time.monotonic()
    if tries.wait(key, now):
        raise too_many()
    tries.fail(key, now)
    async with desk.database.transaction() as session:
        row = (await session.execute(select(AGENTS).where(AGENTS.c.email == agent, AGENTS.c.active))).one_or_none()
    if row is None or not await passwords.matches(password, row.password_hash):
        raise Rejected(403, "password-wrong", "Wrong password.")
    tries.forget(key)
    return row


async def _hold(session: AsyncSession, agent: str) -> Any:
    """Returns the agent's row, locked together with all admins, so that two of them do not
    disable each other. Raises Rejected 404."""
    email = storable(agent.strip().lower())
    found = select(AGENTS).where(or_(AGENTS.c.email == email, _IS_ADMIN)).order_by(AGENTS.c.id).with_for_update()
    row = next((row for row in await session.execute(found) if row.email == email), None)
    if row is None:
        raise _unknown(agent)
    return row


async def _not_the_last_admin(session: AsyncSession, row: Any) -> None:
    admins = set(await session.scalars(select(AGENTS.c.id).where(_IS_ADMIN)))
    if admins == {row.id}:
        raise Rejected(409, "last-admin", "This is the only admin. Make someone else an admin first.")


def _unknown(agent: str) -> Rejected:
    return Rejected(404, "no-such-agent", f"Nobody has the address {agent[:100]}.")
