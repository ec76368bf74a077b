"""Answers that came back: the ledger says which one it was, and the desk hears that it did not arrive."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.email import repository
from services.email.domain.bounces import Fate, Returned
from services.email.domain.references import answer_named, ticket_of
from services.email.models import Delivery
from shared.clock import utc_now
from shared.db import Database
from shared.events import DeliveryReport, DeliveryState
from shared.kernel import ContactPoint, address_of, email_point, stable_id
from shared.logs import log
from shared.metrics import METRICS
from shared.outbox import Outbox
from shared.topics import DELIVERIES_REPORTED

BY_ADDRESS = timedelta(days=7)
"""A returned mail that names only an address counts for an answer that is no older: servers give up within five days
(RFC 5321, 4.5.4.1)."""
_STATES = {Fate.FAILED: DeliveryState.FAILED, Fate.DELAYED: DeliveryState.DELAYED}


class Returns:
    """Notes returned mails."""

    def __init__(self, database: Database, outbox: Outbox, secret: str) -> None:
        self._database, self._outbox, self._secret = database, outbox, secret

    async def note(self, told: Returned, own_id: str) -> bool:
        """Whether it is about an answer of ours. `own_id`: the returned mail's own, so that it counts once however often it comes.
        Raises Unavailable."""
        async with self._database.transaction() as session:
            delivery = await self._about(session, told, own_id)
            if delivery is None or delivery.returned_by == own_id or told.fate is Fate.OTHER:
                return delivery is not None
            state, detail = _STATES[told.fate], told.detail or "The mail came back."
            if told.recipients and address_of(ContactPoint(delivery.recipient)) not in told.recipients:
                detail = f"{detail} ({told.recipients[0]})"  # a copy, or where the customer has their mail sent on to
            if not await repository.returned(session, delivery, detail, own_id, failed=told.fate is Fate.FAILED):
                return True
            report = DeliveryReport(
                id=stable_id("delivery-report", delivery.outbound_id, state),
                outbound_id=delivery.outbound_id,
                ticket_id=delivery.ticket_id,
                channel="email",
                state=state,
                at=utc_now(),
                detail=detail,
            )
            await self._outbox.add(session, DELIVERIES_REPORTED, delivery.ticket_id, report)
        self._outbox.wake()
        METRICS.delivered.labels(channel="email", state=str(state)).inc()
        log.info(
            "a mail came back",
            outbound_id=delivery.outbound_id,
            ticket_id=delivery.ticket_id,
            state=str(state),
            words=detail,
        )
        return True

    async def _about(self, session: AsyncSession, told: Returned, own_id: str) -> Delivery | None:
        """The best evidence first: our Message-ID names the answer itself, our token its ticket, an address only a person."""
        if known := await repository.returned_by(session, own_id):
            return known
        for named in filter(None, (answer_named(identity, self._secret) for identity in told.message_ids)):
            if found := await repository.answer(session, *named):
                return found
        people = [email_point(address) for address in told.recipients]
        for ticket in filter(None, (ticket_of(token, self._secret) for token in told.tokens)):
            if found := await repository.newest_sent(session, ticket=ticket, people=people):
                return found
            if found := await repository.newest_sent(session, ticket=ticket):
                return found
        return await repository.newest_sent(session, people=people, within=BY_ADDRESS) if people else None
