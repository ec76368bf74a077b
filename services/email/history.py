"""What we sent to a ticket, so that a mail's quotation of it is known for what it is.

It is read from the ledger, which has the replies anyway: nothing more is kept, and what is erased
there is compared with no longer.
"""

from __future__ import annotations

import asyncio

from services.email import repository
from services.email.domain.incoming import Envelope
from services.email.domain.references import ticket_at_a_glance
from shared.db import Database
from shared.errors import Unavailable
from shared.logs import log

_PATIENCE = 2.0
"""Seconds. A mail is read without what we sent rather than late."""


class History:
    """Our replies by ticket."""

    def __init__(self, database: Database, secret: str) -> None:
        self._database, self._secret = database, secret

    async def answered_by(self, raw: bytes, envelope: Envelope) -> tuple[str, ...]:
        """Returns the texts of the replies that this mail may quote, the newest first; none where
        it names no ticket of ours with our token, or the ledger is away."""
        ticket = ticket_at_a_glance(raw, envelope.recipients, self._secret)
        if not ticket:
            return ()
        try:
            async with asyncio.timeout(_PATIENCE), self._database.statements() as session:
                return await repository.texts_sent(session, ticket)
        except (Unavailable, TimeoutError) as error:
            log.warning("a mail is read without what we sent to its ticket", ticket_id=ticket, error=str(error))
            return ()
