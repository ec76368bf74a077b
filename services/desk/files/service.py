"""Writes settings to files, and applies files: all of them or nothing, in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.actors import Actor, Permission
from services.desk.context import Desk
from services.desk.files.domain import REMOVED, Difference, Values, differences, written
from services.desk.files.levels import Calendars, ServiceLevels
from services.desk.files.part import Change, Known, Part
from services.desk.files.parts import PARTS, People, Teams
from services.desk.people.models import AGENTS
from services.desk.policy import domain as lines
from services.desk.policy import router
from services.desk.policy import service as policy
from services.desk.service_levels import service as levels
from services.desk.signals import wake
from shared.errors import Rejected, SwitchboardError
from shared.policies import PolicyDraft, PolicyState
from shared.yaml_sections import YamlErrors, document

POLICY = "policy.yaml"
_SIGNS = {"removed": "-", "added": "+"}
_LOCK = 0x66696C65
"""Key of the advisory lock of who applies files: ASCII of `file`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What files changed, or would change."""

    changes: tuple[Difference, ...]
    policy: tuple[str, ...] = ()
    """Lines of the policy that differ, with `-` or `+` before them."""
    published: int = 0
    """The version under which the policy is in force; 0: it was not published."""
    trouble: str = ""
    """Why the policy was not published, though all else is done; usually empty."""


@dataclass(slots=True)
class _Plan:
    """What files say, beside what there is."""

    before: dict[str, Values]
    after: dict[str, Values]
    problems: list[str]
    skills: tuple[str, ...]
    """That people will have who may sign in."""

    @property
    def changes(self) -> list[tuple[Part, Difference]]:
        """What differs, in the order in which it is made."""
        return [
            (part, each)
            for part in PARTS
            for each in differences(_file(part.name), self.before[part.name], self.after[part.name])
        ]


async def export(desk: Desk, *, actor: Actor) -> dict[str, str]:
    """Returns all files by name. Nothing secret is in them. Rejected 403; raises Unavailable, also
    where the router is away."""
    for part in PARTS:
        actor.require(part.needs)
    async with desk.database.snapshot() as session:
        found = {part.name: await part.now(session) for part in PARTS}
    named = set[str]().union(*(part.teams_in(found[part.name]) for part in PARTS))
    found[Teams.name] = {team: {} for team in named} | found[Teams.name]
    files = {_file(part.name): written(part.document(found[part.name]), part.about) for part in PARTS}
    return files | {POLICY: (await policy.state(desk, actor=actor)).yaml}


async def apply(desk: Desk, files: Mapping[str, str], *, dry_run: bool = False, actor: Actor) -> Applied:
    """Makes the desk as these files say; a file that is not there leaves its settings as they are.
    Applying them again changes nothing. The policy is published after all else is done; where two
    people publish it, it becomes a draft.

    dry_run: only say what would change. Rejected 403; 422 `settings-files` with file and line of
    all that is wrong. Raises Unavailable, with nothing done.
    """
    for part in PARTS:
        if _file(part.name) in files:
            actor.require(part.needs)
    if POLICY in files:
        actor.require(Permission.MANAGE_ROUTING)
    async with desk.database.snapshot() as session:
        plan = await _plan(desk, session, files)
    state = await _checked(desk, files, plan)
    _refuse(plan)
    if not dry_run:
        async with desk.unit_of_work() as work:
            await work.session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
            await levels.alone(work.session)
            await work.session.execute(select(AGENTS.c.id).order_by(AGENTS.c.id).with_for_update(key_share=True))
            plan = await _plan(desk, work.session, files)
            _refuse(plan)
            made = [change for change in plan.changes if change[1].kind != REMOVED]
            gone = [change for change in reversed(plan.changes) if change[1].kind == REMOVED]
            for part, each in made + gone:
                before, after = plan.before[part.name].get(each.about), plan.after[part.name].get(each.about)
                await part.write(work.session, Change(each.about, before, after), actor)
            for part in {part.name: part for part, _ in plan.changes}.values():
                await part.finish(work.session, plan.after[part.name])
            await wake(work.session)
    changes = tuple(each for _, each in plan.changes)
    if state is None or state.yaml == files[POLICY]:
        return Applied(changes=changes)
    found = [each for each in lines.differences(state.yaml, files[POLICY]) if each.kind in _SIGNS]
    differing = tuple(f"{_SIGNS[each.kind]} {each.text}" for each in found)
    published, trouble = (0, "") if dry_run else await _publish(desk, files[POLICY], state.version, actor)
    return Applied(changes=changes, policy=differing, published=published, trouble=trouble)


def names() -> tuple[str, ...]:
    """Returns the names of all files."""
    return (*(_file(part.name) for part in PARTS), POLICY)


async def _plan(desk: Desk, session: AsyncSession, files: Mapping[str, str]) -> _Plan:
    """Reads all files, and what there is."""
    known = ", ".join(names())
    problems = [f"{name}: is no file of settings; known are {known}" for name in files if name not in names()]
    people = {row.email: row.active for row in await session.execute(select(AGENTS.c.email, AGENTS.c.active))}
    before = {part.name: await part.now(session) for part in PARTS}
    after = dict(before)
    for part in PARTS:
        if (text := files.get(file := _file(part.name))) is None:
            continue
        try:
            root = await asyncio.to_thread(document, text, file)
            found = part.read(root, _known(desk, files, people, before, after))
            root.problems.check()
        except YamlErrors as error:
            problems += str(error).splitlines()
        else:
            after[part.name] = found
    skills = {skill for email, own in after[People.name].items() if people[email] for skill in own.get("skills", ())}
    return _Plan(before, after, problems, tuple(sorted(skills)))


def _known(
    desk: Desk, files: Mapping[str, str], people: Iterable[str], before: dict[str, Values], after: dict[str, Values]
) -> Known:
    """Returns the names that the next file may use. What is in no file keeps the names that it
    has."""
    left = () if _file(Teams.name) in files else [part.teams_in(before[part.name]) for part in PARTS]
    policies = {} if _file(ServiceLevels.name) in files else before[ServiceLevels.name]
    return Known(
        people=frozenset(people),
        teams=frozenset(after[Teams.name]).union(*left),
        calendars=frozenset(after[Calendars.name]),
        needed=frozenset(own["calendar"] for own in policies.values() if "calendar" in own),
        languages=tuple(desk.common.languages),
    )


def _refuse(plan: _Plan) -> None:
    if plan.problems:
        raise Rejected(422, "settings-files", "\n".join(["Nothing was changed.", *plan.problems]))


async def _checked(desk: Desk, files: Mapping[str, str], plan: _Plan) -> PolicyState | None:
    """Returns which policy is in force; None where there is no file of it. Notes what is wrong with
    the file, with the skills that people will have."""
    if POLICY not in files:
        return None
    state = await router.state(desk)
    if state.yaml != files[POLICY]:
        told = await router.check(desk, PolicyDraft(yaml=files[POLICY], skills=plan.skills))
        plan.problems += [f"{POLICY}:{each.line}: {each.text}" for each in told.problems]
    return state


async def _publish(desk: Desk, text: str, base: int, actor: Actor) -> tuple[int, str]:
    """Returns the version and why there is none."""
    try:
        if not desk.settings.two_person:
            return await policy.publish_text(desk, text, base=base, actor=actor, by="file"), ""
        drafts = await policy.drafts(desk, actor=actor)
        revision = next((each.revision for each in drafts if each.author == actor.stored), 0)
        await policy.save(desk, text, base=base, revision=revision, actor=actor)
    except SwitchboardError as error:
        return 0, f"All else is done, but the policy was not published: {error}"
    return 0, "The policy is a draft now: somebody else has to publish it on its page."


def _file(name: str) -> str:
    return f"{name}.yaml"
