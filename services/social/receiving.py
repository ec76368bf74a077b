"""Takes posts in: classifies them, publishes them (what is for agents as messages, the rest as kept
mentions), and records them; in this order, so that a crash repeats work but loses none. A post is
one message however often and by whatever way it comes."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from services.social import repository
from services.social.active_model import ActiveModel
from services.social.availability import Availability
from services.social.domain.bursts import Burst, Complaint, Window, causes
from services.social.domain.complaints import Kind, Verdict
from services.social.domain.posts import NOT_SUMMONED, Account, Post, ignored, inbound, language_of
from services.social.models import PostOutcome, Seen
from services.social.ports import Network
from shared.bus import Bus
from shared.bus.handling import dead_letter
from shared.clock import utc_now
from shared.db import Database
from shared.errors import Malformed
from shared.events import Burst as ToldBurst
from shared.events import InboundMessage
from shared.events import Post as ToldPost
from shared.logs import log
from shared.metrics import METRICS
from shared.topics import MENTIONS_KEPT, MESSAGES_RECEIVED

_MOST_REJECTED = 10_000
"""Digests that are remembered; beyond that something may be dead-lettered twice."""


@dataclass(frozen=True, slots=True)
class IntakeRules:
    """What opens a ticket. See the settings of the same names."""

    complaint_from: float
    question_from: float
    burst_window: timedelta
    burst_from: int
    languages: tuple[str, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Classified:
    """A post with what we make of it. Kind `message`: a direct one, which always reaches agents."""

    post: Post
    language: str
    kind: str
    verdict: Verdict
    reasons: tuple[str, ...]
    causes: frozenset[str]
    outcome: PostOutcome


class Intake:
    """Takes posts of one network in, one page at a time."""

    def __init__(
        self,
        network: Network,
        availability: Availability,
        database: Database,
        bus: Bus,
        active_model: ActiveModel,
        rules: IntakeRules,
    ) -> None:
        self.network, self._name, self._availability = network, network.channel.name, availability
        self._database, self._bus, self._active_model, self._rules = database, bus, active_model, rules
        self._one, self._rejected = asyncio.Lock(), dict[bytes, None]()

    async def take(self, posts: Sequence[Post], source: str, account: Account) -> None:
        """Takes posts in, oldest first, until Kafka and PostgreSQL have them. Raises
        Unavailable."""
        async with self._one:  # two sources may bring the same post at the same moment
            await self._take(posts, source, account)

    async def reject(self, raws: Iterable[bytes], source: str) -> None:
        """Writes to the dead letters what is not a post in any form that we know, each once
        though polls overlap and sources meet. Raises Unavailable."""
        for raw in raws:
            digest = hashlib.sha256(raw).hexdigest().encode()
            if digest in self._rejected:
                continue
            await dead_letter(self._bus, f"{self._name}-{source}", digest, raw, Malformed("not a post"), "social")
            self._rejected[digest] = None
            if len(self._rejected) > _MOST_REJECTED:
                del self._rejected[next(iter(self._rejected))]

    async def publish(self, row: Seen) -> None:
        """Publishes a mention that an agent wants as a ticket. Raises Unavailable."""
        post = Post(
            id=row.id,
            author=row.author,
            text=row.text,
            created_at=row.created_at,
            conversation=row.conversation,
            name=row.name,
            username=row.username,
            followers=row.followers,
            media=tuple(row.media),
        )
        facts = {"Ticket": "opened by an agent"}
        closed = self._closed(post, answerable=row.summoned)
        account, link = self._availability.account, self.network.link(post)
        event = inbound(post, self._name, account, utc_now(), row.language, row.complaint, facts, link, closed)
        await self._bus.publish(MESSAGES_RECEIVED, event.sender, event)
        METRICS.took_in(self._name)

    async def _take(self, posts: Sequence[Post], source: str, account: Account) -> None:
        now = utc_now()
        ours: dict[str, Post] = {}
        for post in posts:
            if why := ignored(post, account):
                METRICS.posts.labels(network=self._name, outcome=why).inc()
            else:
                ours.setdefault(post.provider_id, post)
        async with self._database.transaction() as session:
            seen = await repository.known(session, self._name, ours)
            threads = {post.thread for post in ours.values()}
            tickets = await repository.threads_with_tickets(session, self._name, threads)
            answerable = await repository.threads_summoned(session, self._name, threads)
            complaints = await repository.complaints_since(session, self._name, now - self._rules.burst_window)
        events, rows, window = [], [], Window(complaints, self._rules.burst_from)
        for name, post in ours.items():
            if name in seen:
                METRICS.repeated.labels(channel=self._name).inc()
                continue
            one = self.classify(post, followed=post.thread in tickets)
            complaint = Complaint(name, post.author, one.causes) if one.kind == Kind.COMPLAINT else None
            found = window.add(complaint) if complaint else None
            called = self.network.summoned(post, account)
            if one.outcome is PostOutcome.TICKET:
                tickets.add(post.thread)
                answerable |= {post.thread} if called else set()
            closed = self._closed(post, answerable=called or post.thread in answerable)
            event = self._event(one, account, now, found, closed)
            topic = MESSAGES_RECEIVED if one.outcome is PostOutcome.TICKET else MENTIONS_KEPT
            events.append((topic, str(event.sender), event))
            rows.append(_row(self._name, one, source, now, found) | {"summoned": called})
        opened = sum(row["outcome"] == PostOutcome.TICKET for row in rows)
        if events:
            await self._bus.publish_all(events)
            METRICS.took_in(self._name, count=opened)
        async with self._database.transaction() as session:
            await repository.add(session, rows)
            await repository.join(session, self._name, window.joined)
        for row in rows:
            METRICS.posts.labels(network=self._name, outcome=row["outcome"]).inc()
        if rows:
            log.info("posts taken in", source=source, new=len(rows), published=opened, known=len(seen))

    def classify(self, post: Post, *, followed: bool) -> Classified:
        """Decides what a post is. `followed`: agents see its conversation, so they see this too."""
        rules, model = self._rules, self._active_model.model
        language = language_of(post, rules.languages)
        if post.direct:
            return Classified(post, language, "message", Verdict(0, 0), (), frozenset(), PostOutcome.TICKET)
        verdict = model.classify(post.text, language)
        kind = verdict.kind(rules.complaint_from, rules.question_from)
        found = causes(post.text, model.common, rules.names) if kind is Kind.COMPLAINT else frozenset[str]()
        outcome = PostOutcome.TICKET if followed or kind is not Kind.OTHER else PostOutcome.MENTION
        return Classified(post, language, kind, verdict, verdict.reasons(kind), found, outcome)

    def _closed(self, post: Post, *, answerable: bool) -> str:
        return "" if answerable or post.direct or not self.network.summoned_only else NOT_SUMMONED

    def _event(
        self, one: Classified, account: Account, now: datetime, found: Burst | None, closed: str
    ) -> InboundMessage:
        post, facts, told = one.post, dict[str, str](), ToldPost()
        words = ", ".join(one.reasons)
        if one.outcome is PostOutcome.MENTION:
            facts |= {"Kind": one.kind, **({"Words": words} if words else {})}
        elif one.kind in (Kind.COMPLAINT, Kind.QUESTION):
            told = ToldPost(sounds=one.kind, words=one.reasons)
        if found:
            minutes = round(self._rules.burst_window.total_seconds() / 60)
            facts["Burst"] = (
                f"{found.people} people complain of the same within {minutes} minutes: {', '.join(found.words)}"
            )
            told = replace(told, burst=ToldBurst(id=found.id, first=tuple(found.first), people=found.people))
        score = None if post.direct else round(one.verdict.complaint, 3)
        link = self.network.link(post)
        return inbound(post, self._name, account, now, one.language, score, facts, link, closed, told)


def _row(network: str, one: Classified, source: str, now: datetime, found: Burst | None) -> dict[str, Any]:
    """Makes the row of a post. Of a direct message only the bare fact is kept: it is private."""
    post, private = one.post, one.post.direct
    return {
        "network": network,
        "id": post.provider_id,
        "author": post.author,
        "name": "" if private else post.name,
        "username": "" if private else post.username,
        "thread": post.thread,
        "conversation": post.conversation,
        "text": "" if private else post.text,
        "language": one.language,
        "media": [] if private else list(post.media),
        "created_at": post.created_at,
        "received_at": now,
        "followers": post.followers,
        "source": source,
        "outcome": one.outcome,
        "kind": one.kind,
        "complaint": one.verdict.complaint,
        "question": one.verdict.question,
        "reasons": list(one.reasons),
        "causes": sorted(one.causes),
        "burst": found.id if found else "",
    }
