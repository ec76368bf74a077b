"""What became of our answers after they left, as mails that came back and providers' events tell:
the ledger says which one it was, and the desk hears of it."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.email import repository, suppressions
from services.email.domain.bounces import Fate, Returned
from services.email.domain.mailboxes import tokens_in
from services.email.domain.outcomes import Kind, Outcome
from services.email.domain.reasons import Reason
from services.email.domain.references import answer_named, ticket_of
from services.email.domain.suppression import Why, gone
from services.email.models import DELIVERIES
from services.email.repository import Reply
from shared.db import Database
from shared.delivery import Ledger, report
from shared.events import DeliveryReport, DeliveryState, OutboundMessage
from shared.kernel import address_of, email_point
from shared.outbox import Outbox
from shared.topics import DELIVERIES_REPORTED

BY_ADDRESS = timedelta(days=7)
"""A returned mail that names only an address counts for an answer that is no older: servers give up
within five days (RFC 5321, 4.5.4.1)."""


_STATES = {
    Kind.ACCEPTED: DeliveryState.SENT,
    Kind.DELIVERED: DeliveryState.DELIVERED,
    Kind.FAILED: DeliveryState.FAILED,
    Kind.COMPLAINED: DeliveryState.DELIVERED,
    Kind.UNSUBSCRIBED: DeliveryState.DELIVERED,
}
"""Whoever complains has the mail."""
_BY_GUESS = frozenset({Kind.FAILED, Kind.COMPLAINED})
"""What is noted for the newest answer to somebody, where nothing names the answer itself."""


class Returns:
    """Notes returned mails and providers' events."""

    def __init__(self, database: Database, outbox: Outbox, secret: str) -> None:
        self._database, self._outbox, self._secret = database, outbox, secret
        self._ledger = Ledger(DELIVERIES, outbox)

    async def heard(self, told: Outcome, provider: str) -> bool:
        """Whether this event of a provider is about an answer of ours. Events come twice and in any
        order; what is no news changes nothing. Raises Unavailable."""
        own_id = f"{provider}:{told.event_id}" if told.event_id else ""
        async with self._database.transaction() as session:
            reply = await self._meant(session, told, own_id)
            if reply is None:
                return False
            reason = "" if told.reason is Reason.UNSAID else told.reason.value
            detail, own, address = told.detail, reply.request, told.recipient.lower()
            to_customer = address in ("", address_of(own.to))
            why = Why.COMPLAINT if told.kind is Kind.COMPLAINED else Why.HARD_BOUNCE if told.gone else None
            if why and address in map(str.lower, (address_of(own.to), *own.cc, *own.bcc)):
                await suppressions.add(session, address, why, detail, provider)
            if told.kind is Kind.FAILED:
                detail = detail or "The provider could not deliver it."
                detail = detail if to_customer else f"{detail} ({told.recipient})"
                await repository.note_return(session, reply, own_id or reply.returned_by)
            elif not to_customer:
                return True  # what became of a copy that did not come back is of no interest
            news: DeliveryReport | None
            if told.kind is Kind.DELAYED:
                news = await self._delayed(session, own, detail, reason)
            else:
                news = await self._ledger.advance(session, own.id, _STATES[told.kind], detail, reason=reason)
        if news:
            self._ledger.committed(news)
        return True

    async def _meant(self, session: AsyncSession, told: Outcome, own_id: str) -> Reply | None:
        """Returns the reply that an event is about: as it names it, or for what has to be known in
        any case as `_about` guesses it."""
        if told.outbound_id and (found := await repository.sent_as(session, told.outbound_id)):
            return found
        named = answer_named(told.message_id, self._secret)
        if named and (found := await repository.named(session, *named)):
            return found
        if told.kind not in _BY_GUESS or not told.guess:
            return None
        tokens, people = tuple(tokens_in([told.sender])), tuple(filter(None, [told.recipient.lower()]))
        if told.outbound_id or told.message_id:
            people = ()  # another mail is named, such as a newsletter by the same provider
        return await self._about(session, Returned(Fate.FAILED, "", (), tokens, people), own_id)

    async def _delayed(self, session: AsyncSession, own: OutboundMessage, detail: str, reason: str) -> DeliveryReport:
        """Reports that the other side still tries; in the ledger it stays sent."""
        news = report(own.channel, own.ticket_id, own.id, DeliveryState.DELAYED, detail, reason=reason)
        await self._outbox.add(session, DELIVERIES_REPORTED, own.ticket_id, news)
        return news

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
            else:
                news = await self._delayed(session, reply.request, detail, reason)
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
