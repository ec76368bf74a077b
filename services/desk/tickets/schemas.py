"""What readers of tickets get: plain values, the same for the API and the console. All times are
aware, in UTC."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import ConfigDict

from services.desk.tickets.domain import TELLING
from services.desk.timeline import EventView

_DOCS = ConfigDict(use_attribute_docstrings=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonView:
    """One reason for a priority, a channel or a team."""

    __pydantic_config__ = _DOCS

    code: str
    """Stable: `severity.outage`."""
    text: str
    """English, ready to show; translate by `code` and `values`."""
    weight: float = 0.0
    """Points added to the score, 0 where points do not apply."""
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelChoiceView:
    """A channel on which this customer could be answered."""

    __pydantic_config__ = _DOCS

    channel: str
    contact_point: str | None
    """Where to reach them there; null where it has to be asked for."""
    confidence: float
    available: bool
    """Whether we can answer there now."""
    reasons: tuple[ReasonView, ...]
    open_until: datetime | None = None
    """When a live channel closes, in the time zone of its opening hours; null where it does not
    within a day."""

    @property
    def tells(self) -> bool:
        """Whether there is more to say for it than that it was used, or can be."""
        return any(reason.code in TELLING for reason in self.reasons)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentView:
    """A file that came with a message."""

    __pydantic_config__ = _DOCS

    uri: str
    name: str
    media_type: str
    size: int
    """Bytes."""
    sha256: str
    content_id: str = ""
    """Where HTML shows it inline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketRow:
    """A ticket as lists show it."""

    __pydantic_config__ = _DOCS

    id: str
    number: int
    """Short, for people: #1042."""
    subject: str
    snippet: str
    """The beginning of the newest message, at most 200 characters, one line."""
    status: str
    """`open`, `pending` (waiting for the customer), `solved` or `closed`."""
    level: str
    """`urgent`, `high`, `normal` or `low`."""
    score: int
    """0 to 100: the highest of the messages since our last reply."""
    channel: str
    language: str
    """ISO 639-1, or empty."""
    team: str
    assignee: str
    """The agent's e-mail address, or empty."""
    assignee_name: str
    customer_id: str
    customer_name: str
    """Their name, or their address where no name is known."""
    preferred_channel: str
    created_at: datetime
    last_message_at: datetime
    waiting_since: datetime | None
    """When the oldest message came that nobody answered yet."""
    messages: int
    version: int
    """Grows with each message and note; send it back as `seen` with a reply."""
    due_at: datetime | None = None
    """When the customer is to have an answer at the latest; null where nobody waits or there is no
    target."""
    undelivered: str = ""
    """`failed` where our newest reply did not reach the customer, `uncertain` where it may not
    have; empty otherwise."""
    imported: bool = False
    """All of it is from an archive, and the customer has not written since."""
    calm: str = ""
    """`thanks`, `goodbye`, `spam` or `automatic` where its words are that and nothing else, or your
    mail server calls it spam, and so held it down; empty otherwise."""
    group_id: str = ""
    """The ticket under which this one was grouped, or empty."""
    grouped: bool = False
    """It shows under that ticket and not by itself."""
    group_size: int = 1
    """How many tickets about the same show as this one, itself included."""
    group_people: int = 1
    """Of how many customers they are."""
    telephone: str = ""
    """Where the customer can be called, `tel:+…`; empty where no number is known or they do not
    want it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostView:
    """What a network tells of a public post."""

    __pydantic_config__ = _DOCS

    url: str = ""
    """Where people read it."""
    sounds: str = ""
    """`complaint`, `question`, or empty: what its channel takes it for."""
    words: tuple[str, ...] = ()
    """The words that counted most; empty where it was judged by the full text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView:
    """A message, reply or note."""

    __pydantic_config__ = _DOCS

    id: str
    ticket_id: str
    direction: str
    """`in`, `out` or `note`."""
    channel: str
    author: str
    """The contact point of a customer, or the e-mail address of an agent."""
    author_name: str
    verified: bool
    """Whether the channel proved who the author is."""
    other_address: bool
    """Whether it came from an address that is not the ticket's customer's."""
    subject: str
    text: str
    html: str
    """Sanitised; still to be shown only in a sandboxed frame that fetches nothing from elsewhere.
    Empty where there was none."""
    attachments: tuple[AttachmentView, ...]
    at: datetime
    automatic: str
    """`reply`, `bounce`, `list`, or empty when a person wrote it."""
    to: str
    """For replies the contact point it goes to; for inbound our mailbox or site."""
    delivery: str
    """For replies: `requested`, `sent`, `delayed`, `delivered`, `failed` or `uncertain`; otherwise
    empty."""
    delivery_detail: str
    facts: dict[str, str]
    raw_uri: str
    decision: dict[str, Any] | None
    """The router's decision as published, for inbound."""
    doubt: str = ""
    """Why the sender may be somebody else: `dmarc` where the check of their own domain failed;
    empty otherwise."""
    also_to: tuple[str, ...] = ()
    """Whom else a customer's mail was addressed to, without our own mailboxes."""
    cc: tuple[str, ...] = ()
    """Who got a copy."""
    bcc: tuple[str, ...] = ()
    """Who got a copy of a reply that nobody else knows of."""
    forwarded_by: str = ""
    """The address of the agent who forwarded the customer's mail."""
    missing_files: str = ""
    """Which files could not be fetched, and why."""
    copy_of: str | None = None
    """Of a mail that repeats a reply nobody had read: that reply's id."""
    public: bool = False
    """Everybody can read it: a post."""
    reach: int = 0
    """How many people may see a public post."""
    complaint: float | None = None
    """0 to 1: how much it sounds like a complaint, where the channel says so."""
    label: str = ""
    """What an agent says it is: `complaint`, `question`, `other`, or empty."""
    label_by: str = ""
    account: str = ""
    """The author as people of the network address them: `@ann`."""
    post: PostView | None = None
    """Of a public post."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedTicket:
    """A ticket that this one follows, or that follows it."""

    __pydantic_config__ = _DOCS

    id: str
    number: int
    subject: str
    status: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupedTicket:
    """One ticket of a group, as its leader shows it."""

    __pydantic_config__ = _DOCS

    id: str
    number: int
    subject: str
    status: str
    created_at: datetime
    customer_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketView:
    """One ticket with its timeline."""

    __pydantic_config__ = _DOCS

    row: TicketRow
    skills: tuple[str, ...]
    """That the router asked for."""
    reasons: tuple[ReasonView, ...]
    """Why this priority, heaviest first."""
    routing_reasons: tuple[ReasonView, ...]
    """Why this team and these skills."""
    channels: tuple[ChannelChoiceView, ...]
    """Preferred channel first."""
    thread_key: str
    generation: int
    participants: tuple[str, ...]
    """Contact points of customers who wrote in this ticket."""
    linked: tuple[LinkedTicket, ...]
    messages: tuple[MessageView, ...]
    """Newest 30 (or as asked), oldest first."""
    events: tuple[EventView, ...]
    """The newest 200, oldest first."""
    earlier: str
    """Cursor for the messages before these; empty where these are all."""
    first_reply_at: datetime | None
    solved_at: datetime | None
    group: tuple[GroupedTicket, ...] = ()
    """Tickets about the same that were grouped under this one, oldest first, at most 200."""
    leader: LinkedTicket | None = None
    """The ticket under which this one was grouped."""
    asked: tuple[str, ...] = ()
    """Those of `skills` that are still asked for: others were waited for long enough."""
    next_team: str = ""
    """The team that gets it where nobody takes or answers it until `next_team_at`; empty where it
    stays."""
    next_team_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A ticket that was not answered with its group."""

    __pydantic_config__ = _DOCS

    ticket_id: str
    number: int
    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What became of one answer to a group."""

    __pydantic_config__ = _DOCS

    messages: tuple[MessageView, ...]
    """One reply for each customer, in a conversation of their own."""
    left_out: tuple[LeftOut, ...]
    """Customers who could not be answered, and why. Nothing was changed on their tickets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketPage:
    """One page of a list."""

    __pydantic_config__ = _DOCS

    items: tuple[TicketRow, ...]
    next: str
    """Cursor of the next page; empty on the last."""
    searched_back_to: datetime | None = None
    """Set where a search ran out of time: only conversations with a message since then were looked
    through; `next` goes on from there."""
    indexing: bool = False
    """Whether conversations from before an update are still being made ready for the search, so
    that it may not find them yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketQuery:
    """What a list is asked for; an empty value does not filter."""

    status: tuple[str, ...] = ()
    level: tuple[str, ...] = ()
    team: str = ""
    assignee: str = ""
    """An e-mail address, or `none` for tickets without one."""
    channel: str = ""
    language: str = ""
    customer: str = ""
    """A customer's id."""
    due: str = ""
    """`overdue`, or `soon` for those that will be within half an hour."""
    waiting: bool = False
    """Only those whose customer waits for an answer."""
    grouped: bool = True
    """False leaves out tickets that show under another one."""
    q: str = ""
    """Words of messages, names, addresses, facts and files, a number such as #1042, and filters
    such as `status:open`."""
    me: str = ""
    """Who `assignee:me` is: an e-mail address."""
    order: str = "priority"
    """`priority` (most urgent first, then longest waiting) or `newest`."""
    limit: int = 50
    """1 to 100."""
    cursor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewCount:
    """How many tickets a view holds, for its badge."""

    __pydantic_config__ = _DOCS

    name: str
    """`mine`, `unassigned`, `open`, `waiting`, `urgent`, `overdue`, `soon`, `pending`, `solved`, or
    `team:<name>`."""
    count: int
    """At most 100: a hot list is never counted to the end."""

    @property
    def label(self) -> str:
        """`7`, or `99+`."""
        return "99+" if self.count > 99 else str(self.count)
