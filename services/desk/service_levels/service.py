"""Policies and calendars, as admins keep them, and where a ticket stands."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast
from uuid import uuid4

import msgspec
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.actors import Actor, Permission
from services.desk.context import Desk
from services.desk.cursors import as_uuid
from services.desk.people import audit
from services.desk.service_levels import repository
from services.desk.service_levels.domain import (
    LISTENERS,
    LONGEST_NAME,
    MOST_CALENDARS,
    MOST_MINUTES,
    MOST_NAMES,
    MOST_POLICIES,
    Actions,
    Calendar,
    Policy,
    Situation,
    Standing,
    Target,
    hours_of,
    policy_for,
    previewed,
)
from services.desk.service_levels.models import CALENDARS, POLICIES, STANDINGS
from services.desk.service_levels.schemas import CalendarState, Overview, StandingView, TargetView
from services.desk.tickets import store, teams
from services.desk.tickets.models import TICKETS
from shared.clock import utc_now
from shared.errors import Rejected
from shared.kernel import Level
from shared.security import outgoing
from shared.text import storable

_LOCK = 0x736C6165
"""Key of the advisory lock under which policies and calendars are changed: ASCII of `slae`."""


async def overview(desk: Desk, *, actor: Actor) -> Overview:
    """Returns all policies and calendars. Rejected 403."""
    actor.require(Permission.MANAGE_SERVICE_LEVELS)
    async with desk.database.transaction() as session:
        policies = await repository.policies(session)
        rows = await repository.calendars(session)
    return Overview(tuple(policies), tuple(_state(row) for row in rows))


def _state(row: Any) -> CalendarState:
    return CalendarState(repository.calendar_of(row), row.feed_at, row.feed_error if row.feed else "")


async def put_policy(desk: Desk, policy: Policy, *, actor: Actor) -> Policy:
    """Keeps a policy: a new one, which comes last, where it has no id. Rejected 403, 404, 409
    `sla-name` for a name that another one has, 422 with the field in `code`."""
    actor.require(Permission.MANAGE_SERVICE_LEVELS)
    policy = checked(policy)
    async with desk.database.transaction() as session:
        await alone(session)
        await _known_names(session, policy)
        values = {**msgspec.to_builtins(policy), "changed_at": utc_now(), "changed_by": actor.stored}
        if policy.id:
            await _one(session, update(POLICIES).where(POLICIES.c.id == policy.id).values(values), POLICIES.c.id)
        else:
            last, count = (await session.execute(select(func.max(POLICIES.c.place), func.count()))).one()
            if count >= MOST_POLICIES:
                raise Rejected(422, "sla-many", f"There are at most {MOST_POLICIES} policies.")
            policy = msgspec.structs.replace(policy, id=str(uuid4()))
            values |= {"id": policy.id, "place": (last or 0) + 1}
            await _unique(session, insert(POLICIES).values(values).returning(POLICIES.c.id))
        await repository.changed(session)
        await audit.note(session, "service-level.changed", actor, policy.name, enabled=str(policy.enabled).lower())
    return policy


async def move_policy(desk: Desk, policy: str, by: int, *, actor: Actor) -> None:
    """Moves a policy up (-1) or down (1) among the others; at the end it stays. Rejected 403,
    404."""
    actor.require(Permission.MANAGE_SERVICE_LEVELS)
    async with desk.database.transaction() as session:
        await alone(session)
        found = await repository.policies(session)
        order = [each.id for each in found]
        if policy not in order:
            raise _no_policy()
        place = order.index(policy)
        order.insert(min(max(0, place + by), len(order) - 1), order.pop(place))
        for number, each in enumerate(order, 1):
            await session.execute(update(POLICIES).where(POLICIES.c.id == each).values(place=number))
        await repository.changed(session)
        await audit.note(session, "service-level.moved", actor, found[place].name, place=str(order.index(policy) + 1))


async def remove_policy(desk: Desk, policy: str, *, actor: Actor) -> None:
    """Forgets a policy: the next one that is for a ticket counts. Rejected 403, 404."""
    actor.require(Permission.MANAGE_SERVICE_LEVELS)
    async with desk.database.transaction() as session:
        await alone(session)
        gone = delete(POLICIES).where(POLICIES.c.id == as_uuid(policy, "policy"))
        name = await session.scalar(gone.returning(POLICIES.c.name))
        if name is None:
            raise _no_policy()
        await repository.changed(session)
        await audit.note(session, "service-level.removed", actor, name)


async def put_calendar(desk: Desk, calendar: Calendar, *, actor: Actor) -> Calendar:
    """Keeps a calendar: a new one where it has no id. Its feed is read at once, and then every few
    hours. Rejected 403, 404, 409 `sla-name`, 422 `calendar-hours`, `calendar-country`,
    `feed-address`, `sla-name`."""
    actor.require(Permission.MANAGE_SERVICE_LEVELS)
    calendar = checked_calendar(calendar)
    values = {**msgspec.to_builtins(calendar), "changed_at": utc_now(), "changed_by": actor.stored}
    del values["feed_days"]
    async with desk.database.transaction() as session:
        await alone(session)
        if calendar.id:
            mine = CALENDARS.c.id == as_uuid(calendar.id, "calendar")
            before = await session.scalar(select(CALENDARS.c.feed).where(mine))
            if before is not None and before != calendar.feed:
                values |= {"feed_days": [], "feed_at": None, "feed_error": ""}
            values["feed_next_at"] = utc_now() if calendar.feed else None
            await _one(session, update(CALENDARS).where(mine).values(values), CALENDARS.c.id)
        else:
            if (await session.scalar(select(func.count()).select_from(CALENDARS)) or 0) >= MOST_CALENDARS:
                raise Rejected(422, "sla-many", f"There are at most {MOST_CALENDARS} calendars.")
            calendar = msgspec.structs.replace(calendar, id=str(uuid4()))
            values |= {"id": calendar.id, "feed_next_at": utc_now() if calendar.feed else None}
            await _unique(session, insert(CALENDARS).values(values).returning(CALENDARS.c.id))
        await repository.changed(session)
        await audit.note(session, "calendar.changed", actor, calendar.name)
    return calendar


async def remove_calendar(desk: Desk, calendar: str, *, actor: Actor) -> None:
    """Forgets a calendar. Rejected 403, 404, 409 `calendar-used` while a policy counts its time."""
    actor.require(Permission.MANAGE_SERVICE_LEVELS)
    own = as_uuid(calendar, "calendar")
    async with desk.database.transaction() as session:
        await alone(session)
        if used := await session.scalar(select(POLICIES.c.name).where(POLICIES.c.calendar == own).limit(1)):
            raise Rejected(409, "calendar-used", f"The policy {used!r} counts the time of this calendar.")
        name = await session.scalar(delete(CALENDARS).where(CALENDARS.c.id == own).returning(CALENDARS.c.name))
        if name is None:
            raise Rejected(404, "no-such-calendar", "There is no such calendar.")
        await repository.changed(session)
        await audit.note(session, "calendar.removed", actor, name)


async def preview(desk: Desk, situation: Situation, *, actor: Actor) -> StandingView:
    """Returns what would be due for a ticket of somebody who writes for the first time at its
    `created_at`. Rejected 403."""
    actor.require(Permission.MANAGE_SERVICE_LEVELS)
    at = situation.created_at
    async with desk.database.transaction() as session:
        policies = await repository.policies(session)
        calendars = {row.id: repository.calendar_of(row) for row in await repository.calendars(session)}
    policy = policy_for(situation, policies)
    return _view(previewed(situation, policy, hours_of(policy, calendars, at)), policy.name if policy else "", at)


async def of_ticket(desk: Desk, ticket: str) -> StandingView:
    """Returns where a ticket (id or number) stands. Rejected 404."""
    found = (
        select(TICKETS.c.due_at, STANDINGS.c.policy, STANDINGS.c.targets, POLICIES.c.name)
        .outerjoin(STANDINGS, STANDINGS.c.ticket_id == TICKETS.c.id)
        .outerjoin(POLICIES, POLICIES.c.id == STANDINGS.c.policy)
    )
    async with desk.database.statements() as session:
        row = (await session.execute(found.where(store.known_as(ticket)))).one_or_none()
    if row is None:
        raise store.not_found()
    standing = Standing(policy=row.policy, targets=msgspec.convert(row.targets or [], tuple[Target, ...]))
    return _view(standing, row.name or "", utc_now(), None if row.policy else row.due_at)


def _view(standing: Standing, policy: str, now: datetime, promised: datetime | None = None) -> StandingView:
    shown = (each for each in standing.targets if not each.idle)
    targets = sorted(shown, key=lambda each: (each.ended_at is not None, -each.began_at.timestamp()))
    return StandingView(
        policy=policy,
        promised=promised,
        targets=tuple(
            TargetView(
                kind=each.kind.value,
                state=each.state(now),
                began_at=each.began_at,
                due_at=each.due_at,
                ended_at=each.ended_at,
            )
            for each in targets
        ),
    )


def checked(policy: Policy) -> Policy:
    """Returns a policy as it is stored. Rejected 422."""
    policy = msgspec.structs.replace(
        policy,
        name=_name(policy.name),
        teams=_names(policy.teams),
        channels=_names(policy.channels),
        tiers=_names(policy.tiers),
    )
    if not set(policy.levels) <= set(Level):
        raise Rejected(422, "sla-level", f"The priority is one of {', '.join(Level)}.")
    if not all(0 <= each <= MOST_MINUTES for each in (policy.first, policy.next, policy.solution, policy.warn_minutes)):
        raise Rejected(422, "sla-minutes", f"A target has up to {MOST_MINUTES:,} minutes; 0 for none.")
    if not 0 <= policy.warn_share < 100:
        raise Rejected(422, "sla-share", "A warning comes after 1 to 99 per cent of the time; 0 for none.")
    if policy.id:
        as_uuid(policy.id, "policy")
    if policy.calendar:
        as_uuid(policy.calendar, "calendar")
    actions = {name: _actions(getattr(policy, name)) for name in ("on_warning", "on_breach")}
    return msgspec.structs.replace(policy, calendar=policy.calendar or None, **cast("Any", actions))


def _actions(actions: Actions) -> Actions:
    if (actions.level and actions.level not in tuple(Level)) or not set(actions.notify) <= set(LISTENERS):
        text = f"The priority is one of {', '.join(Level)}; notified are {', '.join(LISTENERS)}."
        raise Rejected(422, "sla-actions", text)
    return msgspec.structs.replace(actions, team=teams.checked(actions.team))


def checked_calendar(calendar: Calendar) -> Calendar:
    """Returns a calendar as it is stored. Rejected 422."""
    calendar = msgspec.structs.replace(
        calendar,
        name=_name(calendar.name),
        country=calendar.country.strip().upper(),
        region=calendar.region.strip(),
        feed=outgoing.checked(calendar.feed) if calendar.feed.strip() else "",
        feed_days=(),
    )
    for code, what in (
        ("calendar-hours", msgspec.structs.replace(calendar, country="")),
        ("calendar-country", calendar),
    ):
        try:
            what.opening(utc_now())
        except ValueError as error:
            raise Rejected(422, code, f"This calendar cannot be read: {error}.") from error
    return calendar


def _name(name: str) -> str:
    name = storable(name).strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Rejected(422, "sla-name", f"Give it a name of up to {LONGEST_NAME} printable characters.")
    return name


def _names(given: tuple[str, ...]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(filter(None, (storable(name).strip() for name in given))))
    if len(found) > MOST_NAMES or any(len(name) > LONGEST_NAME for name in found):
        raise Rejected(422, "sla-match", f"Name up to {MOST_NAMES}, each of up to {LONGEST_NAME} characters.")
    return found


async def _known_names(session: AsyncSession, policy: Policy) -> None:
    """Checks that the teams and the calendar that the policy names exist. Rejected 422."""
    known = await teams.team_names(session, teams.MOST)
    named = {*policy.teams, policy.on_warning.team, policy.on_breach.team} - {""}
    if strange := named - set(known):
        raise Rejected(422, "sla-team", f"There is no team {min(strange)!r}.")
    there = select(CALENDARS.c.id).where(CALENDARS.c.id == policy.calendar)
    if policy.calendar and await session.scalar(there) is None:
        raise Rejected(422, "sla-calendar", "There is no such calendar.")


async def alone(session: AsyncSession) -> None:
    """Waits until nobody else changes policies or calendars, until the commit."""
    await session.execute(select(func.pg_advisory_xact_lock(_LOCK)))


async def _one(session: AsyncSession, statement: Any, key: Any) -> None:
    if await _unique(session, statement.returning(key)) == 0:
        raise _no_policy() if key is POLICIES.c.id else Rejected(404, "no-such-calendar", "There is no such calendar.")


async def _unique(session: AsyncSession, statement: Any) -> int:
    """Runs a statement. Returns how many rows it wrote. Rejected 409 where it breaks that names are
    unique."""
    try:
        return len((await session.execute(statement)).all())
    except IntegrityError as error:
        raise Rejected(409, "sla-name", "Another one has this name. Choose a different one.") from error


def _no_policy() -> Rejected:
    return Rejected(404, "no-such-policy", "There is no such policy.")
