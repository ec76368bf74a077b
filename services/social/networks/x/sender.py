"""Delivers replies to X, as public replies or direct messages, and finds what was delivered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.social import repository
from services.social.domain.posts import Account, in_order, is_direct
from services.social.networks.x.channel import CHANNEL
from services.social.networks.x.client import XClient
from services.social.networks.x.text import problem, same
from services.social.ports import Later, Refused, Unseen
from shared.db import Database
from shared.delivery import Ledger
from shared.events import OutboundMessage
from shared.kernel import address_of

_CLOCKS = timedelta(minutes=2)
"""How far X's clock and the database's may differ."""
_FULL = 100
"""Posts of one look at our own timeline; where there are so many, ours may be behind them."""
_DUPLICATE = "duplicate"
_NOT_SUMMONED = (
    "its plan lets us answer only those who mentioned or quoted @{name}. Answer on x.com, or on another channel. "
    "(Plans that allow more: SOCIAL_X_ANSWERS=all)"
)
_SAME_WORDS = "it takes the same words only once, and somebody else had these: change some of them."
_DIRECT_LONGEST = 10_000
"""Characters of a direct message (X developer documentation)."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a reply goes: under a post, or where that is empty to a person."""

    post: str
    person: str


class XSender:
    """Implements `ports.Replies`. `longest`: weighted characters of a public reply;
    `summoned_only`: as `Network`'s."""

    def __init__(
        self, client: XClient, database: Database, ledger: Ledger, *, longest: int, summoned_only: bool
    ) -> None:
        self._client, self._database, self._ledger = client, database, ledger
        self._longest, self._summoned_only = longest, summoned_only

    async def send(self, request: OutboundMessage, account: Account) -> str:
        """Delivers it; X's id. X takes the same words only once: where it has them, they are this
        reply's own, of an attempt with an unknown outcome, or another customer's, and then who gets
        them second is named. Raises Later, Denied, Refused, Unseen."""
        target = await self._target(request, account)
        try:
            return await self._post(target, request.text)
        except Refused as error:
            if _DUPLICATE not in str(error).lower():
                raise
            found = await self._sent(request.text, target, account, request.requested_at)
            if found is None:
                raise Unseen(str(error)) from error
            async with self._database.transaction() as session:
                own = [one for one in found if not await self._ledger.outbound_of(session, one)]
                name = await repository.username_of(session, CHANNEL.name, target.person)
            if own:
                return own[0]
            if not target.post:
                raise
        text = f"@{name} {request.text}"  # as replies to a group begin
        if not name or problem(text, self._longest):
            raise Refused(_SAME_WORDS)
        return await self._post(target, text)

    async def find(self, request: OutboundMessage, account: Account, since: datetime) -> Sequence[str] | None:
        """Returns the ids of all posts that may be this reply (see `Replies.find`)."""
        return await self._sent(request.text, await self._target(request, account), account, since)

    async def _post(self, target: Target, text: str) -> str:
        if target.post:
            return await self._client.reply(text, target.post)
        return f"dm:{await self._client.message(text, target.person)}"

    async def _sent(self, text: str, target: Target, account: Account, since: datetime) -> Sequence[str] | None:
        since -= _CLOCKS
        if not account.id:
            raise Later("X has not said yet who we are")
        if target.post:
            posts = await self._client.sent_replies(account, since)
        else:
            posts = await self._client.sent_messages(account, target.person)
        found = [post for post in posts if post.created_at >= since and post.answers == target.post]
        ids = [post.provider_id for post in in_order(found) if same(text, post.text)]
        hidden = len(posts) >= _FULL and min(post.created_at for post in posts) > since
        return None if hidden and not ids else ids

    async def _target(self, request: OutboundMessage, account: Account) -> Target:
        """Returns where it goes: what was private stays private. Raises Refused."""
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
            raise Refused(_NOT_SUMMONED.format(name=account.username))
        under = answered.id if answered else (posts[-1] if posts else request.conversation.partition("/")[0])
        if not under.isdecimal():
            raise Refused("there is no post to answer: write a direct message instead.")
        return Target(under, person)
