"""What agents do with a group: answer all of it, or take one ticket out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.actors import Actor, Permission
from services.desk.bulk import among
from services.desk.context import Desk
from services.desk.tickets import commands, domain, grouping, lengths, repository, store
from services.desk.tickets.commands import Draft
from services.desk.tickets.domain.lifecycle import Leave
from services.desk.tickets.models import MESSAGES, TICKETS
from services.desk.tickets.schemas import Answered, LeftOut, MessageView, TicketRow
from services.desk.unit_of_work import UnitOfWork
from shared.clock import utc_now
from shared.errors import Rejected
from shared.events.desk import TicketGrouped

_AT_ONCE = 100
"""Answers of one transaction: its locks are gone within seconds. A repetition with the same key
goes on where it ended."""


async def reply_all(desk: Desk, ticket: str, draft: Draft, *, actor: Actor) -> Answered:
    """Answers the customers of all tickets that stand under this one, and its own: each by a reply
    of their own, in their own conversation, on the channel that they wrote on. A public reply
    begins with the name of the account that it answers: networks refuse the same words twice. The
    draft's key is one for all; the same key again answers only who was not answered yet. What it
    says of a channel, addresses and copies does not count.

    Rejected as `reply`; 409 `not-the-leader` for a ticket that stands under another. Who cannot be
    reached is left out, and told.
    """
    actor.require(Permission.REPLY)
    draft = commands.checked(draft)
    own = replace(draft, key=draft.key or uuid4().hex, channel="", to="", cc=None, bcc=())
    each_one = replace(own, seen=None, began=None)
    async with desk.database.transaction() as session:
        leader = await store.find(session, ticket)
        members = await grouping.members_of(session, leader)
        channel = await session.scalar(select(TICKETS.c.channel).where(TICKETS.c.id == leader)) or ""
        await lengths.check(session, desk.channels, leader, channel, draft.text, together=[leader, *members])
    messages: list[MessageView] = []
    left_out: list[LeftOut] = []
    everybody = [
        *members,
        leader,
    ]  # the leader last: what stands under it can be found again as long as it stays as it is
    for start in range(0, len(everybody), _AT_ONCE):
        part = set(everybody[start : start + _AT_ONCE])
        before = []
        async with desk.unit_of_work() as work:
            await work.lock(tickets=part | {leader})
            row = (await work.session.execute(select(TICKETS).where(TICKETS.c.id == leader))).one()
            _leads(row)
            for each in await _rows(work.session, part):
                try:
                    stored = await _answer(work, desk, each, own if each.id == leader else each_one, actor)
                except Rejected as error:
                    if error.code in ("stale", "overtaken", "key-reused"):
                        raise
                    left_out.append(LeftOut(ticket_id=each.id, number=each.number, code=error.code, detail=str(error)))
                else:
                    messages.append(stored)
                    before.append((each, stored))
        for each, stored in before:
            commands.count_first_reply(each, stored)
    if not messages:
        raise Rejected(409, left_out[0].code, left_out[0].detail)
    return Answered(messages=tuple(messages), left_out=tuple(left_out))


async def ungroup(desk: Desk, ticket: str, *, actor: Actor) -> TicketRow:
    """Takes a ticket out of its group for good; where it led, the oldest of the others leads
    them from now on. A ticket of no group is left alone. Rejected 403, 404."""
    actor.require(Permission.CHANGE_TICKETS)
    async with desk.unit_of_work() as work:
        found = await store.find(work.session, ticket)
        near = await grouping.leaders_of(work.session, TICKETS.c.id == found)
        await work.lock(tickets={found, *near, *await grouping.members_of(work.session, found)})
        row = (await work.session.execute(select(TICKETS).where(TICKETS.c.id == found))).one()
        if row.burst_id and not row.alone:
            now = utc_now()
            await commands.execute(work, store.ticket_of(row), Leave(actor=actor), now)
            if row.group_id:
                work.record(TicketGrouped(left="1"), row.group_id, now, actor)
        return (await repository.rows(work.session, [found]))[found]


async def _answer(work: UnitOfWork, desk: Desk, row: Any, draft: Draft, actor: Actor) -> MessageView:
    newest = select(MESSAGES.c.public, MESSAGES.c.account).where(
        MESSAGES.c.ticket_id == row.id, MESSAGES.c.direction == "in"
    )
    post = (await work.session.execute(newest.order_by(MESSAGES.c.at.desc(), MESSAGES.c.id.desc()).limit(1))).first()
    account = post.account if post and post.public else ""
    addressed = replace(draft, text=domain.addressed(draft.text, account))
    return await commands.answer(work, desk, row, addressed, actor=actor, together=True)


async def _rows(session: AsyncSession, tickets: set[str]) -> list[Any]:
    found = select(TICKETS).where(among(TICKETS.c.id, tickets))
    return list(await session.execute(found.order_by(TICKETS.c.created_at, TICKETS.c.id)))


def _leads(row: Any) -> None:
    if row.group_id:
        raise Rejected(
            409, "not-the-leader", f"This ticket is grouped under another one. Reply to all from there: {row.group_id}."
        )
