"""Authenticates who speaks: a visitor by their token, or a person by a token that their site
signed.

Only the verified read a person's history. A visitor reads what this browser wrote, and becomes a
person once, one way.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from services.dashboard import repository
from services.dashboard.context import Dashboard
from services.dashboard.domain.drafts import Author
from services.dashboard.domain.identity import Identity, admit, identify
from services.dashboard.domain.refusal import Refusal
from services.dashboard.domain.sites import Site, Speaker
from services.dashboard.repository import Visitor
from shared.clock import utc_now
from shared.errors import Rejected
from shared.kernel import address_of, contact_point
from shared.metrics import METRICS
from shared.phone_numbers import typed

ROTATE_AFTER = timedelta(days=1)
OLDER_COUNTS = timedelta(minutes=10)
"""An answer with a new token may get lost on its way; the client then comes back with the older
one."""
_LONGEST_TOKEN = 200


@dataclass(frozen=True, slots=True)
class Opened:
    """A session. `token` goes to the visitor and is kept nowhere else."""

    token: str
    speaker: Speaker
    ignored: tuple[str, ...] = ()


def digest(token: str) -> str:
    """Hashes a token for storage. It has 256 random bits, so that a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


async def speaker(dashboard: Dashboard, site: Site, credential: str) -> Speaker:
    """Returns who sent this credential: a visitor's token or an identity token. Raises Rejected 401
    or 403."""
    now = utc_now()
    if not credential:
        raise Rejected(
            401,
            "token-missing",
            "open a session with POST /api/v1/sessions and send its token as `Authorization: Bearer …`",
        )
    if credential.count(".") == 2:
        person = _person(dashboard, site, credential, now)
        return Speaker(site, _author(dashboard, site, person), person.expires_at)
    async with dashboard.database.statements() as session:
        known = await _known(session, site, credential, now)
    if known is None:
        raise Rejected(
            401,
            "token-unknown",
            "this token has expired or is of another site: open a session with POST /api/v1/sessions",
        )
    _admit(site.mode, verified=known.author.verified, claimed=False)
    return Speaker(site, known.author, known.expires_at)


async def check(session: AsyncSession, speaker: Speaker) -> None:
    """Refuses a visitor who has signed in since they showed their token: what they wrote is a
    person's now, which a visitor's token must not reach. Raises Rejected 401."""
    visitor_id = visitor_of(speaker)
    if visitor_id and not await repository.has_visitor(session, visitor_id):
        raise signed_in_since()


def visitor_of(speaker: Speaker) -> str:
    """Returns the visitor's id; empty for a person."""
    return "" if speaker.author.verified else address_of(speaker.author.point)


def signed_in_since() -> Rejected:
    """Makes what a visitor is told whose token counts no more."""
    return Rejected(
        401,
        "token-unknown",
        "this token counts no more, as after a sign-in: open a session with POST /api/v1/sessions, and send it again",
    )


async def open_session(dashboard: Dashboard, site: Site, token: str, identity: str) -> Opened:
    """Opens a session for a visitor, or for a person whose identity token is valid.

    `token`: what the browser still has, or an empty string; one that has expired starts afresh.
    Raises Rejected.
    """
    now = utc_now()
    _admit(site.mode, verified=bool(identity), claimed=bool(identity))
    person = _person(dashboard, site, identity, now) if identity else None
    async with dashboard.database.transaction() as session:
        known = await _known(session, site, token, now)
        if person is None:
            if known is None or known.author.verified:
                return await _welcome(dashboard, session, site, now)
            if now - known.issued_at < ROTATE_AFTER:
                return Opened(token, Speaker(site, known.author, known.expires_at))
            fresh = secrets.token_urlsafe(32)
            renewed = replace(known, issued_at=now, expires_at=now + timedelta(days=dashboard.settings.visitor_days))
            await repository.rotate(session, renewed, digest(fresh), now + OLDER_COUNTS)
            return Opened(fresh, Speaker(site, renewed.author, renewed.expires_at))
        author = _author(dashboard, site, person)
        if known is not None:
            await repository.forget_visitor(session, known.id)
            if not known.author.verified:
                await repository.merge(session, known.author.point, author.point)
        fresh = secrets.token_urlsafe(32)
        await repository.add_visitor(
            session, Visitor(str(uuid4()), site.id, author, now, person.expires_at), digest(fresh)
        )
    if known is not None:
        dashboard.hub.notify(known.author.point)  # the chats that are still open with the earlier token
    return Opened(fresh, Speaker(site, author, person.expires_at), person.ignored)


async def enrol(dashboard: Dashboard, site: Site, token: str, author: Author) -> Speaker:
    """Adds a visitor whose token was made elsewhere. Idempotent by the token."""
    now = utc_now()
    expires_at = now + timedelta(days=dashboard.settings.visitor_days)
    new = Visitor(address_of(author.point), site.id, author, now, expires_at)
    async with dashboard.database.transaction() as session:
        await repository.add_visitor(session, new, digest(token))
    return Speaker(site, author, expires_at)


async def introduce(dashboard: Dashboard, author: Author) -> None:
    """Stores what a visitor said about themselves, for what they write later."""
    async with dashboard.database.transaction() as session:
        await repository.introduce(session, address_of(author.point), author)


async def _known(session: AsyncSession, site: Site, token: str, now: datetime) -> Visitor | None:
    if not token or len(token) > _LONGEST_TOKEN:
        return None
    return await repository.visitor(session, site.id, digest(token), now)


async def _welcome(dashboard: Dashboard, session: AsyncSession, site: Site, now: datetime) -> Opened:
    token, visitor_id = secrets.token_urlsafe(32), str(uuid4())
    new = Visitor(
        visitor_id,
        site.id,
        Author(contact_point("chat", visitor_id)),
        now,
        now + timedelta(days=dashboard.settings.visitor_days),
    )
    await repository.add_visitor(session, new, digest(token))
    return Opened(token, Speaker(site, new.author, new.expires_at))


def _admit(mode: str, *, verified: bool, claimed: bool) -> None:
    try:
        admit(mode, verified=verified, claimed=claimed)
    except Refusal as refusal:
        METRICS.refused.labels(channel="chat", reason=refusal.code).inc()
        raise Rejected(403, refusal.code, str(refusal)) from refusal


def _person(dashboard: Dashboard, site: Site, token: str, now: datetime) -> Identity:
    _admit(site.mode, verified=True, claimed=True)
    try:
        return identify(dashboard.signatures.claims(token, site.secrets), site.id, now)
    except Refusal as refusal:
        METRICS.refused.labels(channel="chat", reason=refusal.code).inc()
        raise Rejected(401, refusal.code, str(refusal)) from refusal


def _author(dashboard: Dashboard, site: Site, person: Identity) -> Author:
    return Author(
        point=person.point(site.id),
        verified=True,
        name=person.name,
        also=replace(person, phone=typed(person.phone, dashboard.settings.region)).also,
        birth_year=person.birth_year,
        tier=person.tier,
        locale=person.locale,
    )
