"""Signing in, and who an agent is."""

from __future__ import annotations

import secrets
import time
from typing import Any
from uuid import uuid4

from msgspec import structs
from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.desk.actors import NOBODY, SCOPES, Actor, Kind, Permission
from services.desk.context import Desk
from services.desk.people import audit, passwords, presence, roles, second_step, sessions
from services.desk.people.limits import WIDER, Limiter, network
from services.desk.people.models import AGENTS, API_TOKENS
from services.desk.people.schemas import AgentView, Session, Token
from services.desk.people.sessions import agent_view, digest, same_secret
from shared.clock import utc_now
from shared.db import Database
from shared.errors import Rejected
from shared.security import tokens as signed
from shared.text import storable

COOKIE = "switchboard_session"
"""Set it HttpOnly, SameSite=Lax, Path=/, Secure where `public_url` is https; Max-Age from
`session_hours`."""
session, sign_out = sessions.find, sessions.sign_out
TOKEN_PREFIX = "sbd_"  # noqa: S105 - lets secret scanners find a token that got out
_CODE_WITHIN = 300
"""Seconds from the password to the code."""
_PURPOSE = "sign-in code"


class CodeNeeded(Exception):
    """The password is right, and this account has a second step. `ticket`: what `sign_in_with_code`
    wants."""

    def __init__(self, ticket: str) -> None:
        super().__init__("a code is needed")
        self.ticket = ticket


async def sign_in(desk: Desk, tries: Limiter, email: str, password: str, *, ip: str, browser: str = "") -> str:
    """Signs an agent in; returns the new session's token, for the cookie. Raises Rejected 401
    `sign-in-failed` (the same for an unknown address and a wrong password), 429
    `too-many-tries`; CodeNeeded."""
    email, now = storable(email.strip().lower()), time.monotonic()
    _not_too_often(tries, email, ip, now)  # counted before the slow check, so that parallel tries do not slip through
    async with desk.database.transaction() as transaction:
        found = select(AGENTS).where(AGENTS.c.email == email, AGENTS.c.active)
        agent = (await transaction.execute(found)).one_or_none()
    if not await passwords.matches(password, agent.password_hash if agent else None) or agent is None:
        await _refused(desk, agent, ip, "password")
        raise Rejected(401, "sign-in-failed", "Wrong email or password.")
    _right(tries, email, ip, now)
    if agent.totp_seed is not None:
        until = int(time.time()) + _CODE_WITHIN
        raise CodeNeeded(signed.sign(desk.common.secret.get_secret_value(), _PURPOSE, f"{agent.id} {until}"))
    async with desk.database.transaction() as transaction:
        await audit.note(transaction, "sign-in", Actor(Kind.AGENT, agent.email, ip=ip))
        return await sessions.begin(desk, transaction, agent.id, ip, browser)


async def sign_in_with_code(desk: Desk, tries: Limiter, ticket: str, code: str, *, ip: str, browser: str = "") -> str:
    """Completes the second step of signing in with a code of the app, or a recovery code.
    Returns the new session's token. Raises Rejected 401 `sign-in-again` if the password was
    entered too long ago, 401 `code`, 429."""
    known = signed.verify(desk.common.secret.get_secret_value(), _PURPOSE, ticket) or ""
    own, _, until = known.partition(" ")
    if not own or int(until) < time.time():
        raise Rejected(401, "sign-in-again", "Your sign-in timed out. Sign in again.")
    key, now = f"code:{own}", time.monotonic()
    if tries.wait(key, now):  # from all addresses together: who comes so far has the password
        raise too_many()
    tries.fail(key, now)
    async with desk.database.transaction() as transaction:
        agent = (await transaction.execute(select(AGENTS).where(AGENTS.c.id == own, AGENTS.c.active))).one_or_none()
        if agent is not None and agent.totp_seed is not None:
            taken = await second_step.takes(desk, transaction, agent, code)
            if taken:
                tries.forget(key)
                await audit.note(transaction, "sign-in", Actor(Kind.AGENT, agent.email, ip=ip), code=taken)
                return await sessions.begin(desk, transaction, agent.id, ip, browser)
    await _refused(desk, agent, ip, "code")
    raise Rejected(401, "code", "Wrong code. Check the app, and its clock.")


def too_many() -> Rejected:
    """Returns the rejection of somebody who guessed too often and has to wait."""
    return Rejected(429, "too-many-tries", "Too many failed attempts. Wait 15 minutes, then try again.")


def _not_too_often(tries: Limiter, email: str, ip: str, now: float) -> None:
    """Limits how often one account may be guessed at from one address, and all accounts together
    from it to ten times as often. Nobody elsewhere is held up by that: a stranger cannot lock
    anybody out."""
    pair, place = _keys(email, ip)
    if tries.wait(pair, now) or tries.wait(place, now, times=WIDER):
        raise too_many()
    tries.fail(pair, now)
    tries.fail(place, now)


def _right(tries: Limiter, email: str, ip: str, tried: float) -> None:
    pair, place = _keys(email, ip)
    tries.forget(pair)
    tries.take_back(place, tried)  # its failures stay: one valid account is no licence to guess at others


def _keys(email: str, ip: str) -> tuple[str, str]:
    place = network(ip)
    return f"account:{email[:320]} {place}", f"place:{place}"


async def _refused(desk: Desk, agent: Any, ip: str, why: str) -> None:
    """Records a refused sign-in. An address that nobody has is not stored: it may be a password
    in the wrong field."""
    async with desk.database.transaction() as transaction:
        subject = agent.email if agent is not None else ""
        await audit.note(transaction, "sign-in.refused", structs.replace(NOBODY, ip=ip), subject, why=why)


def check_csrf(session: Session, token: str) -> None:
    """Raises Rejected 403 `csrf` if the form's token is not this session's."""
    if not same_secret(session.csrf, token):
        raise Rejected(403, "csrf", "This page has expired. Reload it, then try again.")


async def agents(desk: Desk) -> tuple[AgentView, ...]:
    """Lists all active agents by name, for the assign menu."""
    async with desk.database.transaction() as transaction:
        rows = await transaction.execute(select(AGENTS).where(AGENTS.c.active).order_by(AGENTS.c.name, AGENTS.c.email))
        return tuple(agent_view(row) for row in rows)


async def names(desk: Desk) -> dict[str, str]:
    """Returns names by mail address, including those of disabled agents, whose actions remain
    theirs."""
    async with desk.database.transaction() as transaction:
        rows = await transaction.execute(select(AGENTS.c.email, AGENTS.c.name))
        return {row.email: row.name or row.email for row in rows}


async def set_language(desk: Desk, agent: str, language: str) -> None:
    """Sets the agent's own language for the console (`agent`: e-mail address)."""
    async with desk.database.transaction() as transaction:
        await transaction.execute(update(AGENTS).where(AGENTS.c.email == agent).values(language=language[:20]))


async def create_agent(
    database: Database,
    *,
    email: str,
    name: str,
    role: str,
    password: str,
    actor: Actor,
    phone: str = "",
    skills: tuple[str, ...] = (),
) -> bool:
    """Creates an agent. Returns False, and changes nothing, where this address is taken.
    `phone`: where calls reach them; `skills`: none means all. Rejected 403, 422."""
    actor.require(Permission.MANAGE_PEOPLE)
    email = mail_address(email)
    hashed = await passwords.hash_new(password, email, name)
    values: dict[str, Any] = {
        "id": str(uuid4()),
        "email": email,
        "name": name.strip() or email,
        "role": role,
        "password_hash": hashed,
    }
    levels = presence.normal_skills(skills)
    values |= {
        "phone": presence.normal_number(phone) if phone.strip() else "",
        "skills": list(levels),
        "skill_levels": levels,
    }
    async with database.transaction() as transaction:
        await roles.check(transaction, role)
        statement = (
            upsert(AGENTS).values(values).on_conflict_do_nothing(index_elements=["email"]).returning(AGENTS.c.id)
        )
        made = await transaction.scalar(statement) is not None
        if made:
            await audit.note(transaction, "person.created", actor, email, role=role)
        return made


def mail_address(text: str) -> str:
    """Converts a mail address into lower case. Raises Rejected 422 if it is not one."""
    email = text.strip().lower()
    if (
        email.count("@") != 1
        or not all(email.split("@"))
        or not email.isprintable()
        or " " in email
        or len(email) > 320
    ):
        raise Rejected(422, "email", f"{email[:100]!r} is not an email address.")
    return email


async def create_token(database: Database, *, name: str, scopes: tuple[str, ...], actor: Actor) -> str:
    """Creates an API token; only its hash is kept, so this is the one time it can be read.
    Rejected 403, 422."""
    actor.require(Permission.MANAGE_TOKENS)
    if not scopes or not set(scopes) <= set(SCOPES):
        raise Rejected(422, "scopes", f"Scopes are {', '.join(SCOPES)}.")
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    async with database.transaction() as transaction:
        await transaction.execute(insert(API_TOKENS).values(token_hash=digest(token), name=name, scopes=list(scopes)))
        await audit.note(transaction, "token.created", actor, name, scopes=",".join(scopes))
    return token


async def revoke_token(database: Database, name: str, *, actor: Actor) -> int:
    """Revokes all API tokens of this name, from the next request on; returns how many they were.
    Rejected 403."""
    actor.require(Permission.MANAGE_TOKENS)
    ended = update(API_TOKENS).where(API_TOKENS.c.name == name, API_TOKENS.c.revoked_at.is_(None))
    async with database.transaction() as transaction:
        count = len((await transaction.execute(ended.values(revoked_at=utc_now()).returning(API_TOKENS.c.name))).all())
        if count:
            await audit.note(transaction, "token.revoked", actor, name)
        return count


async def tokens(database: Database) -> list[Token]:
    """Lists the API tokens that work, oldest first."""
    found = select(API_TOKENS).where(API_TOKENS.c.revoked_at.is_(None)).order_by(API_TOKENS.c.created_at)
    async with database.transaction() as transaction:
        return [Token(name=row.name, scopes=tuple(row.scopes)) for row in await transaction.execute(found)]


async def check_token(desk: Desk, token: str) -> Token | None:
    """Returns the name and scopes of this API token; None if it is unknown or revoked."""
    async with desk.database.statements() as transaction:
        found = select(API_TOKENS).where(API_TOKENS.c.token_hash == digest(token), API_TOKENS.c.revoked_at.is_(None))
        row = (await transaction.execute(found)).one_or_none()
    return Token(name=row.name, scopes=tuple(row.scopes)) if row else None
