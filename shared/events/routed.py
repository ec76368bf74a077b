"""What the router decided about a message, with its reasons."""

from datetime import datetime

from shared.events.base import Event
from shared.events.inbound import InboundMessage
from shared.kernel import ContactPoint, Level


class Reason(Event, frozen=True, kw_only=True):
    """One signal that counted, in words an agent understands."""

    code: str
    """Stable, for translation and counting: `severity.outage`, `preference.age`."""
    text: str
    """English, ready to show."""
    weight: float = 0.0
    """Points added to the score of 0 to 100; 0 where points do not apply."""
    values: dict[str, str] = {}
    """What `text` was filled in with, for translation."""


class ThreadMatch(Event, frozen=True, kw_only=True):
    """Which thread the message belongs to and why."""

    key: str
    generation: int
    rule: str
    """`token`, `root`, `conversation`, `open-ticket` or `new`."""
    evidence: str
    """What matched, such as a Message-ID."""


class ChannelChoice(Event, frozen=True, kw_only=True):
    """A channel on which this customer could be answered; the first in a list is the best."""

    channel: str
    reasons: tuple[Reason, ...]
    contact_point: ContactPoint | None = None
    """Where to reach them there; none where it has to be asked for."""
    confidence: float = 0.0
    """0 to 1."""
    available: bool = True
    """Whether we can answer there now: the channel is on, open, and we know where to reach them."""
    open_until: datetime | None = None
    """Of a live channel that closes within a day: when, in the time zone of its opening hours."""


class Overflow(Event, frozen=True, kw_only=True):
    """Where a ticket goes that its team does not get to."""

    team: str
    after: int
    """Seconds after `received_at` without an answer, by the wall clock."""


class Judged(Event, frozen=True, kw_only=True):
    """What the urgency model said of a message."""

    model: str
    """Name and version."""
    kind: str
    """What the message is most about: a severity, `complaint`, `question`, `request`, `order`,
    `thanks`, `goodbye`, `spam`, `automatic`, or `other`."""
    share: float = 0.0
    """How probably, 0 to 1."""


class Decision(Event, frozen=True, kw_only=True):
    """A pure function of message, profile and policy: a replay makes it again, byte for byte."""

    message_id: str
    ticket_id: str
    thread: ThreadMatch
    score: int
    """0 to 100."""
    level: Level
    reasons: tuple[Reason, ...]
    """Why this priority, the heaviest first."""
    channels: tuple[ChannelChoice, ...]
    """Preferred channel first. Never empty: the channel that was used is always possible."""
    team: str
    skills: tuple[str, ...]
    language: str
    routing_reasons: tuple[Reason, ...] = ()
    """Why this team and these skills."""
    policy: str = ""
    """Name and version of the policy, as `default@3`."""
    profile_version: int = 0
    reply_within: int = 0
    """Seconds after `received_at` within which the customer is to have an answer (the policy's
    target for this level); 0 where there is no target."""
    reply_targets: dict[str, int] = {}
    """The same for each level that has a target: an agent may give the ticket another one. Empty
    where there are none, or the router was an older one."""
    skill_timeouts: dict[str, int] = {}
    """Seconds after `received_at`, by the wall clock, after which one of `skills` is no longer
    asked for: then anybody on the team may take the ticket. A skill that is not here is waited for,
    however long it takes."""
    overflow: Overflow | None = None
    """None where the ticket stays with `team`."""
    judged: Judged | None = None
    """None where no model was asked: the policy has none, no person wrote the message, or the
    router was an older one."""
    rejected: dict[str, tuple[str, ...]] | None = None
    """What was looked at and had no part in this, by why not: `signal.absent` and `signal.unknown`
    name signals as the codes of `reasons` do, `signal.no-words` severities, `channel.no-address`
    channels, `rule.<condition>` the policy's rules by the first condition that does not hold, and
    `rule.not-needed` those that had nothing more to add. None where a router did not tell yet."""
    ask_preference: bool = False
    """Nothing is known of the channel that this customer prefers: ask them, once."""
    ask_reason: Reason | None = None
    """Why, where `ask_preference` is true."""


class RoutedMessage(Event, frozen=True, kw_only=True):
    """A message with its decision, on its way to the desk."""

    message: InboundMessage
    decision: Decision
