"""Where a message lands and what it does to a ticket. Pure: values in, values out; the clock is the
message's own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from msgspec import structs

from services.desk.tickets.escalation import Patience, begun, both, elsewhere, went_on
from shared.errors import Rejected
from shared.events import Channel, ChannelChoice, Decision, DeliveryState, InboundMessage, Reason, RoutedMessage
from shared.kernel import ContactPoint, Level, address_of, ticket_id

STATUSES = ("open", "pending", "solved", "closed")
SETTLED = ("solved", "closed")
MACHINES = ("reply", "bounce", "files")
"""Automatic messages that nobody wrote for us: they join and wake nobody. `list` mail was written
by a person."""
_ADDRESS = re.compile(r"[^\s@<>\"(),:;\[\]\\]{1,64}@[^\s@<>\"(),:;\[\]\\]{1,255}")
_LONGEST_ADDRESS = 254
"""RFC 5321, 4.5.3.1.3, without the angle brackets."""
_SNIPPET = 200
_LONGEST_BURST = 100
_MOST_FIRST = 500
"""Earlier posts of a burst that one post may name."""
_RANKS = 101
"""To a level: scores are 0 to 100."""
SOON = timedelta(minutes=30)
"""A ticket that is due within this is shown as due soon."""


TELLING = ("preference.stated", "preference.observed", "preference.age")
"""Reasons that tell of a preference. That a message came by a channel, or that one can be reached
there, tells of none."""


def is_spoken(channel: Channel) -> bool:
    """Whether nothing can be written there: people are called on it."""
    return channel.spoken or (channel.live and channel.reaches == ("tel",))  # as announced before it was said


def telephone(channels: Iterable[Channel]) -> Channel | None:
    """Returns the channel on which people are called; None if none is announced."""
    return next(filter(is_spoken, channels), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A ticket, without what it is called and where it is listed."""

    id: str
    thread_key: str
    generation: int
    customer_id: str
    linked_to: str | None = None
    participants: tuple[str, ...] = ()
    """Contact points of those who wrote in it."""
    verified: bool = False
    """A person whose identity was proven wrote in it."""
    status: str = "open"
    level: str
    score: int
    rank: int
    queue_at: datetime
    """Its place in the queue within its rank: since when the customer waits, or else its newest
    message."""
    reasons: tuple[Reason, ...] = ()
    routing_reasons: tuple[Reason, ...] = ()
    channels: tuple[ChannelChoice, ...] = ()
    team: str = ""
    skills: tuple[str, ...] = ()
    """That the router asked for since the customer waits; which of them are still asked for is in
    `patience`."""
    patience: Patience = field(default_factory=Patience)
    language: str = ""
    subject: str = ""
    snippet: str = ""
    channel: str
    created_at: datetime
    last_message_at: datetime
    last_inbound_at: datetime
    waiting_since: datetime | None = None
    due_at: datetime | None = None
    """When the customer who waits is to have an answer at the latest; none where nobody waits or
    there is no target."""
    solved_at: datetime | None = None
    messages: int = 0
    version: int = 0
    assignee_id: str | None = None
    given_at: datetime | None = None
    """When its agent got it."""
    first_reply_at: datetime | None = None
    undelivered: str = ""
    """`failed` or `uncertain`: what became of the newest reply that did not arrive."""
    group_id: str | None = None
    """The ticket that it stands under."""
    burst_id: str = ""
    alone: bool = False
    """It was taken out of its group, and is never grouped again."""
    imported: bool = False
    """All of it is from an archive, and the customer has not written since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A customer's wait as a reply found it. It is kept with the reply that ended it, for a reply
    that does not arrive ends nothing."""

    since: datetime
    due_at: datetime | None = None
    team: str = ""
    level: str
    score: int
    rank: int
    reasons: tuple[Reason, ...] = ()
    skills: tuple[str, ...] = ()
    patience: Patience = field(default_factory=Patience)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a message lands: in the ticket `id`, which is a new one unless `ticket` is given."""

    id: str
    thread_key: str
    generation: int
    ticket: Ticket | None = None
    linked_to: str | None = None
    why: str = ""
    """Of a linked one: `closed`, `stranger`."""
    other_address: bool = False
    """Joined by a token or a private conversation, from an address that is not the customer's."""
    takes_over: bool = False
    """The visitor of a conversation has signed in: the conversation is theirs from now on."""


def as_written(routed: RoutedMessage) -> RoutedMessage:
    """Converts an agent's forward into a message of the original author, who is the customer and
    is answered."""
    message, decision = routed.message, routed.decision
    author = ContactPoint(message.forwarded_from)
    mine = structs.replace(
        message,
        sender=author,
        sender_name=message.forwarded_name,
        sender_verified=False,
        also=(),
        forwarded_by=address_of(message.sender),
    )
    channels = tuple(
        structs.replace(choice, contact_point=author) if choice.contact_point == message.sender else choice
        for choice in decision.channels
    )
    return structs.replace(routed, message=mine, decision=structs.replace(decision, channels=channels))


class Threads:
    """Tickets that the messages of a batch may belong to, kept up to date while it is worked
    off."""

    def __init__(self, tickets: Iterable[Ticket]) -> None:
        self._by_id: dict[str, Ticket] = {}
        self._newest: dict[str, Ticket] = {}
        for ticket in tickets:
            self.put(ticket)

    def put(self, ticket: Ticket) -> None:
        """Adds or replaces a ticket."""
        self._by_id[ticket.id] = ticket
        newest = self._newest.get(ticket.thread_key)
        if newest is None or newest.generation <= ticket.generation:
            self._newest[ticket.thread_key] = ticket

    def current(self, decision: Decision) -> Ticket | None:
        """Returns the newest ticket of the thread that the router named, by ticket or by key."""
        named = self._by_id.get(decision.ticket_id)
        return self._newest.get(named.thread_key if named else decision.thread.key)

    def newest(self, thread_key: str) -> Ticket | None:
        """Returns the newest ticket of this thread."""
        return self._newest.get(thread_key)


def stranger_key(thread_key: str, sender: str) -> str:
    """Returns the key of the thread that somebody who quoted another's gets of their own."""
    return f"{thread_key}|{sender}"


def rank(level: str, score: int) -> int:
    """Returns the place in the order of work: level first, then score. Smaller is sooner."""
    return list(Level).index(Level(level)) * _RANKS + 100 - score


def ranks(levels: Iterable[str]) -> tuple[int, int]:
    """Returns the first rank of the highest of these levels, and the one after the last of the
    lowest."""
    places = sorted(list(Level).index(Level(level)) for level in levels)
    return places[0] * _RANKS, (places[-1] + 1) * _RANKS


def place(routed: RoutedMessage, customer: str, threads: Threads, reopen_within: timedelta) -> Placement:
    """Decides where this message of this customer lands.

    The router proposes; a ticket settled for longer than `reopen_within` is followed by a linked
    one, and whoever is neither the ticket's customer nor somebody who wrote in it gets a linked
    ticket of their own, unless a token or the provider's own private conversation shows that they
    were let in.
    """
    message, decision = routed.message, routed.decision
    found = threads.current(decision)
    if found is None:
        return Placement(decision.ticket_id, decision.thread.key, decision.thread.generation)
    stranger = found.customer_id != customer and message.sender not in found.participants
    if stranger and not _was_let_in(routed, found):
        key = stranger_key(decision.thread.key, message.sender)
        own = threads.newest(key)
        if own is None:
            by_chance = decision.thread.rule == "new"  # two mails with one Message-ID
            return Placement(ticket_id(key), key, 0, linked_to=None if by_chance else found.id, why="stranger")
        found, stranger = own, False
    if _is_over(found, message, reopen_within):
        generation = found.generation + 1
        return Placement(
            ticket_id(found.thread_key, generation),
            found.thread_key,
            generation,
            linked_to=found.id,
            why="closed",
            other_address=stranger,
        )
    other = found.customer_id != customer
    signed_in = other and decision.thread.rule == "conversation" and message.sender_verified and not found.verified
    return Placement(
        found.id,
        found.thread_key,
        found.generation,
        ticket=found,
        other_address=other and not signed_in,
        takes_over=signed_in,
    )


def _was_let_in(routed: RoutedMessage, ticket: Ticket) -> bool:
    rule = routed.decision.thread.rule
    if rule == "token":
        return True
    return (
        rule == "conversation" and not routed.message.public and (routed.message.sender_verified or not ticket.verified)
    )


def _is_over(ticket: Ticket, message: InboundMessage, reopen_within: timedelta) -> bool:
    if ticket.status not in SETTLED or ticket.solved_at is None or message.automatic in MACHINES:
        return False
    return message.received_at - ticket.solved_at > reopen_within


def opened(routed: RoutedMessage, place: Placement, customer: str) -> Ticket:
    """Creates the new ticket, before its first message is counted."""
    message, decision = routed.message, routed.decision
    return Ticket(
        id=place.id,
        thread_key=place.thread_key,
        generation=place.generation,
        customer_id=customer,
        linked_to=place.linked_to,
        level=decision.level.value,
        score=decision.score,
        rank=rank(decision.level, decision.score),
        queue_at=message.received_at,
        routing_reasons=decision.routing_reasons,
        team=decision.team,
        subject=message.subject or snippet(message.text)[:80],
        channel=message.channel,
        created_at=message.received_at,
        last_message_at=message.received_at,
        last_inbound_at=message.received_at,
    )


def took_in(ticket: Ticket, routed: RoutedMessage) -> Ticket:
    """Returns the ticket after one more message of a customer.

    Priority: the highest of the messages since our last reply. A polite follow-up does not make an
    outage less urgent, what is answered no longer counts, and a level that an agent gave stays
    until the customer adds something more urgent.
    """
    message, decision = routed.message, routed.decision
    at = message.received_at
    participants = (
        ticket.participants if message.sender in ticket.participants else (*ticket.participants, message.sender)
    )
    after = replace(
        ticket,
        participants=participants,
        verified=ticket.verified or message.sender_verified,
        channels=decision.channels,
        language=decision.language or ticket.language,
        snippet=snippet(message.text) if at >= ticket.last_message_at else ticket.snippet,
        last_message_at=max(at, ticket.last_message_at),
        messages=ticket.messages + 1,
        version=ticket.version + 1,
        team=decision.team if ticket.imported else ticket.team,
        routing_reasons=decision.routing_reasons if ticket.imported else ticket.routing_reasons,
        imported=False,
    )
    first = ticket.messages == 0
    if message.automatic in MACHINES and not first:
        return after
    if ticket.waiting_since is None:
        skills, patience = decision.skills, begun(decision, after.team, ticket.patience, at)
    else:
        skills, patience = went_on(decision, after.team, ticket.skills, ticket.patience, at)
    own = rank(decision.level, decision.score)
    counts = first or ticket.waiting_since is None or own < ticket.rank
    since = at if ticket.waiting_since is None else min(at, ticket.waiting_since)
    return replace(
        after,
        status="open",
        level=decision.level.value if counts else ticket.level,
        score=decision.score if counts else ticket.score,
        rank=own if counts else ticket.rank,
        reasons=decision.reasons if counts else ticket.reasons,
        skills=skills,
        patience=patience,
        last_inbound_at=max(at, ticket.last_inbound_at),
        waiting_since=since,
        due_at=due(ticket, routed),
        queue_at=since,
        solved_at=None,
    )


def may_be_an_answer(message: InboundMessage, before: Ticket, customer: str) -> bool:
    """Whether this message may answer what we wrote last: it is this customer's own ticket, nothing
    of theirs waited in it, and a person wrote."""
    return before.customer_id == customer and before.waiting_since is None and not message.automatic


def due(ticket: Ticket, routed: RoutedMessage) -> datetime | None:
    """Returns when an answer is due once this message is in. It counts from the message with
    which the customer began to wait; whatever they add meanwhile can only bring it forward."""
    before = ticket.due_at if ticket.waiting_since else None
    within = routed.decision.reply_within
    if within <= 0:
        return before
    own = routed.message.received_at + timedelta(seconds=within)
    return min(before, own) if before else own


@dataclass(frozen=True, slots=True)
class Promise:
    """What the router promised with one message of a customer who waits."""

    at: datetime
    level: str
    within: int
    """Seconds; 0 for nothing."""
    targets: Mapping[str, int]
    """Seconds by level; empty where the router did not tell them."""


def due_at_level(ticket: Ticket, level: str, waiting: Sequence[Promise]) -> datetime | None:
    """Returns when an answer is due once somebody gave a ticket this level: by the policy's target
    for it, and from the same start. Back at the level that the router gave it is the router's time
    again; where a router did not tell its targets, it stays. waiting: of the messages since the
    customer waits."""
    if ticket.waiting_since is None or not waiting:
        return ticket.due_at
    levels = list(Level)
    if level == min((each.level for each in waiting), key=lambda own: levels.index(Level(own))):
        within = [(each.at, each.within) for each in waiting]
    elif all(each.targets for each in waiting):
        within = [(each.at, each.targets.get(level, 0)) for each in waiting]
    else:
        return ticket.due_at
    return min((at + timedelta(seconds=seconds) for at, seconds in within if seconds > 0), default=None)


def resumed(ended: Wait, now: Wait | None) -> Wait:
    """Returns the wait that a reply ended, once that reply did not arrive. now: the one that
    began since, if there is one: it continues as though nothing had come between."""
    if now is None:
        return ended
    patience = both(ended.patience if ended.team == now.team else elsewhere(ended.patience), now.patience)
    higher = now if now.rank < ended.rank else ended
    return Wait(
        since=min(ended.since, now.since),
        due_at=min(filter(None, (ended.due_at, now.due_at)), default=None),
        team=now.team,
        level=higher.level,
        score=higher.score,
        rank=higher.rank,
        reasons=higher.reasons,
        skills=tuple(dict.fromkeys((*ended.skills, *now.skills))),
        patience=patience,
    )


def taken_by_reply(team: str, keep: str) -> bool:
    """Whether a reply to a ticket of this team that nobody has takes it. keep: teams that want it
    otherwise, with commas between them, or `*`."""
    return not {team, "*"} & {name.strip() for name in keep.split(",") if name.strip()}


def is_late(due_at: datetime | None, at: datetime) -> bool:
    """Whether an answer at this moment comes too late. As in the list of overdue tickets: what is
    due now is late."""
    return due_at is not None and due_at <= at


def snippet(text: str) -> str:
    """Returns the beginning of a text in one line."""
    return " ".join(text[: _SNIPPET * 3].split())[:_SNIPPET]


NOT_ARRIVED = (DeliveryState.FAILED.value, DeliveryState.UNCERTAIN.value)
"""States of an answer that did not reach the customer, or may not have: somebody has to look."""


def reachable(authors: Sequence[tuple[str, str]], asked: Iterable[str | None], known: Iterable[str]) -> list[str]:
    """Lists where this customer is answered on a channel, best first. authors: of their messages
    there, newest first, each with the doubt about it; asked: where the router read that they
    want to be; known: their other contact points, proven ones first. An address that only
    doubtful messages came from is the last."""
    sure = [author for author, doubt in authors if not doubt]
    doubtful = [author for author, doubt in authors if doubt and author not in sure]
    wished = [point for point in asked if point and point not in doubtful]
    return list(dict.fromkeys((*sure, *wished, *known, *doubtful)))


MOST_COPIES = 48
"""Addresses of Cc and Bcc of one reply, together."""


def copies(typed: Iterable[str]) -> tuple[str, ...]:
    """Returns the addresses in a field of copies, in lower case, each once. Raises Rejected 422
    with the first that is invalid."""
    named = (entry.strip() for field in typed for entry in re.split(r"[,;\n]", field))
    found = dict.fromkeys(re.sub(r"^.*<([^<>]*)>$", r"\1", entry).strip().lower() for entry in named if entry)
    for address in found:
        if len(address) > _LONGEST_ADDRESS or not _ADDRESS.fullmatch(address):
            raise Rejected(
                422, "copy-address", f"{address[:100]} is not an email address. Write it as ann@example.org."
            )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Addressed:
    """Who wrote a mail, and to whom it went, by address."""

    author: str
    also_to: Sequence[str]
    cc: Sequence[str]


def addressed_by(message: Any) -> Addressed:
    """Returns the author and recipients of a message (a row, or as readers get it); a reply has
    no author who is to have a copy."""
    author = message.author.removeprefix("email:") if message.direction == "in" else ""
    return Addressed(author, message.also_to, message.cc)


def takes_copies(channel: Channel) -> bool:
    """Whether a reply there can go to others too."""
    return "email" in channel.reaches


def others(newest: Addressed | None, to: str) -> tuple[str, ...]:
    """Lists who gets a copy of a reply to `to` by default: everybody whom the newest mail of the
    conversation went to or came from."""
    named = (newest.author, *newest.also_to, *newest.cc) if newest else ()
    return tuple(dict.fromkeys(address for address in named if address and address != to))[:MOST_COPIES]


@dataclass(frozen=True, slots=True)
class Head:
    """A ticket of a burst that stands for itself, or for others too."""

    id: str
    created_at: datetime
    usable: bool
    """It is open, and no agent took it out of a group."""
    in_hand: bool
    """It leads others, and an agent has it or has answered it."""


def grouped(heads: Iterable[Head]) -> tuple[str, tuple[str, ...]]:
    """Decides who leads, and who joins. The oldest leads, whatever came first; but what an agent
    has in hand continues to lead."""
    usable = sorted(
        (head for head in heads if head.usable), key=lambda head: (not head.in_hand, head.created_at, head.id)
    )
    if not usable:
        return "", ()
    return usable[0].id, tuple(head.id for head in usable[1:] if not head.in_hand)


def burst_of(message: InboundMessage) -> str:
    """Returns the burst that a public post is part of, as its channel recognised it; empty if
    there is none."""
    burst = message.post.burst if message.public and message.post else None
    return burst.id[:_LONGEST_BURST] if burst else ""


def burst_first(message: InboundMessage) -> tuple[str, ...]:
    """Returns the provider ids of the posts that came before the burst was recognised."""
    burst = message.post.burst if message.public and message.post else None
    return burst.first[:_MOST_FIRST] if burst else ()


def as_urgent_as(number: int) -> dict[str, object]:
    """Builds the reason of a leader whose priority comes from another ticket of its group, as
    reasons are stored."""
    text = f"as urgent as #{number}, which is about the same"
    return {"code": "group", "text": text, "weight": 0.0, "values": {"number": str(number)}}


def addressed(text: str, account: str) -> str:
    """Returns a public answer that names the account it answers. account: `@ann`, or empty if it
    is not public."""
    return f"{account} {text}" if account.startswith("@") and not text.startswith(account) else text
