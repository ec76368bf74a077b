"""What supervisors see, read once for all who look, and what they do about it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import update

from services.desk.actors import Actor, Permission
from services.desk.assignment import repository as assignment
from services.desk.assignment.domain import PUSH, Deal, Team, Worker
from services.desk.calls import service as calls
from services.desk.context import Desk
from services.desk.people import audit, presence
from services.desk.people.domain import CAPACITY, VOICE, refusal
from services.desk.people.models import AGENTS
from services.desk.steering import repository
from services.desk.steering.domain import (
    AHEAD,
    HOUR,
    Forecast,
    Past,
    could,
    forecast,
    this_hour,
    weeks_known,
    why_waiting,
)
from services.desk.steering.schemas import AgentView, Floor, Load, QueuePage, QueueView, Reason, Waiting
from services.desk.tickets.teams import MOST, checked, team_names
from services.desk.wallboard.schemas import Reading
from services.desk.wallboard.service import Source
from shared.clock import utc_now
from shared.errors import Rejected
from shared.events.desk import AgentCalled

EVERY = 1.0
"""Seconds between two looks."""
_HISTORY_EVERY = 1200.0
"""Seconds between two looks at the last weeks, half of which they are good for."""
_HISTORY_AGAIN = 60.0
"""Seconds until they are tried again that could not be read."""
_NONE = Past(arrivals={}, replies=0, seconds=0.0)
_LONGEST_TEXT = 500


@dataclass(frozen=True, slots=True)
class History:
    """What was counted of the last weeks."""

    begins: datetime
    weeks: int
    teams: dict[str, Past]

    def forecast(self, team: str, waiting: int) -> Forecast:
        """Tells what is to be expected of a team's queue."""
        return forecast(self.teams.get(team, _NONE), self.weeks, waiting)


class Steering:
    """One per process: what was read last is shared by all who look."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._history: Source[History] = Source("last weeks", _HISTORY_EVERY, partial(history, desk))
        self._floor: Source[Floor] = Source("floor", EVERY, self._read)
        self._again = 0.0
        self.stopped = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Ends the streams of pages once the desk stops."""
        await stop.wait()
        self.stopped.set()

    async def current(self) -> Reading[Floor]:
        """Returns what is to be seen now; while the database is away, what was seen last."""
        await self.past()
        await self._floor.refresh()
        return self._floor.reading

    async def past(self) -> History | None:
        """Returns what was counted of the last weeks in the hours that come; None where that could
        not be read, which is not tried again at once."""
        held = self._history.reading
        if held.value and held.value.begins != this_hour(utc_now()):
            self._history.reading = replace(held, at=None)
        if held.ok or time.monotonic() >= self._again:
            await self._history.refresh()
            self._again = time.monotonic() + _HISTORY_AGAIN
        return self._history.reading.value

    async def _read(self, now: datetime) -> Floor:
        return await floor(self._desk, now, self._history.reading.value)


async def history(desk: Desk, now: datetime) -> History:
    """Counts the hours that come in each of the last weeks."""
    begins = this_hour(now)
    async with desk.database.snapshot() as session:
        first, teams = await repository.history(session, begins)
    return History(begins, weeks_known(first, begins), teams)


async def floor(desk: Desk, now: datetime, past: History | None) -> Floor:
    """Reads who does what, what waits, and what is due soon."""
    callers, talks = await calls.waiting(desk), {call.agent: call for call in await calls.ongoing(desk)}
    async with desk.database.snapshot() as session:
        rows = list(await session.execute(assignment.people()))
        workers = await assignment.workers(session, None, desk.channels, now)
        work, totals = await repository.work(session)
        queues = await repository.queues(session, now)
        risk, risks, late = await repository.at_risk(session, now)
        delivered = await repository.deliveries(session)
        names = await team_names(session, MOST)
    agents = tuple(
        AgentView(
            id=row.id,
            email=row.email,
            name=row.name or row.email,
            presence=row.presence,
            since=row.presence_since,
            reason=row.presence_reason,
            teams=tuple(sorted(row.teams)),
            loads=loads(workers[row.id], on_call=row.email in talks, now=now),
            work=tuple(work.get(row.email, ())),
            more=max(0, totals.get(row.email, 0) - repository.SHOWN),
            call=talks.get(row.email),
            called_at=row.called_at,
        )
        for row in sorted(rows, key=lambda row: (row.name.lower(), row.email))
        if row.id in workers
    )
    return Floor(
        at=now,
        agents=agents,
        queues=tuple(
            _view(team, queues.get(team), workers.values(), delivered.get(team, ""), past, now)
            for team in sorted({*names, *queues})
        ),
        at_risk=tuple(risk),
        risks=risks,
        late=late,
        callers=len(callers),
        calling_since=min((call.waiting_since for call in callers if call.waiting_since), default=None),
    )


def loads(who: Worker, *, on_call: bool, now: datetime) -> tuple[Load, ...]:
    """Returns what somebody has of each kind of work, and why they get no more of it."""
    found = [Load(kind=VOICE, has=int(on_call), most=1, why_not=refusal(who.standing, VOICE, now))]
    for kind in CAPACITY:
        has, most = who.load.get(kind, 0), who.capacity.get(kind, 0)
        why_not = refusal(who.standing, kind, now) or ("full" if has >= most else "")
        found.append(Load(kind=kind, has=has, most=most, why_not=why_not))
    return tuple(found)


def _view(
    team: str, counted: Any, workers: Iterable[Worker], delivery: str, past: History | None, now: datetime
) -> QueueView:
    """Tells how a queue stands. counted: its row of `repository.queues`, if somebody waits."""
    members = [each for each in workers if team in each.teams]
    waiting = int(counted.waiting) if counted else 0
    return QueueView(
        team=team,
        pushed=delivery == PUSH,
        waiting=waiting,
        oldest=counted.oldest if counted else None,
        late=counted.late if counted else 0,
        accepting=sum(_accepts(each, now) for each in members),
        members=len(members),
        forecast=past.forecast(team, waiting) if past else None,
    )


def _accepts(who: Worker, now: datetime) -> bool:
    return any(not refusal(who.standing, kind, now) for kind in CAPACITY)


async def queue(desk: Desk, team: str, past: History | None) -> QueuePage:
    """Tells what waits in a team's queue, in the order in which it is given, and why nobody has it.
    Raises Rejected 404."""
    own, now = checked(team), utc_now()
    async with desk.database.snapshot() as session:
        if own not in await team_names(session, MOST):
            raise Rejected(404, "no-such-team", f"There is no team with the name {team[:60]!r}.")
        counted = (await repository.queues(session, now, own)).get(own)
        rows = await repository.waiting(session, own)
        people = await assignment.workers(session, [own], desk.channels, now)
        delivered = (await repository.deliveries(session)).get(own, "")
        pause = timedelta(seconds=desk.settings.chat_offer_seconds)
        refused = await assignment.refused(session, [row.id for row in rows], pause)
        set_up = {each.name: each for each in await assignment.pushed_teams(session)}
        names = await repository.names(session, list(people))
    deal = Deal(people.values(), [set_up.get(own, Team(name=own))], now)
    waits = []
    for row in rows:
        asks = assignment.conversation(row, desk.channels, now, refused.get(row.id))
        verdicts = deal.verdicts(asks)
        why = (("offered", 1),) if row.offered_to else why_waiting(verdicts, pushed=delivered == PUSH)
        waits.append(
            Waiting(
                item=repository.item(row),
                skills=asks.skills,
                offered_to=row.offered_name or row.offered_to or "",
                why=tuple(Reason(why=code, people=count) for code, count in why),
                could=tuple(sorted(names.get(each, "") for each in could(verdicts))),
            )
        )
        if delivered == PUSH and not row.offered_to:
            deal.give(asks)
    view = _view(own, counted, people.values(), delivered, past, now)
    begins = past.begins if past else this_hour(now)
    return QueuePage(queue=view, waiting=tuple(waits), hours=tuple(begins + hour * HOUR for hour in range(AHEAD)))


async def call_in(desk: Desk, agent: str, reason: str = "", *, actor: Actor) -> None:
    """Asks an agent (a mail address), who is not ready, to come in: their console says so until
    they say whether they are there. Rejected 403, 404; 409 `ready` where they are already."""
    actor.require(Permission.MANAGE_AGENTS)
    said = " ".join(reason.replace("\x00", "").split())[:_LONGEST_TEXT]
    async with desk.unit_of_work() as work:
        (row,) = await presence.locked(work.session, [agent]) or [None]
        if row is None:
            raise Rejected(404, "no-such-agent", f"No active agent has the address {agent[:100]}.")
        if row.presence == "ready":
            raise Rejected(409, "ready", f"{row.name or row.email} is ready already.")
        now, by = utc_now(), actor.name or actor.stored
        values = {"called_at": now, "called_by": by, "called_for": said}
        await work.session.execute(update(AGENTS).where(AGENTS.c.id == row.id).values(values))
        work.record(AgentCalled(agent=row.email, by=by, reason=said), "", now, actor, customer=row.email)
        await audit.note(work.session, "person.called", actor, row.email)
