"""Made-up calls for the style guide: every state of the line."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

from services.desk.calls.schemas import CallbackView, CallView
from services.desk.people.presence import AgentState
from services.desk.tickets.schemas import ReasonView
from services.desk.web.calls.line import Board, Line
from services.desk.web.conversation import samples
from services.desk.web.conversation.pane import Talk
from shared.clock import utc_now

_PREFERS = ReasonView(
    code="preference.age", text="age 71, given by the customer", values={"age": "71", "channel": "phone"}
)


def call(state: str, **more: Any) -> CallView:
    """Creates a sample call of somebody aged 71."""
    row, now = samples.rows()[2], utc_now()
    values: dict[str, Any] = {
        "call_id": f"sample-{state}",
        "direction": "in",
        "state": state,
        "customer": "tel:+33199001234",
        "customer_id": row.customer_id,
        "customer_name": row.customer_name,
        "language": row.language,
        "ticket_id": row.id,
        "ticket_number": row.number,
        "subject": row.subject,
        "level": "high",
        "prefers_phone": True,
        "reasons": (
            ReasonView(code="call.level", text="priority high", values={"level": "high"}),
            ReasonView(
                code="call.prefers-phone",
                text="prefers the phone, so it counts as waiting 5 minutes longer",
                values={"minutes": "5"},
            ),
            _PREFERS,
        ),
        "waiting_since": now - timedelta(minutes=3, seconds=7),
        "connected_at": now - timedelta(minutes=4) if state in ("connected", "wrap-up") else None,
        "ended_at": now if state == "wrap-up" else None,
        "agent": "sam@example.org",
        "agent_name": "Sam Okoro",
        "offered_to": "sam@example.org" if state == "offered" else "",
        "offered_until": now + timedelta(seconds=20) if state == "offered" else None,
        "outcome": "",
        "detail": "",
        "request_id": "",
        "version": 1,
    }
    return CallView(**(values | more))


def agent(presence: str, reason: str = "", name: str = "Sam Okoro") -> AgentState:
    """Creates a sample agent who takes calls, or does not."""
    return AgentState(
        email="sam@example.org",
        name=name,
        presence=presence,
        since=utc_now() - timedelta(minutes=12),
        reason=reason,
        phone="+33612345678",
        skills=(),
    )


def lines() -> tuple[Line, ...]:
    """Creates samples of one agent's part of the line, in each phase but the one that rings."""
    phases = [Line(agent("busy"), call(state), 1) for state in ("bridging", "connected", "wrap-up")]
    return (*phases, Line(agent("away", "missed a call"), None, 1))


def board() -> Board:
    """Creates a sample line with something of everything."""
    rows, now = samples.rows(), utc_now()
    unknown = call(
        "queued", customer="call:CA1", customer_name="", ticket_id="", level="normal", reasons=(), call_id="sample-2"
    )
    todo = CallbackView(
        ticket=rows[2],
        number="tel:+33199001234",
        since=now - timedelta(minutes=34),
        why="prefers",
        reason=_PREFERS,
        about="",
        tries=1,
        agent="",
    )
    another = dataclasses.replace(todo, ticket=rows[3])
    stranger = dataclasses.replace(rows[1], customer_id="sample-stranger")
    asked = dataclasses.replace(todo, ticket=stranger, number="", why="asked", reason=None, tries=0)
    return Board(
        waiting=(call("offered"), unknown),
        ongoing=(call("connected", direction="out"),),
        callbacks=(todo, asked, another),
        team=(agent("ready"), agent("wrap-up", name="Ann Lee"), agent("away", "lunch")),
    )


def talks() -> tuple[Talk, ...]:
    """Creates sample calls for a timeline."""
    now = utc_now()
    spoke = call("ended", connected_at=now - timedelta(minutes=5), ended_at=now - timedelta(seconds=48))
    vain = call("ended", direction="out", outcome="customer-no-answer", call_id="sample-vain")
    return Talk(spoke, now - timedelta(minutes=6)), Talk(vain, now - timedelta(minutes=3))
