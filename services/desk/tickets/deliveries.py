"""What became of replies. Reports may come twice, late and in any order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from services.desk.actors import Actor, Kind
from services.desk.bulk import among
from services.desk.context import Desk
from services.desk.tickets import commands, grouping, unread
from services.desk.tickets.domain import NOT_ARRIVED
from services.desk.tickets.models import MESSAGES, TICKETS
from services.desk.unit_of_work import UnitOfWork
from shared.errors import Malformed
from shared.events import DeliveryReport, DeliveryState
from shared.events.desk import DeliveryChanged

_OUT = (DeliveryState.SENT, DeliveryState.DELIVERED)
"""States of a reply that the provider has. Which of them is heard first is chance."""


async def report(desk: Desk, reports: Sequence[DeliveryReport]) -> None:
    """Records these delivery reports, in order, in one transaction. Those about what other
    services sent (surveys) are ignored."""
    for one in reports:
        _check(one)
    async with desk.unit_of_work() as work:
        statement = select(MESSAGES.c.id, MESSAGES.c.ticket_id).where(
            among(MESSAGES.c.id, {r.outbound_id for r in reports}), MESSAGES.c.direction == "out"
        )
        ours = {row.id: row.ticket_id for row in await work.session.execute(statement)}
        theirs = set(ours.values())
        await work.lock(tickets=theirs | await grouping.leaders_of(work.session, among(TICKETS.c.id, theirs)))
        for one in reports:
            if one.outbound_id in ours:
                await _note(work, one)


async def _note(work: UnitOfWork, report: DeliveryReport) -> None:
    reply = report.outbound_id
    before = (await work.session.execute(select(MESSAGES).where(MESSAGES.c.id == reply))).one()
    changes: dict[str, Any] = {}
    if report.state in _OUT and (before.sent_at is None or report.at < before.sent_at):
        changes["sent_at"] = report.at
    if report.provider_id and not before.provider_id:
        changes["provider_id"] = report.provider_id
    moves = report.state.supersedes(before.delivery, report.channel)
    if moves:
        if report.state is DeliveryState.DELIVERED:
            changes["mail_after"] = None
        changes |= _told(report, before.facts)
    if changes:
        await work.session.execute(update(MESSAGES).where(MESSAGES.c.id == reply).values(changes))
    if not moves:
        return
    change = DeliveryChanged(
        message_id=reply, state=report.state.value, detail=report.detail[:500], channel=report.channel
    )
    work.record(change, before.ticket_id, report.at, Actor(Kind.SERVICE, report.channel))
    if before.automatic or await unread.was_read_meanwhile(work.session, before):
        return
    if report.state.value in NOT_ARRIVED:
        await commands.delivery_failed(work, before, report.state.value)
    elif before.delivery in NOT_ARRIVED:
        await commands.delivery_arrived(work, before.ticket_id)


def _told(report: DeliveryReport, facts: dict[str, str]) -> dict[str, Any]:
    """Returns what an agent reads of a delivery. Only a channel that knows why says why, and the
    why of a state before it says nothing of this one."""
    others = {name: value for name, value in facts.items() if name != "undelivered"}
    why = {"undelivered": report.reason[:100]} if report.reason else {}
    detail = report.detail[:2000].replace("\x00", "\ufffd")
    return {"delivery": report.state.value, "delivery_detail": detail, "facts": others | why}


def _check(report: DeliveryReport) -> None:
    try:
        UUID(report.outbound_id)
    except ValueError as error:
        raise Malformed(f"{report.outbound_id[:100]!r} is not the id of a reply") from error
