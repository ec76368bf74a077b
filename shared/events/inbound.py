"""A customer's message as a channel service hands it over."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from shared.events.base import Event
from shared.kernel import ContactPoint

# What goes on into the decision has a limit, in characters: a decision must never become larger
# than a record may be. Both are far beyond what any provider sends: a line of a mail's header has
# at most 998, an address at most 320.
Name = Annotated[str, Meta(max_length=200)]
Clue = Annotated[str, Meta(max_length=20_000)]
Point = Annotated[ContactPoint, Meta(max_length=1_000)]


class Attachment(Event, frozen=True, kw_only=True):
    """A file that came with a message. The bytes are in the attachment storage, never in Kafka."""

    uri: str
    """Where `shared.storage` finds it."""
    name: str
    media_type: str
    size: int
    """Bytes."""
    sha256: str
    """Hexadecimal."""
    content_id: str = ""
    """Set where HTML shows it inline (RFC 2392), without the angle brackets."""


class ThreadClues(Event, frozen=True, kw_only=True):
    """What a channel knows of where a message belongs. The router weighs it and keeps what matched
    as evidence."""

    ticket_id: Clue = ""
    """A ticket named by a token that this channel signed and has verified. Empty where there was
    none."""
    root: Clue = ""
    """The provider's id of the thread's first message: for mail the first Message-ID in
    References."""
    references: tuple[Clue, ...] = ()
    """Provider ids of earlier messages, oldest first."""
    conversation: Clue = ""
    """The provider's own conversation id: a chat session, an X conversation, a pair of SMS
    numbers."""


class Burst(Event, frozen=True, kw_only=True):
    """Many public posts with one cause, as their channel recognised it."""

    id: Name
    first: tuple[Clue, ...] = ()
    """Provider ids of the posts that came before the burst was recognised, at most 20."""
    people: int = 0
    """How many complain, so far."""


class Post(Event, frozen=True, kw_only=True):
    """What a network tells of a public post."""

    url: Clue = ""
    """Where people read it."""
    sounds: Name = ""
    """`complaint`, `question`, or empty: what the channel takes it for."""
    words: tuple[str, ...] = ()
    """The words of the post that counted most; empty where it was judged by the full text."""
    burst: Burst | None = None


class PhoneCall(Event, frozen=True, kw_only=True):
    """The call that a message reports on."""

    id: Clue
    kind: Name
    """`waiting`, `callback-requested`, `voicemail` or `abandoned`."""
    callback: bool = False
    """The caller is to be called back at the number they called from."""
    waiting_since: datetime | None = None
    """UTC; keeps their place in the queue."""


class InboundMessage(Event, frozen=True, kw_only=True):
    """One message from one person, in clean text, whatever the channel."""

    id: Clue
    """`kernel.message_id(channel, provider's id)`."""
    channel: Name
    provider_id: Clue
    """The provider's own id, such as a Message-ID with its angle brackets."""
    sender: Point
    received_at: datetime
    """UTC, when the channel service took it. The router's clock: a replay decides as then."""
    written_at: datetime | None = None
    """UTC, when it was written, as its sender or the servers on its way tell; None where the
    channel does not say. A mailbox that is read late brings what was written long ago."""
    text: str
    """Plain text as the customer meant it: quotes and signatures may be cut, words never."""
    sender_name: str = ""
    sender_verified: bool = False
    """Proven by a signature of the customer's own site, or by the provider."""
    doubt: Name = ""
    """Why the sender may be somebody else: `dmarc` where the check of their own domain failed,
    `junk` where the mailbox's server sorted the mail out, `spam` where our own filter calls it
    that; empty otherwise. Nobody is answered automatically whose message has one."""
    spam: Name = ""
    """Which filter of our own calls it spam; empty where none does."""
    also: tuple[Point, ...] = ()
    """Other contact points of the sender, as the message itself gives them."""
    recipient: Clue = ""
    """Which of our mailboxes, numbers or sites it came to."""
    also_to: tuple[Name, ...] = ()
    """For mail: whom else it is addressed to, without our own mailboxes and the sender; addresses
    in lower case, at most 48."""
    cc: tuple[Name, ...] = ()
    """As `also_to`, of those who got a copy."""
    subject: str = ""
    html: str = ""
    """Sanitised already (nh3); empty where the message had none."""
    language: Name = ""
    """ISO 639-1, detected by the channel; empty where it is not known."""
    attachments: tuple[Attachment, ...] = ()
    thread: ThreadClues = ThreadClues()
    live: bool = False
    """Somebody is waiting for the answer right now: a call, an open chat."""
    public: bool = False
    reach: int = 0
    """How many people may see it: followers of the author of a public post."""
    automatic: Name = ""
    """`reply` (out of office), `bounce`, `list`, `files` (those of a message that went ahead), or
    empty when a person wrote it."""
    forwarded_from: Clue = ""
    """The contact point of whoever wrote the mail that this one forwards, as its text says; empty
    where it forwards none. Anybody can claim that, so the desk believes it only of its agents."""
    forwarded_name: Name = ""
    forwarded_by: Name = ""
    """The address of the agent who forwarded it. Set by the desk alone, where it believed
    `forwarded_from`."""
    complaint: float | None = None
    """0 to 1 where the channel scores complaints."""
    birth_year: int | None = None
    """As given by the customer or their signed site, never guessed."""
    tier: Name = ""
    """The customer's plan as their signed site tells it."""
    wish: Name = ""
    """The channel on which the sender asks in this very message to be answered; empty where they
    did not say."""
    closed: Name = ""
    """Why the channel cannot answer this message: `not-summoned` (its network lets us answer only
    who mentioned us); empty where it can."""
    account: Name = ""
    """The sender as people of the network address them: `@ann`."""
    post: Post | None = None
    """Of a public post."""
    call: PhoneCall | None = None
    consent: Name = ""
    """`stop` or `start`: whether the sender wants to be reached at this contact point. Such a
    message is `automatic`: `consent`."""
    missing_files: str = ""
    """Which files the channel could not fetch, and why, for people to read."""
    facts: dict[str, str] = {}
    """Site and product data that came along and an agent should see. For people: no service decides
    by them, but a policy may."""
    raw_uri: str = ""
    """The original as received, in the attachment storage."""
