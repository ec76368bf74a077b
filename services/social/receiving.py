"""Posts on their way in: judged, published (what is for agents as messages, the rest as kept mentions), and noted; in this order, so
that a crash repeats work but loses none. A post is one message however often and by whatever way it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.social import repository
from services.social.domain.bursts import Burst, Complaint, Window, causes
from services.social.domain.complaints import Kind, Verdict
from services.social.domain.posts import NETWORK, NOT_SUMMONED, WEB, Account, Post, ignored, inbound, summoned
from services.social.judging import Judge
from services.social.models import Outcome, Seen
from shared.bus import Bus
from shared.clock import utc_now
from shared.db import Database
from shared.events import InboundMessage
from shared.language import detect
from shared.logs import log
from shared.metrics import METRICS
from shared.topics import MENTIONS_KEPT, MESSAGES_RECEIVED

_TOLD: Mapping[str, str] = {Kind.COMPLAINT: "Sounds like a complaint", Kind.QUESTION: "Sounds like a question"}


@dataclass(frozen=True, slots=True)
class Rules:
    """What opens a ticket. See the settings of the same names."""

    complaint_from: float
    question_from: float
    burst_window: timedelta
    burst_from: int
    languages: tuple[str, ...]
    names: tuple[str, ...]
    web: str = WEB
    summoned_only: bool = False
    """X lets us answer only those who mentioned us."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A post with what we make of it. Kind `message`: a direct one, which always reaches agents."""

    post: Post
    language: str
    kind: str
    verdict: Verdict
    reasons: tuple[str, ...]
    causes: frozenset[str]
    outcome: Outcome


class Intake:
    """Takes posts in, one page at a time."""

    def __init__(self, database: Database, bus: Bus, judge: Judge, rules: Rules) -> None:
        self._database, self._bus, self._judge, self._rules = database, bus, judge, rules
        self._one = asyncio.Lock()

    async def take(self, posts: Sequence[Post], source: str, account: Account) -> None:
        """Oldest first. Returns when Kafka has what is for agents and PostgreSQL the rest. Raises Unavailable."""
        async with self._one:  # two sources may bring the same post at the same moment
            await self._take(posts, source, account)

    async def publish(self, row: Seen, account: Account) -> InboundMessage:
        """A mention that an agent wants as a ticket. Raises Unavailable."""
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
        event = inbound(post, account, utc_now(), row.language, row.complaint, facts, self._rules.web, closed)
        await self._bus.publish(MESSAGES_RECEIVED, event.sender, event)
        METRICS.took_in(NETWORK)
        return event

    async def _take(self, posts: Sequence[Post], source: str, account: Account) -> None:
        now = utc_now()
        ours: dict[str, Post] = {}
        for post in posts:
            if why := ignored(post, account):
                METRICS.posts.labels(network=NETWORK, outcome=why).inc()
            else:
                ours.setdefault(post.provider_id, post)
        async with self._database.transaction() as session:
            seen = await repository.known(session, ours)
            tickets = await repository.threads_with_tickets(session, {post.thread for post in ours.values()})
            answerable = await repository.threads_summoned(session, {post.thread for post in ours.values()})
            complaints = await repository.complaints_since(session, now - self._rules.burst_window)
        events, rows, window = [], [], Window(complaints, self._rules.burst_from)
        for name, post in ours.items():
            if name in seen:
                METRICS.repeated.labels(channel=NETWORK).inc()
                continue
            judged = self.judge(post, followed=post.thread in tickets)
            complaint = Complaint(name, post.author, judged.causes) if judged.kind == Kind.COMPLAINT else None
            found = window.add(complaint) if complaint else None
            called = summoned(post, account)
            if judged.outcome is Outcome.TICKET:
                tickets.add(post.thread)
                answerable |= {post.thread} if called else set()
            closed = self._closed(post, answerable=called or post.thread in answerable)
            event = self._event(judged, account, now, found, closed)
            topic = MESSAGES_RECEIVED if judged.outcome is Outcome.TICKET else MENTIONS_KEPT
            events.append((topic, str(event.sender), event))
            rows.append(_row(judged, source, now, found) | {"summoned": called})
        opened = sum(row["outcome"] == Outcome.TICKET for row in rows)
        if events:
            await self._bus.publish_all(events)
            METRICS.took_in(NETWORK, count=opened)
        async with self._database.transaction() as session:
            await repository.add(session, rows)
            await repository.join(session, window.joined)
        for row in rows:
            METRICS.posts.labels(network=NETWORK, outcome=row["outcome"]).inc()
        if rows:
            log.info("posts taken in", source=source, new=len(rows), published=opened, known=len(seen))

    def judge(self, post: Post, *, followed: bool) -> Judged:
        """What a post is. `followed`: agents see its conversation already, so they see this too."""
        rules, model = self._rules, self._judge.model
        language = post.language if post.language in rules.languages else detect(post.text, rules.languages)
        if post.direct:
            return Judged(post, language, "message", Verdict(0, 0), (), frozenset(), Outcome.TICKET)
        verdict = model.judge(post.text)
        kind = verdict.kind(rules.complaint_from, rules.question_from)
        found = causes(post.text, model.common, rules.names) if kind is Kind.COMPLAINT else frozenset[str]()
        outcome = Outcome.TICKET if followed or kind is not Kind.OTHER else Outcome.MENTION
        return Judged(post, language, kind, verdict, verdict.reasons(kind), found, outcome)

    def _closed(self, post: Post, *, answerable: bool) -> str:
        return "" if answerable or post.direct or not self._rules.summoned_only else NOT_SUMMONED

    def _event(
        self, judged: Judged, account: Account, now: datetime, found: Burst | None, closed: str
    ) -> InboundMessage:
        post, facts = judged.post, dict[str, str]()
        words = ", ".join(judged.reasons)
        if judged.outcome is Outcome.MENTION:
            facts |= {"Kind": judged.kind, **({"Words": words} if words else {})}
        elif judged.kind in _TOLD:
            facts[_TOLD[judged.kind]] = words or "by its whole wording"
        if found:
            minutes = round(self._rules.burst_window.total_seconds() / 60)
            facts |= {
                "Burst": f"{found.people} people complain of the same within {minutes} minutes: {', '.join(found.words)}",
                "Burst id": found.id,
                "Burst count": str(found.people),
                "Burst first": ",".join(found.first),
            }
        score = None if post.direct else round(judged.verdict.complaint, 3)
        return inbound(post, account, now, judged.language, score, facts, self._rules.web, closed)


def _row(judged: Judged, source: str, now: datetime, found: Burst | None) -> dict[str, Any]:
    """Of a direct message only the bare fact is kept here: it is private."""
    post, private = judged.post, judged.post.direct
    return {
        "id": post.provider_id,
        "author": post.author,
        "name": "" if private else post.name,
        "username": "" if private else post.username,
        "thread": post.thread,
        "conversation": post.conversation,
        "text": "" if private else post.text,
        "language": judged.language,
        "media": [] if private else list(post.media),
        "created_at": post.created_at,
        "received_at": now,
        "followers": post.followers,
        "source": source,
        "outcome": judged.outcome,
        "kind": judged.kind,
        "complaint": judged.verdict.complaint,
        "question": judged.verdict.question,
        "reasons": list(judged.reasons),
        "causes": sorted(judged.causes),
        "burst": found.id if found else "",
    }
