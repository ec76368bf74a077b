"""Stores sites, visitors and conversations, in transactions of the caller."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Row, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.dashboard.domain.drafts import Author
from services.dashboard.domain.sites import Site
from services.dashboard.models import CONVERSATIONS, MESSAGES, SITES, VISITORS
from shared.statements import fetch

Message = Row[Any]
"""A row of `messages`."""


class Repeated(Exception):
    """A message or reply is there already. Rolls back the sequence number that its repetition
    took."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The next sequence number of a conversation; locked until the transaction ends, so that they
    commit in order."""

    conversation: str
    seq: int
    owner: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser, or a signed-in person's session."""

    id: str
    site: str
    author: Author
    issued_at: datetime
    expires_at: datetime


async def sites(session: AsyncSession) -> list[Site]:
    """Lists all sites: a business has a handful."""
    rows = await session.execute(select(SITES).order_by(SITES.c.created_at))
    return [_site(row) for row in rows]


async def add_site(session: AsyncSession, site: Site, now: datetime) -> Site:
    """Adds a site. Returns the one of that id or name that was there before, else the new one."""
    values = {
        "id": site.id,
        "name": site.name,
        "key": site.key,
        "secrets": dict(site.secrets),
        "origins": list(site.origins),
        "mode": site.mode,
        "created_at": now,
    }
    await session.execute(insert(SITES).values(values).on_conflict_do_nothing())
    found = (await session.execute(select(SITES).where(or_(SITES.c.id == site.id, SITES.c.name == site.name)))).first()
    assert found is not None  # noqa: S101 - it was there, or has just been added
    return _site(found)


async def set_secrets(session: AsyncSession, site: str, secrets: Mapping[str, str]) -> None:
    """Replaces a site's secrets."""
    await session.execute(update(SITES).where(SITES.c.id == site).values(secrets=dict(secrets)))


async def set_origins(session: AsyncSession, site: str, origins: Sequence[str]) -> None:
    """Replaces the pages that may call for a site."""
    await session.execute(update(SITES).where(SITES.c.id == site).values(origins=list(origins)))


async def visitor(session: AsyncSession, site: str, digest: str, now: datetime) -> Visitor | None:
    """Returns whose token this is; None where it is unknown or expired. `digest`: SHA-256 of the
    token."""
    for row in await fetch(session, _VISITOR, site, now, digest):
        author = msgspec.convert(row["author"], Author)
        return Visitor(row["id"], row["site"], author, row["issued_at"], row["expires_at"])
    return None


_VISITOR = """
    SELECT id, site, author, issued_at, expires_at FROM visitors
    WHERE site = $1 AND expires_at > $2 AND (token = $3 OR older_token = $3 AND older_until > $2)
"""


async def add_visitor(session: AsyncSession, new: Visitor, digest: str) -> None:
    """Adds a visitor. Idempotent: a form that is sent twice makes one."""
    values = {
        "id": new.id,
        "site": new.site,
        "token": digest,
        "issued_at": new.issued_at,
        "expires_at": new.expires_at,
        "author": msgspec.to_builtins(new.author),
    }
    await session.execute(insert(VISITORS).values(values).on_conflict_do_nothing())


async def rotate(session: AsyncSession, who: Visitor, digest: str, older_until: datetime) -> None:
    """Gives a visitor a new token; the one before counts for a moment longer."""
    await session.execute(
        update(VISITORS)
        .where(VISITORS.c.id == who.id)
        .values(
            token=digest,
            older_token=VISITORS.c.token,
            older_until=older_until,
            issued_at=who.issued_at,
            expires_at=who.expires_at,
        )
    )


async def has_visitor(session: AsyncSession, visitor_id: str) -> bool:
    """Tells whether this visitor exists."""
    return bool(await fetch(session, "SELECT FROM visitors WHERE id = $1", visitor_id))


async def introduce(session: AsyncSession, visitor_id: str, author: Author) -> None:
    """Stores what a visitor said about themselves."""
    await session.execute(
        update(VISITORS).where(VISITORS.c.id == visitor_id).values(author=msgspec.to_builtins(author))
    )


async def forget_visitor(session: AsyncSession, visitor_id: str) -> None:
    """Deletes a visitor: their token opens nothing any more."""
    await session.execute(delete(VISITORS).where(VISITORS.c.id == visitor_id))


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    """Deletes visitors whose token has expired. What they wrote stays."""
    await session.execute(delete(VISITORS).where(VISITORS.c.expires_at <= now))


async def take_turn(
    session: AsyncSession, site: str, owner: str, visitor_id: str, new_id: str, now: datetime
) -> Turn | None:
    """Takes the next sequence number of the owner's conversation, which begins here where there was
    none. `visitor_id`: who has to exist and cannot sign in before this transaction ends; empty for
    a person. None where they do not exist."""
    for row in await fetch(session, _TAKE_TURN, new_id, site, owner, now, visitor_id):
        return Turn(row["id"], row["last_seq"], row["owner"], tuple(row["also"]))
    return None


_TAKE_TURN = """
    WITH here AS (SELECT FROM visitors WHERE id = $5 FOR KEY SHARE)
    INSERT INTO conversations (id, site, owner, last_seq, created_at)
    SELECT $1, $2, $3, 1, $4 WHERE $5 = '' OR EXISTS (SELECT FROM here)
    ON CONFLICT (owner) DO UPDATE SET last_seq = conversations.last_seq + 1
    RETURNING id, last_seq, owner, also
"""


async def take_reply_turn(session: AsyncSession, conversation: str, point: str) -> Turn | None:
    """Takes the next sequence number in this conversation, or where it was merged into, else in the
    one of this contact point.

    None where neither is known: a reply begins no conversation, as nobody would read it.
    """
    return await _next_in(session, conversation) or await _next_in(session, await _conversation_at(session, point))


async def lock_conversations(session: AsyncSession, ids: Collection[str]) -> None:
    """Locks conversations in the order of `merge`: transactions with several of the same ones would
    deadlock."""
    named = select(CONVERSATIONS.c.id).where(CONVERSATIONS.c.id.in_(ids)).order_by(CONVERSATIONS.c.id)
    await session.execute(named.with_for_update())


async def conversation_of(session: AsyncSession, owner: str) -> Turn | None:
    """Returns the owner's conversation with its last sequence number."""
    row = (await session.execute(select(CONVERSATIONS).where(CONVERSATIONS.c.owner == owner))).first()
    return _turn(row) if row else None


async def add_message(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Adds a message. Raises Repeated where there is one of this id, or of this idempotency key in
    this conversation."""
    if not await fetch(session, _adding(*values), *values.values()):
        raise Repeated


@cache
def _adding(*columns: str) -> str:
    places = ", ".join(f"${number}" for number, _ in enumerate(columns, 1))
    names = ", ".join(MESSAGES.c[name].name for name in columns)
    return f"INSERT INTO messages ({names}) VALUES ({places}) ON CONFLICT DO NOTHING RETURNING id"  # noqa: S608


async def message_under(session: AsyncSession, owner: str, key: str) -> Mapping[Any, Any] | None:
    """Returns the owner's message of this idempotency key."""
    statement = (
        select(MESSAGES)
        .join(CONVERSATIONS, CONVERSATIONS.c.id == MESSAGES.c.conversation)
        .where(CONVERSATIONS.c.owner == owner, MESSAGES.c.idempotency_key == key)
    )
    return (await session.execute(statement)).mappings().first()


async def message(session: AsyncSession, owner: str, message_id: str) -> Message | None:
    """Returns one message of the owner's conversation."""
    statement = (
        select(MESSAGES)
        .join(CONVERSATIONS, CONVERSATIONS.c.id == MESSAGES.c.conversation)
        .where(CONVERSATIONS.c.owner == owner, MESSAGES.c.id == message_id)
    )
    return (await session.execute(statement)).first()


async def messages_after(session: AsyncSession, conversation: str, after: int, limit: int) -> Sequence[Message]:
    """Lists the next messages of a conversation, oldest first."""
    statement = (
        select(MESSAGES)
        .where(MESSAGES.c.conversation == conversation, MESSAGES.c.seq > after)
        .order_by(MESSAGES.c.seq)
        .limit(limit)
    )
    return (await session.execute(statement)).all()


async def mark_delivered(session: AsyncSession, conversation: str, up_to: int, now: datetime) -> Sequence[Message]:
    """Marks replies as delivered. Returns those that were not before."""
    statement = (
        update(MESSAGES)
        .where(
            MESSAGES.c.conversation == conversation,
            ~MESSAGES.c.incoming,
            MESSAGES.c.delivered_at.is_(None),
            MESSAGES.c.seq <= up_to,
        )
        .values(delivered_at=now)
        .returning(MESSAGES.c.id, MESSAGES.c.ticket_id)
    )
    return list(await session.execute(statement))


async def unpublished(session: AsyncSession, before: datetime, limit: int) -> Sequence[Message]:
    """Claims what came in before that moment and Kafka has not acknowledged; locked, so that one
    process publishes it."""
    statement = (
        select(MESSAGES.c.id, MESSAGES.c.topic, MESSAGES.c.event)
        .where(MESSAGES.c.event.is_not(None), MESSAGES.c.at < before)
        .order_by(MESSAGES.c.at, MESSAGES.c.seq)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(await session.execute(statement))


async def mark_published(session: AsyncSession, ids: Sequence[str]) -> None:
    """Marks messages as acknowledged by Kafka."""
    await session.execute(update(MESSAGES).where(MESSAGES.c.id.in_(ids)).values(event=None))


async def merge(session: AsyncSession, visitor_owner: str, person_owner: str) -> None:
    """Moves what a visitor wrote to the person that they turned out to be. One way, and only this
    visitor's."""
    locked = (
        select(CONVERSATIONS)
        .where(CONVERSATIONS.c.owner.in_((visitor_owner, person_owner)))
        .order_by(CONVERSATIONS.c.id)
    )
    both = {row.owner: row for row in await session.execute(locked.with_for_update())}
    visitors, persons = both.get(visitor_owner), both.get(person_owner)
    if visitors is None:
        return
    also = sorted({*visitors.also, visitor_owner, *(persons.also if persons else ())})
    if persons is None:
        await session.execute(
            update(CONVERSATIONS).where(CONVERSATIONS.c.id == visitors.id).values(owner=person_owner, also=also)
        )
        return
    taken = select(MESSAGES.c.idempotency_key).where(
        MESSAGES.c.conversation == persons.id, MESSAGES.c.idempotency_key.is_not(None)
    )
    await session.execute(
        update(MESSAGES)
        .where(MESSAGES.c.conversation == visitors.id, MESSAGES.c.idempotency_key.in_(taken))
        .values(idempotency_key=func.concat(visitors.id, ":", MESSAGES.c.idempotency_key))
    )
    await session.execute(
        update(MESSAGES)
        .where(MESSAGES.c.conversation == visitors.id)
        .values(conversation=persons.id, seq=MESSAGES.c.seq + persons.last_seq)
    )
    moved = {"last_seq": persons.last_seq + visitors.last_seq, "also": also}
    await session.execute(update(CONVERSATIONS).where(CONVERSATIONS.c.id == persons.id).values(**moved))
    retired = {"merged_into": persons.id, "owner": f"merged:{visitors.id}", "last_seq": 0}
    await session.execute(update(CONVERSATIONS).where(CONVERSATIONS.c.id == visitors.id).values(**retired))


async def _next_in(session: AsyncSession, conversation: str | None) -> Turn | None:
    while conversation:
        here = (CONVERSATIONS.c.id == conversation) & CONVERSATIONS.c.merged_into.is_(None)
        step = update(CONVERSATIONS).where(here).values(last_seq=CONVERSATIONS.c.last_seq + 1)
        row = (await session.execute(step.returning(*CONVERSATIONS.c))).first()
        if row:
            return _turn(row)
        elsewhere = select(CONVERSATIONS.c.merged_into).where(CONVERSATIONS.c.id == conversation)
        conversation = await session.scalar(elsewhere)
    return None


async def _conversation_at(session: AsyncSession, point: str) -> str | None:
    """Returns the conversation of this contact point, also where it was merged into its owner."""
    whose = or_(CONVERSATIONS.c.owner == point, CONVERSATIONS.c.also.contains([point]))
    return await session.scalar(select(CONVERSATIONS.c.id).where(whose).limit(1))


def _turn(row: Row[Any]) -> Turn:
    return Turn(row.id, row.last_seq, row.owner, tuple(row.also))


def _site(row: Row[Any]) -> Site:
    return Site(row.id, row.name, row.key, row.mode, tuple(row.origins), row.secrets)
