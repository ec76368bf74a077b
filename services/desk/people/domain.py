"""What an agent's work is: what they can do, how much at once, and when. Pure: text in, values
out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from shared import hours
from shared.events import Channel
from shared.hours import Hours

CAPACITY = {"mail": 10, "chat": 3, "text": 5, "post": 10}
"""Conversations of each kind that somebody has at once, where nothing else is said. A call is
exclusive: there is one at a time, and nothing is added to it."""
VOICE = "voice"
KINDS = (VOICE, *CAPACITY)
MOST_AT_ONCE = 1000
"""Of one kind; 0 is allowed too: somebody does none of it."""
_LEVELS = ("1", "2", "3", "4", "5")
USUAL_LEVEL = 3
MOST_SKILLS, LONGEST_SKILL, MOST_LANGUAGES, MOST_ABSENCES = 50, 60, 30, 100
_LONGEST_TEXT = 3000
_LONGEST_ABSENCE = timedelta(days=400)
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_ABSENCE = re.compile(r"(\d{4}-\d\d-\d\d)(?:\s*\.\.\s*(\d{4}-\d\d-\d\d))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When somebody works, as they wrote it."""

    hours: str = ""
    """`mon-fri 09:00-12:00,13:00-17:00`; empty: whenever they say that they are there."""
    timezone: str = "UTC"
    time_off: str = ""
    """`2026-12-24..2027-01-03, 2027-05-14`: first and last day, in their time zone."""

    def works_at(self, moment: datetime) -> bool:
        """Whether this is their working time (aware). ValueError where it cannot be read."""
        return _calendar(self).open_at(moment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Whether somebody is there for work."""

    presence: str
    """`ready`, `busy`, `wrap-up` or `away`."""
    paused: frozenset[str] = frozenset()
    """Kinds of work that they do not take at the moment."""
    reachable: bool = True
    """Whether there is a telephone number at which calls reach them."""
    schedule: Schedule = Schedule()


def refusal(who: Standing, kind: str, now: datetime) -> str:
    """Returns why somebody gets no work of this kind now; empty where they get it. Whoever has a
    reason here gets none, ever: `away`, `busy`, `wrap-up`, `paused`, `no-phone`, `off-hours`."""
    if who.presence != "ready":
        return who.presence
    if kind in who.paused:
        return "paused"
    if kind == "voice" and not who.reachable:
        return "no-phone"
    try:
        return "" if who.schedule.works_at(now) else "off-hours"
    except ValueError:  # a time zone that is no longer known keeps nobody from their work
        return ""


def read_pauses(given: Iterable[str]) -> list[str]:
    """Reads kinds of work that somebody does not take. Raises ValueError with what to write."""
    found = sorted(set(given))
    if not set(found) <= set(KINDS):
        raise ValueError(f"kinds of work are {', '.join(KINDS)}")
    return found


def kind_of(channel: Channel | None) -> str:
    """Returns which kind of work a conversation on this channel is: `voice`, `chat`, `text`,
    `post` or `mail`, by what the channel announces of itself."""
    if channel is None:
        return "mail"
    if channel.spoken:
        return "voice"
    if channel.live or channel.tells_read:
        return "chat"
    if channel.public:
        return "post"
    return "text" if {"tel", "whatsapp"} & set(channel.reaches) else "mail"


def capacity_of(own: Mapping[str, int]) -> dict[str, int]:
    """Returns how much of each kind somebody does at once, by what was set for them."""
    return {kind: own.get(kind, usual) for kind, usual in CAPACITY.items()}


def read_skills(given: Iterable[str]) -> dict[str, int]:
    """Reads skills with their levels, `billing:4`, and of `billing` the usual one. The last of a
    name counts. Raises ValueError with what to write."""
    found: dict[str, int] = {}
    for text in filter(None, (each.strip().lower() for each in given)):
        name, colon, level = (part.strip() for part in text.partition(":"))
        known = level in _LEVELS if colon else True
        if not name or not known or not name.isprintable() or len(name) > LONGEST_SKILL:
            raise ValueError(
                f"{text[:80]!r} is not a skill: write `billing` or, with a level from 1 to 5, `billing:4`"
                f" in at most {LONGEST_SKILL} printable characters"
            )
        found[name] = int(level or USUAL_LEVEL)
    if len(found) > MOST_SKILLS:
        raise ValueError(f"at most {MOST_SKILLS} skills")
    return dict(sorted(found.items()))


def write_skills(skills: Iterable[str], levels: Mapping[str, int]) -> dict[str, int]:
    """Returns the level of each of these skills."""
    return {skill: levels.get(skill, USUAL_LEVEL) for skill in sorted(skills)}


def read_languages(given: Iterable[str]) -> list[str]:
    """Reads languages, `fr` (ISO 639). Raises ValueError with what to write."""
    found = sorted({text.strip().lower() for text in given if text.strip()})
    for text in found:
        if not _LANGUAGE.fullmatch(text):
            raise ValueError(f"{text[:40]!r} is not a language's code: write `fr` or `ko`")
    if len(found) > MOST_LANGUAGES:
        raise ValueError(f"at most {MOST_LANGUAGES} languages")
    return found


def read_capacity(given: Mapping[str, int]) -> dict[str, int]:
    """Reads how much of which kind somebody does at once; what is usual is not kept. Raises
    ValueError with what to write."""
    for kind, most in given.items():
        if kind not in CAPACITY:
            raise ValueError(f"{kind[:40]!r} is not a kind of work: there are {', '.join(CAPACITY)}")
        if not 0 <= most <= MOST_AT_ONCE:
            raise ValueError(f"{kind}: write a number from 0 to {MOST_AT_ONCE}")
    return {kind: most for kind, most in given.items() if most != CAPACITY[kind]}


def read_schedule(schedule: Schedule) -> Schedule:
    """Returns a schedule that can be read, without spaces around it. Raises ValueError with what
    to write."""
    if max(len(schedule.hours), len(schedule.timezone), len(schedule.time_off)) > _LONGEST_TEXT:
        raise ValueError(f"hours, time zone and times off have at most {_LONGEST_TEXT} characters each")
    tidy = Schedule(
        hours=schedule.hours.strip(),
        timezone=schedule.timezone.strip() or "UTC",
        time_off=", ".join(filter(None, (part.strip() for part in schedule.time_off.split(",")))),
    )
    _calendar(tidy)
    return tidy


@lru_cache(1000)
def _calendar(schedule: Schedule) -> Hours:
    days = ",".join(day.isoformat() for day in sorted(_days_off(schedule.time_off)))
    return hours.parse(schedule.hours, schedule.timezone, days)


def _days_off(text: str) -> set[date]:
    absences = [part.strip() for part in text.split(",") if part.strip()]
    if len(absences) > MOST_ABSENCES:
        raise ValueError(f"at most {MOST_ABSENCES} times off")
    found: set[date] = set()
    for absence in absences:
        match = _ABSENCE.fullmatch(absence)
        if not match:
            raise ValueError(f"{absence[:60]!r} is not a time off: write `2026-12-24` or `2026-12-24..2027-01-03`")
        first = date.fromisoformat(match[1])
        last = date.fromisoformat(match[2] or match[1])
        if not timedelta() <= last - first <= _LONGEST_ABSENCE:
            raise ValueError(f"{absence!r} ends before it begins, or lasts longer than {_LONGEST_ABSENCE.days} days")
        found |= {first + timedelta(days=after) for after in range((last - first).days + 1)}
    return found
