"""What the phone service tells of calls: each version once, whatever comes twice, late or in any
order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select, update

from services.desk.actors import DESK
from services.desk.bulk import among, insert_all
from services.desk.calls import availability, domain, repository, ticket_link
from services.desk.calls.models import CALLS, REQUESTS
from services.desk.calls.service import NEW, change, record_change
from services.desk.context import Desk
from services.desk.signals import wake
from services.desk.tickets import call_outcomes, store
from services.desk.unit_of_work import UnitOfWork
from shared.errors import Malformed
from shared.events import CallAction, CallChanged, CallOutcome
from shared.metrics import METRICS

_LONGEST = 200
_LONGEST_DETAIL = 1000
_PLAIN = (
    "version",
    "at",
    "direction",
    "language",
    "message_id",
    "waiting_since",
    "connected_at",
    "ended_at",
    "request_id",
)
_NOBODY_ASKED = {"answered_by": "", "answer_id": "", "answer_until": None}


async def apply(desk: Desk, changes: Sequence[CallChanged]) -> None:
    """Applies changes of calls in one transaction. Raises Unavailable with nothing written, or
    Malformed if an id is invalid."""
    for one in changes:
        _check(one)
    ids = sorted({one.call_id for one in changes})
    first = {one.call_id: one.at for one in reversed(changes)}
    async with desk.unit_of_work() as work:
        await insert_all(work.session, CALLS, [{**NEW, "call_id": call, "at": first[call]} for call in ids])
        rows = await repository.lock(work.session, *ids)
        versions = {call: row.version for call, row in rows.items()}
        news = []
        for one in changes:
            if one.version > versions[one.call_id]:
                versions[one.call_id] = one.version
                await _take(work, rows[one.call_id], one)
                news.append(one)
        answers = await _outcomes(work, changes)
        await availability.lock(
            work.session, {one.agent for one in changes} | {request.agent for request, _ in answers}
        )
        named = {one.call_id: one.ticket_id for one in changes if one.ticket_id}
        tickets = await ticket_link.link(work, ids, named)
        for request, outcome in answers:
            await _conclude(desk, work, request, outcome)
        await ticket_link.settle(work, ids)
        await availability.settle(work, {one.agent for one in changes} | {request.agent for request, _ in answers})
        for one in news:
            record_change(
                work,
                one.call_id,
                tickets.get(one.call_id),
                one.state.value,
                one.agent,
                version=one.version,
                outcome=one.outcome.value if one.outcome else None,
            )
        await wake(work.session)
    _observe(rows, news)


async def _take(work: UnitOfWork, before: Any, one: CallChanged) -> None:
    values = {name: getattr(one, name) for name in _PLAIN}
    values |= {
        "state": one.state.value,
        "outcome": one.outcome.value if one.outcome else "",
        "agent": one.agent.lower(),
    }
    values |= {
        "customer": one.customer or before.customer,
        "detail": one.detail[:_LONGEST_DETAIL].replace("\x00", "\ufffd"),
    }
    await change(work.session, one.call_id, **values)


def _observe(rows: Mapping[str, Any], news: Sequence[CallChanged]) -> None:
    """Records how long callers who have just been connected had waited."""
    for one in {one.call_id: one for one in news}.values():
        if one.direction == "in" and one.waiting_since and one.connected_at and rows[one.call_id].connected_at is None:
            METRICS.calls_answer_seconds.observe(max(0.0, (one.connected_at - one.waiting_since).total_seconds()))


async def _outcomes(work: UnitOfWork, changes: Sequence[CallChanged]) -> list[tuple[Any, CallOutcome]]:
    """Requests of ours of which there is news; each outcome is noted once."""
    told = {one.request_id for one in changes if one.outcome}
    found = select(REQUESTS).where(among(REQUESTS.c.id, told)).order_by(REQUESTS.c.id).with_for_update()
    ours = {row.id: row for row in await work.session.execute(found)}
    known = {request: row.outcome for request, row in ours.items()}
    news: dict[str, tuple[Any, CallOutcome]] = {}
    for one in changes:
        request = ours.get(one.request_id)
        if request is None or request.call_id != one.call_id or one.outcome is None:
            continue
        if not domain.outcome_moves(known[request.id], one.outcome):
            continue
        known[request.id] = one.outcome.value
        values = {"outcome": one.outcome.value, "detail": one.detail[:_LONGEST_DETAIL].replace("\x00", "\ufffd")}
        noted = update(REQUESTS).where(REQUESTS.c.id == request.id)
        await work.session.execute(noted.values(**values, outcome_at=one.at))
        news[request.id] = request, one.outcome
    return list(news.values())


async def _conclude(desk: Desk, work: UnitOfWork, request: Any, outcome: CallOutcome) -> None:
    """Applies what follows from the end of an attempt to connect an agent and a customer."""
    if outcome is CallOutcome.AGENT_NO_ANSWER and request.action != CallAction.OFFER.value:
        await availability.missed_ring(work, request.agent)
    if request.action == CallAction.CONNECT.value and outcome is not CallOutcome.ACCEPTED:
        row = (await repository.lock(work.session, request.call_id))[request.call_id]
        if row.answer_id == request.id:
            vain = outcome not in (CallOutcome.CONNECTED, CallOutcome.COMPLETED)
            asked = {**row.asked, request.agent: request.requested_at.isoformat()} if vain else row.asked
            await change(work.session, row.call_id, asked=asked, **_NOBODY_ASKED)
    if request.action == CallAction.CALL_BACK.value and outcome is CallOutcome.CUSTOMER_NO_ANSWER and request.ticket_id:
        await _count_try(desk, work, request)


async def _count_try(desk: Desk, work: UnitOfWork, request: Any) -> None:
    """Adds a note to the ticket after `callback_tries` callbacks in vain, after which the list
    of callbacks leaves it out."""
    ticket = await store.locked(work, request.ticket_id)
    vain = select(func.count()).where(
        REQUESTS.c.ticket_id == request.ticket_id,
        REQUESTS.c.action == CallAction.CALL_BACK.value,
        REQUESTS.c.outcome == CallOutcome.CUSTOMER_NO_ANSWER.value,
        REQUESTS.c.requested_at >= (ticket.waiting_since or request.requested_at),
    )
    tries = int(await work.session.scalar(vain) or 0)
    if tries >= desk.settings.callback_tries:
        text = f"Called {tries} times, and nobody answered."
        await call_outcomes.add_note(work, ticket.id, text, request.requested_at, DESK, "", key=f"tries:{request.id}")


def _check(one: CallChanged) -> None:
    if not one.call_id.isprintable() or not 0 < len(one.call_id) <= _LONGEST or one.direction not in ("in", "out"):
        raise Malformed(
            f"call {one.call_id[:60]!r} needs an id of at most {_LONGEST} printable characters, and a direction"
        )
    texts = (one.agent, one.request_id, one.language, one.message_id, one.customer or "")
    if any(len(text) > _LONGEST or not text.isprintable() for text in texts):
        raise Malformed(f"call {one.call_id}: a field is longer than {_LONGEST} characters, or not printable")
