"""Whom an event concerns, and in which ways they want to hear of it. Pure.

A kind of notification is a line of `KINDS`, a line of `RULES` that says which event causes it, and
its words in `web/notifications/words.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from types import MappingProxyType
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from shared import hours
from shared.events import DeliveryState
from shared.events.desk import (
    AgentCalled,
    Change,
    DeliveryChanged,
    MessageAdded,
    NoteAdded,
    SlaBreached,
    SlaWarned,
    TicketAssigned,
    TicketOffered,
    TicketOpened,
    TicketOverflowed,
)

BELL, DESKTOP, SOUND, MAIL = "bell", "desktop", "sound", "mail"
WAYS = (BELL, DESKTOP, SOUND, MAIL)
"""In the console, by the browser on the desktop, heard, by mail while away."""
MENTION, ASSIGNED, REPLY, FAILED, NEW_WORK = "mention", "assigned", "reply", "failed", "new-work"
SLA_WARNING, SLA_BREACH = "sla-warning", "sla-breach"
CALLED_IN = "called-in"
KINDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        MENTION: frozenset(WAYS),
        ASSIGNED: frozenset({BELL, DESKTOP, SOUND}),
        REPLY: frozenset({BELL, DESKTOP}),
        FAILED: frozenset({BELL, DESKTOP, MAIL}),
        SLA_WARNING: frozenset({BELL, DESKTOP}),
        SLA_BREACH: frozenset({BELL, DESKTOP, SOUND}),
        CALLED_IN: frozenset(WAYS),
        NEW_WORK: frozenset(),
    }
)
"""All kinds, in the order of pages, each with the ways of who chose none. New work is told nobody
who did not ask for it: in a large team it would be everything."""
OFFERED = "offered"
"""`Notice.what` of a conversation that is only offered."""
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SHORTEST_WAIT, LONGEST_WAIT = 1, 1440
"""Minutes unread until a mail."""
BETWEEN_MAILS = timedelta(hours=1)
"""From one mail to the next: whoever is away is not flooded, and no program that answers our mail
can keep itself busy with us."""
_UNDELIVERED = (DeliveryState.FAILED.value, DeliveryState.UNCERTAIN.value)
_AT = re.compile(r"(?<![\w.@+-])@([\w.+-]+(?:@[\w.-]+)?)")
_PLAIN = re.compile(r"[A-Za-z0-9._+-]+(?:@[A-Za-z0-9.-]+)?")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class About:
    """A ticket as it is now. Mail addresses in lower case; empty: nobody."""

    assignee: str = ""
    team: str = ""
    created_at: datetime | None = None
    quiet: bool = False
    """From an archive, or taken for spam: nobody is told of it."""


@dataclass(frozen=True, slots=True)
class Words:
    """A message that an event is about."""

    author: str = ""
    """Who wrote it: an agent's mail address, a contact point."""
    text: str = ""
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class Directory:
    """Who is there to be told."""

    agents: Collection[str] = ()
    """Mail addresses of all active agents who may read tickets."""
    members: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Of teams, by their mail addresses."""
    supervisors: Collection[str] = ()
    """Mail addresses of those who manage teams."""

    def called(self, handle: str) -> str:
        """Returns whom `@handle` means: a mail address, or what stands before its `@` where that
        is one person's alone. Empty: nobody."""
        wanted = handle.lower()
        if wanted in self.agents:
            return wanted
        found = [agent for agent in self.agents if agent.partition("@")[0] == wanted]
        return found[0] if len(found) == 1 else ""


@dataclass(frozen=True, slots=True)
class Case:
    """One event and what is known of what it is about."""

    change: Change
    at: datetime
    ticket: About
    words: Words
    people: Directory


@dataclass(frozen=True, slots=True)
class Notice:
    """Somebody is told something."""

    kind: str
    agent: str
    """Mail address."""
    team: str = ""
    """What it is about, where that is no ticket."""
    what: str = ""
    """A shade of the kind."""


Rule: TypeAlias = Callable[[Any, Case], Iterable[Notice]]


def _target(kind: str) -> Rule:
    """Makes the rule for a target of a service level: its policy says who is told."""

    def rule(change: SlaWarned | SlaBreached, case: Case) -> Iterator[Notice]:
        wanted = (change.notify or "").split(",")
        if "assignee" in wanted:
            yield Notice(kind, case.ticket.assignee)
        for agent in case.people.members.get(case.ticket.team, ()) if "team" in wanted else ():
            yield Notice(kind, agent)
        for agent in case.people.supervisors if "supervisors" in wanted else ():
            yield Notice(kind, agent)

    return rule


def _assigned(change: TicketAssigned, case: Case) -> Iterator[Notice]:
    if change.assignee:
        yield Notice(ASSIGNED, change.assignee)
    elif change.team:
        yield from _new_work(change.team, case)


def _offered(change: TicketOffered, _: Case) -> Iterator[Notice]:
    if change.state == OFFERED:
        yield Notice(ASSIGNED, change.agent, what=OFFERED)


def _wrote(change: MessageAdded, case: Case) -> Iterator[Notice]:
    begins = case.ticket.created_at is not None and case.at <= case.ticket.created_at
    if not begins and not case.words.automatic and change.author != f"email:{case.ticket.assignee}":
        yield Notice(REPLY, case.ticket.assignee)


def _noted(_: NoteAdded, case: Case) -> Iterator[Notice]:
    for agent in mentioned(case.words.text, case.people):
        yield Notice(MENTION, agent)


def _delivery(change: DeliveryChanged, case: Case) -> Iterator[Notice]:
    if change.state in _UNDELIVERED and not case.words.automatic:
        yield Notice(FAILED, case.ticket.assignee or case.words.author)


def _new_work(team: str, case: Case) -> Iterator[Notice]:
    if not case.ticket.assignee and case.ticket.team == team:
        for agent in case.people.members.get(team, ()):
            yield Notice(NEW_WORK, agent, team)


RULES: Mapping[type[Change], Rule] = MappingProxyType(
    {
        NoteAdded: _noted,
        TicketAssigned: _assigned,
        TicketOffered: _offered,
        MessageAdded: _wrote,
        DeliveryChanged: _delivery,
        SlaWarned: _target(SLA_WARNING),
        SlaBreached: _target(SLA_BREACH),
        TicketOpened: lambda _, case: _new_work(case.ticket.team, case),
        TicketOverflowed: lambda change, case: _new_work(change.team, case),
        AgentCalled: lambda change, _: [Notice(CALLED_IN, change.agent, change.reason or change.by)],
    }
)
"""What each event tells whom."""


def notices(case: Case, actor: str) -> list[Notice]:
    """Returns who is told of an event, each once and nobody of what they did themselves. actor: as
    the event names it."""
    rule = RULES.get(type(case.change))
    if rule is None or case.ticket.quiet:
        return []
    found = dict.fromkeys(rule(case.change, case))
    return [notice for notice in found if notice.agent in case.people.agents and notice.agent != actor]


def over(change: Change) -> str:
    """Returns the agent (a mail address) for whom what was offered is over, so that it need not be
    read any more; empty: for nobody. What was missed stays."""
    if isinstance(change, TicketOffered) and change.state not in (OFFERED, "missed"):
        return change.agent
    return ""


def mentioned(text: str, people: Directory) -> list[str]:
    """Returns the mail addresses of whom a note mentions (`@ann`,
    `@ann@example.org`), each once."""
    found = (people.called(handle) for token in _AT.findall(text) for handle in _handles(token))
    return list(dict.fromkeys(filter(None, found)))


def _handles(token: str) -> Iterator[str]:
    """Yields what a token may name, without a full stop after it, and without what some languages
    append to a name."""
    yield token.rstrip(".-+")
    if plain := _PLAIN.match(token):
        yield plain[0].rstrip(".-+")


class Quiet(msgspec.Struct, frozen=True, kw_only=True):
    """When somebody hears nothing, and gets no mail. In the bell it is there all the same."""

    begins: str = ""
    """`20:00`, local time; empty like `ends`: no quiet hours."""
    ends: str = ""
    """`08:00`; earlier than `begins`: of the next day."""
    days: tuple[str, ...] = ()
    """Days that are quiet from midnight to midnight: `sat`, `sun`."""
    zone: str = "UTC"

    def at(self, moment: datetime) -> bool:
        """Whether it is quiet at this moment (aware)."""
        local = moment.astimezone(ZoneInfo(self.zone))
        now = f"{local:%H:%M}"
        if DAYS[local.weekday()] in self.days:
            return True
        if self.begins <= self.ends:
            return self.begins <= now < self.ends
        return now >= self.begins or now < self.ends


class Preferences(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody chose."""

    ways: dict[str, tuple[str, ...]] = {}
    """By kind; of a kind that is not here, the usual ones."""
    quiet: Quiet = Quiet()
    details: bool = False
    """Whether a desktop notification shows the subject, too."""
    mail_after: int = 15
    """Minutes unread until a mail."""

    def ways_of(self, kind: str) -> tuple[str, ...]:
        """Returns the ways in which a kind is told, in the order of all ways."""
        chosen = self.ways.get(kind, KINDS.get(kind, frozenset()))
        return tuple(way for way in WAYS if way in chosen)


def checked(preferences: Preferences) -> Preferences:
    """Returns preferences as they are stored. Raises ValueError that begins with the
    field: `quiet: …`."""
    quiet = preferences.quiet
    if strange := set(preferences.ways) - set(KINDS):
        raise ValueError(f"ways: {min(strange)[:40]!r} is none of the kinds {', '.join(KINDS)}")
    if strange := {way for ways in preferences.ways.values() for way in ways} - set(WAYS):
        raise ValueError(f"ways: {min(strange)[:40]!r} is none of the ways {', '.join(WAYS)}")
    if bool(quiet.begins) != bool(quiet.ends) or (quiet.begins and quiet.begins == quiet.ends):
        raise ValueError("quiet: give both times, and not the same one twice")
    if not all(_TIME.fullmatch(time) for time in (quiet.begins, quiet.ends) if time):
        raise ValueError("quiet: write times such as 20:00")
    if set(quiet.days) - set(DAYS):
        raise ValueError(f"quiet: days are {', '.join(DAYS)}")
    try:
        hours.parse("", quiet.zone, "")
    except ValueError as error:
        raise ValueError(f"zone: {error}") from error
    if not SHORTEST_WAIT <= preferences.mail_after <= LONGEST_WAIT:
        raise ValueError(f"mail_after: minutes are {SHORTEST_WAIT} to {LONGEST_WAIT}")
    return preferences


@dataclass(frozen=True, slots=True)
class Unread:
    """A line that nobody has read, of somebody who is away."""

    agent: str
    """Id."""
    since: datetime
    """Of its first event."""
    preferences: Preferences
    mailed_at: datetime | None
    """When they were last written to."""


def due(unread: Sequence[Unread], now: datetime) -> set[str]:
    """Returns the agents who are mailed now: one line has waited for as long as they said, it is
    not quiet, and the last mail is long enough ago. unread: sorted by agent."""
    found = set[str]()
    for agent, lines in groupby(unread, attrgetter("agent")):
        oldest = min(lines, key=attrgetter("since"))
        waited = now - oldest.since >= timedelta(minutes=oldest.preferences.mail_after)
        rested = oldest.mailed_at is None or now - oldest.mailed_at >= BETWEEN_MAILS
        if waited and rested and not oldest.preferences.quiet.at(now):
            found.add(agent)
    return found
