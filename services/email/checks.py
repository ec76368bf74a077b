"""What DNS says of a mail's sender, asked before the mail is read. No mail waits long for it, and
none is refused: what cannot be found out stays open."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from datetime import datetime

from services.email.domain.authentication import written
from services.email.domain.checking import Client, Evidence, Missing, head_of, questions, spf
from services.email.domain.headers import Headers
from services.email.domain.incoming import Envelope
from services.email.domain.received import FRESH, Receivers
from shared.clock import utc_now

PATIENCE = 5.0
"""Seconds for all of a mail's questions."""
_MOST = 40
"""Questions of one domain's SPF: ten terms, of which one may name ten mail servers (RFC 7208,
4.6.4)."""

Answers = dict[str, tuple[str, ...] | None]
_NOBODY = Receivers(())


class Checks:
    """Asks on behalf of mails that strangers hand to us, or to a host or provider of ours.
    `receivers`: whose word counts on who handed a mail to them; `trusted`: servers whose word about
    a sender counts, so that nothing is left to check."""

    def __init__(
        self,
        ask: Callable[[str], Awaitable[tuple[str, ...] | None]],
        patience: float = PATIENCE,
        receivers: Receivers = _NOBODY,
        trusted: Collection[str] = (),
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._ask, self._patience, self._clock = ask, patience, clock
        self._receivers, self._trusted = receivers, trusted

    async def evidence(self, raw: bytes, envelope: Envelope, received_at: datetime | None = None) -> Evidence | None:
        """Returns what is needed to check a mail; None for one that is not ours to check.
        `received_at`: when it came, where that is not now. Never raises."""
        if not (envelope.client or envelope.by_others):
            return None
        head, now = head_of(raw), self._clock()
        if envelope.client:
            late = received_at is not None and now - received_at > FRESH
            client = None if late else Client(envelope.client, envelope.helo, envelope.sender or "")
        elif written(Headers(head), self._trusted) is not None:
            return None
        else:
            client = self._receivers.client(head.items(), envelope.sender, now)
        answers: Answers = {}
        told = ["temperror" if client else ""]
        domain = client.domain if client else ""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                await asyncio.gather(
                    *([self._spf(client, told)] if client else []),
                    *(self._answer(question, answers) for question in questions(Headers(head), domain)),
                )
        return Evidence(told[-1], domain, answers)

    async def _answer(self, question: str, answers: Answers) -> None:
        answers[question] = await self._ask(question)

    async def _spf(self, client: Client, told: list[str]) -> None:
        """Evaluates SPF over and over, with one answer more each time: that costs less than a
        thread, and the library does not wait for anything."""
        own: Answers = {}
        for _ in range(_MOST):
            try:
                told.append(spf(client, own))
                return
            except Missing as missing:
                await self._answer(str(missing), own)
        told.append("permerror")
