"""Reports by mail, weekly or monthly, to who may read everybody's figures and asked for it.

A mail is written with the time of the next one, in one transaction: a process that is killed sends
none twice and forgets none. Who may not read reports any more, or was disabled, gets none.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlencode

from pydantic import ConfigDict
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.actors import Actor, Kind, Permission
from services.desk.context import Desk
from services.desk.people import audit, presence
from services.desk.people.models import AGENTS
from services.desk.people.roles import with_permission
from services.desk.reports import service, words
from services.desk.reports.models import MAILS
from services.desk.reports.periods import MONTHLY, OWN, WEEKLY, mailed_days, next_mail
from services.desk.reports.service import Query
from services.desk.tickets.domain import takes_copies
from shared.clock import utc_now
from shared.errors import Rejected
from shared.events import OutboundMessage
from shared.kernel import ContactPoint, stable_id
from shared.loops import forever
from shared.topics import deliveries_requested

EVERY = 60.0
"""Seconds between two looks."""
_MOST = 20
"""Mails of one look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody gets by mail."""

    __pydantic_config__ = ConfigDict(use_attribute_docstrings=True, extra="forbid")

    every: str = ""
    """`weekly`, `monthly`, or empty: no mail."""
    by: str = "team"
    clock: str = "wall"
    only: dict[str, str] = field(default_factory=dict)
    """By dimension: nothing but this value; empty for those of none."""


async def chosen(desk: Desk, agent: str, *, actor: Actor) -> Wanted:
    """Returns what an agent (a mail address) gets by mail. Rejected 403, 404."""
    _may(actor, agent)
    async with desk.database.statements() as session:
        own = await _id(session, agent)
        row = (await session.execute(select(MAILS).where(MAILS.c.agent_id == own))).one_or_none()
        return Wanted(every=row.every, **row.asked) if row else Wanted()


async def choose(desk: Desk, agent: str, mailed: Wanted, *, actor: Actor) -> Wanted:
    """Sets what an agent (a mail address) gets by mail. Rejected 403; 404; 422 `report-every`,
    `report-by`, `report-clock`."""
    _may(actor, agent)
    if mailed.every not in ("", WEEKLY, MONTHLY):
        raise Rejected(422, "report-every", f"A mail comes {WEEKLY}, {MONTHLY}, or never.")
    service.check(Query(by=mailed.by, clock=mailed.clock, only=mailed.only))
    async with desk.database.transaction() as session:
        own = await _id(session, agent)
        if mailed.every:
            following = next_mail(mailed.every, utc_now(), desk.settings.opening.zone)
            asked = {"by": mailed.by, "clock": mailed.clock, "only": mailed.only}
            values: dict[str, Any] = {"every": mailed.every, "asked": asked, "next_at": following}
            kept = insert(MAILS).values(agent_id=own, **values)
            await session.execute(kept.on_conflict_do_update(index_elements=["agent_id"], set_=values))
        else:
            await session.execute(delete(MAILS).where(MAILS.c.agent_id == own))
        await audit.note(session, "person.changed", actor, presence.own(agent), what="report mail")
    return mailed


async def run(desk: Desk, stop: asyncio.Event) -> None:
    """Mails reports when it is time, until `stop`; waits for PostgreSQL while it is unavailable."""
    await forever("mails of reports", partial(_look, desk), stop, EVERY)


async def _look(desk: Desk) -> None:
    await send(desk)


async def send(desk: Desk) -> int:
    """Mails the reports whose time has come. Returns how many. Raises Unavailable."""
    channel = next((c.name for c in desk.channels.values() if takes_copies(c) and c.enabled and c.can_start), "")
    if not channel:
        return 0
    async with desk.database.statements() as session:
        due = (
            select(MAILS, AGENTS.c.email, AGENTS.c.name, AGENTS.c.language)
            .join(AGENTS, AGENTS.c.id == MAILS.c.agent_id)
            .where(MAILS.c.next_at <= utc_now(), AGENTS.c.active)
            .where(AGENTS.c.role.in_(with_permission(Permission.READ_REPORTS)))
        )
        rows = list(await session.execute(due.order_by(MAILS.c.next_at).limit(_MOST)))
    return sum([await _mail(desk, row, channel) for row in rows])


async def _mail(desk: Desk, row: Any, channel: str) -> bool:
    zone, now = desk.settings.opening.zone, utc_now()
    first, last = mailed_days(row.every, now, zone)
    query = Query(period=OWN, first=first, last=last, **row.asked)
    reader = Actor(Kind.AGENT, row.email, permissions=frozenset({Permission.READ_REPORTS}))
    report = await service.report(desk, query, actor=reader)
    if report.rebuilding:
        return False  # once everything is counted
    only = {name: value or "-" for name, value in query.only.items()}
    days = {"period": OWN, "first": first.isoformat(), "last": last.isoformat()}
    address = urlencode(days | {"clock": query.clock, "by": query.by} | only)
    mail = words.mail(report, first, last, row.language, f"{desk.common.public_url}/reports?{address}")
    message = OutboundMessage(
        id=stable_id("report", row.agent_id, row.next_at.isoformat()),
        ticket_id=stable_id("report", row.agent_id),
        channel=channel,
        to=ContactPoint(f"email:{row.email}"),
        to_name=row.name,
        text=mail.text,
        requested_at=now,
        author_name="Switchboard",
        subject=mail.subject,
        language=row.language,
        automatic=True,
    )
    async with desk.unit_of_work() as work:
        still = (MAILS.c.agent_id == row.agent_id, MAILS.c.next_at == row.next_at)
        moved = update(MAILS).where(*still).values(next_at=next_mail(row.every, now, zone))
        mine = await work.session.scalar(moved.returning(MAILS.c.agent_id))
        if mine:  # else another process was faster, or they chose anew
            work.send(deliveries_requested(channel), message.ticket_id, message)
    return bool(mine)


def _may(actor: Actor, agent: str) -> None:
    actor.require(Permission.READ_REPORTS)
    actor.require_for(agent, Permission.MANAGE_PEOPLE)


async def _id(session: AsyncSession, agent: str) -> str:
    known = select(AGENTS.c.id).where(AGENTS.c.email == presence.own(agent), AGENTS.c.active)
    found = await session.scalar(known)
    if found is None:
        raise Rejected(404, "no-such-agent", f"No active agent has the address {agent[:100]}.")
    return str(found)
