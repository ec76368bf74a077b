"""Answers on their way out: from the ledger to the network, each at most once, each with a report.

Claimed as `sending`, sent, noted together with the report, with a commit between. Where nobody saw how an attempt ended, our own
newest posts are read: what is there was sent, what is not is sent again, and where that cannot be told an agent is asked.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.social import ledger, repository
from services.social.domain import pace, replies
from services.social.domain.posts import NETWORK, Post, is_direct
from services.social.models import Delivery, State
from services.social.ports import Denied, Later, Network, Refused, Unseen
from services.social.standing import ANSWERS, Standing
from services.social.turn import Turn
from shared.attempts import delay
from shared.bus import Record
from shared.clock import utc_now
from shared.db import Database
from shared.errors import Unavailable
from shared.events import DeliveryReport, DeliveryState, OutboundMessage
from shared.events.codec import decode
from shared.kernel import address_of, stable_id
from shared.logs import log
from shared.metrics import METRICS
from shared.outbox import Outbox
from shared.topics import DELIVERIES_REPORTED
from shared.waiting import first_of, wait

_POLL = 0.5
"""Seconds: how late an answer leaves that another process noted."""
_GIVE_UP = timedelta(hours=24)
"""After that an answer in public is no answer any more; an agent decides."""
_SPARE = 5.0
"""Seconds on top of a request's time-out before an attempt counts as unseen; X shows a post in its timeline within that."""
_MOST_ATTEMPTS = 5
"""Attempts whose end nobody saw: after so many an agent looks."""
_CLOCKS = timedelta(minutes=2)
"""How far X's clock and the database's may differ."""
_FULL = 100
"""Posts that one look at our own timeline brings; where there are so many, ours may be behind them."""
_DUPLICATE = "duplicate"
_NOT_SUMMONED = (
    "its plan lets us answer only those who mentioned or quoted @{name}. Answer on x.com, or on another channel. "
    "(Plans that allow more: SOCIAL_X_ANSWERS=all)"
)
_DIRECT_LONGEST = 10_000
"""Characters of a direct message (X developer documentation)."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where an answer goes: under a post, or where that is empty to a person."""

    post: str
    person: str


class Deliverer:
    """Notes requests, and works the ledger off, one at a time: X counts them for the whole account."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        network: Network | None,
        standing: Standing,
        turn: Turn,
        longest: int,
        timeout: float,
        *,
        summoned_only: bool = False,
    ) -> None:
        self._database, self._outbox, self._network = database, outbox, network
        self._standing, self._turn, self._longest = standing, turn, longest
        self._summoned_only = summoned_only
        self._unseen_after = timedelta(seconds=timeout + _SPARE)
        self._wake = asyncio.Event()

    async def take(self, records: Sequence[Record[OutboundMessage]]) -> None:
        """Note what is asked for; Kafka's offset moves on after that, and a request that comes again changes nothing."""
        async with self._database.transaction() as session:
            await ledger.add(session, [record.event for record in records])
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Send what is due until `stop`."""
        attempt = 0
        while await self._turn.mine(stop):
            self._wake.clear()
            try:
                await self._settle_unseen()
                async with self._database.transaction() as session:
                    delivery = await ledger.claim(session)
                attempt = 0
                if delivery is None:
                    await first_of(stop, self._wake, seconds=_POLL)
                else:
                    await self._deliver(delivery, decode(OutboundMessage, delivery.request))
            except Unavailable as error:
                attempt += 1
                METRICS.retried.labels(what="social-ledger").inc()
                log.warning("the ledger waits", error=str(error)[:300], attempt=attempt)
                await wait(stop, delay(attempt, random.random()))

    async def _deliver(self, delivery: Delivery, request: OutboundMessage) -> None:
        if self._network is None:
            await self._end(delivery, request, State.FAILED, f"X is off: {self._standing.why_off}.")
            return
        try:
            provider_id = await self._publish(self._network, delivery, request)
        except Later as error:
            await self._later(delivery, request, str(error), error.at)
        except Denied as error:
            if error.altogether:
                self._standing.refused(ANSWERS, error)
            at = utc_now() + timedelta(seconds=pace.DENIED)
            await self._later(delivery, request, self._standing.why_off or f"X does not allow it: {error}", at)
        except Unseen as error:
            log.warning("nobody saw how an attempt ended", outbound_id=request.id, error=str(error)[:300])
        except Refused as error:
            await self._end(delivery, request, State.FAILED, f"X refused it: {error}")
        else:
            self._standing.answered()
            await self._noted(delivery, request, provider_id)

    async def _publish(self, network: Network, delivery: Delivery, request: OutboundMessage) -> str:
        """Send it; X's id. X takes the same words only once: they may be this answer's own, of an attempt whose end nobody saw, or
        another customer's, and then who gets them second is named."""
        target = await self._target(request)
        try:
            return await self._send(network, target, request.text)
        except Refused as error:
            if _DUPLICATE not in str(error).lower():
                raise
            log.warning("the network says that it has this answer", outbound_id=request.id)
            found = await self._found(delivery, request) if delivery.attempts > 1 else ""
            if found is None:
                raise Unseen(str(error)) from error
            if not target.post and not found:
                raise
            return found or await self._send(network, target, await self._named(request, target))

    async def _named(self, request: OutboundMessage, target: Target) -> str:
        """The answer with the account's name before it, as answers to a group begin. Raises Refused."""
        async with self._database.transaction() as session:
            name = await repository.username_of(session, target.person)
        text = f"@{name} {request.text}"
        if not name or replies.problem(text, self._longest):
            raise Refused("it takes the same words only once, and somebody else had these: change some of them.")
        return text

    async def _target(self, request: OutboundMessage) -> Target:
        """A direct message unless the customer wrote in public: what was private stays so. Raises Refused."""
        person = address_of(request.to)
        posts = [one for one in request.references if not is_direct(one)]
        if is_direct(request.conversation) or not request.conversation:
            if len(request.text) > _DIRECT_LONGEST:
                raise Refused(
                    f"a direct message may have {_DIRECT_LONGEST:,} characters, this has {len(request.text):,}."
                )
            return Target("", person)
        if wrong := replies.problem(request.text, self._longest):
            raise Refused(wrong)
        async with self._database.transaction() as session:
            answered = await repository.newest_of(session, person, posts, summoned_first=self._summoned_only)
        if answered and self._summoned_only and not answered.summoned:
            raise Refused(_NOT_SUMMONED.format(name=self._standing.account.username))
        under = answered.id if answered else (posts[-1] if posts else request.conversation.partition("/")[0])
        if not under.isdecimal():
            raise Refused("there is no post to answer: write a direct message instead.")
        return Target(under, person)

    async def _send(self, network: Network, target: Target, text: str) -> str:
        if target.post:
            return await network.reply(text, target.post)
        return f"dm:{await network.message(text, target.person)}"

    async def _later(self, delivery: Delivery, request: OutboundMessage, words: str, at: datetime | None) -> None:
        now = utc_now()
        if now - delivery.requested_at > _GIVE_UP:
            await self._end(delivery, request, State.FAILED, f"given up after {_GIVE_UP.days} day: {words}")
            return
        seconds = pace.after_failure(delivery.attempts, at, now, random.random())
        async with self._database.transaction() as session:
            await ledger.put_off(session, delivery, State.WAITING, now + timedelta(seconds=seconds), words)
        METRICS.retried.labels(what="x-delivery").inc()
        log.warning(
            "an answer could not be sent yet", outbound_id=request.id, seconds=round(seconds), words=words[:300]
        )

    async def _settle_unseen(self) -> None:
        """Look up attempts whose end nobody saw, such as those of a process that was killed."""
        async with self._database.transaction() as session:
            left = await ledger.unseen(session, self._unseen_after)
        for delivery in left:
            request = decode(OutboundMessage, delivery.request)
            try:
                found = await self._found(delivery, request)
            except (Later, Denied) as error:
                await self._ask_later(delivery, request, error)
                continue
            given_up = delivery.attempts >= _MOST_ATTEMPTS or utc_now() - delivery.requested_at > _GIVE_UP
            if found:
                await self._end(delivery, request, State.SENT, "found to be sent after an interruption", found)
            elif found is None or given_up:
                words = "An interruption came while this was going out: it may or may not have been sent. Look at the thread on X."
                await self._end(delivery, request, State.UNCERTAIN, words)
            else:
                async with self._database.transaction() as session:
                    await ledger.put_off(session, delivery, State.WAITING, utc_now(), "found not to be sent")

    async def _found(self, delivery: Delivery, request: OutboundMessage) -> str | None:
        """The provider's id where it was sent, an empty string where it was not, None where that cannot be told."""
        network, account = self._network, self._standing.account
        if network is None:
            return None
        if not account.id:
            raise Later("X has not said yet who we are")
        since = delivery.changed_at - _CLOCKS
        target = await self._target(request)
        posts = (
            await network.sent_replies(account, since)
            if target.post
            else await network.sent_messages(account, target.person)
        )
        async with self._database.transaction() as session:
            for post in posts:
                if _is_it(post, target, request, since) and not await ledger.is_ours(session, post.provider_id):
                    return post.provider_id
        return None if len(posts) >= _FULL and min(post.created_at for post in posts) > since else ""

    async def _ask_later(self, delivery: Delivery, request: OutboundMessage, error: Later | Denied) -> None:
        now = utc_now()
        if now - delivery.requested_at > _GIVE_UP:
            await self._end(delivery, request, State.UNCERTAIN, f"It may have been sent; X could not be asked: {error}")
            return
        at = error.at if isinstance(error, Later) else now + timedelta(seconds=pace.DENIED)
        seconds = pace.after_failure(min(delivery.attempts, 5), at, now, random.random())
        async with self._database.transaction() as session:
            await ledger.put_off(session, delivery, State.SENDING, now + timedelta(seconds=seconds), str(error))

    async def _noted(self, delivery: Delivery, request: OutboundMessage, provider_id: str) -> None:
        """It is out, and only we know: try until PostgreSQL is back."""
        attempt = 0
        while True:
            try:
                await self._end(delivery, request, State.SENT, "", provider_id)
            except Unavailable as error:
                attempt += 1
                log.warning("an outcome waits to be noted", outbound_id=request.id, error=str(error)[:300])
                await asyncio.sleep(delay(attempt, random.random()))
            else:
                return

    async def _end(
        self, delivery: Delivery, request: OutboundMessage, state: State, words: str, provider_id: str = ""
    ) -> None:
        report = DeliveryReport(
            id=stable_id("delivery-report", request.id, state),
            outbound_id=request.id,
            ticket_id=request.ticket_id,
            channel=NETWORK,
            state=DeliveryState(state),
            at=utc_now(),
            provider_id=provider_id,
            detail=words,
        )
        async with self._database.transaction() as session:
            if not await ledger.finish(session, delivery, state, words, provider_id):
                return
            await self._outbox.add(session, DELIVERIES_REPORTED, request.ticket_id, report)
        self._outbox.wake()
        METRICS.delivered.labels(channel=NETWORK, state=str(state)).inc()
        log.info(
            "delivery ended", outbound_id=request.id, ticket_id=request.ticket_id, state=str(state), words=words[:300]
        )


def _is_it(post: Post, target: Target, request: OutboundMessage, since: datetime) -> bool:
    return post.created_at >= since and post.answers == target.post and replies.same(request.text, post.text)
