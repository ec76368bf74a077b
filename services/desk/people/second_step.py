"""The second step of signing in: a code of an authenticator app (RFC 6238), or one of the recovery
codes that were written down."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
import unicodedata
from base64 import b32encode
from dataclasses import dataclass
from typing import Any

import pyotp
import segno
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.actors import Actor
from services.desk.context import Desk
from services.desk.people import audit, sessions
from services.desk.people.models import AGENTS, RECOVERY_CODES
from services.desk.people.sessions import digest
from shared.errors import Rejected
from shared.security import tokens

_SEED = 16
"""Bytes in the database. The secret that the app has is made of them and of SWITCHBOARD_SECRET: who
has only one, has no codes."""
_STEP = 30
"""Seconds that a code lasts, in every authenticator app."""
_DRIFT = 1
"""Steps that a telephone's clock may be off (RFC 6238, 5.2)."""
_CODES, _CODE = 8, 15
"""Recovery codes, and bytes of each: 120 bits need no slow hash."""
_GROUP = 6
_PURPOSE = "second step"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an app has to be told, and what comes back with its first code."""

    ticket: str
    secret: str
    """For typing, in groups of four."""
    picture: str
    """A QR code, as the address of an image."""


def enrol(desk: Desk, agent: str, email: str, ticket: str = "") -> Enrolment:
    """Creates a new secret; nothing is stored until `turn_on`. `agent`: an id; `ticket`: of an
    enrolment to be continued."""
    seed = _seed(desk, agent, ticket) or secrets.token_bytes(_SEED)
    secret = _secret(desk, seed)
    address = pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name="Switchboard")
    picture = segno.make(address, micro=False).svg_data_uri(scale=5, border=4, dark="#000", light="#fff")
    ticket = tokens.sign(desk.common.secret.get_secret_value(), _PURPOSE, f"{agent} {seed.hex()}")
    return Enrolment(ticket, " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)), picture)


async def turn_on(desk: Desk, agent: Any, ticket: str, code: str, actor: Actor, *, but: str = "") -> tuple[str, ...]:
    """Turns on the second step: signing in asks for a code from now on, and all sessions end but
    one (its id). Returns the recovery codes, which are shown only once. `agent`: a row. Raises
    Rejected 422 if the code is not this secret's."""
    seed = _seed(desk, agent.id, ticket)
    if seed is None or (step := _step(desk, seed, code, 0)) is None:
        raise Rejected(422, "code", "Wrong code. Check the app, and its clock.")
    async with desk.unit_of_work() as work:
        values = {"totp_seed": seed, "totp_step": step}
        await work.session.execute(update(AGENTS).where(AGENTS.c.id == agent.id).values(values))
        await audit.note(work.session, "two-step.on", actor, agent.email)
        await sessions.ended(work, agent.id, agent.email, actor, but=but)
        return await _new_codes(work.session, agent.id)


async def turn_off(session: AsyncSession, agent: Any, actor: Actor) -> None:
    """Turns off the second step: the password is enough again. `agent`: a row."""
    values = {"totp_seed": None, "totp_step": 0}
    await session.execute(update(AGENTS).where(AGENTS.c.id == agent.id).values(values))
    await session.execute(delete(RECOVERY_CODES).where(RECOVERY_CODES.c.agent_id == agent.id))
    await audit.note(session, "two-step.off", actor, agent.email)


async def new_codes(desk: Desk, agent: Any, actor: Actor) -> tuple[str, ...]:
    """Creates recovery codes that replace the previous ones. `agent`: a row. Raises Rejected 409
    if there is no second step."""
    if agent.totp_seed is None:
        raise Rejected(409, "no-second-step", "Turn on two-step verification first.")
    async with desk.database.transaction() as session:
        await audit.note(session, "two-step.codes", actor, agent.email)
        return await _new_codes(session, agent.id)


async def codes_left(desk: Desk, agent: str) -> int:
    """Returns how many recovery codes of an agent are unused."""
    count = select(func.count()).where(RECOVERY_CODES.c.agent_id == agent)
    async with desk.database.transaction() as session:
        return int(await session.scalar(count) or 0)


async def takes(desk: Desk, session: AsyncSession, agent: Any, code: str) -> str:
    """Whether this code lets the agent (a row) in, each once: `app`, `recovery`, or empty."""
    step = _step(desk, agent.totp_seed, code, agent.totp_step)
    if step is not None:
        taken = update(AGENTS).where(AGENTS.c.id == agent.id, AGENTS.c.totp_step < step).values(totp_step=step)
        return "app" if await session.scalar(taken.returning(AGENTS.c.id)) else ""
    own = digest(_plain(code).upper())
    used = delete(RECOVERY_CODES).where(RECOVERY_CODES.c.agent_id == agent.id, RECOVERY_CODES.c.code_hash == own)
    return "recovery" if await session.scalar(used.returning(RECOVERY_CODES.c.agent_id)) else ""


async def _new_codes(session: AsyncSession, agent: str) -> tuple[str, ...]:
    codes = [b32encode(secrets.token_bytes(_CODE)).decode() for _ in range(_CODES)]
    await session.execute(delete(RECOVERY_CODES).where(RECOVERY_CODES.c.agent_id == agent))
    await session.execute(insert(RECOVERY_CODES), [{"code_hash": digest(code), "agent_id": agent} for code in codes])
    return tuple("-".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP)) for code in codes)


def _step(desk: Desk, seed: bytes, code: str, after: int) -> int | None:
    """Returns the time step that this is the code of; None if it is none, or one that was used."""
    code, now = _plain(code), int(time.time()) // _STEP
    app = pyotp.TOTP(_secret(desk, seed), interval=_STEP)
    near = range(max(now - _DRIFT, after + 1), now + _DRIFT + 1)
    return next((step for step in near if hmac.compare_digest(app.generate_otp(step).encode(), code.encode())), None)


def _seed(desk: Desk, agent: str, ticket: str) -> bytes | None:
    owner, _, seed = (tokens.verify(desk.common.secret.get_secret_value(), _PURPOSE, ticket) or "").partition(" ")
    return bytes.fromhex(seed) if seed and owner == agent else None


def _secret(desk: Desk, seed: bytes) -> str:
    key = desk.common.secret.get_secret_value().encode()
    return b32encode(hmac.new(key, b"totp\x00" + seed, hashlib.sha256).digest()[:20]).decode()


def _plain(code: str) -> str:
    """Normalizes a code as typed: full-width digits of a Korean keyboard, blanks and hyphens
    from copying."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", code) if letter.isalnum())[:64]
