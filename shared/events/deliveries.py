"""An answer on its way to the customer, and what became of it."""

from datetime import datetime
from enum import StrEnum

from shared.events.base import Event
from shared.events.inbound import Attachment
from shared.kernel import ContactPoint


class OutboundMessage(Event, frozen=True, kw_only=True):
    """The desk asks a channel to deliver this."""

    id: str
    """The reply's id; the key of the channel's ledger."""
    ticket_id: str
    channel: str
    to: ContactPoint
    text: str
    requested_at: datetime
    html: str = ""
    """For mail: the same as `text`, with its looks. The channel sanitises it. `cid:` names an
    attachment by its `content_id`."""
    cc: tuple[str, ...] = ()
    """For mail: addresses that get a copy, and that everybody sees."""
    bcc: tuple[str, ...] = ()
    """For mail: addresses that get a copy, and that nobody sees."""
    to_name: str = ""
    author_name: str = ""
    subject: str = ""
    language: str = ""
    attachments: tuple[Attachment, ...] = ()
    mailbox: str = ""
    """Which of our mailboxes, numbers or sites it goes out from: the `recipient` of the newest
    message."""
    references: tuple[str, ...] = ()
    """Provider ids of the ticket's messages on this channel, oldest first; the last is what is
    answered."""
    conversation: str = ""
    """The provider's conversation, as it came in."""
    automatic: bool = False
    """No person wrote it: the channel marks it as such, so that no program answers it."""


class DeliveryState(StrEnum):
    """What became of an outbound message."""

    DEFERRED = "deferred"
    """The provider has not accepted it yet; we still try. `detail` says why."""
    SENT = "sent"
    """The provider accepted it."""
    DELAYED = "delayed"
    """The other side has not taken it yet; it is still tried. `detail` says why."""
    DELIVERED = "delivered"
    FAILED = "failed"
    """It will not be tried again; `detail` says why."""
    UNCERTAIN = "uncertain"
    """A crash came between sending and noting it: it may not have been sent."""

    def supersedes(self, before: str, channel: str) -> bool:
        """Whether this is news after `before`, a state or a word from before any outcome.
        Reports and statuses may come twice and in any order; what is known for certain is not
        taken back."""
        order = _OF_MAIL if channel == "email" else _ORDER
        return order[self] > order.get(before, 0)


_ORDER: dict[str, int] = {"deferred": 1, "uncertain": 2, "sent": 3, "delayed": 4, "failed": 5, "delivered": 6}
"""`delivered` is the customer's own device's word, so it stands above a network's guess that it
failed."""
_OF_MAIL = _ORDER | {"delivered": 5, "failed": 6}
"""A mail is delivered when the first server of the other side took it, which may send it back hours
later."""


class DeliveryReport(Event, frozen=True, kw_only=True):
    """What a channel did with an outbound message."""

    id: str
    """Made from the outbound id and the state."""
    outbound_id: str
    ticket_id: str
    channel: str
    state: DeliveryState
    at: datetime
    provider_id: str = ""
    detail: str = ""
    """For an agent to read."""
    reason: str = ""
    """Why it did not arrive, as a class that the desk has words for, such as `full`; empty where
    that is not known."""
