"""Who a message is from, and what it tells about them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from shared.errors import Rejected
from shared.events import InboundMessage
from shared.kernel import email_point
from shared.phone_numbers import told

FIRST_BIRTH_YEAR = 1900
RECENT = timedelta(hours=24)
MOST_RECENT = 20
"""As `Profile.recent_contacts` promises."""
LATE_COUNTS = timedelta(days=30)
"""How long a broken promise counts for its customer: long enough that the next matter of most of
them, who write every few weeks, is still looked at sooner, and short enough that one slow day is
not held against us, nor raises them above others, for ever."""


@dataclass(slots=True)
class Book:
    """The contact points that a batch of messages touches, and what changes among them."""

    owner: dict[str, str] = field(default_factory=dict)
    """Contact point → customer id."""
    verified: dict[str, set[str]] = field(default_factory=dict)
    """Customer id → proven contact points."""
    new_customers: list[str] = field(default_factory=list)
    new_points: dict[str, bool] = field(default_factory=dict)
    """Contact point → verified."""
    proven: set[str] = field(default_factory=set)
    """Known contact points that were proven just now."""

    def customer_of(self, message: InboundMessage) -> str:
        """Finds or creates the customer who sent a message.

        The sender's own contact point decides. Where it is new and proven, one of the other contact
        points in the same proven message may lead to a known customer, unless that customer has
        another proven identity: two of them never meet in one customer by themselves. What an
        unproven message says of other contact points is not believed.
        """
        sender = message.sender
        vouched = {sender, *message.also} if message.sender_verified else {sender}
        customer = self.owner.get(sender)
        if customer is None:
            customer = next(
                (known for known in self._known(message) if self.verified.get(known, set()) <= vouched), None
            )
            if customer is None:
                customer = str(uuid4())
                self.new_customers.append(customer)
            self._add(sender, customer, message.sender_verified)
        if not message.sender_verified:
            return customer
        for point in message.also:
            if point not in self.owner:
                self._add(point, customer, verified=False)
        if sender not in self.verified.setdefault(customer, set()):
            self.verified[customer].add(sender)
            if sender in self.new_points:
                self.new_points[sender] = True
            else:
                self.proven.add(sender)
        return customer

    def _known(self, message: InboundMessage) -> Iterable[str]:
        return (self.owner[point] for point in message.also if point in self.owner) if message.sender_verified else ()

    def _add(self, point: str, customer: str, verified: bool) -> None:
        self.owner[point] = customer
        self.new_points[point] = verified
        if verified:
            self.verified.setdefault(customer, set()).add(point)


_MOST_FACTS = 50
_OF_THE_MESSAGE = frozenset(
    {
        "call",
        "segments",
        "page",
        "location",
        "signature",
        "signed_by",
        "sender",
        "sender_domain",
        "spam_score",
        "infected",
        "unscanned",
    }
)
"""Facts that a channel tells about one message, not about its sender."""


_MOST_ANSWERS = 20
"""Newest answers on a channel that are remembered: what a customer did last year says little of
today."""


def learn(customer: dict[str, Any], message: InboundMessage, answered_in: float | None = None) -> None:
    """Updates a customer's row with a message of theirs. What a person stated is not overwritten
    by a message. `answered_in`: seconds from our reply on this channel, if the message is the
    answer to one."""
    if message.sender_name and not customer["name"]:
        customer["name"] = message.sender_name
    if message.account:
        customer["facts"] = {**customer["facts"], "Account": message.account}
    if message.facts and not message.public:  # what a post tells is about the post
        facts = {name: value for name, value in message.facts.items() if name not in _OF_THE_MESSAGE}
        customer["facts"] = dict([*(customer["facts"] | facts).items()][-_MOST_FACTS:])
    if message.sender_verified and message.tier:
        customer["tier"] = message.tier
    year = message.birth_year
    if year is not None and customer["birth_year"] is None and FIRST_BIRTH_YEAR <= year <= message.received_at.year:
        customer["birth_year"] = year
    before = customer["stated"]
    if message.wish and not (before and datetime.fromisoformat(before["at"]) > message.received_at):
        customer["stated"] = {"channel": message.wish, "source": "customer", "at": message.received_at.isoformat()}
    if message.automatic:
        return
    seen = customer["observed"].get(message.channel, {"messages": 0, "last_at": message.received_at.isoformat()})
    last = max(datetime.fromisoformat(seen["last_at"]), message.received_at)
    if message.language and (last == message.received_at or not customer["language"]):
        customer["language"] = message.language
    after = {**seen, "messages": seen["messages"] + 1, "last_at": last.isoformat()}
    if answered_in is not None:
        after["answers"] = [*seen.get("answers", ()), round(answered_in)][-_MOST_ANSWERS:]
    customer["observed"] = {**customer["observed"], message.channel: after}
    times = sorted({*map(datetime.fromisoformat, customer["recent_contacts"]), message.received_at}, reverse=True)
    customer["recent_contacts"] = [at.isoformat() for at in times if at > times[0] - RECENT][:MOST_RECENT]


def answered_too_late(late_at: datetime | None, now: datetime) -> bool:
    """Whether a customer still counts as answered too late, where a promise to them was last broken
    at `late_at`."""
    return late_at is not None and now - late_at < LATE_COUNTS


def birth_year(value: int | str | None, this_year: int) -> int | None:
    """Returns a year that a living person can be born in, or None if empty. Raises Rejected 422."""
    if value is None or value == "":
        return None
    try:
        year = int(value)
    except ValueError:
        year = 0
    if not FIRST_BIRTH_YEAR <= year <= this_year:
        raise Rejected(
            422, "birth-year", f"The year of birth is a number from {FIRST_BIRTH_YEAR} to {this_year}, or empty."
        )
    return year


def normal_point(text: str) -> str:
    """Converts a contact point, as an agent may type it, into normal form. Raises Rejected 422."""
    kind, colon, address = text.strip().partition(":")
    kind, address = kind.strip().lower(), address.strip()
    if (
        not colon
        or not kind.isalnum()
        or not address
        or len(text) > 500
        or any(c.isspace() or c < " " for c in address)
    ):
        raise Rejected(
            422,
            "contact-point",
            "A contact point is `kind:address`, such as email:ann@example.org or tel:+33612345678.",
        )
    if kind == "email":
        if address.count("@") != 1 or address.startswith("@") or address.endswith("@"):
            raise Rejected(422, "contact-point", f"{address} is not an email address.")
        return email_point(address)
    if kind == "tel":
        address = told(address)
        if not address:
            raise Rejected(
                422, "contact-point", "Write a phone number with its country code and without spaces: tel:+33612345678."
            )
    return f"{kind}:{address}"
