"""What can be done with mentions. Every public function is one transaction, unless it takes one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.actors import DESK, Actor, Permission
from services.desk.bulk import among, insert_all
from services.desk.context import Desk
from services.desk.cursors import as_uuid
from services.desk.mentions import repository
from services.desk.mentions.domain import WANTS_AN_ANSWER, known
from services.desk.mentions.models import MENTIONS
from services.desk.mentions.schemas import MentionPage, MentionQuery, MentionView
from services.desk.unit_of_work import UnitOfWork
from shared.clock import utc_now
from shared.errors import Malformed, Rejected
from shared.events import InboundMessage, PostJudged
from shared.events.desk import MentionLabelled, MentionsAdded
from shared.events.older import typed
from shared.topics import POSTS_JUDGED

_AT_ONCE = 5_000
"""Rows of one deleting statement: its locks are gone within a second."""


async def keep(desk: Desk, posts: Sequence[InboundMessage]) -> int:
    """Stores these posts, each once. Returns how many were new. Raises Unavailable, or Malformed
    if an id is invalid."""
    for post in posts:
        try:
            as_uuid(post.id, "mention")
        except Rejected as error:
            raise Malformed(f"mention {post.id[:100]!r} needs an id that is a UUID") from error
    rows = [
        {
            "id": post.id.lower(),
            "channel": post.channel,
            "provider_id": post.provider_id,
            "author": post.sender,
            "author_name": post.sender_name,
            "text": post.text,
            "language": post.language,
            "at": post.received_at,
            "reach": post.reach,
            "complaint": post.complaint,
            "account": post.account,
            "post": post.post,
            "facts": post.facts,
        }
        for post in map(typed, posts)
    ]
    async with desk.unit_of_work() as work:
        new = await insert_all(work.session, MENTIONS, rows)
        if new:
            work.record(MentionsAdded(count=str(new)), "", utc_now(), DESK, customer="mentions")
    return new


async def page(desk: Desk, query: MentionQuery) -> MentionPage:
    """Returns one page, newest first, by keyset. Raises Rejected 422 for an invalid cursor or
    limit."""
    statement = repository.page(query)
    async with desk.database.transaction() as session:
        rows = (await session.execute(statement)).all()
    shown = rows[: query.limit]
    return MentionPage(
        items=tuple(repository.view(row) for row in shown),
        next=repository.cursor_after(shown[-1]) if len(rows) > query.limit else "",
    )


async def filters(desk: Desk) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Channels and languages that mentions have, for a choice."""
    async with desk.database.transaction() as session:
        channels = tuple(await session.scalars(select(MENTIONS.c.channel).distinct().order_by(MENTIONS.c.channel)))
        languages = tuple(
            await session.scalars(
                select(MENTIONS.c.language).where(MENTIONS.c.language != "").distinct().order_by(MENTIONS.c.language)
            )
        )
    return channels, languages


async def get(desk: Desk, mention: str) -> MentionView:
    """Returns one mention by id. Raises Rejected 404."""
    found = await get_many(desk, [as_uuid(mention, "mention")])
    if not found:
        raise _gone()
    return found[0]


async def get_many(desk: Desk, mentions: Sequence[str]) -> list[MentionView]:
    """Returns the mentions with these ids; those that do not exist are left out."""
    async with desk.database.transaction() as session:
        return await _views(session, mentions)


async def judge(desk: Desk, mention: str, *, actor: Actor, label: str = "", ticket: bool = False) -> MentionView:
    """Says what a mention is, and/or make it a ticket: `complaint` and `question` do both. The
    social service hears of it by the same commit and publishes the post, which comes back as a
    ticket. The same again does nothing. Rejected 403, 404, 422."""
    actor.require(Permission.LABEL)
    if label:
        known(label)
    elif not ticket:
        raise Rejected(422, "nothing", "Give a label, or ask for a ticket.")
    own, asked = as_uuid(mention, "mention"), ticket or label in WANTS_AN_ANSWER
    async with desk.unit_of_work() as work:
        row = (await work.session.execute(select(MENTIONS).where(MENTIONS.c.id == own).with_for_update())).one_or_none()
        if row is None:
            raise _gone()
        news = (label and label != row.label) or (asked and not row.asked)
        if news:
            now = utc_now()
            changes: dict[str, Any] = {"judged_by": actor.stored, "judged_at": now, "asked": row.asked or asked}
            if label:
                changes["label"] = label
            await work.session.execute(update(MENTIONS).where(MENTIONS.c.id == own).values(changes))
            publish_label(work, row.channel, row.provider_id, actor, label=label, ticket=asked)
            work.record(MentionLabelled(mention_id=own, label=label), "", now, actor, customer=row.author)
        return (await _views(work.session, [own]))[0]


def publish_label(
    work: UnitOfWork, channel: str, provider_id: str, actor: Actor, *, label: str, ticket: bool = False
) -> None:
    """Publishes an agent's label of a post to the social service, with the commit."""
    judged = PostJudged(
        id=str(uuid4()),
        channel=channel,
        provider_id=provider_id,
        at=utc_now(),
        agent=actor.stored,
        label=label,
        open_ticket=ticket,
    )
    work.send(POSTS_JUDGED, provider_id, judged)


async def became_tickets(work: UnitOfWork, posts: Sequence[InboundMessage]) -> None:
    """Records, for the consoles, which of these messages are mentions whose tickets exist now."""
    if not posts:
        return
    for row in await work.session.execute(
        select(MENTIONS.c.id, MENTIONS.c.author).where(among(MENTIONS.c.id, [post.id for post in posts]))
    ):
        work.record(MentionLabelled(mention_id=row.id), "", utc_now(), DESK, customer=row.author)


async def forget(desk: Desk) -> int:
    """Deletes what is older than the settings allow, a part at a time. Returns how many
    mentions."""
    before, forgotten = utc_now() - timedelta(days=desk.settings.mention_days), 0
    posts = text("DELETE FROM desk.burst_posts WHERE at < :before")
    async with desk.database.transaction() as session:
        await session.execute(posts, {"before": before})
    while True:
        old = select(MENTIONS.c.id).where(MENTIONS.c.at < before).order_by(MENTIONS.c.at, MENTIONS.c.id).limit(_AT_ONCE)
        async with desk.database.transaction() as session:
            done = await session.execute(
                delete(MENTIONS).where(MENTIONS.c.id.in_(old.with_for_update(skip_locked=True)))
            )
        count = int(done.rowcount)  # type: ignore[attr-defined]
        forgotten += count
        if count < _AT_ONCE:
            return forgotten


async def _views(session: AsyncSession, mentions: Sequence[str]) -> list[MentionView]:
    rows = await session.execute(repository.ROWS.where(among(MENTIONS.c.id, mentions)))
    return [repository.view(row) for row in rows]


def _gone() -> Rejected:
    return Rejected(404, "no-such-mention", "Mention not found. Old ones are deleted.")
