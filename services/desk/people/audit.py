"""The audit log: who signed in or was refused, and what was done to people, tokens, settings and
records. It is only ever added to: the database refuses anything else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import ConfigDict
from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.actors import COMMAND, Actor
from services.desk.people.models import AUDIT_LOG
from shared.db import Database
from shared.events import AuditNoted
from shared.text import storable

KINDS = (
    "sign-in",
    "sign-in.refused",
    "sign-out",
    "access.refused",
    "session.ended",
    "sessions.read",
    "person.invited",
    "person.created",
    "person.joined",
    "person.disabled",
    "person.enabled",
    "person.role",
    "person.changed",
    "person.called",
    "password.link",
    "password.reset",
    "password.changed",
    "two-step.on",
    "two-step.off",
    "two-step.codes",
    "token.created",
    "token.revoked",
    "team.created",
    "team.changed",
    "team.removed",
    "team.joined",
    "team.left",
    "work.released",
    "autoreply.changed",
    "autoreply.removed",
    "autoreply.resumed",
    "service-level.changed",
    "service-level.moved",
    "service-level.removed",
    "calendar.changed",
    "calendar.removed",
    "notifications.changed",
    "display.created",
    "display.revoked",
    "message.read",
    "letter.read",
    "letter.replayed",
    "audit.read",
    "site.created",
    "site.origins",
    "site.secrets",
    "policy.drafted",
    "policy.discarded",
    "policy.previewed",
    "policy.published",
    "policy.rolled-back",
    "model.taken",
    "model.rolled-back",
    "corrections.forgotten",
    "mailbox.added",
    "mailbox.changed",
    "mailbox.removed",
    "mailbox.signed-in",
)
"""What is logged. `access.refused`: an agent or a token tried what only others may; `message.read`:
a mail or a file as the customer sent it; `site.…`, `policy.…` and `model.…`: by the commands of the
dashboard and the router, policies also on their page; `corrections.forgotten`: of whom, by the
customer's id, for the log keeps what it has."""
MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the log."""

    __pydantic_config__ = ConfigDict(use_attribute_docstrings=True)

    id: int
    at: datetime
    kind: str
    actor: str
    """An agent's mail address, `api:<token>`, `command`, or empty where nobody is known."""
    subject: str
    """Whom or what it was done to; often empty."""
    ip: str
    data: dict[str, str]


async def note(session: AsyncSession, kind: str, actor: Actor, subject: str = "", **data: str) -> None:
    """Adds an entry to the audit log; it exists once `session` is committed."""
    told = {key: storable(value) for key, value in data.items() if value}
    values = {"kind": kind, "actor": actor.stored, "subject": storable(subject), "ip": actor.ip, "data": told}
    await session.execute(insert(AUDIT_LOG).values(values))


async def noted(database: Database, kind: str, actor: Actor, subject: str = "", **data: str) -> None:
    """Adds an entry to the audit log in a transaction of its own."""
    async with database.transaction() as session:
        await note(session, kind, actor, subject, **data)


async def record(database: Database, events: Sequence[AuditNoted]) -> None:
    """Adds what the commands of other services did, in order; existing entries stay unchanged. A
    kind that this desk does not know (of a service that is newer) is stored too."""
    values = [
        {
            "event_id": event.id,
            "at": event.at,
            "kind": storable(event.kind),
            "actor": storable(event.actor) or COMMAND.stored,
            "subject": storable(event.subject),
            "ip": "",
            "data": {storable(key): storable(value) for key, value in event.data.items() if value},
        }
        for event in events
    ]
    async with database.transaction() as session:
        await session.execute(insert(AUDIT_LOG).values(values).on_conflict_do_nothing())


async def entries(
    database: Database, *, kind: str = "", who: str = "", before: int = 0, limit: int = 50
) -> tuple[Entry, ...]:
    """Lists the newest entries, newest first. `kind`: one of KINDS, or the first word of
    several; `who`: did it, or had it done to them; `before`: only those with a smaller id."""
    found = select(AUDIT_LOG).order_by(AUDIT_LOG.c.id.desc()).limit(min(max(limit, 1), MOST))
    if kind:
        found = found.where(AUDIT_LOG.c.kind.in_([one for one in KINDS if one == kind or one.startswith(f"{kind}.")]))
    if who:
        who = storable(who)
        found = found.where(or_(AUDIT_LOG.c.actor == who, AUDIT_LOG.c.subject == who))
    if before:
        found = found.where(AUDIT_LOG.c.id < before)
    async with database.transaction() as session:
        return tuple(
            Entry(id=row.id, at=row.at, kind=row.kind, actor=row.actor, subject=row.subject, ip=row.ip, data=row.data)
            for row in await session.execute(found)
        )
