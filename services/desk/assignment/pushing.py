"""Gives conversations to agents, of teams that want it so.

Any number of processes do this, one at a time: who holds the lock reads a snapshot, decides
(`domain.py`), and claims what it decided on rows that it has locked: agents who still accept work,
tickets that nobody has. A process may be killed at any moment: what was not committed is decided
anew by another one.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
from sqlalchemy import delete, func, insert, or_, select, text, update

from services.desk import signals
from services.desk.actors import DESK
from services.desk.assignment import repository
from services.desk.assignment.domain import Conversation, Deal, Given, Snapshot, Team, Worker, has_left
from services.desk.assignment.models import ASSIGNMENTS, GIVEN, MISSED, OFFERED, PASSES, WITHDRAWN
from services.desk.bulk import among, insert_all, update_all
from services.desk.context import Desk
from services.desk.people import presence
from services.desk.people.domain import kind_of, refusal
from services.desk.people.models import AGENTS
from services.desk.schema import EVENTS
from services.desk.tickets import commands, store
from services.desk.tickets.domain import Ticket
from services.desk.tickets.domain.lifecycle import Assign, Assignee
from services.desk.tickets.models import TICKETS
from services.desk.unit_of_work import UnitOfWork
from shared.clock import utc_now
from shared.events.desk import TicketOffered
from shared.listening import listening
from shared.loops import forever
from shared.metrics import METRICS
from shared.waiting import first_of, wait

MISSED_A_CHAT = "missed a chat"
"""The reason with which somebody becomes away who let an offer run out."""
_IDLE = 5.0
"""Seconds until the next look where nothing wakes us: what a lost notification costs at most."""
_REST = 0.1
"""Seconds between two looks in a flood of events."""
_SHORTEST = 0.05
_LOCK = 0x61737367
"""Key of the advisory lock of whoever decides: ASCII of `assg`."""
_MOST = 10_000
"""Conversations in one transaction."""
_WHOLE = 30.0
"""Seconds after which whole queues are looked at again though nothing has changed but the clock,
such as when somebody's working hours begin."""
_SHARE = 5
"""Looks at whole queues that give nobody anything take a fifth of the time at most."""


@dataclass(slots=True)
class Looks:
    """What the last look at whole queues was decided on, if it gave nobody anything. Until that
    changes, only a conversation in which something happened since can fit somebody: the others are
    not read again. Times are those of `time.monotonic`."""

    _on: object = None
    _seq: int = 0
    _rests: float = 0.0
    _until: float = 0.0

    def since(self, on: object, now: float) -> int | None:
        """Returns the number of the event after which a conversation must have changed to be looked
        at; None: all are. `on`: what is decided on now."""
        return None if now >= (self._until if on == self._on else min(self._until, self._rests)) else self._seq

    def gave_nothing(self, on: object, newest: int, since: int | None, began: float, now: float) -> None:
        """Notes a look that was decided `on` this, after the event `newest`, and gave nothing."""
        self._seq = newest
        if since is None:
            self._on, self._until = on, now + _WHOLE
            self._rests = now + _SHARE * (now - began)

    def ask_again(self, now: float, seconds: float) -> None:
        """Notes that somebody who let a conversation go may be asked again in so many seconds."""
        self._until = min(self._until, now + seconds)

    def forget(self) -> None:
        """Looks at everything next: something was given."""
        self._until = 0.0

    def pause(self, on: object, now: float) -> float:
        """Returns the seconds until whole queues may be looked at again, at most `_IDLE`."""
        return max(_SHORTEST, min(_IDLE, (self._until if on == self._on else min(self._until, self._rests)) - now))


async def run(desk: Desk, stop: asyncio.Event) -> None:
    """Gives what waits until `stop`, again whenever something has changed; waits for PostgreSQL
    where it is unavailable."""
    await first_of(desk.channels.ready, stop)  # they say which kind of work a conversation is

    looks = Looks()

    async def follow() -> None:
        async with listening(desk.database, {signals.LIVE: None, signals.CALLS: None}) as listener:
            while await listener.next(stop, await serve(desk, looks)):
                await wait(stop, _REST)

    await forever("assignment", follow, stop)


async def serve(desk: Desk, looks: Looks | None = None) -> float:
    """Does all that is due now. `looks`: what was found before; None looks at everything. Returns
    the seconds until there may be more. Raises Unavailable."""
    async with desk.database.statements() as session:
        teams = await repository.pushed_teams(session)
        ends = await session.scalar(select(func.min(ASSIGNMENTS.c.until)).where(ASSIGNMENTS.c.outcome == OFFERED))
    if not teams and not ends:
        METRICS.tickets_stranded.set(0)
        METRICS.teams_unstaffed.set(0)
        return _IDLE
    if ends:
        async with desk.unit_of_work() as work:
            lapsed = await _lapse(work)
        _count(lapsed)
    async with desk.unit_of_work() as work:
        back = await _take_back(desk, work, teams)
    _count(["back"] * back)
    async with desk.unit_of_work() as work:
        outcomes, seconds = await _give(desk, work, teams, looks or Looks())
    _count(outcomes)
    left = (ends - utc_now()).total_seconds() if ends else _IDLE
    return max(_SHORTEST, min(seconds, left if left > 0 else _IDLE))


def _count(outcomes: Iterable[str]) -> None:
    for outcome, times in Counter(outcomes).items():
        METRICS.assignments.labels(outcome=outcome).inc(times)


async def _lapse(work: UnitOfWork) -> list[str]:
    """Offers that nobody answered in time go on, and those of whom another one took care meanwhile
    are over. Their outcomes."""
    now = utc_now()
    gone = TICKETS.c.assignee_id.is_not(None) | (TICKETS.c.status != "open")
    found = select(ASSIGNMENTS.c.id, AGENTS.c.email).select_from(ASSIGNMENTS)
    found = found.join(AGENTS, AGENTS.c.id == ASSIGNMENTS.c.agent_id)
    found = found.join(TICKETS, TICKETS.c.id == ASSIGNMENTS.c.ticket_id)
    over = found.where(ASSIGNMENTS.c.outcome == OFFERED, (ASSIGNMENTS.c.until <= now) | gone)
    emails = {row.id: row.email for row in await work.session.execute(over)}
    if not emails:
        return []
    locked = await presence.locked(work.session, set(emails.values()), skip=True, also_disabled=True)
    people = {row.id: row for row in locked}
    mine = select(ASSIGNMENTS, gone.label("gone")).join(TICKETS, TICKETS.c.id == ASSIGNMENTS.c.ticket_id)
    mine = mine.where(among(ASSIGNMENTS.c.id, emails), ASSIGNMENTS.c.outcome == OFFERED)
    mine = mine.where(among(ASSIGNMENTS.c.agent_id, people)).order_by(ASSIGNMENTS.c.id)
    outcomes = []
    for row in list(await work.session.execute(mine.with_for_update(of=ASSIGNMENTS, skip_locked=True))):
        outcomes.append(WITHDRAWN if row.gone else MISSED)
        await end_offer(work, row, people[row.agent_id].email, outcomes[-1], now)
        if outcomes[-1] == MISSED:
            await presence.gone(work, people[row.agent_id], MISSED_A_CHAT)
    return outcomes


async def end_offer(work: UnitOfWork, offer: Any, agent: str, outcome: str, now: datetime) -> None:
    """Ends an offer, whose row is locked."""
    await work.session.execute(update(ASSIGNMENTS).where(ASSIGNMENTS.c.id == offer.id).values(outcome=outcome))
    work.record(TicketOffered(agent=agent, state=outcome), offer.ticket_id, now, DESK)


async def _take_back(desk: Desk, work: UnitOfWork, teams: Sequence[Team]) -> int:
    """Conversations whose customer waits, and whose owner does not accept work any more, go back to
    their team with their age. How many."""
    owners = await _absent(work, utc_now())
    left = await _left(desk, work, owners, teams)
    METRICS.tickets_stranded.set(len(left))  # at the next look, those that this one could not take back
    if not left:
        return 0
    emails = {owners[row.assignee_id].email for row, _ in left}
    await presence.locked(work.session, emails, also_disabled=True)
    owners = {own: row for own, row in (await _absent(work, utc_now())).items() if row.email in emails}
    back = 0
    for row, why in await _left(desk, work, owners, teams, lock=True):
        await commands.execute(work, store.ticket_of(row), Assign(actor=DESK, assignee=Assignee(), why=why), utc_now())
        back += 1
    return back


async def _absent(work: UnitOfWork, now: datetime) -> dict[str, Any]:
    """Returns agents by id who may have left work behind: away, or with hours of their own."""
    may = or_(AGENTS.c.presence == "away", AGENTS.c.hours != "", AGENTS.c.time_off != "")
    rows = await work.session.execute(select(AGENTS).where(AGENTS.c.active, may))
    return {row.id: row for row in rows if refusal(presence.standing(row), "", now)}


async def _left(
    desk: Desk, work: UnitOfWork, owners: Mapping[str, Any], teams: Sequence[Team], *, lock: bool = False
) -> list[tuple[Any, str]]:
    theirs = repository.owned_by(owners, [team.name for team in teams])
    rows = select(TICKETS).where(*theirs).order_by(TICKETS.c.id)
    found, now = [], utc_now()
    for row in await work.session.execute(rows.with_for_update(skip_locked=True) if lock else rows):
        person, kind = owners[row.assignee_id], kind_of(desk.channels.get(row.channel))
        standing = presence.standing(person)
        if why := has_left(standing, person.presence_since, kind, row.given_at, row.waiting_since, now):
            found.append((row, why))
    return found


async def _give(desk: Desk, work: UnitOfWork, teams: Sequence[Team], looks: Looks) -> tuple[list[str], float]:
    """Gives what can be given. Outcomes, and the seconds until there may be more."""
    if not await work.session.scalar(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _LOCK}):
        return [], _SHORTEST
    began, now = time.monotonic(), utc_now()
    newest = int(await work.session.scalar(select(func.max(EVENTS.c.seq))) or 0)
    queued = await repository.queued(work.session, [team.name for team in teams])
    people = await repository.workers(work.session, queued, desk.channels, now)
    deal = Deal(people.values(), teams, now)
    METRICS.teams_unstaffed.set(len(queued - deal.staffed))
    given: list[tuple[Conversation, Given]] = []
    pause = timedelta(seconds=desk.settings.chat_offer_seconds)
    room, on = deal.with_room & queued, (people, list(teams))
    since, again = looks.since(on, began), timedelta.max
    if room:
        async for each in repository.waiting(work.session, room, desk.channels, now, pause, since):
            if decision := deal.give(each):
                given.append((each, decision))
                if len(given) == _MOST or not deal.with_room & room:
                    break
            again = min([again, *(until - now for until in each.asked.values() if until > now)])
    outcomes = await _claim(desk, work, given, people, teams, now) if given else []
    if given:
        looks.forget()
        return outcomes, _IDLE if len(outcomes) == len(given) < _MOST else _REST
    ended = time.monotonic()
    looks.gave_nothing(on, newest, since, began, ended)
    looks.ask_again(ended, again.total_seconds())
    return [], looks.pause(on, ended)


async def _claim(
    desk: Desk,
    work: UnitOfWork,
    given: Sequence[tuple[Conversation, Given]],
    people: Mapping[str, Worker],
    teams: Sequence[Team],
    now: datetime,
) -> list[str]:
    """Locks who and what was decided on, and does what still can be done: somebody may have gone
    away or taken a ticket since the snapshot was read. Outcomes."""
    chosen = {decision.worker for _, decision in given}
    emails = await work.session.scalars(select(AGENTS.c.email).where(among(AGENTS.c.id, chosen)))
    there = {row.id: row for row in await presence.locked(work.session, set(emails))}
    tickets = {one.id: one for one in await store.unowned(work.session, [each.id for each, _ in given])}
    own, until = str(uuid4()), now + timedelta(seconds=desk.settings.chat_offer_seconds)
    records: list[dict[str, Any]] = []
    assigns: list[tuple[Ticket, Assign]] = []
    for each, decision in given:
        ticket, person = tickets.get(each.id), there.get(decision.worker)
        if ticket is None or ticket.team != each.team or person is None:
            continue
        if refusal(presence.standing(person), each.kind, now):
            continue
        if decision.offered:
            offered = TicketOffered(agent=person.email, state=OFFERED, until=until.isoformat())
            work.record(offered, each.id, now, DESK)
        else:
            who = Assignee(person.id, person.email, person.name)
            assigns.append((ticket, Assign(actor=DESK, assignee=who, why="pushed")))
        records.append(
            {
                "id": str(uuid4()),
                "ticket_id": each.id,
                "agent_id": person.id,
                "at": now,
                "until": until if decision.offered else None,
                "outcome": OFFERED if decision.offered else GIVEN,
                "pass_id": own,
            }
        )
    if records:
        await commands.assign_all(work, assigns, now)
        await insert_all(work.session, ASSIGNMENTS, records)
        last = {record["agent_id"]: now + timedelta(microseconds=place) for place, record in enumerate(records)}
        await update_all(work.session, AGENTS, [{"id": agent, "assigned_at": at} for agent, at in last.items()])
        await _keep(work, own, [each for each, _ in given], people, teams, now, desk.settings.decision_days)
    return [record["outcome"] for record in records]


async def _keep(
    work: UnitOfWork,
    own: str,
    given: Sequence[Conversation],
    people: Mapping[str, Worker],
    teams: Sequence[Team],
    now: datetime,
    days: int,
) -> None:
    """Keeps what was decided on, and of earlier decisions what is not too old."""
    used = {each.team for each in given}
    snapshot = Snapshot(
        at=now,
        conversations=tuple(given),
        workers=tuple(worker for worker in people.values() if worker.teams & used),
        teams=tuple(team for team in teams if team.name in used),
    )
    values = {"id": own, "at": now, "snapshot": msgspec.json.encode(snapshot)}
    await work.session.execute(insert(PASSES).values(values))
    await work.session.execute(delete(PASSES).where(PASSES.c.at < now - timedelta(days=days)))
