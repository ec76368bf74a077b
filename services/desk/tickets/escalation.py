"""How long a ticket waits for the right people, and who may take it after that. Pure: the clock is
an argument.

Nothing counts down. The moments are kept with the ticket, and what holds now is read off them, so
neither a restart nor an hour without the desk changes what is right.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.events import Decision, Overflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Of a ticket whose customer waits."""

    skills: dict[str, datetime] = field(default_factory=dict)
    """Until when each skill is asked for; one that is not here is asked for, however long it
    takes."""
    overflow: Overflow | None = None
    """Where the ticket goes that its team does not get to, as the router decided for that team."""
    overflow_at: datetime | None = None
    """When it goes there, unless somebody answered or took it."""
    told: tuple[str, ...] = ()
    """Skills of which the timeline says that they are no longer asked for."""

    @property
    def widens_at(self) -> datetime | None:
        """When there is something to do or to tell next; none where everything is done."""
        moments = [until for skill, until in self.skills.items() if skill not in self.told]
        return min([*moments, *([self.overflow_at] if self.overflow_at else [])], default=None)


@dataclass(frozen=True, slots=True)
class Widened:
    """What has become true by now: skills that are no longer asked for, and the team that the
    ticket goes to."""

    skills: tuple[str, ...]
    overflow: Overflow | None
    after: Patience
    """The ticket's patience once that is done and told."""


def asked(skills: Sequence[str], patience: Patience, now: datetime) -> tuple[str, ...]:
    """Returns those of a ticket's skills that are still asked for."""
    return tuple(skill for skill in skills if skill not in patience.skills or patience.skills[skill] > now)


def begun(decision: Decision, team: str, before: Patience, at: datetime) -> Patience:
    """Returns the patience of a customer who begins to wait with a message of this time, for
    `team`. If the router would rather send this message to another team, what it decided for the
    ticket's own one before still holds."""
    own = decision.overflow if decision.team == team else before.overflow
    return Patience(
        skills={skill: at + timedelta(seconds=after) for skill, after in decision.skill_timeouts.items()},
        overflow=own,
        overflow_at=at + timedelta(seconds=own.after) if own else None,
    )


def went_on(
    decision: Decision, team: str, skills: Collection[str], before: Patience, at: datetime
) -> tuple[tuple[str, ...], Patience]:
    """Skills and patience after one more message of a customer who waits already. What they add can
    ask for more skills and bring moments forward; it puts nothing off, and takes nothing back."""
    return tuple(dict.fromkeys((*skills, *decision.skills))), both(before, begun(decision, team, before, at))


def both(before: Patience, new: Patience) -> Patience:
    """Combines the patience of one wait with two beginnings: the earlier one of each moment."""
    ends = before.skills | {skill: min(until, before.skills.get(skill, until)) for skill, until in new.skills.items()}
    if before.overflow_at and (new.overflow_at is None or before.overflow_at <= new.overflow_at):
        new = replace(new, overflow=before.overflow, overflow_at=before.overflow_at)
    return replace(new, skills=ends, told=tuple(dict.fromkeys((*before.told, *new.told))))


def elsewhere(patience: Patience) -> Patience:
    """Returns the patience of a ticket that is with another team now: what the router decided
    for the former one no longer holds."""
    return replace(patience, overflow=None, overflow_at=None)


def widened(patience: Patience, now: datetime) -> Widened:
    """Returns what has become true since it was recorded last."""
    skills = tuple(skill for skill, until in patience.skills.items() if until <= now and skill not in patience.told)
    goes = patience.overflow if patience.overflow_at and patience.overflow_at <= now else None
    after = replace(patience, told=(*patience.told, *skills))
    return Widened(skills, goes, elsewhere(after) if goes else after)
