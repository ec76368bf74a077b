"""Answers that came back: the ledger says which one it was, and the desk hears that it did not
arrive."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.email import repository, suppressions
from services.email.domain.bounces import Fate, Returned
from services.email.domain.reasons import Reason
from services.email.domain.references import answer_named, ticket_of
from services.email.domain.suppression import Why, gone
from services.email.models import DELIVERIES
from services.email.repository import Reply
from shared.db import Database
from shared.delivery import Ledger, report
from shared.events import DeliveryState
from shared.kernel import address_of, email_point
from shared.outbox import Outbox
from shared.topics import DELIVERIES_REPORTED

BY_ADDRESS = timedelta(days=7)
"""A returned mail that names only an address counts for an answer that is no older: servers give up
within five days (RFC 5321, 4.5.4.1)."""


class Returns:
    """Notes returned mails."""

    def __init__(self, database: Database, outbox: Outbox, secret: str) -> None:
        self._database, self._outbox, self._secret = database, outbox, secret
        self._ledger = Ledger(DELIVERIES, outbox)

    async def note(self, told: Returned, own_id: str) -> bool:
        """Whether it is about an answer of ours. `own_id`: the returned mail's own, so that it
        counts once however often it comes. Raises Unavailable."""
        async with self._database.transaction() as session:
            reply = await self._about(session, told, own_id)
            if reply is None or reply.returned_by == own_id or told.fate is Fate.OTHER:
                return reply is not None
            for address in gone(told, reply.request, self._secret):
                await suppressions.add(session, address, Why.HARD_BOUNCE, told.detail, "returned mail")
            if not reply.may_return:
                return True
            reason = "" if told.reason is Reason.UNSAID else told.reason.value
            detail = told.detail or "The mail came back."
            if told.recipients and address_of(reply.request.to) not in (*told.recipients, *told.aliases):
                detail = f"{detail} ({told.recipients[0]})"  # a copy, or where the customer has their mail sent on to
            if told.fate is Fate.FAILED:
                news = await self._ledger.advance(
                    session, reply.request.id, DeliveryState.FAILED, detail, reason=reason
                )
                await repository.note_return(session, reply, own_id)
            else:  # it stays sent: the other side still tries
                own = reply.request
                news = report(own.channel, own.ticket_id, own.id, DeliveryState.DELAYED, detail, reason=reason)
                await self._outbox.add(session, DELIVERIES_REPORTED, reply.request.ticket_id, news)
        if news:
            self._ledger.committed(news)
        return True

    async def _about(self, session: AsyncSession, told: Returned, own_id: str) -> Reply | None:
        """Returns the reply that is meant, by the best evidence first: our Message-ID names the
        answer itself, our token its ticket, an address only a person. None where none is found."""
        if known := await repository.returned_by(session, own_id):
            return known
        for named in filter(None, (answer_named(identity, self._secret) for identity in told.message_ids)):
            if found := await repository.named(session, *named):
                return found
        people = [email_point(address) for address in (*told.recipients, *told.aliases)]
        for ticket in filter(None, (ticket_of(token, self._secret) for token in told.tokens)):
            if found := await repository.newest_sent(session, ticket=ticket, people=people):
                return found
            if found := await repository.newest_sent(session, ticket=ticket):
                return found
        return await repository.newest_sent(session, people=people, within=BY_ADDRESS) if people else None
