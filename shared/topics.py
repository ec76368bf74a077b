"""Every topic as data: what is on it, under which key, for how long, who writes and who reads, and
why.

`python -m shared.topics` prints the table; topics are created from here, and the AsyncAPI document
is made from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.events import (
    AuditNoted,
    CallChanged,
    CallRequested,
    Channel,
    DeadLetterReplayed,
    DeliveryReport,
    DeskEvent,
    ImportedMail,
    InboundMessage,
    ModelLearned,
    OutboundMessage,
    PostJudged,
    PriorityCorrected,
    Profile,
    RoutedMessage,
    RoutingPolicy,
    UnreadableMail,
)
from shared.events.base import Event

E = TypeVar("E", bound=Event)
PARTITIONS = 4
"""How many workers of one service can share a topic. Raising it later moves keys to other
partitions."""


@dataclass(frozen=True)
class Topic(Generic[E]):
    """One topic. `retention_days` is None where it is compacted: the newest value of each key stays
    for ever."""

    name: str
    value: type[E]
    key: str
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    why: str
    retention_days: int | None
    partitions: int = PARTITIONS
    history_days: int = 0
    """Of a compacted one: for how long every version stays, so that a decision can be made again as
    it was made."""

    @property
    def config(self) -> dict[str, str]:
        """The broker's settings for it."""
        if self.retention_days is None:
            day = 24 * 3_600_000
            lags = {
                "min.compaction.lag.ms": self.history_days * day,
                "max.compaction.lag.ms": (self.history_days + 1) * day,
            }
            return {"cleanup.policy": "compact"} | {name: str(value) for name, value in lags.items()}
        return {"cleanup.policy": "delete", "retention.ms": str(self.retention_days * 24 * 3_600_000)}


MESSAGES_RECEIVED_LIVE = Topic(
    "messages-received-live",
    InboundMessage,
    "contact point",
    ("channels",),
    ("router",),
    "Somebody is waiting right now: a call or an open chat never queues behind a flood of mail or posts.",
    7,
)
MESSAGES_RECEIVED = Topic(
    "messages-received",
    InboundMessage,
    "contact point",
    ("channels",),
    ("router",),
    "Everything else that customers send.",
    30,
)
MESSAGES_ROUTED_LIVE = Topic(
    "messages-routed-live",
    RoutedMessage,
    "ticket id",
    ("router",),
    ("desk",),
    "Decisions on what came by `messages-received-live`: the fast lane goes on to the desk, past any flood.",
    7,
)
MESSAGES_ROUTED = Topic(
    "messages-routed",
    RoutedMessage,
    "ticket id",
    ("router",),
    ("desk",),
    "Each message with its decision; one ticket's messages stay in order.",
    30,
)
MESSAGES_IMPORTED = Topic(
    "messages-imported",
    ImportedMail,
    "thread",
    ("email",),
    ("desk",),
    "Mails of archives, past the router: nothing is decided about what is over, and no live mail waits behind them.",
    30,
)
CUSTOMERS_UPDATED = Topic(
    "customers-updated",
    Profile,
    "contact point",
    ("desk",),
    ("router",),
    "What the router must know of a customer; the only way back from the desk to the router.",
    None,
    history_days=7,
)
POLICIES_PUBLISHED = Topic(
    "policies-published",
    RoutingPolicy,
    "policy name",
    ("router",),
    ("router",),
    "Routing policies; a new one takes effect without a restart.",
    None,
    partitions=1,
    history_days=3650,
)
CHANNELS_ANNOUNCED = Topic(
    "channels-announced",
    Channel,
    "channel",
    ("channels",),
    ("router", "desk"),
    "Each channel describes itself, so that a new one needs no line in router or desk.",
    None,
    partitions=1,
    history_days=90,
)
DELIVERIES_REPORTED = Topic(
    "deliveries-reported",
    DeliveryReport,
    "ticket id",
    ("channels",),
    ("desk",),
    "What became of each answer, so that 'sent' means accepted.",
    30,
)
TICKETS_CHANGED = Topic(
    "tickets-changed",
    DeskEvent,
    "ticket id",
    ("desk",),
    ("router",),
    "What happened to tickets, for the router's books and simulations; consoles are fed from PostgreSQL.",
    30,
)
CALLS_REQUESTED = Topic(
    "calls-requested",
    CallRequested,
    "call id",
    ("desk",),
    ("phone",),
    "What an agent wants done with a call: put it through, call back, hang up.",
    1,
)
CALLS_CHANGED = Topic(
    "calls-changed",
    CallChanged,
    "call id",
    ("phone",),
    ("desk",),
    "Every state of every call, so that the desk shows what the telephone does.",
    30,
)
MENTIONS_KEPT = Topic(
    "mentions-kept",
    InboundMessage,
    "contact point",
    ("social",),
    ("desk",),
    "Posts about the company that need no answer, such as praise: agents may read them and make one a ticket.",
    30,
)
POSTS_JUDGED = Topic(
    "posts-judged",
    PostJudged,
    "post id",
    ("desk",),
    ("social",),
    "What agents say a post is, so that the complaint model learns, and which mention is to become a ticket.",
    30,
)
PRIORITIES_CORRECTED = Topic(
    "priorities-corrected",
    PriorityCorrected,
    "ticket id and agent",
    ("desk",),
    ("router",),
    "What agents say of a ticket's priority, so that the urgency model learns; forgetting takes its words away.",
    None,
    partitions=1,
)
MODELS_LEARNED = Topic(
    "models-learned",
    ModelLearned,
    "version, or `in-use` and policy name",
    ("router",),
    ("router", "desk"),
    "Urgency models learned from agents and how they did; a new one takes effect without a restart.",
    None,
    partitions=1,
    history_days=3650,
)
AUDIT_NOTED = Topic(
    "audit-noted",
    AuditNoted,
    "what it was done to",
    ("dashboard", "router"),
    ("desk",),
    "What operators do by the commands of other services, so that one audit log has all of it.",
    90,
    partitions=1,
)
DEAD_LETTERS = Topic(
    "dead-letters",
    Event,
    "source topic",
    ("all",),
    ("router", "desk", "email"),
    "Records that could not be handled, raw, with their error in the headers: nothing is thrown away.",
    90,
    partitions=1,
)
DEAD_LETTERS_REPLAYED = Topic(
    "dead-letters-replayed",
    DeadLetterReplayed,
    "offset in `dead-letters`",
    ("router", "desk"),
    ("router", "desk"),
    "Which dead letters went back to their topic, so that nobody replays one twice unawares.",
    90,
    partitions=1,
)

MAILS_REPLAYED = Topic(
    "mails-replayed",
    UnreadableMail,
    "uri of the raw mail",
    ("router", "desk"),
    ("email",),
    "Mails that were set aside at the door, to be read again.",
    7,
    partitions=1,
)
DOORS = {"email": MAILS_REPLAYED.name}
"""Where a dead letter goes back to that was set aside at a door, before any topic: by what it names
as its source."""

_FIXED: tuple[Topic[Event], ...] = (
    MESSAGES_RECEIVED_LIVE,
    MESSAGES_RECEIVED,
    MESSAGES_ROUTED_LIVE,
    MESSAGES_ROUTED,
    MESSAGES_IMPORTED,
    CUSTOMERS_UPDATED,
    POLICIES_PUBLISHED,
    CHANNELS_ANNOUNCED,
    DELIVERIES_REPORTED,
    TICKETS_CHANGED,
    CALLS_REQUESTED,
    CALLS_CHANGED,
    MENTIONS_KEPT,
    POSTS_JUDGED,
    PRIORITIES_CORRECTED,
    MODELS_LEARNED,
    AUDIT_NOTED,
    DEAD_LETTERS,
    DEAD_LETTERS_REPLAYED,
    MAILS_REPLAYED,
)  # type: ignore[assignment]


def deliveries_requested(channel: str) -> Topic[OutboundMessage]:
    """Returns the topic from which a channel's service consumes what it is to deliver."""
    return Topic(
        f"deliveries-requested-{channel}",
        OutboundMessage,
        "ticket id",
        ("desk",),
        (channel,),
        f"Answers to be delivered by {channel}.",
        7,
    )


def all_topics(channels: Sequence[str]) -> list[Topic[Event]]:
    """Returns every topic, for these channels."""
    return [*_FIXED, *(deliveries_requested(channel) for channel in channels)]  # type: ignore[list-item]


def table(channels: Sequence[str]) -> str:
    """Returns the topics as a Markdown table."""
    rows = ["| topic | key | value | writes → reads | kept | why |", "|---|---|---|---|---|---|"]
    for topic in all_topics(channels):
        value = "the raw record" if topic is DEAD_LETTERS else f"`{topic.value.__name__}`"
        kept = f"{topic.retention_days} days"
        if topic.retention_days is None:
            kept = f"compacted; every version for {topic.history_days} days"
        rows.append(
            f"| `{topic.name}` | {topic.key} | {value} | {', '.join(topic.writers)} → {', '.join(topic.readers)} "
            f"| {kept} | {topic.why} |"
        )
    return "\n".join(rows)


if __name__ == "__main__":
    print(table(["<channel>"]))
