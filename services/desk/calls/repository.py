"""Reading calls, joined with what belongs to other subjects; and locking them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.bulk import among
from services.desk.calls import domain
from services.desk.calls.domain import LONGEST, ONGOING, TALKING, VOICE, WAITING, Agent, Caller
from services.desk.calls.models import CALLS, OPEN
from services.desk.calls.schemas import CallView
from services.desk.customers.models import CONTACT_POINTS, CUSTOMERS
from services.desk.people import presence
from services.desk.people.domain import refusal
from services.desk.people.models import AGENTS
from services.desk.tickets import repository as tickets
from services.desk.tickets.domain import TELLING
from services.desk.tickets.escalation import asked
from services.desk.tickets.models import TICKETS
from services.desk.tickets.schemas import ReasonView
from shared.kernel import ContactPoint, Level, address_of, kind_of

MARGIN = timedelta(seconds=10)
"""After an answer has expired at the phone service, its outcome has this long to come."""
LOST = timedelta(hours=2)
"""Nobody waits that long: the phone service offers something else after minutes. Then we have not
heard of the end."""
_TALKS = 50
_RECENT = timedelta(days=7)
_WHO = func.coalesce(
    func.nullif(CALLS.c.answered_by, ""), func.nullif(CALLS.c.agent, ""), func.nullif(CALLS.c.offered_to, ""), ""
)
ROWS = (
    select(
        CALLS,
        func.coalesce(TICKETS.c.customer_id, CONTACT_POINTS.c.customer_id).label("customer_id"),
        func.coalesce(CUSTOMERS.c.name, "").label("customer_name"),
        TICKETS.c.number.label("ticket_number"),
        TICKETS.c.subject,
        TICKETS.c.level,
        TICKETS.c.channels,
        TICKETS.c.skills,
        TICKETS.c.patience,
        func.coalesce(AGENTS.c.name, "").label("agent_name"),
    )
    .outerjoin(TICKETS, TICKETS.c.id == CALLS.c.ticket_id)
    .outerjoin(CONTACT_POINTS, CONTACT_POINTS.c.point == CALLS.c.customer)
    .outerjoin(CUSTOMERS, CUSTOMERS.c.id == func.coalesce(TICKETS.c.customer_id, CONTACT_POINTS.c.customer_id))
    .outerjoin(AGENTS, AGENTS.c.email == _WHO)
)


def waits(now: datetime) -> ColumnElement[bool]:
    """Callers in line."""
    return and_(CALLS.c.state.in_(WAITING), CALLS.c.direction == "in", CALLS.c.at > now - LOST)


def is_open() -> ColumnElement[bool]:
    """Calls that are somebody's work."""
    return CALLS.c.state.in_(OPEN)


async def lock(session: AsyncSession, *calls: str) -> dict[str, Any]:
    """Locks calls until the commit and returns their rows by call id. Must come before all other
    locks."""
    found = select(CALLS).where(among(CALLS.c.call_id, calls)).order_by(CALLS.c.call_id).with_for_update()
    return {row.call_id: row for row in await session.execute(found)}


async def read(session: AsyncSession, *conditions: ColumnElement[bool]) -> list[Any]:
    """Reads calls as rows with ticket, customer and agent."""
    return list(await session.execute(ROWS.where(*conditions).order_by(CALLS.c.at, CALLS.c.call_id)))


async def talks(session: AsyncSession, now: datetime) -> list[float]:
    """Returns how many seconds each of the last calls took."""
    seconds = func.extract("epoch", CALLS.c.ended_at - CALLS.c.connected_at)
    recent = select(seconds).where(CALLS.c.connected_at.is_not(None), CALLS.c.ended_at > now - _RECENT)
    return [float(value) for value in await session.scalars(recent.order_by(CALLS.c.ended_at.desc()).limit(_TALKS))]


def share_tickets(tickets: Collection[str]) -> Select[Any]:
    """Holds tickets against changes until the commit: before events about them are written, as the
    order of locks wants it."""
    return (
        select(TICKETS.c.id)
        .where(among(TICKETS.c.id, tickets))
        .order_by(TICKETS.c.id)
        .with_for_update(read=True, key_share=True)
    )


def being_answered(row: Any, now: datetime) -> bool:
    """Whether an agent has accepted it, and the phone service may still do it."""
    return bool(row.answered_by) and row.answer_until + MARGIN > now


def being_offered(row: Any, now: datetime) -> bool:
    """Whether an agent is shown it."""
    return bool(row.offered_to) and row.offered_until > now


def state(row: Any, now: datetime) -> str:
    """Returns the state of a call as agents see it: the desk knows of offers and answers before
    the phone service does."""
    if row.state in WAITING:
        return "bridging" if being_answered(row, now) else "offered" if being_offered(row, now) else "queued"
    return str(row.state)


def is_silent(row: Any, now: datetime) -> bool:
    """Whether so long nothing was heard of a call on which an agent was that it cannot go on any
    more."""
    return row.state in ONGOING and bool(row.at + LONGEST[row.state] <= now)


def agent_on(row: Any, now: datetime) -> tuple[str, str]:
    """Returns the agent whose call this is, and the presence that it gives them: `busy`,
    `wrap-up`; both empty if it holds nobody."""
    if row.state in WAITING:
        return (row.answered_by, "busy") if being_answered(row, now) else ("", "")
    if row.state not in ONGOING or is_silent(row, now):
        return "", ""
    if row.state in TALKING:
        return row.agent, "busy"
    return ("", "") if row.finished_at else (row.agent, "wrap-up")


def caller(row: Any, now: datetime) -> Caller:
    """Converts a waiting call's row into a caller of the queue. Without a ticket yet, its level
    is normal."""
    skills, patience = row.skills or (), tickets.patience(row.patience or {})
    still = frozenset(asked(skills, patience, now))
    return Caller(
        call_id=row.call_id,
        waiting_since=row.waiting_since or row.at,
        level=row.level or Level.NORMAL.value,
        prefers_phone=domain.prefers_phone(row.channels or ()),
        skills=still,
        dropped={skill: patience.skills[skill] for skill in skills if skill not in still},
        asked={agent: datetime.fromisoformat(at) for agent, at in row.asked.items()},
        offered=being_answered(row, now) or being_offered(row, now),
    )


def agent(row: Any, now: datetime, occupied: Collection[str] = ()) -> Agent:
    """Converts an agent's row into an agent of the queue. Whoever takes no calls now, or would take
    none after this one, is not there: no caller waits for their skills."""
    refused = refusal(replace(presence.standing(row), presence="ready"), VOICE, now)
    return Agent(
        email=row.email,
        presence="away" if refused else row.presence,
        since=row.presence_since,
        skills=frozenset(row.skills),
        occupied=row.email in occupied,
    )


def preference(choice: Mapping[str, Any]) -> ReasonView | None:
    """Returns the reason why we think that a customer would rather phone, from the ticket's
    first channel as stored."""
    found = tickets.reasons(choice["reasons"])
    return next((reason for reason in found if reason.code in TELLING), None)


def view(row: Any, now: datetime, head_start: timedelta) -> CallView:
    """Converts a call's row into the view for readers."""
    shown = state(row, now)
    seen = caller(row, now)
    who = row.agent if row.state not in WAITING else row.answered_by if being_answered(row, now) else ""
    offered = shown == "offered"
    point = ContactPoint(row.customer)
    reasons = domain.reasons(seen, head_start)
    if seen.prefers_phone and (why := preference(row.channels[0])):
        reasons = (*reasons, why)
    if offered and row.offer_missing:
        missing = ", ".join(row.offer_missing)
        text = f"nobody on duty has all skills that it asks for: {missing}"
        reasons = (*reasons, ReasonView(code="call.no-skill", text=text, values={"skills": missing}))
    return CallView(
        call_id=row.call_id,
        direction=row.direction,
        state=shown,
        customer=row.customer,
        customer_id=row.customer_id or "",
        customer_name=row.customer_name or (address_of(point) if kind_of(point) == "tel" else ""),
        language=row.language,
        ticket_id=row.ticket_id or "",
        ticket_number=row.ticket_number or 0,
        subject=row.subject or "",
        level=seen.level,
        prefers_phone=seen.prefers_phone,
        reasons=reasons if row.direction == "in" else (),
        waiting_since=row.waiting_since,
        connected_at=row.connected_at,
        ended_at=row.ended_at,
        agent=who,
        agent_name=row.agent_name if who or offered else "",
        offered_to=row.offered_to if offered else "",
        offered_until=row.offered_until if offered else None,
        outcome=row.outcome,
        detail=row.detail,
        request_id=row.request_id,
        version=row.version,
    )


def in_order(rows: Sequence[Any], now: datetime, head_start: timedelta) -> list[Any]:
    """Sorts rows of waiting calls into the order in which they are served."""
    by_id = {row.call_id: row for row in rows}
    return [by_id[one.call_id] for one in domain.order([caller(row, now) for row in rows], head_start)]


def held_by(agent: str) -> ColumnElement[bool]:
    """Builds the condition for open calls that may be this agent's; `agent_on` and
    `being_offered` say whether they are."""
    mine = (CALLS.c.agent == agent, CALLS.c.answered_by == agent, CALLS.c.offered_to == agent)
    return and_(is_open(), or_(*mine))
