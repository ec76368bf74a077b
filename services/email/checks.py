"""What DNS says of a mail's sender, asked before the mail is read. No mail waits long for it, and
none is refused: what cannot be found out stays open."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from services.email.domain.checking import Client, Evidence, Missing, head_of, questions, spf
from services.email.domain.incoming import Envelope

PATIENCE = 5.0
"""Seconds for all of a mail's questions."""
_MOST = 40
"""Questions of one domain's SPF: ten terms, of which one may name ten mail servers (RFC 7208,
4.6.4)."""

Answers = dict[str, tuple[str, ...] | None]


class Checks:
    """Asks on behalf of mails that strangers hand to us."""

    def __init__(self, ask: Callable[[str], Awaitable[tuple[str, ...] | None]], patience: float = PATIENCE) -> None:
        self._ask, self._patience = ask, patience

    async def evidence(self, raw: bytes, envelope: Envelope) -> Evidence | None:
        """Returns what is needed to check a mail; None for one that is not ours to check. Never
        raises."""
        if not envelope.client:
            return None
        client = Client(envelope.client, envelope.helo, envelope.sender or "")
        answers: Answers = {}
        told = ["temperror"]
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                await asyncio.gather(
                    self._spf(client, told),
                    *(self._answer(question, answers) for question in questions(head_of(raw), client)),
                )
        return Evidence(told[-1], client.domain, answers)

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
