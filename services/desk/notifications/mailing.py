"""Mails agents what they have not read while they were away, and forgets what is old.

One mail for all of it, by the email service, marked as automatic so that no program answers it. It
is written with the mark that it went, in one transaction: a process that is killed sends none twice
and forgets none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import delete, func, literal, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.actors import Permission
from services.desk.context import Desk
from services.desk.notifications import service, words
from services.desk.notifications.domain import MAIL, Preferences, Unread, due
from services.desk.notifications.models import NOTIFICATION_SETTINGS, NOTIFICATIONS
from services.desk.people import roles
from services.desk.people.models import AGENTS
from services.desk.tickets.domain import takes_copies
from services.desk.unit_of_work import UnitOfWork
from shared.clock import utc_now
from shared.events import OutboundMessage
from shared.kernel import ContactPoint, stable_id
from shared.loops import forever
from shared.metrics import METRICS
from shared.topics import deliveries_requested

EVERY = 20.0
"""Seconds between two looks: the wait is of minutes."""
GONE = timedelta(minutes=2)
"""Without a console for so long, somebody is not there, whatever they said last."""
_LOCK = 0x62656C6C
"""Key of the advisory lock of whoever mails: ASCII of `bell`."""
_SHOWN = 20
"""Lines in a mail."""


async def run(desk: Desk, stop: asyncio.Event) -> None:
    """Mails and forgets until `stop`; waits for PostgreSQL while it is unavailable."""
    await forever("mails of notifications", partial(_look, desk), stop, EVERY)


async def _look(desk: Desk) -> None:
    await send(desk)
    await forget(desk)


async def send(desk: Desk) -> int:
    """Mails whom it is time to mail. Returns how many. Raises Unavailable."""
    channel = next((c.name for c in desk.channels.values() if takes_copies(c) and c.enabled and c.can_start), "")
    if not channel:
        return 0
    async with desk.unit_of_work() as work:
        if not await work.session.scalar(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _LOCK}):
            return 0
        now = utc_now()
        mailed = due(await _unread(work.session), now)
        for agent in sorted(mailed):
            await _mail(work, desk, agent, channel)
    METRICS.notification_mails.inc(len(mailed))
    return len(mailed)


async def forget(desk: Desk) -> int:
    """Deletes lines of which nothing was heard for longer than the setting. Returns how many."""
    old = NOTIFICATIONS.c.at < utc_now() - timedelta(days=desk.settings.notification_days)
    async with desk.database.statements() as session:
        gone = await session.execute(delete(NOTIFICATIONS).where(old).returning(NOTIFICATIONS.c.id))
        return len(gone.all())


def _to_mail() -> tuple[Any, ...]:
    wanted = literal(MAIL) == NOTIFICATIONS.c.ways.any_()
    return (NOTIFICATIONS.c.read_at.is_(None), NOTIFICATIONS.c.mailed_at.is_(None), wanted)


async def _unread(session: AsyncSession) -> Sequence[Unread]:
    """Returns lines of agents who are away, by agent."""
    away = or_(AGENTS.c.presence == "away", func.coalesce(AGENTS.c.seen_at < func.now() - GONE, True))
    may = AGENTS.c.role.in_(roles.with_permission(Permission.READ))
    found = (
        select(NOTIFICATIONS.c.agent_id, func.min(NOTIFICATIONS.c.first_at).label("since"))
        .add_columns(NOTIFICATION_SETTINGS.c.preferences, NOTIFICATION_SETTINGS.c.mailed_at)
        .join(AGENTS, AGENTS.c.id == NOTIFICATIONS.c.agent_id)
        .outerjoin(NOTIFICATION_SETTINGS, NOTIFICATION_SETTINGS.c.agent_id == NOTIFICATIONS.c.agent_id)
        .where(AGENTS.c.active, may, away, *_to_mail())
        .group_by(NOTIFICATIONS.c.agent_id, NOTIFICATION_SETTINGS.c.agent_id)
        .order_by(NOTIFICATIONS.c.agent_id)
    )
    return [
        Unread(row.agent_id, row.since, msgspec.convert(row.preferences or {}, Preferences), row.mailed_at)
        for row in await session.execute(found)
    ]


async def _mail(work: UnitOfWork, desk: Desk, agent: str, channel: str) -> None:
    now, session = utc_now(), work.session
    person = (await session.execute(select(AGENTS).where(AGENTS.c.id == agent))).one()
    mine = update(NOTIFICATIONS).where(NOTIFICATIONS.c.agent_id == agent, *_to_mail())
    rows = list(await session.execute(mine.values(mailed_at=now).returning(NOTIFICATIONS)))
    lines = await service.views(session, sorted(rows, key=lambda row: row.seq, reverse=True)[:_SHOWN])
    kept = insert(NOTIFICATION_SETTINGS).values(agent_id=agent, preferences={}, mailed_at=now)
    await session.execute(kept.on_conflict_do_update(index_elements=["agent_id"], set_={"mailed_at": now}))
    mail = words.mail(lines, len(rows), person.language, desk.common.public_url)
    message = OutboundMessage(
        id=stable_id("notifications", agent, now.isoformat()),
        ticket_id=stable_id("notifications", agent),
        channel=channel,
        to=ContactPoint(f"email:{person.email}"),
        to_name=person.name,
        text=mail.text,
        requested_at=now,
        author_name="Switchboard",
        subject=mail.subject,
        language=person.language,
        automatic=True,
    )
    work.send(deliveries_requested(channel), message.ticket_id, message)
