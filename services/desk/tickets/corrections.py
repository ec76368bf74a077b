"""What agents say of a ticket's priority: the ticket moves at once, and the router learns of it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Integer, Text, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY

from services.desk.actors import Actor, Kind, Permission
from services.desk.bulk import among
from services.desk.context import Desk
from services.desk.customers.models import CONTACT_POINTS
from services.desk.people import audit
from services.desk.schema import EVENTS
from services.desk.tickets import store
from services.desk.tickets.commands import execute, lock_group, row_of
from services.desk.tickets.domain import MACHINES, Promise, Ticket
from services.desk.tickets.domain.lifecycle import Prioritise
from services.desk.tickets.models import MESSAGES, TICKETS
from services.desk.tickets.schemas import TicketRow
from services.desk.unit_of_work import UnitOfWork
from shared.clock import utc_now
from shared.errors import Rejected
from shared.events import PriorityCorrected
from shared.events.desk import TicketPrioritised, kind_of
from shared.events.learning import KINDS, LONGEST
from shared.kernel import Level
from shared.topics import PRIORITIES_CORRECTED


async def prioritise(desk: Desk, ticket: str, level: str, about: str = "", *, actor: Actor) -> TicketRow:
    """Gives a ticket another level, and the due time of that level; keeps what it is really about,
    one of `KINDS`. The router hears of it with the commit where an agent said it. The same level
    and nothing that it is about take back what the same person said that it is; where they said
    nothing, they do nothing. Rejected 403, 404, 422."""
    actor.require(Permission.CHANGE_TICKETS)
    if level not in tuple(Level):
        raise Rejected(422, "level", f"The priority is one of {', '.join(Level)}.")
    if about and about not in KINDS:
        raise Rejected(422, "about", f"What it is about is one of {', '.join(KINDS)}.")
    async with desk.unit_of_work() as work:
        row = await lock_group(work, ticket)
        before = store.ticket_of(row)
        said = await _said(work, str(row.id), actor)
        waiting = await promises(work, before) if level != before.level else ()
        command = Prioritise(level=level, about=about, actor=actor, said=said, waiting=waiting)
        after = await execute(work, before, command, utc_now())
        if actor.kind is Kind.AGENT and (after is not before or about or said):
            await _teach(work, row, level, about, actor)
    return await row_of(desk, row.id)


async def forget(desk: Desk, point: str, *, actor: Actor) -> int:
    """Takes the words of this contact point's customer away from what the router learns from: the
    corrections of their tickets, and of every other in which they wrote from one of their contact
    points. Returns how many. The audit log names the customer by id only. Rejected 403, 404."""
    actor.require(Permission.CHANGE_CUSTOMERS)
    async with desk.unit_of_work() as work:
        customer = await work.session.scalar(
            select(CONTACT_POINTS.c.customer_id).where(CONTACT_POINTS.c.point == point)
        )
        if customer is None:
            raise Rejected(404, "no-such-customer", f"Nobody is known as {point}.")
        points = list(
            await work.session.scalars(select(CONTACT_POINTS.c.point).where(CONTACT_POINTS.c.customer_id == customer))
        )
        wrote = select(MESSAGES.c.ticket_id).where(MESSAGES.c.direction == "in", among(MESSAGES.c.author, points))
        theirs = select(TICKETS.c.id).where(
            or_(
                TICKETS.c.customer_id == customer,
                TICKETS.c.participants.overlap(literal(points, ARRAY(Text))),
                TICKETS.c.id.in_(wrote),
            )
        )
        count = await forget_tickets(work, list(await work.session.scalars(theirs)))
        await audit.note(work.session, "corrections.forgotten", actor, str(customer), count=str(count))
        return count


async def forget_tickets(work: UnitOfWork, tickets: Collection[str]) -> int:
    """Takes the words of these tickets away from what the router learns from, with the commit:
    nothing of a customer who is forgotten stays there. Returns how many corrections."""
    said = select(EVENTS.c.ticket_id, EVENTS.c.actor).where(
        among(EVENTS.c.ticket_id, tickets), EVENTS.c.kind == kind_of(TicketPrioritised)
    )
    found = (await work.session.execute(said.distinct())).all()
    for row in found:
        _publish(work, PriorityCorrected(ticket_id=str(row.ticket_id), agent=row.actor, at=utc_now()))
    return len(found)


async def _said(work: UnitOfWork, ticket: str, actor: Actor) -> str:
    """Returns what this person said last that the ticket is about; empty for no opinion."""
    newest = select(EVENTS.c.data["about"].astext).where(
        EVENTS.c.ticket_id == ticket, EVENTS.c.kind == kind_of(TicketPrioritised), EVENTS.c.actor == actor.stored
    )
    return await work.session.scalar(newest.order_by(EVENTS.c.seq.desc()).limit(1)) or ""


async def promises(work: UnitOfWork, ticket: Ticket) -> tuple[Promise, ...]:
    """Reads what the router promised with each message since the customer waits; of who waits for
    nothing, nothing."""
    if ticket.waiting_since is None:
        return ()
    told = select(MESSAGES.c.at, MESSAGES.c.decision).where(
        MESSAGES.c.ticket_id == ticket.id,
        MESSAGES.c.direction == "in",
        MESSAGES.c.at >= ticket.waiting_since,
        MESSAGES.c.automatic.not_in(MACHINES),
        MESSAGES.c.decision.is_not(None),
    )
    return tuple(
        Promise(at, decision["level"], decision.get("reply_within", 0), decision.get("reply_targets", {}))
        for at, decision in (await work.session.execute(told)).all()
    )


async def _teach(work: UnitOfWork, row: Any, level: str, about: str, actor: Actor) -> None:
    """Tells the router what was said of the message that made the ticket as urgent as it was. Back
    to what the router decided takes back what was said before. A call has no words to learn
    from."""
    score = MESSAGES.c.decision["score"].astext.cast(Integer)
    since = row.waiting_since or row.created_at
    written = select(MESSAGES).where(
        MESSAGES.c.ticket_id == row.id,
        MESSAGES.c.direction == "in",
        MESSAGES.c.automatic == "",
        MESSAGES.c.call.is_(None),
        MESSAGES.c.decision.is_not(None),
    )
    best = written.order_by((MESSAGES.c.at >= since).desc(), score.desc(), MESSAGES.c.at.desc()).limit(1)
    message = (await work.session.execute(best)).one_or_none()
    if message is None:
        return
    decided = str(message.decision["level"])
    taken_back = level == decided and not about
    words = f"{message.subject}. {message.text}" if message.subject else message.text
    corrected = PriorityCorrected(
        ticket_id=str(row.id),
        message_id=str(message.id),
        agent=actor.stored,
        at=utc_now(),
        before=decided,
        after=level,
        kind=about,
        language=row.language,
        text="" if taken_back else words[:LONGEST],
    )
    _publish(work, corrected)


def _publish(work: UnitOfWork, event: PriorityCorrected) -> None:
    work.send(PRIORITIES_CORRECTED, event.key, event)
