"""What there is a file for. A new one is a class like these and a line in `PARTS`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.actors import Actor, Permission
from services.desk.autoreplies import service as autoreplies
from services.desk.autoreplies.domain import Rule, Texts
from services.desk.autoreplies.models import AUTOREPLIES
from services.desk.files.domain import Values
from services.desk.files.levels import Calendars, ServiceLevels
from services.desk.files.part import BY, Change, Known, Part, known_name, right, unusual_of, whole_number
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
from shared.yaml_sections import Section

EVERYBODY = "everyone"
"""The rule of all teams that have none of their own."""


class Teams(Part):
    """Teams, how they get their work, and who is in them."""

    name, needs = "teams", Permission.MANAGE_TEAMS
    about = "Teams: delivery (pull or push), turn (spare or round), weight (1 to 10), members."

    async def now(self, session: AsyncSession) -> Values:
        found: Values = {row.name: unusual_of(row, _TEAM) for row in await session.execute(select(TEAMS))}
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
            own = right(section, whole.line_of(name), _team, name)
            fields = {
                "delivery": section.text("delivery", default="pull", one_of=teams.DELIVERIES),
                "turn": section.text("turn", default="spare", one_of=teams.TURNS),
                "weight": whole_number(section, "weight", 1, teams.MOST_WEIGHT),
            }
            named = [(line, presence.own(text)) for line, text in section.lines("members")]
            members = sorted({known_name(section, *each, known.people) for each in named} - {""})
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
            await audit.note(session, "team.removed", actor, name, by=BY)
            return
        how = {key: after.get(key, usual) for key, usual in _TEAM.items()}
        kept = insert(TEAMS).values(name=name, **how)
        await session.execute(kept.on_conflict_do_update(index_elements=["name"], set_=how))
        if change.before is None:
            await audit.note(session, "team.created", actor, name, by=BY)
        if how != {key: before.get(key, usual) for key, usual in _TEAM.items()}:
            told = {key: str(value) for key, value in how.items()}
            await audit.note(session, "team.changed", actor, name, by=BY, **told)
        old, new = set(before.get("members", ())), set(after.get("members", ()))
        ids = await _ids(session, old ^ new)
        for email in sorted(new - old):
            await session.execute(insert(TEAM_MEMBERS).values(team=name, agent_id=ids[email]).on_conflict_do_nothing())
            await audit.note(session, "team.joined", actor, email, team=name, by=BY)
        for email in sorted(old - new):
            gone = delete(TEAM_MEMBERS).where(TEAM_MEMBERS.c.team == name, TEAM_MEMBERS.c.agent_id == ids[email])
            await session.execute(gone)
            await audit.note(session, "team.left", actor, email, team=name, by=BY)


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
            own = known_name(whole, whole.line_of(email), presence.own(email), known.people)
            skills, capacity = section.optional("skills"), section.optional("capacity")
            levels = {name: whole_number(skills, name, 1, 5) for name in skills.keys()}  # noqa: SIM118 - a Section is no mapping
            at_once = {kind: whole_number(capacity, kind, 0, MOST_AT_ONCE) for kind in CAPACITY if capacity.has(kind)}
            capacity.end()
            named = [f"{name}:{level}" for name, level in levels.items()]
            schedule = Schedule(
                hours=section.text("hours", default=""),
                timezone=section.text("timezone", default="UTC"),
                time_off=section.text("time_off", default=""),
            )
            tidy = right(section, section.line, read_schedule, schedule) or Schedule()
            fields = {
                "skills": right(section, skills.line, read_skills, named) or {},
                "languages": right(section, section.line_of("languages"), read_languages, section.texts("languages"))
                or [],
                "capacity": right(section, capacity.line, read_capacity, at_once) or {},
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
        await audit.note(session, "person.changed", actor, change.about, what=what, by=BY)


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
            name = known_name(own, own.line_of(team), team, known.teams)
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
        checked = right(section, section.line, lambda each: autoreplies.checked(each, known.languages), rule)
        return _rule(checked or rule)

    async def write(self, session: AsyncSession, change: Change, actor: Actor) -> None:
        team = "" if change.about == EVERYBODY else change.about
        if change.after is None:
            await session.execute(delete(AUTOREPLIES).where(AUTOREPLIES.c.team == team))
            await audit.note(session, "autoreply.removed", actor, team, by=BY)
            return
        rule = msgspec.convert({"team": team, **change.after}, Rule)
        values = {**msgspec.to_builtins(rule), "changed_at": utc_now(), "changed_by": actor.stored}
        kept = insert(AUTOREPLIES).values(values)
        await session.execute(kept.on_conflict_do_update(index_elements=["team"], set_=values))
        enabled = str(rule.enabled).lower()
        await audit.note(session, "autoreply.changed", actor, team, enabled=enabled, by=BY)

    def teams_in(self, values: Values) -> set[str]:
        return set(values) - {EVERYBODY}


PARTS: tuple[Part, ...] = (Teams(), People(), AutomaticReplies(), Calendars(), ServiceLevels())
"""In the order in which they are applied, and taken back the other way round: later ones may name
what earlier ones made."""
_TEAM: dict[str, Any] = {"delivery": "pull", "turn": "spare", "weight": 1}
_PERSON: dict[str, Any] = {
    "skills": {},
    "languages": [],
    "capacity": {},
    "hours": "",
    "timezone": "UTC",
    "time_off": "",
}


def _work(row: Any) -> dict[str, Any]:
    skills = write_skills(row.skills, row.skill_levels)
    return unusual_of(row, {key: each for key, each in _PERSON.items() if key != "skills"}) | (
        {"skills": skills} if skills else {}
    )


def _rule(rule: Rule) -> dict[str, Any]:
    """Returns a rule without what is usual and without empty texts."""
    told: dict[str, Any] = msgspec.to_builtins(rule)
    told["texts"] = {code: {key: text for key, text in texts.items() if text} for code, texts in told["texts"].items()}
    usual: dict[str, Any] = msgspec.to_builtins(Rule(team=rule.team))
    return {key: value for key, value in told.items() if value != usual[key] or key == "enabled"}


def _team(name: str) -> str:
    if not (found := teams.checked(name)):
        raise ValueError("needs a name")
    return found


async def _ids(session: AsyncSession, emails: Iterable[str]) -> dict[str, str]:
    found = await session.execute(select(AGENTS.c.email, AGENTS.c.id).where(AGENTS.c.email.in_(list(emails))))
    return {row.email: row.id for row in found}
