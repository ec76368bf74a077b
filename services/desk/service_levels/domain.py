"""What is due when. Pure: a ticket, the policies and the time give its targets, and what has become
true of them.

A ticket keeps the stretches of time during which its customer waited for us. When a target is due
is computed from these each time, so that another priority, policy or calendar counts from the
beginning, and neither a restart nor an hour without the desk changes what is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays
import msgspec
from msgspec import structs

from shared.hours import Hours, parse
from shared.kernel import Level

MOST_MINUTES = 60 * 24 * 60
"""Of a target: sixty days around the clock."""
MOST_POLICIES, MOST_CALENDARS, LONGEST_NAME, MOST_NAMES = 50, 50, 60, 50
KEPT = 100
"""Targets of one ticket that are kept once they are over: the newest."""
LISTENERS = ("assignee", "team", "supervisors")
"""Who can be notified."""
_ALWAYS = Hours(ZoneInfo("UTC"))
_YEARS_AHEAD = 2


class Kind(StrEnum):
    """What a target is about."""

    FIRST = "first-reply"
    NEXT = "next-reply"
    SOLUTION = "solution"


class Event(StrEnum):
    """What becomes true of a target, once."""

    WARNED = "warned"
    BREACHED = "breached"


class Actions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens to the ticket then."""

    level: str = ""
    """It gets at least this priority; empty: it keeps its own."""
    team: str = ""
    """It goes to this team; empty: it stays."""
    notify: tuple[str, ...] = ()
    """Of `LISTENERS`."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Targets of the tickets that it is for. Of several, the first that is for a ticket counts; one
    without targets says that there are none."""

    id: str = ""
    name: str
    enabled: bool = True
    teams: tuple[str, ...] = ()
    """Empty: all, as in the next three."""
    channels: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    first: int = 0
    """Minutes until the first reply; 0: no target, as in the next two."""
    next: int = 0
    solution: int = 0
    calendar: str | None = None
    """The id of the one whose working time the minutes are; None: around the clock."""
    warn_share: int = 0
    """Per cent of a target's time after which a warning comes; 0: none."""
    warn_minutes: int = 0
    """Minutes before a target is due, of the same working time; 0: none. The earlier one counts."""
    on_warning: Actions = Actions()
    on_breach: Actions = Actions()

    def minutes(self, kind: Kind) -> int:
        """Returns the minutes of a target; 0 for none."""
        return {Kind.FIRST: self.first, Kind.NEXT: self.next, Kind.SOLUTION: self.solution}[kind]

    def warns_after(self, kind: Kind) -> int | None:
        """Returns the minutes after which a warning of this target comes; None for none."""
        whole = self.minutes(kind)
        moments = [whole * self.warn_share // 100] if self.warn_share else []
        moments += [max(0, whole - self.warn_minutes)] if self.warn_minutes else []
        return min(moments, default=None)


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """When somebody works."""

    id: str = ""
    name: str
    hours: str = ""
    """As `shared.hours.parse` reads it, like the next two; empty: day and night."""
    zone: str = "UTC"
    days_off: str = ""
    country: str = ""
    """Whose public holidays are days off, ISO 3166-1; empty: none."""
    region: str = ""
    """Of the country, as the library `holidays` names it."""
    feed: str = ""
    """Address of an iCalendar file whose whole-day events are days off; empty: none."""
    feed_days: tuple[date, ...] = ()
    """Of the newest one that could be read."""

    def opening(self, now: datetime) -> Hours:
        """Returns when somebody works, with holidays of the last year and the next ones. ValueError
        says what is wrong."""
        return _opening(self.hours, self.zone, self.days_off, self.country, self.region, self.feed_days, now.year)


@lru_cache(200)
def _opening(hours: str, zone: str, days: str, country: str, region: str, feed: tuple[date, ...], year: int) -> Hours:
    own = parse(hours, zone, days)
    years = range(year - 1, year + _YEARS_AHEAD + 1)
    off = public_holidays(country, region, years) if country else frozenset()
    return Hours(own.zone, own.week, own.holidays | off | frozenset(feed))


def public_holidays(country: str, region: str, years: Iterable[int]) -> frozenset[date]:
    """Returns the public holidays of a country, or of one of its regions. ValueError for one that
    is not known."""
    try:
        return frozenset(holidays.country_holidays(country, subdiv=region or None, years=years))
    except (NotImplementedError, KeyError, TypeError) as error:  # TypeError: `DEC`, which is a month there
        where = f"{country[:10]!r} with the region {region[:20]!r}" if region else repr(country[:10])
        raise ValueError(f"no public holidays are known of {where}; write a code such as FR, or DE and BY") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What counts of a ticket."""

    team: str = ""
    channel: str = ""
    tier: str = ""
    level: str = Level.NORMAL.value
    status: str = "open"
    waiting_since: datetime | None = None
    created_at: datetime
    first_reply_at: datetime | None = None

    @property
    def runs(self) -> bool:
        """Whether the clocks run: the customer waits for us."""
        return self.status == "open" and self.waiting_since is not None

    @property
    def settled(self) -> bool:
        """Whether it is over."""
        return self.status in ("solved", "closed")


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One promise to the customer of a ticket."""

    kind: Kind
    began_at: datetime
    stretches: tuple[tuple[datetime, datetime | None], ...] = ()
    """During which it ran; the end of the last one is None while it does."""
    due_at: datetime | None = None
    """None while it stands still, unless it was missed."""
    warns_at: datetime | None = None
    """When a warning comes that did not come yet."""
    warned: bool = False
    breached: bool = False
    """It was missed, and that was told: once, whatever becomes of it later."""
    ended_at: datetime | None = None
    idle: bool = False
    """No policy promises it now. It was told of, which is kept in case one does again."""

    @property
    def runs(self) -> bool:
        """Whether its time passes."""
        return bool(self.stretches) and self.stretches[-1][1] is None

    def state(self, now: datetime) -> str:
        """Returns `met`, `breached`, `running` or `paused`."""
        if self.due_at is not None and (self.ended_at or now) >= self.due_at:
            return "breached"
        if self.ended_at is not None:
            return "met"
        return "running" if self.runs else "paused"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a ticket stands. `policy`: the id of its policy; None: none is for it."""

    policy: str | None = None
    targets: tuple[Target, ...] = ()

    @property
    def due_at(self) -> datetime | None:
        """When the first of the targets is due that run."""
        return min((each.due_at for each in self.targets if each.runs and each.due_at), default=None)

    @property
    def next_at(self) -> datetime | None:
        """When something becomes true next, unless something happens before."""
        moments = [each.warns_at for each in self.targets if each.runs]
        moments += [each.due_at for each in self.targets if each.runs and not each.breached]
        return min(filter(None, moments), default=None)


@dataclass(frozen=True, slots=True)
class Happening:
    """What has become true of a target, and when."""

    event: Event
    kind: Kind
    began_at: datetime
    due_at: datetime


def policy_for(situation: Situation, policies: Sequence[Policy]) -> Policy | None:
    """Returns the first policy that is for this ticket."""
    return next((each for each in policies if each.enabled and _is_for(each, situation)), None)


def _is_for(policy: Policy, ticket: Situation) -> bool:
    tiers = {tier.casefold() for tier in policy.tiers}
    return (
        (not policy.teams or ticket.team in policy.teams)
        and (not policy.channels or ticket.channel in policy.channels)
        and (not tiers or ticket.tier.casefold() in tiers)
        and (not policy.levels or ticket.level in policy.levels)
    )


def due(stretches: Sequence[tuple[datetime, datetime | None]], minutes: int, hours: Hours) -> datetime | None:
    """Returns when so many minutes of working time have passed within these stretches, in UTC; None
    where they end before."""
    left = timedelta(minutes=minutes)
    for begins, ends in stretches:
        worked = left if ends is None else hours.between(begins, ends)
        if worked >= left:
            return hours.after(begins, left)
        left -= worked
    return None


def follow(
    ticket: Situation, before: Standing, policy: Policy | None, hours: Hours | None, now: datetime
) -> tuple[Standing, tuple[Happening, ...]]:
    """Returns where a ticket stands now, and what has become true since it was looked at. hours: of
    the policy's calendar; None: around the clock."""
    targets, happened = [], list[Happening]()
    for each in _moved(ticket, before.targets, now):
        if each.ended_at is not None and each in before.targets:
            targets.append(each)
        elif policy and policy.minutes(each.kind):
            target, told = _timed(structs.replace(each, idle=False), policy, hours or _ALWAYS, now)
            targets.append(target)
            happened += told
        elif each.warned and each.ended_at is None:
            targets.append(structs.replace(each, idle=True, due_at=None, warns_at=None))
    return Standing(policy=policy.id if policy else None, targets=_newest(targets)), tuple(happened)


def previewed(ticket: Situation, policy: Policy | None, hours: Hours | None) -> Standing:
    """Returns where a ticket of somebody stands who writes for the first time at its
    `created_at`."""
    return follow(ticket, Standing(), policy, hours, ticket.created_at)[0]


def _newest(targets: Sequence[Target]) -> tuple[Target, ...]:
    """Drops the oldest that are over where there are many."""
    over = [each for each in targets if each.ended_at is not None]
    gone = over[: max(0, len(over) - KEPT)]
    return tuple(each for each in targets if each not in gone)


def _moved(ticket: Situation, before: Sequence[Target], now: datetime) -> list[Target]:
    """Returns the targets with their stretches as they are by now."""
    replies = [each for each in before if each.kind is not Kind.SOLUTION]
    solution = next((each for each in before if each.kind is Kind.SOLUTION), None)
    return [*_replies(ticket, replies, now), _solution(ticket, solution, now)]


def _replies(ticket: Situation, before: Sequence[Target], now: datetime) -> list[Target]:
    """Returns the targets of replies: one for each time that the customer waited. A wait that comes
    back, as its reply was not delivered, goes on as though nothing had come between; those that
    began since are part of it."""
    since = ticket.waiting_since
    if since is None or ticket.settled:
        answered = ticket.first_reply_at or now
        return [
            each if each.ended_at else _ended(each, answered if each.kind is Kind.FIRST else now) for each in before
        ]
    kind = Kind.FIRST if ticket.first_reply_at is None else Kind.NEXT
    over, mine = [], Target(kind=kind, began_at=since)
    for each in before:
        if each.kind is kind and each.began_at == since:
            mine = each if each.ended_at is None else structs.replace(each, ended_at=None, stretches=_open(each))
        elif each.ended_at is None and each.kind is kind and since < each.began_at and not mine.stretches:
            first = (since, each.stretches[0][1]) if each.stretches else (since, now)
            mine = structs.replace(each, began_at=since, stretches=(first, *each.stretches[1:]))
        elif each.ended_at is not None and (each.began_at < since or each.kind is not kind):
            over.append(each)
        elif each.began_at < since:
            over.append(_ended(each, ticket.first_reply_at or now))
    return [*over, _running(mine, since, now) if ticket.runs else _still(mine, now)]


def _solution(ticket: Situation, before: Target | None, now: datetime) -> Target:
    target = before or Target(kind=Kind.SOLUTION, began_at=ticket.created_at)
    if ticket.settled:
        return target if target.ended_at else _ended(target, now)
    target = structs.replace(target, ended_at=None)
    since = ticket.waiting_since or now
    return _running(target, since, now) if ticket.runs else _still(target, now)


def _running(target: Target, since: datetime, now: datetime) -> Target:
    """Lets its time pass: since the customer waits, or, where it had stood still meanwhile, since
    now."""
    if target.runs:
        return target
    last = target.stretches[-1][1] if target.stretches else None
    begins = since if last is None or since > last else now
    return structs.replace(target, stretches=(*target.stretches, (begins, None)))


def _still(target: Target, at: datetime) -> Target:
    if not target.runs:
        return target
    (begins, _), kept = target.stretches[-1], target.stretches[:-1]
    return structs.replace(target, stretches=(*kept, (begins, max(begins, at))))


def _ended(target: Target, at: datetime) -> Target:
    at = max(at, target.began_at)
    return structs.replace(_still(target, at), ended_at=at)


def _open(target: Target) -> tuple[tuple[datetime, datetime | None], ...]:
    return (*target.stretches[:-1], (target.stretches[-1][0], None)) if target.stretches else ()


def _timed(target: Target, policy: Policy, hours: Hours, now: datetime) -> tuple[Target, list[Happening]]:
    """Returns the target with its moments by this policy, and what has become true of it."""
    due_at = due(target.stretches, policy.minutes(target.kind), hours)
    after = policy.warns_after(target.kind)
    warns_at = None if after is None or target.warned else due(target.stretches, after, hours)
    end = target.ended_at or now
    happened = []
    if due_at is not None and due_at <= end and not target.breached:
        happened.append(Happening(Event.BREACHED, target.kind, target.began_at, due_at))
        target = structs.replace(target, breached=True, warned=True)
    elif due_at is not None and due_at > end and warns_at is not None and warns_at <= end and target.ended_at is None:
        happened.append(Happening(Event.WARNED, target.kind, target.began_at, due_at))
        target = structs.replace(target, warned=True)
    return structs.replace(target, due_at=due_at, warns_at=None if target.warned else warns_at), happened


def raised(level: str, to: str) -> str:
    """Returns the more urgent of two priorities; the first where the second is empty."""
    order = list(Level)
    return min(level, to, key=lambda each: order.index(Level(each))) if to else level


def hours_of(policy: Policy | None, calendars: Mapping[str, Calendar], now: datetime) -> Hours | None:
    """Returns the working time that a policy counts; None for around the clock. A calendar that
    cannot be read any more, as its time zone is gone, closes nothing."""
    calendar = calendars.get(policy.calendar or "") if policy else None
    if calendar is None:
        return None
    try:
        return calendar.opening(now.astimezone(UTC))
    except ValueError:
        return None
