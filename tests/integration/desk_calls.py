"""Callers, agents and what the phone service tells, short to write."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
from sqlalchemy import text

from services.desk.actors import COMMAND
from services.desk.calls import applying
from services.desk.context import Desk
from services.desk.intake.messages import apply
from services.desk.people import presence
from services.desk.people import service as people
from shared.clock import utc_now
from shared.events import (
    CallChanged,
    CallOutcome,
    CallRequested,
    CallState,
    Channel,
    ChannelChoice,
    PhoneCall,
    Reason,
    RoutedMessage,
)
from shared.events.codec import decode
from shared.kernel import ContactPoint, Level, message_id, stable_id, ticket_id
from tests.integration.desk_parts import acting
from tests.unit.desk.examples import routed

LINE = Channel(name="phone", label="Phone", icon="phone", reaches=("tel",), live=True)
NUMBER = "+33612345678"
AGE_71 = Reason(code="preference.age", text="age 71, given by the customer", values={"channel": "phone", "age": "71"})
USED = Reason(code="preference.used", text="this message came by Phone", values={"channel": "phone"})


async def agent(desk: Desk, name: str, *skills: str, state: str = "ready") -> str:
    """A new agent's mail address."""
    email = f"{name.lower()}@desk.example"
    await people.create_agent(
        desk.database,
        email=email,
        name=name,
        role="agent",
        password="long enough 1",
        phone=f"+3361111{len(name):02}{ord(name[0]) % 100:02}",
        skills=skills,
        actor=COMMAND,
    )
    if state != "away":
        await presence.set_presence(desk, email, state, actor=acting(email))
    return email


def preferring(message: RoutedMessage, channel: str, reason: Reason, point: str | None = None) -> RoutedMessage:
    """With this channel as the customer's favourite."""

    choice = ChannelChoice(channel=channel, reasons=(reason,), contact_point=ContactPoint(point) if point else None)
    decision = msgspec.structs.replace(message.decision, channels=(choice, *message.decision.channels))
    return msgspec.structs.replace(message, decision=decision)


def with_skills(message: RoutedMessage, *skills: str) -> RoutedMessage:

    return msgspec.structs.replace(message, decision=msgspec.structs.replace(message.decision, skills=skills))


def call_message(
    call: str, *, kind: str = "waiting", number: str = NUMBER, since: datetime | None = None, **more: Any
) -> RoutedMessage:
    """What the phone service tells of a call, as the router hands it on."""
    defaults = {"received_at": utc_now(), "live": kind == "waiting", "subject": "", "text": "Calling now."}
    return routed(
        call if kind == "waiting" else f"{call}/{kind}",
        channel="phone",
        sender=f"tel:{number}",
        thread=f"phone:{call}",
        conversation=call,
        rule="conversation",
        call=PhoneCall(id=call, kind=kind, callback=kind != "waiting", waiting_since=since),
        facts={"call": kind},
        **{**defaults, **more},
    )


def changed(call: str, version: int, state: CallState, **more: Any) -> CallChanged:
    """What the phone service tells of a call."""
    defaults: dict[str, Any] = {"customer": ContactPoint(f"tel:{NUMBER}"), "at": utc_now(), "language": "fr"}
    defaults |= {"message_id": message_id("phone", call)}
    return CallChanged(
        id=stable_id("call", call, str(version)), call_id=call, version=version, state=state, **{**defaults, **more}
    )


async def caller(
    desk: Desk,
    *,
    waited: float = 0,
    level: Level = Level.NORMAL,
    number: str = NUMBER,
    prefers: Reason | None = None,
    skills: tuple[str, ...] = (),
) -> str:
    """Somebody who waits in line, and whose ticket is there; their call's id."""
    call, since = f"CA{uuid4().hex}", utc_now() - timedelta(seconds=waited)
    message = call_message(call, number=number, since=since, received_at=since, level=level)
    if prefers:
        message = preferring(message, "phone", prefers)
    await apply(desk, [with_skills(message, *skills)])
    told = changed(call, 1, CallState.QUEUED, waiting_since=since, customer=ContactPoint(f"tel:{number}"))
    await applying.apply(desk, [told])
    return call


def ticket_of(call: str) -> str:
    return ticket_id(f"phone:{call}")


async def requests(desk: Desk, action: str = "") -> list[CallRequested]:
    """What the desk has asked of the phone service, oldest first."""
    async with desk.database.transaction() as session:
        rows = await session.execute(text("SELECT value FROM desk.outbox WHERE topic = 'calls-requested' ORDER BY id"))
        found = [decode(CallRequested, row.value) for row in rows]
    return [request for request in found if not action or request.action == action]


def answered(call: str, version: int, request: CallRequested, outcome: CallOutcome, **more: Any) -> CallChanged:
    """What became of a request."""
    states = {
        CallOutcome.ACCEPTED: CallState.BRIDGING,
        CallOutcome.CONNECTED: CallState.CONNECTED,
        CallOutcome.COMPLETED: CallState.WRAP_UP,
        CallOutcome.CALLER_GONE: CallState.ABANDONED,
    }
    out = request.action == "call-back"
    state = states.get(outcome, CallState.ENDED if out else CallState.QUEUED)
    more = {"direction": "out", "ticket_id": request.ticket_id, "message_id": ""} | more if out else more
    return changed(call, version, state, agent=request.agent, request_id=request.id, outcome=outcome, **more)
