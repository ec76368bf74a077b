"""Service levels as files: calendars, and policies in their order."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import msgspec
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.actors import Actor, Permission
from services.desk.files.domain import Values
from services.desk.files.part import BY, Change, Known, Part, known_name, right, unusual_of, whole_number
from services.desk.people import audit
from services.desk.service_levels import repository
from services.desk.service_levels import service as levels
from services.desk.service_levels.domain import (
    LISTENERS,
    MOST_CALENDARS,
    MOST_MINUTES,
    MOST_POLICIES,
    Actions,
    Calendar,
    Policy,
)
from services.desk.service_levels.models import CALENDARS, POLICIES
from shared.clock import utc_now
from shared.kernel import Level
from shared.yaml_sections import Section

_CALENDAR: dict[str, Any] = {"hours": "", "zone": "UTC", "days_off": "", "country": "", "region": ""}
_MINUTES = ("first", "next", "solution", "warn_share", "warn_minutes")
_ACTIONS = ("on_warning", "on_breach")


class Calendars(Part):
    """When people work, for service levels. The address of a feed may be a secret: it is in no file
    and stays as it is."""

    name, needs = "calendars", Permission.MANAGE_SERVICE_LEVELS
    about = "Calendars of service levels: hours, zone, days_off, country and region of public holidays."

    async def now(self, session: AsyncSession) -> Values:
        return {row.name: unusual_of(row, _CALENDAR) for row in await session.execute(select(CALENDARS))}

    def document(self, values: Values) -> dict[str, Any]:
        return {"calendars": values}

    def read(self, root: Section, known: Known) -> Values:
        found: Values = {}
        whole = root.section("calendars")
        for name, section in whole.subsections():
            fields: dict[str, Any] = {key: section.text(key, default=usual) for key, usual in _CALENDAR.items()}
            section.end()
            if tidy := right(section, section.line, levels.checked_calendar, Calendar(name=name, **fields)):
                found[tidy.name] = unusual_of(tidy, _CALENDAR)
        for name in sorted(known.needed - set(found)):
            whole.problems.add(
                whole.line, f"{whole.path}: {name!r} is missing, and a policy of service levels needs it"
            )
        if len(found) > MOST_CALENDARS:
            whole.problems.add(whole.line, f"{whole.path}: there are at most {MOST_CALENDARS}")
        root.end()
        return found

    async def write(self, session: AsyncSession, change: Change, actor: Actor) -> None:
        if change.after is None:
            await session.execute(delete(CALENDARS).where(CALENDARS.c.name == change.about))
            await audit.note(session, "calendar.removed", actor, change.about, by=BY)
            return
        values = _CALENDAR | change.after | {"changed_at": utc_now(), "changed_by": actor.stored}
        kept = insert(CALENDARS).values(id=str(uuid4()), name=change.about, feed="", **values)
        await session.execute(kept.on_conflict_do_update(index_elements=["name"], set_=values))
        await audit.note(session, "calendar.changed", actor, change.about, by=BY)

    async def finish(self, session: AsyncSession, values: Values) -> None:
        del values
        await repository.changed(session)


class ServiceLevels(Part):
    """Policies of service levels, in their order: the first that is for a conversation counts."""

    name, needs = "service-levels", Permission.MANAGE_SERVICE_LEVELS
    about = "Service levels, the first that fits counts: minutes to the first and next reply and to the solution."

    async def now(self, session: AsyncSession) -> Values:
        calendars = {row.id: row.name for row in await session.execute(select(CALENDARS.c.id, CALENDARS.c.name))}
        found: Values = {}
        for place, policy in enumerate(await repository.policies(session), 1):
            found[policy.name] = _policy(policy, calendars.get(policy.calendar or "", "")) | {"place": place}
        return found

    def document(self, values: Values) -> dict[str, Any]:
        ordered = sorted(values.items(), key=lambda each: each[1]["place"])
        policies = [{"name": name, **{key: own[key] for key in own if key != "place"}} for name, own in ordered]
        return {"policies": policies}

    def read(self, root: Section, known: Known) -> Values:
        found: Values = {}
        for section in root.sections("policies"):
            name, calendar = section.text("name"), section.text("calendar", default="")
            if calendar:
                calendar = known_name(section, section.line_of("calendar"), calendar, known.calendars)
            minutes: dict[str, Any] = {key: whole_number(section, key, 0, MOST_MINUTES) for key in _MINUTES}
            policy = Policy(
                name=name,
                enabled=section.flag("enabled") is not False,
                teams=self._teams(section, "teams", known),
                levels=section.texts("levels", one_of=tuple(Level)),
                channels=section.texts("channels"),
                tiers=section.texts("tiers"),
                on_warning=self._actions(section.optional("on_warning"), known),
                on_breach=self._actions(section.optional("on_breach"), known),
                **minutes,
            )
            section.end()
            tidy = right(section, section.line, levels.checked, policy)
            if tidy and tidy.name in found:
                section.problems.add(section.line_of("name"), f"{section.path}.name: {name!r} stands here twice")
            elif tidy:
                found[tidy.name] = _policy(tidy, calendar) | {"place": len(found) + 1}
        if len(found) > MOST_POLICIES:
            root.problems.add(root.line, f"policies: there are at most {MOST_POLICIES}")
        root.end()
        return found

    def _teams(self, section: Section, key: str, known: Known) -> tuple[str, ...]:
        return tuple(filter(None, [known_name(section, *each, known.teams) for each in section.lines(key)]))

    def _actions(self, section: Section, known: Known) -> Actions:
        team = section.text("team", default="")
        actions = Actions(
            level=section.text("level", default="", one_of=tuple(Level)),
            team=known_name(section, section.line_of("team"), team, known.teams) if team else "",
            notify=section.texts("notify", one_of=LISTENERS),
        )
        section.end()
        return actions

    async def write(self, session: AsyncSession, change: Change, actor: Actor) -> None:
        if change.after is None:
            await session.execute(delete(POLICIES).where(POLICIES.c.name == change.about))
            await audit.note(session, "service-level.removed", actor, change.about, by=BY)
            return
        calendar = select(CALENDARS.c.id).where(CALENDARS.c.name == change.after.get("calendar", ""))
        fields = change.after | {"name": change.about, "calendar": await session.scalar(calendar)}
        place = fields.pop("place")
        values = msgspec.to_builtins(msgspec.convert(fields, Policy))
        values |= {"place": place, "changed_at": utc_now(), "changed_by": actor.stored}
        kept = insert(POLICIES).values(values | {"id": str(uuid4())})
        del values["id"]
        await session.execute(kept.on_conflict_do_update(index_elements=["name"], set_=values))
        enabled = str(values["enabled"]).lower()
        await audit.note(session, "service-level.changed", actor, change.about, enabled=enabled, by=BY)

    async def finish(self, session: AsyncSession, values: Values) -> None:
        for name, own in values.items():
            await session.execute(update(POLICIES).where(POLICIES.c.name == name).values(place=own["place"]))
        await repository.changed(session)

    def teams_in(self, values: Values) -> set[str]:
        actions = [own[key].get("team", "") for own in values.values() for key in _ACTIONS if key in own]
        return {*actions, *(team for own in values.values() for team in own.get("teams", ()))} - {""}


def _policy(policy: Policy, calendar: str) -> dict[str, Any]:
    """Returns a policy without what is usual. calendar: its name; empty for none."""
    told: dict[str, Any] = msgspec.to_builtins(policy) | {"calendar": calendar}
    usual: dict[str, Any] = msgspec.to_builtins(Policy(name="")) | {"calendar": ""}
    for key in _ACTIONS:
        told[key] = {name: value for name, value in told[key].items() if value}
        usual[key] = {}
    return {key: value for key, value in told.items() if value != usual[key] and key not in ("id", "name")}
