"""What there is a file for: how each is read, what the desk has of it now, and how a change is
written. A new one is a class here and a line in `PARTS`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import msgspec
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.actors import Actor, Permission
from services.desk.autoreplies import service as autoreplies
from services.desk.autoreplies.domain import Rule, Texts
from services.desk.autoreplies.models import AUTOREPLIES
from services.desk.files.domain import Values
from services.desk.people import audit, presence
from services.desk.people.domain import (
    CAPACITY,
    MOST_AT_ONCE,
    Schedule,
    read_capacity,
    read_languages,
    read_schedule,
    read_skills,
    write_skills,
)
from services.desk.people.models import AGENTS, TEAM_MEMBERS, TEAMS
from services.desk.tickets import teams
from shared.clock import utc_now
from shared.errors import Rejected
from shared.yaml_sections import Section

T = TypeVar("T")
_BY = "file"
"""How the audit log says it."""
EVERYBODY = "everyone"
"""The rule of all teams that have none of their own."""


@dataclass(frozen=True, slots=True)
class Known:
    """Names that a file may use."""

    people: frozenset[str]
    """Mail addresses of who has an account."""
    teams: frozenset[str]
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One team, person or rule; None: it is not set."""

    about: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class Part(ABC):
    """A kind of settings."""

    name: ClassVar[str]
    """Of the file, without its end."""
    about: ClassVar[str]
    """Its first line."""
    needs: ClassVar[Permission]

    @abstractmethod
    async def now(self, session: AsyncSession) -> Values:
        """Returns what is set."""

    @abstractmethod
    def document(self, values: Values) -> dict[str, Any]:
        """Returns what the file holds."""

    @abstractmethod
    def read(self, root: Section, known: Known) -> Values:
        """Returns what a file says; notes what is wrong in it."""

    @abstractmethod
    async def write(self, session: AsyncSession, change: Change, actor: Actor) -> None:
        """Makes a change, and notes it in the audit log."""


class Teams(Part):
    """Teams, how they get their work, and who is in them."""

    name, needs = "teams", Permission.MANAGE_TEAMS
    about = "Teams: delivery (pull or push), turn (spare or round), weight (1 to 10), members."

    async def now(self, session: AsyncSession) -> Values:
        found: Values = {row.name: _unusual(row, _TEAM) for row in await session.execute(select(TEAMS))}
        joined = select(TEAM_MEMBERS.c.team, AGENTS.c.email).join(AGENTS, AGENTS.c.id == TEAM_MEMBERS.c.agent_id)
        for row in await session.execute(joined.order_by(AGENTS.c.email)):
            found[row.team].setdefault("members", []).append(row.email)
        return found

    def document(self, values: Values) -> dict[str, Any]:
        return {"teams": values}

    def read(self, root: Section, known: Known) -> Values:
        found: Values = {}
        whole = root.section("teams")
        for name, section in whole.subsections():
            own = _right(section, whole.line_of(name), _team, name)
            fields = {
                "delivery": section.text("delivery", default="pull", one_of=teams.DELIVERIES),
                "turn": section.text("turn", default="spare", one_of=teams.TURNS),
                "weight": _whole(section, "weight", 1, teams.MOST_WEIGHT),
            }
            named = [(line, presence.own(text)) for line, text in section.lines("members")]
            members = sorted({_known(section, *each, known.people) for each in named} - {""})
            section.end()
            if own:
                usual = {key: value for key, value in fields.items() if value != _TEAM[key]}
                found[own] = usual | ({"members": members} if members else {})
        root.end()
        return found

    async def write(self, session: AsyncSession, change: Change, actor: Actor) -> None:
        name, before, after = change.about, change.before or {}, change.after or {}
        if change.after is None:
            await session.execute(delete(TEAMS).where(TEAMS.c.name == name))
            await audit.note(session, "team.removed", actor, name, by=_BY)
            return
        how = {key: after.get(key, usual) for key, usual in _TEAM.items()}
        kept = insert(TEAMS).values(name=name, **how)
        await session.execute(kept.on_conflict_do_update(index_elements=["name"], set_=how))
        if change.before is None:
            await audit.note(session, "team.created", actor, name, by=_BY)
        if how != {key: before.get(key, usual) for key, usual in _TEAM.items()}:
            told = {key: str(value) for key, value in how.items()}
            await audit.note(session, "team.changed", actor, name, by=_BY, **told)
        old, new = set(before.get("members", ())), set(after.get("members", ()))
        ids = await _ids(session, old ^ new)
        for email in sorted(new - old):
            await session.execute(insert(TEAM_MEMBERS).values(team=name, agent_id=ids[email]).on_conflict_do_nothing())
            await audit.note(session, "team.joined", actor, email, team=name, by=_BY)
        for email in sorted(old - new):
            gone = delete(TEAM_MEMBERS).where(TEAM_MEMBERS.c.team == name, TEAM_MEMBERS.c.agent_id == ids[email])
            await session.execute(gone)
            await audit.note(session, "team.left", actor, email, team=name, by=_BY)


class People(Part):
    """What work each person gets. Who is not in the file has what is usual."""

    name, needs = "people", Permission.MANAGE_AGENTS
    about = "Skills (1 to 5), languages, conversations at once, working hours, time zone and time off of who has an account."

    async def now(self, session: AsyncSession) -> Values:
        found = {row.email: _work(row) for row in await session.execute(select(AGENTS))}
        return {email: own for email, own in found.items() if own}

    def document(self, values: Values) -> dict[str, Any]:
        return {"people": values}

    def read(self, root: Section, known: Known) -> Values:
        found: Values = {}
        whole = root.section("people")
        for email, section in whole.subsections():
            own = _known(whole, whole.line_of(email), presence.own(email), known.people)
            skills, capacity = section.optional("skills"), section.optional("capacity")
            levels = {name: _whole(skills, name, 1, 5) for name in skills.keys()}  # noqa: SIM118 - a Section is no mapping
            at_once = {kind: _whole(capacity, kind, 0, MOST_AT_ONCE) for kind in CAPACITY if capacity.has(kind)}
            capacity.end()
            named = [f"{name}:{level}" for name, level in levels.items()]
            schedule = Schedule(
                hours=section.text("hours", default=""),
                timezone=section.text("timezone", default="UTC"),
                time_off=section.text("time_off", default=""),
            )
            tidy = _right(section, section.line, read_schedule, schedule) or Schedule()
            fields = {
                "skills": _right(section, skills.line, read_skills, named) or {},
                "languages": _right(section, section.line_of("languages"), read_languages, section.texts("languages"))
                or [],
                "capacity": _right(section, capacity.line, read_capacity, at_once) or {},
                "hours": tidy.hours,
                "timezone": tidy.timezone,
                "time_off": tidy.time_off,
            }
            section.end()
            if own and (unusual := {key: value for key, value in fields.items() if value != _PERSON[key]}):
                found[own] = unusual
        root.end()
        return found

    async def write(self, session: AsyncSession, change: Change, actor: Actor) -> None:
        after = _PERSON | (change.after or {})
        values = after | {"skills": list(after["skills"]), "skill_levels": after["skills"]}
        await session.execute(update(AGENTS).where(AGENTS.c.email == change.about).values(values))
        before = _PERSON | (change.before or {})
        what = ", ".join(sorted(key for key, value in after.items() if value != before[key]))
        await audit.note(session, "person.changed", actor, change.about, what=what, by=_BY)


class AutomaticReplies(Part):
    """What customers are told when their first message is in."""

    name, needs = "automatic-replies", Permission.MANAGE_AUTOREPLIES
    about = "Automatic replies for everyone, and of teams that have their own."

    async def now(self, session: AsyncSession) -> Values:
        names = Rule.__struct_fields__
        rows = await session.execute(select(AUTOREPLIES))
        rules = [msgspec.convert({name: getattr(row, name) for name in names}, Rule) for row in rows]
        return {rule.team or EVERYBODY: _rule(rule) for rule in rules}

    def document(self, values: Values) -> dict[str, Any]:
        own = {team: rule for team, rule in values.items() if team != EVERYBODY}
        everybody = {EVERYBODY: values[EVERYBODY]} if EVERYBODY in values else {}
        return {"automatic_replies": everybody | ({"teams": own} if own else {})}

    def read(self, root: Section, known: Known) -> Values:
        found: Values = {}
        whole = root.section("automatic_replies")
        if whole.has(EVERYBODY):
            found[EVERYBODY] = self._read(whole.section(EVERYBODY), "", known)
        own = whole.optional("teams")
        for team, section in own.subsections():
            name = _known(own, own.line_of(team), team, known.teams)
            found[name] = self._read(section, name, known)
        whole.end()
        root.end()
        return found

    def _read(self, section: Section, team: str, known: Known) -> dict[str, Any]:
        texts = {}
        for code, part in section.optional("texts").subsections():
            texts[code] = Texts(received=part.text("received", default=""), closed=part.text("closed", default=""))
            part.end()
        rule = Rule(
            team=team,
            enabled=bool(section.flag("enabled")),
            hours=section.text("hours", default=""),
            zone=section.text("zone", default="UTC"),
            holidays=section.text("holidays", default=""),
            language=section.text("language", default="en"),
            texts=texts,
        )
        section.end()
        checked = _right(section, section.line, lambda each: autoreplies.checked(each, known.languages), rule)
        return _rule(checked or rule)

    async def write(self, session: AsyncSession, change: Change, actor: Actor) -> None:
        team = "" if change.about == EVERYBODY else change.about
        if change.after is None:
            await session.execute(delete(AUTOREPLIES).where(AUTOREPLIES.c.team == team))
            await audit.note(session, "autoreply.removed", actor, team, by=_BY)
            return
        rule = msgspec.convert({"team": team, **change.after}, Rule)
        values = {**msgspec.to_builtins(rule), "changed_at": utc_now(), "changed_by": actor.stored}
        kept = insert(AUTOREPLIES).values(values)
        await session.execute(kept.on_conflict_do_update(index_elements=["team"], set_=values))
        enabled = str(rule.enabled).lower()
        await audit.note(session, "autoreply.changed", actor, team, enabled=enabled, by=_BY)


PARTS: tuple[Part, ...] = (Teams(), People(), AutomaticReplies())
"""In the order in which they are applied: later ones may name what earlier ones made."""
_TEAM: dict[str, Any] = {"delivery": "pull", "turn": "spare", "weight": 1}
_PERSON: dict[str, Any] = {
    "skills": {},
    "languages": [],
    "capacity": {},
    "hours": "",
    "timezone": "UTC",
    "time_off": "",
}


def _unusual(row: Any, usual: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, each in usual.items() if (value := getattr(row, key)) != each}


def _work(row: Any) -> dict[str, Any]:
    skills = write_skills(row.skills, row.skill_levels)
    return _unusual(row, {key: each for key, each in _PERSON.items() if key != "skills"}) | (
        {"skills": skills} if skills else {}
    )


def _rule(rule: Rule) -> dict[str, Any]:
    """Returns a rule without what is usual and without empty texts."""
    told: dict[str, Any] = msgspec.to_builtins(rule)
    told["texts"] = {code: {key: text for key, text in texts.items() if text} for code, texts in told["texts"].items()}
    usual: dict[str, Any] = msgspec.to_builtins(Rule(team=rule.team))
    return {key: value for key, value in told.items() if value != usual[key] or key == "enabled"}


def _right(section: Section, line: int, check: Callable[[Any], T], value: Any) -> T | None:
    """Returns what a check makes of a value; None, and noted, where it refuses."""
    try:
        return check(value)
    except ValueError as error:
        told = str(error)
    except Rejected as error:
        told = error.message
    section.problems.add(line, f"{section.path}: {told.rstrip('.')}")
    return None


def _team(name: str) -> str:
    if not (found := teams.checked(name)):
        raise ValueError("needs a name")
    return found


def _known(section: Section, line: int, name: str, names: Collection[str]) -> str:
    """Returns a name that is known; empty, and noted, where it is not."""
    return _right(section, line, lambda each: _one_of(each, names), name) or ""


def _one_of(name: str, names: Collection[str]) -> str:
    if name not in names:
        near = ", ".join(sorted(names)[:10]) or "nobody"
        raise ValueError(f"{name!r} is not known; known are {near}")
    return name


def _whole(section: Section, key: str, low: int, high: int) -> int:
    found = section.number(key, low, high, default=low if not section.has(key) else None)
    if found != int(found):
        section.problems.add(section.line_of(key), f"{section.path}.{key}: must be a whole number")
    return int(found)


async def _ids(session: AsyncSession, emails: Iterable[str]) -> dict[str, str]:
    found = await session.execute(select(AGENTS.c.email, AGENTS.c.id).where(AGENTS.c.email.in_(list(emails))))
    return {row.email: row.id for row in found}
