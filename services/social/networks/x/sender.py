"""Delivers replies to X, as public replies or direct messages, and finds what was delivered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.social import ledger, repository
from services.social.domain.posts import Account, is_direct
from services.social.networks.x.channel import CHANNEL
from services.social.networks.x.client import XClient
from services.social.networks.x.text import problem, same
from services.social.ports import Later, Refused, Unseen
from shared.db import Database
from shared.events import OutboundMessage
from shared.kernel import address_of
from shared.logs import log

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
    """Where a reply goes: under a post, or where that is empty to a person."""

    post: str
    person: str


class XSender:
    """Implements `ports.Sender`. `account`: ours, as far as it is known; `longest`: weighted characters of a public reply."""

    def __init__(
        self,
        client: XClient,
        database: Database,
        account: Callable[[], Account],
        *,
        longest: int,
        summoned_only: bool,
    ) -> None:
        self._client, self._database, self._account = client, database, account
        self._longest, self._summoned_only = longest, summoned_only

    async def send(self, request: OutboundMessage) -> str:
        """Deliver it; X's id. X takes the same words only once: where it has them, they are this reply's own, of an attempt with an
        unknown outcome, or another customer's, and then who gets them second is named. Raises Later, Denied, Refused, Unseen."""
        target = await self._target(request)
        try:
            return await self._post(target, request.text)
        except Refused as error:
            if _DUPLICATE not in str(error).lower():
                raise
            log.warning("the network says that it has this reply", outbound_id=request.id)
            found = await self.find(request, request.requested_at)
            if found is None:
                raise Unseen(str(error)) from error
            if not target.post and not found:
                raise
            return found or await self._post(target, await self._named(request, target))

    async def find(self, request: OutboundMessage, since: datetime) -> str | None:
        """See `Sender.find`."""
        account = self._account()
        if not account.id:
            raise Later("X has not said yet who we are")
        since -= _CLOCKS
        target = await self._target(request)
        posts = (
            await self._client.sent_replies(account, since)
            if target.post
            else await self._client.sent_messages(account, target.person)
        )
        async with self._database.transaction() as session:
            for post in posts:
                sent = post.created_at >= since and post.answers == target.post and same(request.text, post.text)
                if sent and not await ledger.is_ours(session, post.provider_id):
                    return post.provider_id
        return None if len(posts) >= _FULL and min(post.created_at for post in posts) > since else ""

    async def _post(self, target: Target, text: str) -> str:
        if target.post:
            return await self._client.reply(text, target.post)
        return f"dm:{await self._client.message(text, target.person)}"

    async def _named(self, request: OutboundMessage, target: Target) -> str:
        """The reply with the account's name before it, as replies to a group begin. Raises Refused."""
        async with self._database.transaction() as session:
            name = await repository.username_of(session, CHANNEL.name, target.person)
        text = f"@{name} {request.text}"
        if not name or problem(text, self._longest):
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
        if wrong := problem(request.text, self._longest):
            raise Refused(wrong)
        async with self._database.transaction() as session:
            answered = await repository.newest_of(
                session, CHANNEL.name, person, posts, summoned_first=self._summoned_only
            )
        if answered and self._summoned_only and not answered.summoned:
            raise Refused(_NOT_SUMMONED.format(name=self._account().username))
        under = answered.id if answered else (posts[-1] if posts else request.conversation.partition("/")[0])
        if not under.isdecimal():
            raise Refused("there is no post to answer: write a direct message instead.")
        return Target(under, person)
