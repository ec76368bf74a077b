"""Who is signed in where: a session lasts while it is used, and no longer than a day."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from contextlib import suppress
from datetime import datetime, timedelta
from operator import xor
from typing import Any

import msgspec
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.actors import Actor, Permission, actor_of, permissions_of
from services.desk.context import Desk
from services.desk.people import audit, presence
from services.desk.people.models import AGENTS, ROLES, SESSIONS
from services.desk.people.schemas import AgentView, Session, SessionView
from services.desk.unit_of_work import UnitOfWork
from shared.clock import utc_now
from shared.errors import Rejected
from shared.events.desk import AgentSignedOut
from shared.text import storable

_PROLONG = timedelta(minutes=5)
"""A session is written to at most this often."""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LONGEST = 300
"""Characters that are kept of what a browser says of itself."""


async def begin(desk: Desk, transaction: AsyncSession, agent: str, ip: str, browser: str) -> str:
    """Begins a session and returns its token, for the cookie. `agent`: an id."""
    token, now = secrets.token_urlsafe(32), utc_now()
    await transaction.execute(delete(SESSIONS).where(SESSIONS.c.expires_at < now))
    values = {
        "token_hash": digest(token),
        "agent_id": agent,
        "expires_at": _expires(desk, now, now),
        "ip": ip,
        "browser": storable(browser)[:_LONGEST],
    }
    await transaction.execute(insert(SESSIONS).values(values))
    return token


async def find(desk: Desk, token: str, *, prolong: bool = True) -> Session | None:
    """Returns the session that this cookie belongs to; None if it is unknown or expired. A
    person's use prolongs it, up to its longest life."""
    if not token or len(token) > 100:
        return None
    now, own = utc_now(), digest(token)
    columns = (
        AGENTS,
        ROLES.c.permissions,
        SESSIONS.c.expires_at,
        SESSIONS.c.created_at.label("begun_at"),
        SESSIONS.c.id.label("session_id"),
    )
    async with desk.database.statements() as transaction:
        joined = select(*columns).join(SESSIONS, SESSIONS.c.agent_id == AGENTS.c.id)
        joined = joined.join(ROLES, ROLES.c.name == AGENTS.c.role)
        found = joined.where(SESSIONS.c.token_hash == own, SESSIONS.c.expires_at > now, AGENTS.c.active)
        row = (await transaction.execute(found)).one_or_none()
        if row is None or (expires := _expires(desk, now, row.begun_at)) <= now:
            return None
        if prolong and expires - row.expires_at > _PROLONG:
            values = {"expires_at": expires, "used_at": now}
            await transaction.execute(update(SESSIONS).where(SESSIONS.c.token_hash == own).values(values))
    key = desk.common.secret.get_secret_value().encode()
    csrf = _masked(hmac.digest(key, b"csrf\x00" + own, "sha256"))
    return Session(
        agent=agent_view(row),
        permissions=permissions_of(row.permissions),
        expires_at=expires,
        csrf=csrf,
        id=row.session_id,
        two_step=row.totp_seed is not None,
    )


def _masked(secret: bytes) -> str:
    """Makes another text for the same secret each time: what stands in a compressed page cannot
    be guessed from its lengths (BREACH)."""
    pad = secrets.token_bytes(len(secret))
    return (pad + bytes(map(xor, pad, secret))).hex()


def same_secret(one: str, other: str) -> bool:
    """Whether both are masked forms of one secret."""
    with suppress(ValueError):
        halves = [(text[: len(text) // 2], text[len(text) // 2 :]) for text in map(bytes.fromhex, (one, other))]
        mine, theirs = (bytes(map(xor, pad, hidden)) for pad, hidden in halves)
        return bool(mine) and hmac.compare_digest(mine, theirs)
    return False


async def sign_out(desk: Desk, token: str, ip: str = "") -> None:
    """Ends the session; unknown tokens are nothing. Whoever has no other one is not offered calls
    any more."""
    own = SESSIONS.c.token_hash == digest(token)
    async with desk.unit_of_work() as work:
        agent = await work.session.scalar(select(SESSIONS.c.agent_id).where(own))
        email = await _hold(work.session, agent)
        if agent and await work.session.scalar(delete(SESSIONS).where(own).returning(SESSIONS.c.id)):
            await audit.note(work.session, "sign-out", msgspec.structs.replace(actor_of(email), ip=ip))
            await _left(work, agent, email)


async def listed(desk: Desk, agent: str) -> tuple[SessionView, ...]:
    """Lists the sessions of an agent (an id), last used first."""
    found = select(SESSIONS).where(SESSIONS.c.agent_id == agent, SESSIONS.c.expires_at > utc_now())
    async with desk.database.transaction() as transaction:
        return tuple(
            SessionView(
                id=row.id,
                created_at=row.created_at,
                used_at=row.used_at,
                expires_at=row.expires_at,
                ip=row.ip,
                browser=row.browser,
            )
            for row in await transaction.execute(found.order_by(SESSIONS.c.used_at.desc(), SESSIONS.c.id))
        )


async def end(desk: Desk, agent: str, actor: Actor, *, one: str = "", but: str = "") -> int:
    """Ends sessions of an agent (an id), at once: `one`, or all of them but one. How many there
    were. Rejected 403; 404 for `one` that is not there."""
    if one and not _UUID.fullmatch(one):
        raise _over()
    async with desk.unit_of_work() as work:
        email = await _hold(work.session, agent)
        actor.require_for(email, Permission.MANAGE_PEOPLE)
        count = await ended(work, agent, email, actor, one=one, but=but)
    if one and not count:
        raise _over()
    return count


async def ended(work: UnitOfWork, agent: str, email: str, actor: Actor, *, one: str = "", but: str = "") -> int:
    """Ends sessions like `end`, in a transaction that does more and has locked the agent."""
    gone = delete(SESSIONS).where(SESSIONS.c.agent_id == agent)
    if one:
        gone = gone.where(SESSIONS.c.id == one)
    if but:
        gone = gone.where(SESSIONS.c.id != but)
    count = len((await work.session.execute(gone.returning(SESSIONS.c.id))).all())
    if count:
        await audit.note(work.session, "session.ended", actor, email, sessions=str(count))
        await _left(work, agent, email)
    return count


async def _hold(session: AsyncSession, agent: str | None) -> str:
    """Locks an agent and returns their mail address. Agents are locked before their sessions."""
    found = select(AGENTS.c.email).where(AGENTS.c.id == agent).with_for_update(key_share=True)
    return str(await session.scalar(found) or "")


async def _left(work: UnitOfWork, agent: str, email: str) -> None:
    work.record(AgentSignedOut(), "", utc_now(), actor_of(email), customer=email)
    left = select(func.count()).where(SESSIONS.c.agent_id == agent, SESSIONS.c.expires_at > utc_now())
    if not await work.session.scalar(left):
        await presence.leave(work, agent)


def _over() -> Rejected:
    return Rejected(404, "no-such-session", "This session has already ended.")


def agent_view(row: Any) -> AgentView:
    """Converts an agent's row into the view for readers."""
    return AgentView(id=row.id, email=row.email, name=row.name, role=row.role, language=row.language)


def digest(token: str) -> bytes:
    """Hashes a token with SHA-256: a random token of 120 bits or more needs no salt and no slow
    hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _expires(desk: Desk, now: datetime, begun: datetime) -> datetime:
    settings = desk.settings
    return min(now + timedelta(hours=settings.session_hours), begun + timedelta(hours=settings.session_longest))
