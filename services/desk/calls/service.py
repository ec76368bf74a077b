"""What agents see of calls and do with them. Every function raises Rejected 404, 409 or 422 with
what to do."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.actors import Actor, Permission, actor_of
from services.desk.bulk import among
from services.desk.calls import callbacks as work_list
from services.desk.calls import repository
from services.desk.calls.domain import ONGOING, TALKING, WAITING
from services.desk.calls.models import CALLS, REQUESTS
from services.desk.calls.repository import agent_on, being_answered, being_offered, is_open, view
from services.desk.calls.schemas import CallbackView, CallView
from services.desk.context import Desk
from services.desk.people import presence
from services.desk.signals import wake
from services.desk.tickets import call_outcomes, commands, store
from services.desk.tickets.domain import telephone
from services.desk.tickets.domain.lifecycle import Assign, Assignee
from services.desk.unit_of_work import UnitOfWork
from shared.clock import utc_now
from shared.errors import Rejected
from shared.events import CallAction, CallRequested, CallState
from shared.events.desk import CallMoved
from shared.kernel import ContactPoint, contact_point
from shared.topics import CALLS_REQUESTED

__all__ = [
    "answer",
    "call_back",
    "callback_done",
    "callbacks",
    "current",
    "decline",
    "finish",
    "get_call",
    "hang_up",
    "of_tickets",
    "ongoing",
    "waiting",
]
_DIAL = timedelta(seconds=60)
"""How long the phone service may take to begin a callback."""
_FIRST = ("connected", "bridging", "offered", "wrap-up")
"""What a call bar shows first where there is more than one."""
NEW: Mapping[str, Any] = {
    "version": 0,
    "state": CallState.GREETING.value,
    "direction": "in",
    "customer": "",
    "language": "",
    "message_id": "",
    "agent": "",
    "request_id": "",
    "outcome": "",
    "detail": "",
    "about": "",
    "asked": {},
    "offered_to": "",
    "offer_missing": [],
    "answered_by": "",
    "answer_id": "",
    "position": 0,
    "counted": False,
    "noted": False,
}
"""A call of which nothing is known yet."""


async def waiting(desk: Desk) -> tuple[CallView, ...]:
    """Callers in line, in the order in which they are served."""
    now, head_start = utc_now(), timedelta(seconds=desk.settings.phone_head_start)
    async with desk.database.transaction() as session:
        rows = [row for row in await repository.read(session, repository.waits(now)) if not being_answered(row, now)]
    return tuple(view(row, now, head_start) for row in repository.in_order(rows, now, head_start))


async def ongoing(desk: Desk) -> tuple[CallView, ...]:
    """Calls on which an agent is rung, speaks or writes notes; the oldest first."""
    now = utc_now()
    async with desk.database.transaction() as session:
        rows = await repository.read(session, is_open())
    return tuple(_view(desk, row, now) for row in rows if agent_on(row, now)[0])


async def current(desk: Desk, agent: str) -> CallView | None:
    """Returns the call that this agent's call bar shows: offered to them, ringing, connected or
    in wrap-up."""
    agent, now = agent.lower(), utc_now()
    async with desk.database.transaction() as session:
        rows = await repository.read(session, repository.held_by(agent))
    mine = [_view(desk, row, now) for row in rows if _is_mine(row, agent, now)]
    return min(mine, key=lambda call: _FIRST.index(call.state), default=None)


async def of_tickets(desk: Desk, tickets: Collection[str]) -> tuple[CallView, ...]:
    """Lists all calls about these tickets, for their timelines; the oldest news first."""
    if not tickets:
        return ()
    async with desk.database.transaction() as session:
        rows = await repository.read(session, among(CALLS.c.ticket_id, tickets))
    now = utc_now()
    return tuple(_view(desk, row, now) for row in rows)


async def get_call(desk: Desk, call_id: str) -> CallView:
    """Returns one call for readers. Raises Rejected 404."""
    async with desk.database.transaction() as session:
        return await _one(session, desk, call_id)


async def callbacks(desk: Desk, agent: str = "") -> tuple[CallbackView, ...]:
    """Customers to call, in the order of work. `agent`: only those that this agent has the skills
    for."""
    return await work_list.to_make(desk, agent)


async def answer(desk: Desk, call_id: str, *, actor: Actor) -> CallView:
    """Takes a waiting call: the agent's telephone rings. The first agent gets it. Raises
    Rejected 404; 409 `call-taken`, `call-gone`, `on-a-call`; 422 `no-phone`."""
    actor.require(Permission.TAKE_CALLS)
    agent, now = actor.id, utc_now()
    async with desk.unit_of_work() as work:
        row = await _locked(work, call_id)
        if row.answered_by == agent and being_answered(row, now):
            return await _one(work.session, desk, row.call_id)
        _can_be_answered(row, agent, now)
        person = await _free(work.session, agent, now)
        request = CallRequested(
            id=str(uuid4()),
            action=CallAction.CONNECT,
            call_id=row.call_id,
            requested_at=now,
            expires_at=now + timedelta(seconds=desk.settings.offer_seconds),
            agent=person.email,
            agent_at=contact_point("tel", person.phone),
            ticket_id=row.ticket_id or "",
        )
        await ask(work, request)
        taken = {"answered_by": agent, "answer_id": request.id, "answer_until": request.expires_at}
        await change(work.session, row.call_id, **taken, offered_to="", offered_until=None, position=0)
        await presence.change(work, person, "busy", after=_after(person))
        if row.ticket_id:
            await give(work, row.ticket_id, person)
        record_change(work, row.call_id, row.ticket_id, CallState.BRIDGING.value, agent, version=row.version)
        return await _one(work.session, desk, row.call_id)


async def decline(desk: Desk, call_id: str, *, actor: Actor) -> None:
    """Passes an offered call on to the next agent; it keeps its place. Raises Rejected 404, 409
    `call-gone`."""
    actor.require(Permission.TAKE_CALLS)
    agent, now = actor.id, utc_now()
    async with desk.unit_of_work() as work:
        row = await _locked(work, call_id)
        if row.offered_to != agent or not being_offered(row, now) or row.state not in WAITING:
            raise Rejected(409, "call-gone", "This call is no longer offered to you.")
        asked = {**row.asked, agent: now.isoformat()}
        await change(work.session, row.call_id, asked=asked, offered_to="", offered_until=None, offer_missing=[])
        await _hold_ticket(work.session, row.ticket_id)
        record_change(
            work,
            row.call_id,
            row.ticket_id,
            CallState.QUEUED.value,
            "",
            version=row.version,
            actor=actor,
            why="declined",
        )
        await wake(work.session)


async def call_back(desk: Desk, ticket: str, *, actor: Actor, number: str = "") -> CallView:
    """Rings the agent, then the customer. `number`: as the agent typed it; empty means the one
    that is known. Raises Rejected 404; 409 `calling` when somebody calls them already,
    `on-a-call`, `channel-off`; 422 `no-number`, `no-phone`, `number`."""
    actor.require(Permission.TAKE_CALLS)
    agent, now = actor.id, utc_now()
    typed = contact_point("tel", presence.normal_number(number)) if number.strip() else None
    _phone_is_on(desk)
    async with desk.unit_of_work() as work:
        own = await store.find(work.session, ticket)
        await work.session.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:k, 0))"), {"k": f"callback:{own}"}
        )
        await _nobody_calls(work.session, own, now)
        person = await _free(work.session, agent, now)
        todo = await work_list.of_ticket(work.session, desk, own)
        where = typed or await _number(work.session, own, todo)
        row = await give(work, own, person)
        call = str(uuid4())
        request = CallRequested(
            id=call,
            action=CallAction.CALL_BACK,
            call_id=call,
            requested_at=now,
            expires_at=now + _DIAL,
            agent=person.email,
            agent_at=contact_point("tel", person.phone),
            ticket_id=own,
            customer=where,
            language=row.language,
            about=todo.conversation if todo is not None and todo.asked is not None else "",
        )
        await ask(work, request)
        begun = {"call_id": call, "state": CallState.BRIDGING.value, "direction": "out", "at": now, "customer": where}
        more = {"language": row.language, "ticket_id": own, "agent": person.email, "request_id": call}
        await work.session.execute(insert(CALLS).values({**NEW, **begun, **more, "about": request.about}))
        await presence.change(work, person, "busy", after=_after(person))
        record_change(work, call, own, CallState.BRIDGING.value, person.email)
        return await _one(work.session, desk, call)


async def hang_up(desk: Desk, call_id: str, *, actor: Actor) -> None:
    """Ends the agent's own call. Raises Rejected 404, 409 `call-taken`, `call-gone`,
    `not-connected`: a caller whom nobody has greeted yet is not hung up on."""
    actor.require(Permission.TAKE_CALLS)
    async with desk.unit_of_work() as work:
        row = await _locked(work, call_id)
        _is_agents(row, actor.id, utc_now())
        if row.direction == "in" and row.connected_at is None:
            text = "You are not connected yet. If you cannot take it, let it ring: the caller stays in line."
            raise Rejected(409, "not-connected", text)
        await ask(work, _simple(CallAction.HANG_UP, row, actor.id))


async def finish(desk: Desk, call_id: str, *, actor: Actor) -> None:
    """Ends the agent's wrap-up: they are free for the next call. Repeating it has no effect.
    Raises Rejected 404, 409 `call-taken`, `call-gone`."""
    actor.require(Permission.TAKE_CALLS)
    agent, now = actor.id, utc_now()
    async with desk.unit_of_work() as work:
        row = await _locked(work, call_id)
        if row.finished_at or (row.state == CallState.ENDED.value and row.agent == agent):
            return
        _is_agents(row, agent, now)
        (person,) = await presence.locked(work.session, [agent]) or [None]
        await ask(work, _simple(CallAction.FINISH, row, agent))
        await change(work.session, row.call_id, finished_at=now)
        if person and row.state == CallState.WRAP_UP.value and person.presence_after:
            await presence.change(work, person, person.presence_after)
        await _hold_ticket(work.session, row.ticket_id)
        record_change(work, row.call_id, row.ticket_id, row.state, agent, version=row.version, actor=actor)
        await wake(work.session)


async def callback_done(desk: Desk, ticket: str, *, actor: Actor) -> None:
    """Takes a callback off the list: the customer was reached in another way. Rejected 403, 404."""
    actor.require(Permission.TAKE_CALLS)
    async with desk.unit_of_work() as work:
        own = await store.find(work.session, ticket)
        await call_outcomes.answered(work, own, utc_now(), actor, "callback-done")


async def ask(work: UnitOfWork, request: CallRequested) -> None:
    """Publishes a request, and stores those whose outcome matters."""
    if request.action in (CallAction.OFFER, CallAction.CONNECT, CallAction.CALL_BACK):
        kept = {"id": request.id, "call_id": request.call_id, "action": request.action.value, "agent": request.agent}
        more = {
            "ticket_id": request.ticket_id or None,
            "requested_at": request.requested_at,
            "outcome": "",
            "detail": "",
        }
        await work.session.execute(insert(REQUESTS).values(kept | more))
    work.send(CALLS_REQUESTED, request.call_id, request)


async def change(session: AsyncSession, call_id: str, **values: Any) -> None:
    """Updates columns of a call that is locked."""
    await session.execute(update(CALLS).where(CALLS.c.call_id == call_id).values(values))


async def give(work: UnitOfWork, ticket: str, person: Any) -> Any:
    """Assigns the ticket to this agent from now on; records nothing if it is theirs already.
    Returns its row."""
    row = await store.locked(work, ticket)
    if row.assignee_id != person.id:
        assignee = Assignee(person.id, person.email, person.name)
        await commands.execute(
            work, store.ticket_of(row), Assign(actor=actor_of(person.email), assignee=assignee), utc_now()
        )
    return row


def record_change(
    work: UnitOfWork,
    call_id: str,
    ticket: str | None,
    state: str,
    agent: str,
    *,
    offered_to: str = "",
    version: int = 0,
    actor: Actor | None = None,
    outcome: str | None = None,
    why: str | None = None,
) -> None:
    """Records a call's change on the live feed and the ticket's timeline. The ticket is locked
    already, as the order of locks requires."""
    moved = CallMoved(
        call_id=call_id,
        state=state,
        agent=agent,
        offered_to=offered_to,
        version=str(version),
        outcome=outcome,
        why=why,
    )
    work.record(moved, ticket or "", utc_now(), actor or by_phone(agent), customer=call_id)


def by_phone(agent: str) -> Actor:
    """Returns who did what the phone service tells: the agent (a mail address) on the call, or
    the service itself."""
    return actor_of(agent or "phone")


async def _one(session: AsyncSession, desk: Desk, call_id: str) -> CallView:
    rows = await repository.read(session, CALLS.c.call_id == call_id.replace("\x00", ""))
    if not rows:
        raise _no_such_call()
    return _view(desk, rows[0], utc_now())


def _view(desk: Desk, row: Any, now: datetime) -> CallView:
    return view(row, now, timedelta(seconds=desk.settings.phone_head_start))


async def _locked(work: UnitOfWork, call_id: str) -> Any:
    call_id = call_id.replace("\x00", "")
    row = (await repository.lock(work.session, call_id)).get(call_id)
    if row is None:
        raise _no_such_call()
    return row


async def _hold_ticket(session: AsyncSession, ticket: str | None) -> None:
    if ticket:
        await session.execute(repository.share_tickets([ticket]))


async def _free(session: AsyncSession, agent: str, now: datetime) -> Any:
    """Locks and returns the agent's row. Raises Rejected if they cannot take a call now."""
    (person,) = await presence.locked(session, [agent]) or [None]
    if person is None:
        raise Rejected(422, "unknown-agent", f"No active agent has the address {agent[:100]}.")
    if not person.phone:
        raise Rejected(422, "no-phone", "Set your phone number first, with its country code: +33 6 12 34 56 78.")
    rows = await session.execute(select(CALLS).where(repository.held_by(agent)))
    if any(agent_on(row, now)[0] == agent and row.state != CallState.WRAP_UP.value for row in rows):
        raise Rejected(409, "on-a-call", "You are already on a call. End it first.")
    return person


def _can_be_answered(row: Any, agent: str, now: datetime) -> None:
    if row.direction != "in" or row.state not in (*WAITING, *ONGOING):
        raise Rejected(409, "call-gone", "This caller is no longer waiting.")
    if row.state in ONGOING or being_answered(row, now):
        raise Rejected(409, "call-taken", "Another agent already took this call.")
    if being_offered(row, now) and row.offered_to != agent:
        raise Rejected(409, "call-taken", "This call is being offered to another agent right now.")


async def _nobody_calls(session: AsyncSession, ticket: str, now: datetime) -> None:
    rows = await session.execute(
        select(CALLS).where(CALLS.c.ticket_id == ticket, CALLS.c.state.in_((*WAITING, *TALKING)))
    )
    for row in rows:
        who = agent_on(row, now)[0]
        if who:
            raise Rejected(409, "calling", f"{who} is on a call with this customer already.")
        if row.state in WAITING and row.at + repository.LOST > now:
            raise Rejected(409, "calling", "This customer is waiting in the queue right now: answer that call.")


async def _number(session: AsyncSession, ticket: str, todo: Any) -> ContactPoint:
    found = work_list.number(todo) if todo is not None else await work_list.known_number(session, ticket)
    if not found.startswith("tel:+"):
        raise Rejected(
            422, "no-number", "No phone number for this customer. Ask for it, or enter it: +33 6 12 34 56 78."
        )
    return ContactPoint(found)


def _phone_is_on(desk: Desk) -> None:
    phone = telephone(desk.channels.values())
    if phone is None or not phone.enabled:
        why = f": {phone.why_off}" if phone and phone.why_off else ""
        raise Rejected(409, "channel-off", f"The phone line is turned off{why}. Reply on another channel.")


def _is_agents(row: Any, agent: str, now: datetime) -> None:
    if row.state not in (*WAITING, *ONGOING):
        raise Rejected(409, "call-gone", "This call has ended.")
    if agent_on(row, now)[0] != agent and row.agent != agent:
        raise Rejected(409, "call-taken", "This is not your call.")


def _is_mine(row: Any, agent: str, now: datetime) -> bool:
    return agent_on(row, now)[0] == agent or (
        row.state in WAITING and being_offered(row, now) and row.offered_to == agent
    )


def _after(person: Any) -> str:
    """Returns the presence to which the end of a call returns an agent: the one they had before."""
    return str(person.presence_after or person.presence)


def _simple(action: CallAction, row: Any, agent: str) -> CallRequested:
    return CallRequested(id=str(uuid4()), action=action, call_id=row.call_id, requested_at=utc_now(), agent=agent)


def _no_such_call() -> Rejected:
    return Rejected(404, "no-such-call", "Call not found.")
