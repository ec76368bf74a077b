"""How a channel describes itself to router and desk."""

from shared.events.base import Event


class Length(Event, frozen=True, kw_only=True):
    """How long a public answer may be, and how its network counts."""

    longest: int
    link: int = 0
    """What every link counts as; 0: its own characters."""
    light: tuple[tuple[int, int], ...] = ()
    """Ranges of code points that count as one, where all others count as two; empty: each counts as
    one."""


class Wording(Event, frozen=True, kw_only=True):
    """Phrases about the channel, in English; the desk's catalogue has their translations. Empty: it
    is named in a general phrase."""

    sent: str = ""
    """Of a reply: `Sent by email`."""
    received: str = ""
    """Of a message: `Received by email`."""
    to: str = ""
    """Of the reply that is being written: `To %(who)s, by email`."""
    prefers: str = ""
    """Of a customer: `Prefers email`."""


class Channel(Event, frozen=True, kw_only=True):
    """Announced by the channel's own service, so that a new channel needs no line anywhere else."""

    name: str
    """As in `InboundMessage.channel` and `deliveries-requested-<name>`."""
    label: str
    """English, for people: `Email`."""
    icon: str
    """A name in the desk's icon sprite."""
    reaches: tuple[str, ...]
    """Kinds of contact points that it can write to or call, such as `email` or `tel`."""
    live: bool = False
    public: bool = False
    spoken: bool = False
    """Nothing can be written there: people are called on it."""
    tells_read: bool = False
    """Whether a reply there is `delivered` only once its reader has it before them, as on a page
    that they may never open again."""
    can_start: bool = True
    """Whether we may write first, or only answer."""
    enabled: bool = True
    why_off: str = ""
    """What to set, where `enabled` is false."""
    wording: Wording = Wording()
    length: Length | None = None
    """Of public answers, for whoever writes one: the channel's own service counts exactly. None:
    nothing to tell."""
