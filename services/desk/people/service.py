"""Signing in and out, and who an agent is."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.desk.context import Desk
from services.desk.people import passwords, presence
from services.desk.people.models import AGENTS, API_TOKENS, SESSIONS
from services.desk.people.views import AgentView, Session, Token
from services.desk.work import unit_of_work
from shared.clock import utc_now
from shared.db import Database
from shared.errors import Rejected

COOKIE = "switchboard_session"
"""Set it HttpOnly, SameSite=Lax, Path=/, Secure where `public_url` is https; Max-Age from `session_hours`."""
SCOPES = ("read", "write", "admin")
TOKEN_PREFIX = "sbd_"  # noqa: S105 - lets secret scanners find a token that got out
_PROLONG = timedelta(minutes=5)
"""A session is written to at most this often."""


async def sign_in(desk: Desk, email: str, password: str, *, ip: str) -> str:
    """The new session's token, for the cookie. Rejected 401 `sign-in-failed` (the same for an unknown address and a wrong
    password), 429 `too-many-tries`."""
    email, now = email.strip().lower(), time.monotonic()
    keys = (f"address:{email}", f"ip:{ip}")
    if any(desk.sign_ins.wait(key, now) for key in keys):
        raise Rejected(429, "too-many-tries", "Too many failed tries. Wait 15 minutes, then try again.")
    for key in keys:
        desk.sign_ins.fail(key, now)  # counted before the slow check, so that parallel tries do not slip through
    async with desk.database.transaction() as session:
        found = select(AGENTS).where(AGENTS.c.email == email.replace("\x00", ""), AGENTS.c.active)
        agent = (await session.execute(found)).one_or_none()
    if not await passwords.matches(password, agent.password_hash if agent else None) or agent is None:
        raise Rejected(401, "sign-in-failed", "This address and password do not belong together.")
    desk.sign_ins.forget(keys[0])
    desk.sign_ins.take_back(keys[1], now)  # its failures stay: one valid account is no licence to guess at others
    token = secrets.token_urlsafe(32)
    expires = utc_now() + timedelta(hours=desk.settings.session_hours)
    async with desk.database.transaction() as session:
        await session.execute(delete(SESSIONS).where(SESSIONS.c.expires_at < utc_now()))
        await session.execute(insert(SESSIONS).values(token_hash=_hash(token), agent_id=agent.id, expires_at=expires))
    return token


async def session(desk: Desk, token: str, *, prolong: bool = True) -> Session | None:
    """Who this cookie belongs to; None where it is unknown or expired. A person's use prolongs it."""
    if not token or len(token) > 100:
        return None
    now = utc_now()
    expires = now + timedelta(hours=desk.settings.session_hours)
    async with desk.database.transaction() as transaction:
        joined = select(AGENTS, SESSIONS.c.expires_at).join(SESSIONS, SESSIONS.c.agent_id == AGENTS.c.id)
        row = (
            await transaction.execute(
                joined.where(SESSIONS.c.token_hash == _hash(token), SESSIONS.c.expires_at > now, AGENTS.c.active)
            )
        ).one_or_none()
        if row is None:
            return None
        if prolong and expires - row.expires_at > _PROLONG:
            await transaction.execute(
                update(SESSIONS).where(SESSIONS.c.token_hash == _hash(token)).values(expires_at=expires)
            )
    csrf = hmac.new(
        desk.common.secret.get_secret_value().encode(), b"csrf\x00" + _hash(token), hashlib.sha256
    ).hexdigest()
    return Session(agent=_agent(row), expires_at=expires, csrf=csrf)


async def sign_out(desk: Desk, token: str) -> None:
    """Ends the session; unknown tokens are nothing. Whoever has no other one is not offered calls any more."""
    async with unit_of_work(desk) as work:
        ended = delete(SESSIONS).where(SESSIONS.c.token_hash == _hash(token)).returning(SESSIONS.c.agent_id)
        agent = await work.session.scalar(ended)
        left = select(SESSIONS.c.agent_id).where(SESSIONS.c.agent_id == agent, SESSIONS.c.expires_at > utc_now())
        if agent and await work.session.scalar(left.limit(1)) is None:
            await presence.leave(work, agent)


def check_csrf(session: Session, token: str) -> None:
    """Rejected 403 `csrf` where the form's token is not this session's."""
    if not hmac.compare_digest(session.csrf.encode(), token.encode()):
        raise Rejected(403, "csrf", "This page is too old or was not ours. Load it again, then repeat what you did.")


async def agents(desk: Desk) -> tuple[AgentView, ...]:
    """All active agents by name, for the assign menu."""
    async with desk.database.transaction() as transaction:
        rows = await transaction.execute(select(AGENTS).where(AGENTS.c.active).order_by(AGENTS.c.name, AGENTS.c.email))
        return tuple(_agent(row) for row in rows)


async def agent_by_email(desk: Desk, email: str) -> AgentView | None:
    """An active agent."""
    async with desk.database.transaction() as transaction:
        found = select(AGENTS).where(AGENTS.c.email == email.strip().lower().replace("\x00", ""), AGENTS.c.active)
        row = (await transaction.execute(found)).one_or_none()
    return _agent(row) if row else None


async def set_language(desk: Desk, agent: str, language: str) -> None:
    """The agent's own language for the console (`agent`: e-mail address)."""
    async with desk.database.transaction() as transaction:
        await transaction.execute(update(AGENTS).where(AGENTS.c.email == agent).values(language=language[:20]))


async def create_agent(
    database: Database,
    *,
    email: str,
    name: str,
    role: str,
    password: str,
    phone: str = "",
    skills: tuple[str, ...] = (),
) -> bool:
    """False, and nothing changed, where this address is taken. `phone`: where calls reach them; `skills`: none means all.
    Rejected 422."""
    email = email.strip().lower()
    if email.count("@") != 1 or not all(email.split("@")) or not email.isprintable() or " " in email:
        raise Rejected(422, "email", f"{email!r} is not a mail address.")
    if role not in ("agent", "admin"):
        raise Rejected(422, "role", "The role is `agent` or `admin`.")
    hashed = await asyncio.to_thread(passwords.hash_password, password)
    values: dict[str, Any] = {
        "id": str(uuid4()),
        "email": email,
        "name": name.strip() or email,
        "role": role,
        "password_hash": hashed,
    }
    values |= {
        "phone": presence.normal_number(phone) if phone.strip() else "",
        "skills": presence.normal_skills(skills),
    }
    async with database.transaction() as transaction:
        statement = (
            upsert(AGENTS).values(values).on_conflict_do_nothing(index_elements=["email"]).returning(AGENTS.c.id)
        )
        return await transaction.scalar(statement) is not None


async def create_token(database: Database, *, name: str, scopes: tuple[str, ...]) -> str:
    """A new API token; only its hash is kept, so this is the one time it can be read. Rejected 422."""
    if not scopes or not set(scopes) <= set(SCOPES):
        raise Rejected(422, "scopes", f"Scopes are {', '.join(SCOPES)}.")
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    async with database.transaction() as transaction:
        await transaction.execute(insert(API_TOKENS).values(token_hash=_hash(token), name=name, scopes=list(scopes)))
    return token


async def revoke_token(database: Database, name: str) -> int:
    """No API token of this name works any more, from the next request on; how many they were."""
    ended = update(API_TOKENS).where(API_TOKENS.c.name == name, API_TOKENS.c.revoked_at.is_(None))
    async with database.transaction() as transaction:
        return len((await transaction.execute(ended.values(revoked_at=utc_now()).returning(API_TOKENS.c.name))).all())


async def tokens(database: Database) -> list[Token]:
    """Those that work, oldest first."""
    found = select(API_TOKENS).where(API_TOKENS.c.revoked_at.is_(None)).order_by(API_TOKENS.c.created_at)
    async with database.transaction() as transaction:
        return [Token(name=row.name, scopes=tuple(row.scopes)) for row in await transaction.execute(found)]


async def check_token(desk: Desk, token: str) -> Token | None:
    """Whose API token this is; None where it is unknown or revoked."""
    async with desk.database.transaction() as transaction:
        found = select(API_TOKENS).where(API_TOKENS.c.token_hash == _hash(token), API_TOKENS.c.revoked_at.is_(None))
        row = (await transaction.execute(found)).one_or_none()
    return Token(name=row.name, scopes=tuple(row.scopes)) if row else None


def _hash(token: str) -> bytes:
    """A random token of 256 bits needs no salt and no slow hash."""
    return hashlib.sha256(token.encode()).digest()


def _agent(row: Any) -> AgentView:
    return AgentView(id=row.id, email=row.email, name=row.name, role=row.role, language=row.language)
