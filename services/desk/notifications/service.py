"""What an agent was told, what of it they have read, and how they want to be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Select, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk import signals
from services.desk.actors import Actor, Permission
from services.desk.bulk import among
from services.desk.context import Desk
from services.desk.notifications.domain import BELL, Preferences, Quiet, checked
from services.desk.notifications.models import NOTIFICATION_SETTINGS, NOTIFICATIONS
from services.desk.notifications.schemas import NotificationList, NotificationView
from services.desk.people import audit, presence
from services.desk.people.models import AGENTS
from services.desk.tickets import repository as tickets
from services.desk.tickets.schemas import TicketRow
from shared.clock import utc_now
from shared.errors import Rejected

MOST = 50
"""Lines of a list, where no other number is asked for."""
_AT_ONCE = 5
"""Lines of which a desktop notification may be made at a time."""


_COLLEAGUES = 6
"""Names that are proposed at a time."""


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who can be mentioned. handle: what is written after the `@`."""

    handle: str
    name: str


@dataclass(frozen=True, slots=True)
class Fresh:
    """What has come for somebody's consoles. items: the newest first."""

    unread: int
    items: tuple[NotificationView, ...]
    preferences: Preferences


async def listed(
    desk: Desk, agent: str, *, actor: Actor, unread: bool = False, after: int = 0, limit: int = MOST
) -> NotificationList:
    """Lists what an agent (a mail address) was told in the console, the newest first. unread: only
    what they have not read; after: only what is newer than this `seq`. Rejected 403, 404."""
    _may(actor, agent)
    async with desk.database.snapshot() as session:
        own = await _id(session, agent)
        mine = select(NOTIFICATIONS).where(*_in_bell(own), NOTIFICATIONS.c.seq > after)
        wanted = mine.where(NOTIFICATIONS.c.read_at.is_(None)) if unread else mine
        found = list(await session.execute(wanted.order_by(NOTIFICATIONS.c.seq.desc()).limit(limit)))
        count = await session.scalar(_unread(own))
        return NotificationList(unread=int(count or 0), items=await views(session, found))


async def unread_count(desk: Desk, agent_id: str) -> int:
    """Returns how many lines an agent has not read."""
    async with desk.database.statements() as session:
        return int(await session.scalar(_unread(agent_id)) or 0)


async def read(
    desk: Desk, agent: str, *, actor: Actor, one: str = "", ticket: str = "", up_to: int | None = None
) -> int:
    """Marks lines as read: one, those of a ticket, or all; `up_to`: none that is newer than this
    `seq`. Returns how many were unread. Rejected 403, 404."""
    _may(actor, agent)
    async with desk.database.transaction() as session:
        own = await _id(session, agent)
        still = update(NOTIFICATIONS).where(NOTIFICATIONS.c.agent_id == own, NOTIFICATIONS.c.read_at.is_(None))
        if one:
            still = still.where(NOTIFICATIONS.c.id == one)
        if ticket:
            still = still.where(NOTIFICATIONS.c.ticket_id == ticket)
        if up_to is not None:
            still = still.where(NOTIFICATIONS.c.seq <= up_to)
        ended = await session.execute(still.values(read_at=utc_now()).returning(NOTIFICATIONS.c.id))
        count = len(ended.all())
        if count:
            await signals.ring(session, {own})
        return count


async def opened(desk: Desk, agent_id: str, about: str = "", *, kind: str = "") -> int:
    """Marks as read what an agent was told of a ticket (its id) or a team's queue that they have
    opened, or all of a kind. Without a transaction where there is nothing. Returns how many
    lines."""
    told = (
        NOTIFICATIONS.c.agent_id == agent_id,
        NOTIFICATIONS.c.kind == kind if kind else NOTIFICATIONS.c.about == about,
        NOTIFICATIONS.c.read_at.is_(None),
    )
    async with desk.database.statements() as session:
        if not await session.scalar(select(literal(1)).where(*told).limit(1)):
            return 0
    async with desk.database.transaction() as session:
        ended = update(NOTIFICATIONS).where(*told).values(read_at=utc_now()).returning(NOTIFICATIONS.c.id)
        count = len((await session.execute(ended)).all())
        await signals.ring(session, {agent_id})
        return count


async def fresh(desk: Desk, agent_id: str, after: int) -> Fresh:
    """Returns what an agent has not read, and of it the newest lines after this `seq`, those that
    are not for the bell too."""
    async with desk.database.snapshot() as session:
        mine = (NOTIFICATIONS.c.agent_id == agent_id, NOTIFICATIONS.c.read_at.is_(None), NOTIFICATIONS.c.seq > after)
        newest = select(NOTIFICATIONS).where(*mine).order_by(NOTIFICATIONS.c.seq.desc()).limit(_AT_ONCE)
        found = list(await session.execute(newest))
        unread = int(await session.scalar(_unread(agent_id)) or 0)
        kept = select(NOTIFICATION_SETTINGS.c.preferences).where(NOTIFICATION_SETTINGS.c.agent_id == agent_id)
        chosen = await session.scalar(kept) if found else None
        items = await views(session, found)
    return Fresh(unread, items, msgspec.convert(chosen or {}, Preferences))


async def preferences(desk: Desk, agent: str, *, actor: Actor) -> Preferences:
    """Returns how an agent wants to be told. Who never chose has the usual ways, and the time zone
    of their working hours. Rejected 403, 404."""
    _may(actor, agent)
    chosen = select(NOTIFICATION_SETTINGS.c.preferences, AGENTS.c.timezone).select_from(AGENTS)
    chosen = chosen.outerjoin(NOTIFICATION_SETTINGS, NOTIFICATION_SETTINGS.c.agent_id == AGENTS.c.id)
    async with desk.database.statements() as session:
        row = (await session.execute(chosen.where(*_active(agent)))).one_or_none()
    if row is None:
        raise _unknown(agent)
    if not row.preferences:
        return Preferences(quiet=Quiet(zone=row.timezone))
    return msgspec.convert(row.preferences, Preferences)


async def choose(desk: Desk, agent: str, wanted: Preferences, *, actor: Actor) -> Preferences:
    """Keeps how an agent wants to be told, and logs it. Rejected 403; 404; 422
    `notifications-ways`, `notifications-quiet`, `notifications-zone` or
    `notifications-mail_after`."""
    _may(actor, agent)
    try:
        wanted = checked(wanted)
    except ValueError as error:
        field, _, why = str(error).partition(": ")
        raise Rejected(422, f"notifications-{field}", f"{why[:1].upper()}{why[1:]}.") from error
    values = msgspec.to_builtins(wanted)
    async with desk.database.transaction() as session:
        own = await _id(session, agent)
        kept = insert(NOTIFICATION_SETTINGS).values(agent_id=own, preferences=values)
        await session.execute(kept.on_conflict_do_update(index_elements=["agent_id"], set_={"preferences": values}))
        await audit.note(session, "notifications.changed", actor, presence.own(agent))
    return wanted


async def colleagues(desk: Desk, typed: str) -> list[Colleague]:
    """Finds whom `@` and these letters may mean: by mail address or name, at most a few."""
    alike = func.count().over(partition_by=func.split_part(AGENTS.c.email, "@", 1)).label("alike")
    active = select(AGENTS.c.email, AGENTS.c.name, alike).where(AGENTS.c.active).subquery()
    found = or_(active.c.email.istartswith(typed, autoescape=True), active.c.name.icontains(typed, autoescape=True))
    listed = select(active).where(found).order_by(active.c.name, active.c.email).limit(_COLLEAGUES)
    async with desk.database.statements() as session:
        return [
            Colleague(row.email.partition("@")[0] if row.alike == 1 else row.email, row.name)
            for row in await session.execute(listed)
        ]


async def views(session: AsyncSession, found: list[Any]) -> tuple[NotificationView, ...]:
    """Converts rows into views, with what their tickets are called now."""
    rows = await tickets.rows(session, list({row.ticket_id for row in found if row.ticket_id}))
    actors = select(AGENTS.c.email, AGENTS.c.name).where(among(AGENTS.c.email, {row.actor for row in found}))
    names = {row.email: row.name for row in await session.execute(actors)}
    return tuple(_view(row, rows.get(row.ticket_id), names.get(row.actor, "")) for row in found)


def _view(row: Any, ticket: TicketRow | None, actor_name: str) -> NotificationView:
    return NotificationView(
        id=row.id,
        kind=row.kind,
        what=row.what,
        ticket_id=row.ticket_id or "",
        ticket_number=ticket.number if ticket else 0,
        subject=(ticket.subject or ticket.snippet) if ticket else "",
        customer_name=ticket.customer_name if ticket else "",
        team="" if ticket else row.about,
        actor=row.actor,
        actor_name=actor_name,
        count=row.count,
        at=row.at,
        seq=row.seq,
        ways=tuple(row.ways),
        read_at=row.read_at,
    )


def _in_bell(agent_id: str) -> tuple[Any, ...]:
    return (NOTIFICATIONS.c.agent_id == agent_id, literal(BELL) == NOTIFICATIONS.c.ways.any_())


def _unread(agent_id: str) -> Select[int]:
    return select(func.count()).where(*_in_bell(agent_id), NOTIFICATIONS.c.read_at.is_(None))


def _may(actor: Actor, agent: str) -> None:
    actor.require(Permission.READ if actor.is_agent(agent) else Permission.MANAGE_AGENTS)


def _active(agent: str) -> tuple[Any, ...]:
    return (AGENTS.c.email == presence.own(agent), AGENTS.c.active)


async def _id(session: AsyncSession, agent: str) -> str:
    found: str | None = await session.scalar(select(AGENTS.c.id).where(*_active(agent)))
    if found is None:
        raise _unknown(agent)
    return found


def _unknown(agent: str) -> Rejected:
    return Rejected(404, "no-such-agent", f"No active agent has the address {agent[:100]}.")
