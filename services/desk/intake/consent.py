"""STOP and START: a person says on a channel whether they want to be reached there. It concerns the
customer and no ticket.

A number that said STOP is neither written to nor called, unless its owner asks for a call."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, update

from services.desk.actors import DESK
from services.desk.context import Desk
from services.desk.customers import contacts
from services.desk.customers.models import CONTACT_POINTS
from shared.errors import Malformed
from shared.events import InboundMessage
from shared.events.desk import CustomerChanged

AUTOMATIC = "consent"
"""`InboundMessage.automatic` of such a message."""
_OUT = {"stop": True, "start": False}


async def apply(desk: Desk, messages: Sequence[InboundMessage]) -> set[str]:
    """Stores whether customers want to be reached, in order, and publishes it to the router. An
    older message never overrides a newer one, and a repeated one has no effect. Returns the ids
    of those that changed something. Raises Malformed for a word that is neither `stop` nor
    `start`."""
    for message in messages:
        if message.consent not in _OUT:
            raise Malformed(f"message {message.id}: `consent` is `stop` or `start`, not {message.consent!r:.60}")
    async with desk.unit_of_work() as work:
        customers = await contacts.identify(work, messages)
        await work.lock(customers=customers.values())
        changed, news = set(), set()
        for message in messages:
            point = CONTACT_POINTS.c.point == message.sender
            newer = or_(CONTACT_POINTS.c.consent_at.is_(None), CONTACT_POINTS.c.consent_at < message.received_at)
            values = {"opted_out": _OUT[message.consent], "consent_at": message.received_at}
            noted = update(CONTACT_POINTS).where(point, newer).values(values).returning(CONTACT_POINTS.c.point)
            customer = customers[message.id]
            if (await work.session.execute(noted)).one_or_none():
                said = CustomerChanged(
                    customer_id=customer,
                    fields="opted_out",
                    contact_point=message.sender,
                    message_id=message.id,
                    consent=message.consent,
                    channel=message.channel,
                )
                work.record(said, "", message.received_at, DESK, customer=customer)
                changed.add(customer)
                news.add(message.id)
        work.touch(changed)
    return news
