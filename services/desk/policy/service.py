"""Drafts of the routing policy, their previews and their publication."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import msgspec
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.desk.actors import Actor, Permission
from services.desk.context import Desk
from services.desk.people import audit
from services.desk.people.models import AGENTS
from services.desk.policy import router
from services.desk.policy.domain import State, may_publish, state_of
from services.desk.policy.models import DRAFTS, PREVIEWS
from shared.clock import utc_now
from shared.errors import Rejected
from shared.policies import LONGEST, PolicyDraft, PolicyPreview, PolicyProblem, PolicyState, PolicyToPublish
from shared.text import storable


class Wrong(Rejected):
    """A policy that the router refuses, with the lines."""

    def __init__(self, problems: tuple[PolicyProblem, ...]) -> None:
        told = "\n".join(f"line {each.line}: {each.text}" for each in problems)
        super().__init__(422, "policy", f"This policy is not right.\n{told}")
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a draft would have changed, or how far that is."""

    state: State
    done: int
    of: int
    result: PolicyPreview | None
    failed: str
    fresh: bool
    """It is of the draft as it is now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A policy that somebody works on."""

    id: str
    author: str
    """As the audit log has it."""
    base: int
    """The version in force when it was begun."""
    text: str
    revision: int
    changed_at: datetime
    preview: Preview | None = None


async def state(desk: Desk, *, actor: Actor) -> PolicyState:
    """Returns which policy is in force, and all versions. Rejected 403; raises Unavailable."""
    actor.require(Permission.READ_ROUTING)
    return await router.state(desk)


async def version(desk: Desk, number: int, *, actor: Actor) -> str:
    """Returns the text of a version. Rejected 403, 404; raises Unavailable."""
    actor.require(Permission.READ_ROUTING)
    return await router.text(desk, number)


async def drafts(desk: Desk, *, actor: Actor) -> tuple[Draft, ...]:
    """Returns all drafts, the newest first. Rejected 403."""
    actor.require(Permission.READ_ROUTING)
    async with desk.database.transaction() as session:
        found = await session.execute(_drafts().order_by(DRAFTS.c.changed_at.desc()))
        return tuple(_draft(row) for row in found)


async def draft(desk: Desk, own: str, *, actor: Actor) -> Draft:
    """Returns a draft. Rejected 403, 404."""
    actor.require(Permission.READ_ROUTING)
    async with desk.database.transaction() as session:
        row = (await session.execute(_drafts().where(DRAFTS.c.id == own))).one_or_none()
        if row is None:
            raise _gone()
        return _draft(row)


async def save(desk: Desk, text: str, *, base: int, revision: int, actor: Actor) -> Draft:
    """Keeps the actor's draft, right or wrong. base: the version that it was begun from. revision:
    of the draft that was changed; 0 for a new one. Rejected 403, 409 `draft-changed` where it was
    changed elsewhere meanwhile, 422."""
    actor.require(Permission.MANAGE_ROUTING)
    text = storable(text.replace("\r\n", "\n"))
    if len(text) > LONGEST:
        raise Rejected(422, "draft-too-long", f"A policy has at most {LONGEST:,} characters.")
    async with desk.database.transaction() as session:
        mine = DRAFTS.c.author == actor.stored
        row = (await session.execute(select(DRAFTS).where(mine).with_for_update())).one_or_none()
        if (row.revision if row else 0) != revision:
            raise Rejected(409, "draft-changed", "This draft was changed in another tab meanwhile. Reload the page.")
        if row and (row.text, row.base) == (text, base):
            return _draft((await session.execute(_drafts().where(mine))).one())
        values: dict[str, Any] = {"text": text, "base": base, "revision": revision + 1, "changed_at": utc_now()}
        if row:
            await session.execute(update(DRAFTS).where(mine).values(values))
        else:
            made = upsert(DRAFTS).values(id=str(uuid4()), author=actor.stored, **values).on_conflict_do_nothing()
            if await session.scalar(made.returning(DRAFTS.c.id)) is None:
                raise Rejected(409, "draft-changed", "This draft was begun in another tab too. Reload the page.")
        await audit.note(session, "policy.drafted", actor, base=str(base))
        return _draft((await session.execute(_drafts().where(mine))).one())


async def discard(desk: Desk, own: str, *, actor: Actor) -> None:
    """Throws a draft away. Rejected 403, 404."""
    actor.require(Permission.MANAGE_ROUTING)
    async with desk.database.transaction() as session:
        author = await session.scalar(delete(DRAFTS).where(DRAFTS.c.id == own).returning(DRAFTS.c.author))
        if author is None:
            raise _gone()
        await audit.note(session, "policy.discarded", actor, str(author))


async def check(desk: Desk, text: str, *, actor: Actor) -> tuple[PolicyProblem, ...]:
    """Returns what is wrong with a policy: also skills that nobody has. Rejected 403, 422; raises
    Unavailable."""
    actor.require(Permission.READ_ROUTING)
    return (await router.check(desk, PolicyDraft(yaml=text, skills=await _skills(desk)))).problems


async def ask_preview(desk: Desk, own: str, *, actor: Actor) -> None:
    """Has it found out what a draft would have changed. Rejected 403, 404."""
    actor.require(Permission.READ_ROUTING)
    async with desk.database.transaction() as session:
        row = (await session.execute(select(DRAFTS).where(DRAFTS.c.id == own).with_for_update())).one_or_none()
        if row is None:
            raise _gone()
        fresh = {
            "revision": row.revision,
            "asked_at": utc_now(),
            "beat_at": None,
            "done": 0,
            "of_all": 0,
            "result": None,
            "failed": "",
        }
        asked = upsert(PREVIEWS).values(draft_id=own, **fresh)
        await session.execute(asked.on_conflict_do_update(index_elements=["draft_id"], set_=fresh))
        await audit.note(session, "policy.previewed", actor, row.author)


async def publish(desk: Desk, own: str, *, revision: int, actor: Actor) -> int:
    """Puts a draft in force; returns its version. revision: of the draft that was looked at.
    Rejected 403, 404; 409 `draft-changed`, `second-person` or, where another policy came into force
    since it was begun, `policy-overtaken`; Wrong. Raises Unavailable."""
    actor.require(Permission.MANAGE_ROUTING)
    found = await draft(desk, own, actor=actor)
    if found.revision != revision:
        raise Rejected(409, "draft-changed", "This draft was changed meanwhile. Look at it again.")
    if not may_publish(found.author, actor.stored, two_person=desk.settings.two_person):
        raise Rejected(409, "second-person", "Somebody else has to look at this draft and publish it.")
    about = {"draft by": found.author} if found.author != actor.stored else {}
    if found.preview and found.preview.fresh and (result := found.preview.result):
        about["would change"] = f"{result.changed} of {result.messages} messages"
    made = await _publish(desk, found.text, found.base, actor, await _skills(desk), about)
    async with desk.database.transaction() as session:
        await session.execute(delete(DRAFTS).where(DRAFTS.c.id == own, DRAFTS.c.revision == revision))
    return made


async def publish_text(desk: Desk, text: str, *, base: int, actor: Actor, **about: str) -> int:
    """Puts a text in force without a draft; returns its version. base: the version in force that it
    takes the place of. about: for the audit log. Rejected as `publish`; raises Unavailable."""
    actor.require(Permission.MANAGE_ROUTING)
    if desk.settings.two_person:
        raise Rejected(409, "second-person", "Two people publish a policy here: save it as a draft on its page.")
    return await _publish(desk, text, base, actor, await _skills(desk), about)


async def roll_back(desk: Desk, number: int, *, base: int, actor: Actor) -> int:
    """Brings a former version back, in one step: it was in force before, so that nobody else has
    to look at it. base: the version in force that was looked at. Returns the new version. Rejected
    403, 404, 409 `policy-overtaken`; raises Unavailable."""
    actor.require(Permission.MANAGE_ROUTING)
    text = await router.text(desk, number)
    return await _publish(desk, text, base, actor, None, {}, of=number)


async def _publish(
    desk: Desk,
    text: str,
    base: int,
    actor: Actor,
    skills: tuple[str, ...] | None,
    about: dict[str, str],
    of: int | None = None,
) -> int:
    """Publishes a policy; the router notes that in the audit log."""
    asked = PolicyToPublish(yaml=text, base=base, by=actor.stored, skills=skills, about=about, of=of)
    told = await router.publish(desk, asked)
    if told.problems:
        raise Wrong(told.problems)
    return told.version


async def _skills(desk: Desk) -> tuple[str, ...]:
    """Returns all that somebody has who may sign in."""
    async with desk.database.transaction() as session:
        named = select(func.unnest(AGENTS.c.skills).label("skill")).where(AGENTS.c.active).subquery()
        return tuple(await session.scalars(select(named.c.skill).distinct().order_by(named.c.skill)))


def _drafts() -> Any:
    return select(
        DRAFTS, PREVIEWS.c.draft_id, *(column.label(f"p_{column.name}") for column in PREVIEWS.c)
    ).select_from(DRAFTS.outerjoin(PREVIEWS, PREVIEWS.c.draft_id == DRAFTS.c.id))


def _draft(row: Any) -> Draft:
    preview = None
    if row.p_draft_id is not None:
        result = msgspec.convert(row.p_result, PolicyPreview) if row.p_result is not None else None
        preview = Preview(
            state=state_of(row.p_beat_at, done=result is not None, failed=row.p_failed, now=utc_now()),
            done=row.p_done,
            of=row.p_of_all,
            result=result,
            failed=row.p_failed,
            fresh=row.p_revision == row.revision,
        )
    return Draft(
        id=row.id,
        author=row.author,
        base=row.base,
        text=row.text,
        revision=row.revision,
        changed_at=row.changed_at,
        preview=preview,
    )


def _gone() -> Rejected:
    return Rejected(404, "no-such-draft", "This draft is no longer there: it was published or thrown away.")
