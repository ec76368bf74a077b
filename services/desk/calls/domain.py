"""Which caller is served next, by whom, and how long the others will wait. Pure: values in, values
out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from statistics import median

from services.desk.tickets.domain import TELLING
from services.desk.tickets.schemas import ReasonView
from shared.events import CallOutcome, CallState
from shared.kernel import Level

VOICE = "voice"
"""The skill of taking calls: the router's policy asks for it for live calls, and a callback always
needs it."""
WAITING = (CallState.QUEUED.value, CallState.OFFERED.value)
TALKING = (CallState.BRIDGING.value, CallState.CONNECTED.value)
ONGOING = (*TALKING, CallState.WRAP_UP.value)
ON_DUTY = ("ready", "busy", "wrap-up")
"""Agents with these are there for calls, now or in a moment."""
USUAL_TALK = 240.0
"""Seconds of a call while there is nothing to learn from."""
LONGEST = {
    CallState.BRIDGING.value: timedelta(minutes=5),
    CallState.CONNECTED.value: timedelta(hours=4),
    CallState.WRAP_UP.value: timedelta(hours=1),
}
"""After which silence a call no longer holds its agent. The phone service concludes each of these
far sooner (ringing after two minutes, notes after ten, a lost line after five silent minutes): this
is for when it cannot tell us."""
_OUTCOMES = tuple(CallOutcome)
_LEVELS = {level.value: place for place, level in enumerate(Level)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody who waits in line."""

    call_id: str
    waiting_since: datetime
    level: str = Level.NORMAL.value
    prefers_phone: bool = False
    skills: frozenset[str] = frozenset()
    """Still asked for."""
    dropped: Mapping[str, datetime] = field(default_factory=dict)
    """Skills that were asked for, and since when they are not any more."""
    asked: Mapping[str, datetime] = field(default_factory=dict)
    """Agents who were offered this call and did not take it, and when."""
    offered: bool = False
    """Is being shown to an agent, or put through, right now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """Somebody who may answer."""

    email: str
    presence: str
    since: datetime
    """Since when they have this presence."""
    skills: frozenset[str] = frozenset()
    """Empty: all."""
    occupied: bool = False
    """On a call, or being offered one."""

    def lacks(self, skills: Iterable[str]) -> frozenset[str]:
        """Returns those of these skills that this agent does not have."""
        return frozenset(skills) - self.skills if self.skills else frozenset()


@dataclass(frozen=True, slots=True)
class Offer:
    """`agent` is to be shown this call. `missing`: skills that nobody on duty has together, so that
    it is offered without them."""

    call_id: str
    agent: str
    missing: frozenset[str] = frozenset()


def order(callers: Iterable[Caller], head_start: timedelta) -> list[Caller]:
    """Sorts callers into the order in which they are served: by level, then by arrival, where
    callers who would rather phone than write count as having arrived `head_start` earlier. The
    clock plays no part, so nobody's place changes while they wait, and within a level nobody is
    passed by anyone who came later than `head_start` after them: nobody starves."""
    return sorted(
        callers,
        key=lambda c: (_LEVELS[c.level], c.waiting_since - head_start * c.prefers_phone, c.waiting_since, c.call_id),
    )


def next_offers(
    callers: Iterable[Caller], agents: Sequence[Agent], now: datetime, *, head_start: timedelta, pause: timedelta
) -> list[Offer]:
    """Chooses which agent is offered which call now: callers in order; for each the ready agent
    with the skills who was not asked yet or was asked longest ago, then the one who is idle
    longest. `pause`: how long an agent is not asked again for a call that they did not take."""
    free = {agent.email: agent for agent in agents if agent.presence == "ready" and not agent.occupied}
    offers = []
    for caller in order(callers, head_start):
        if caller.offered:
            continue
        missing = not any(not a.lacks(caller.skills) for a in agents if a.presence in ON_DUTY)
        able = [
            agent
            for agent in free.values()
            if (missing or not agent.lacks(caller.skills))
            and (agent.email not in caller.asked or caller.asked[agent.email] + pause <= now)
        ]
        chosen = min(able, key=lambda agent: _turn(agent, caller), default=None)
        if chosen is not None:
            del free[chosen.email]
            offers.append(Offer(caller.call_id, chosen.email, chosen.lacks(caller.skills)))
    return offers


def _turn(agent: Agent, caller: Caller) -> tuple[bool, datetime, int, datetime, str]:
    asked = caller.asked.get(agent.email)
    return asked is not None, asked or agent.since, len(agent.lacks(caller.skills)), agent.since, agent.email


def may_call_back(agent: Agent, skills: Collection[str], everybody: Iterable[Agent]) -> bool:
    """Whether a callback is this agent's work: they have the skills for it, or else nobody has."""
    needed = {*skills, VOICE}
    return not agent.lacks(needed) or all(other.lacks(needed) for other in everybody)


def usual_talk(talks: Sequence[float]) -> float:
    """Returns the seconds that a call takes, as the median of how long the last ones took."""
    return median(talks) if talks else USUAL_TALK


def expected_wait(position: int, talk: float, on_duty: int) -> int:
    """Returns the expected seconds until the caller at this position (1 is next) is served by so
    many agents; 0 if it cannot be known."""
    return ceil(max(position, 1) * talk / on_duty) if on_duty else 0


def outcome_moves(before: str, after: CallOutcome) -> bool:
    """Whether this is news of a request. Outcomes may come twice and in any order: of two words the
    later in the list counts."""
    return not before or _OUTCOMES.index(after) > _OUTCOMES.index(CallOutcome(before))


def reasons(caller: Caller, head_start: timedelta) -> tuple[ReasonView, ...]:
    """Returns the reasons for this caller's place."""
    found = [ReasonView(code="call.level", text=f"priority {caller.level}", values={"level": caller.level})]
    if caller.prefers_phone:
        minutes = f"{head_start.total_seconds() / 60:g}"
        text = f"prefers the phone: counts as {minutes} minutes longer in line"
        found.append(ReasonView(code="call.prefers-phone", text=text, values={"minutes": minutes}))
    for skill, since in sorted(caller.dropped.items()):
        minutes = f"{max(0.0, (since - caller.waiting_since).total_seconds()) / 60:.0f}"
        text = f"after {minutes} min also offered to agents without {skill}"
        found.append(ReasonView(code="call.dropped-skill", text=text, values={"skill": skill, "minutes": minutes}))
    if caller.asked:
        asked = ", ".join(sorted(caller.asked))
        text = f"offered before to {asked}, keeps its place"
        found.append(ReasonView(code="call.asked", text=text, values={"agents": asked}))
    return tuple(found)


def talked(seconds: float) -> str:
    """Formats how long a call took, for the timeline: `40 s`, `4 min`."""
    return f"{max(0, round(seconds))} s" if seconds < 60 else f"{round(seconds / 60)} min"


def prefers_phone(channels: Sequence[Mapping[str, object]]) -> bool:
    """Whether there is more that speaks for the phone, in a ticket's channels as stored, than that
    it was used just now."""
    if not channels or channels[0].get("channel") != "phone":
        return False
    found = channels[0].get("reasons")
    codes = [reason["code"] for reason in found] if isinstance(found, list) else []
    return any(code in TELLING for code in codes)
