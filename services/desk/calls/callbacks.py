"""Callbacks as work: who is to be called, in which order, at which number.

Nothing is kept of it: the list is read off the tickets that wait for an answer, so whatever answers
one takes it off the list. Nobody is called twice for two tickets: a call in vain rests all
callbacks of that customer, and whoever was spoken with since they asked is off the list; what else
they wrote still waits in the inbox.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.calls import domain, repository
from services.desk.calls.schemas import CallbackView
from services.desk.context import Desk
from services.desk.customers import contacts
from services.desk.people.models import AGENTS
from services.desk.tickets import repository as tickets
from services.desk.tickets.domain import TELLING
from services.desk.tickets.escalation import asked
from services.desk.tickets.models import TICKETS
from shared.clock import utc_now

_MOST = 200
"""That are listed: more than anybody calls before the first of them have changed."""
_REMEMBERED = timedelta(days=90)
"""Whoever asked longer ago and has no answer yet is in the inbox."""
_LOOKED_THROUGH = 300
"""Tickets of customers who would rather be called. Some were called just now, or wait for somebody
with other skills."""
_TELLING = json.dumps(TELLING)
_WHY = {"voicemail": "voicemail", "abandoned": "abandoned"}
_WAITING = text(
    """
    WITH candidates AS (
        (SELECT id FROM desk.tickets
        WHERE status = 'open' AND waiting_since IS NOT NULL AND channels -> 0 ->> 'channel' = 'phone'
            AND jsonb_path_exists(channels, '$[0].reasons[*] ? (@.code == $telling[*])', CAST(:telling AS jsonb))
            AND (CAST(:ticket AS uuid) IS NULL OR id = :ticket)
        ORDER BY rank / 101, waiting_since LIMIT :most)
        UNION
        (SELECT tickets.id FROM desk.messages JOIN desk.tickets ON tickets.id = ticket_id
        WHERE call ->> 'callback' = 'true' AND at > :remembered AND status = 'open' AND waiting_since IS NOT NULL
            AND (CAST(:ticket AS uuid) IS NULL OR ticket_id = :ticket))
    )
    SELECT CAST(t.id AS text) AS id, t.skills, t.patience, t.rank, t.waiting_since, t.channels,
        asked.author, asked.call AS asked, asked.at AS asked_at,
        asked.conversation, wrote.at AS wrote_at, reach.point,
        EXISTS (SELECT FROM desk.contact_points WHERE point = t.channels -> 0 ->> 'contact_point' AND opted_out) AS refused,
        tried.tries, tried.last_at, calling.agent AS calling
    FROM candidates JOIN desk.tickets AS t USING (id)
    LEFT JOIN LATERAL (
        SELECT author, call, at, conversation FROM desk.messages
        WHERE ticket_id = t.id AND at >= t.waiting_since AND call ->> 'callback' = 'true'
        ORDER BY at DESC, id LIMIT 1
    ) AS asked ON true
    LEFT JOIN LATERAL (
        SELECT at FROM desk.messages
        WHERE ticket_id = t.id AND at >= t.waiting_since AND direction = 'in' AND call IS NULL AND automatic = ''
        ORDER BY at LIMIT 1
    ) AS wrote ON true
    LEFT JOIN LATERAL (
        SELECT point FROM desk.contact_points
        WHERE customer_id = t.customer_id AND point LIKE 'tel:+%' AND NOT opted_out
        ORDER BY created_at, point LIMIT 1
    ) AS reach ON true
    LEFT JOIN LATERAL (
        SELECT count(*) AS tries, max(outcome_at) AS last_at FROM desk.call_requests
        WHERE ticket_id IN (SELECT id FROM desk.tickets WHERE customer_id = t.customer_id)
            AND action = 'call-back' AND outcome = 'customer-no-answer' AND requested_at >= t.waiting_since
    ) AS tried ON true
    LEFT JOIN LATERAL (
        SELECT agent, direction FROM desk.calls
        WHERE ticket_id IN (SELECT id FROM desk.tickets WHERE customer_id = t.customer_id)
            AND state IN ('queued', 'offered', 'bridging', 'connected')
            AND at > CASE state WHEN 'bridging' THEN CAST(:rung AS timestamptz) WHEN 'connected' THEN :talked ELSE :queued END
        ORDER BY at DESC LIMIT 1
    ) AS calling ON true
    WHERE t.status = 'open' AND t.waiting_since IS NOT NULL
        AND (calling.direction IS NULL OR calling.direction = 'out')
        AND (:early OR NOT EXISTS (
            SELECT FROM desk.calls JOIN desk.tickets AS own ON own.id = ticket_id
            WHERE own.customer_id = t.customer_id AND connected_at > COALESCE(asked.at, t.waiting_since)
        ))
        AND tried.tries < :tries AND (:early OR tried.last_at IS NULL OR tried.last_at <= :rested)
    """
)


async def to_make(desk: Desk, agent: str = "") -> tuple[CallbackView, ...]:
    """Lists the callbacks to make, in the order of work. `agent`: only those that this agent has
    the skills for."""
    async with desk.database.snapshot() as session:
        now = utc_now()
        rows = await _read(session, desk, now)
        if agent:
            found = await session.execute(select(AGENTS).where(AGENTS.c.active))
            everybody = [repository.agent(row, now) for row in found]
            own = next((one for one in everybody if one.email == agent.lower()), None)
            rows = [row for row in rows if own and domain.may_call_back(own, _asked(row, now), everybody)]
        shown = await tickets.rows(session, [row.id for row in rows[:_MOST]])
        return tuple(_view(row, shown[row.id]) for row in rows[:_MOST])


async def of_ticket(session: AsyncSession, desk: Desk, ticket: str) -> Any:
    """Returns the callback of this ticket, also one that should rather be tried later; None if
    there is none to make."""
    return next(iter(await _read(session, desk, utc_now(), ticket)), None)


def number(row: Any) -> str:
    """Returns the number to call: the one that they called from when they asked, the one that
    the router knew, or else one of theirs; may be empty."""
    if row.asked is not None:
        return str(row.author)
    chosen = row.channels[0].get("contact_point") or ""
    return chosen if chosen.startswith("tel:+") and not row.refused else str(row.point or "")


async def known_number(session: AsyncSession, ticket: str) -> str:
    """Returns one of the customer's numbers at which they have not opted out of being reached;
    may be empty."""
    customer = select(TICKETS.c.customer_id).where(TICKETS.c.id == ticket).scalar_subquery()
    found = [
        p.point
        for p in await contacts.points_of(session, str(await session.scalar(select(customer))))
        if not p.opted_out
    ]
    return next((point for point in found if point.startswith("tel:+")), "")


async def _read(session: AsyncSession, desk: Desk, now: datetime, ticket: str | None = None) -> Sequence[Any]:
    values = {
        "ticket": ticket,
        "telling": f'{{"telling": {_TELLING}}}',
        "most": _LOOKED_THROUGH,
        "early": ticket is not None,
        "tries": desk.settings.callback_tries,
        "rested": now - timedelta(minutes=desk.settings.callback_pause),
        "remembered": now - _REMEMBERED,
        "rung": now - domain.LONGEST["bridging"],
        "talked": now - domain.LONGEST["connected"],
        "queued": now - repository.LOST,
    }
    found = [row for row in await session.execute(_WAITING, values) if row.asked is not None or _prefers(row)]
    return sorted(found, key=lambda row: (row.rank // 101, _since(row), str(row.id)))


def _asked(row: Any, now: datetime) -> tuple[str, ...]:
    return asked(row.skills, tickets.patience(row.patience), now)


def _prefers(row: Any) -> bool:
    """Whether the customer wrote, would rather be called, and has not opted out since."""
    called = row.wrote_at is not None and domain.prefers_phone(row.channels) and not _opted_out(row.channels[0])
    return called and (not row.refused or row.point is not None)


def _opted_out(choice: dict[str, Any]) -> bool:
    return any(reason["code"] == "unavailable.opted-out" for reason in choice["reasons"])


def _since(row: Any) -> datetime:
    """Returns since when the customer waits; a callback keeps the place that its caller had in
    line."""
    if row.asked is None:
        return row.waiting_since  # type: ignore[no-any-return]
    try:
        since = datetime.fromisoformat(row.asked.get("waiting_since", ""))
    except ValueError:
        since = row.asked_at
    return since if since.tzinfo else row.asked_at


def _view(row: Any, ticket: Any) -> CallbackView:
    asked = row.asked is not None
    return CallbackView(
        ticket=ticket,
        number=number(row),
        since=_since(row),
        why=_WHY.get(row.asked.get("kind", ""), "asked") if asked else "prefers",
        reason=None if asked else repository.preference(row.channels[0]),
        about=row.conversation if asked else "",
        tries=row.tries,
        agent=row.calling or "",
    )
