"""Whether a message is answered automatically, and with which text. Pure: the message with its
marks, what was sent to its address before, the rules and the time give the text, or why there is
none.

What goes wrong without the brakes: two programs answer each other until a disk is full, and people
whose addresses were forged get mail that they never asked for. RFC 3834 is where most of them come
from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache

import msgspec
from babel import Locale, UnknownLocaleError
from babel.dates import format_skeleton, format_time
from msgspec import structs

from services.desk.tickets.domain import takes_copies
from shared.events import Channel, Decision, InboundMessage
from shared.hours import Hours, parse
from shared.kernel import address_of, kind_of

WINDOW = timedelta(minutes=180)
MOST = 2
"""Automatic replies to one address within `WINDOW`."""
UNANSWERED = timedelta(days=1)
"""How long an address gets no second one that no person has answered since the first: however late
another program answers, and whatever it writes, it gets one a day."""
ECHO = timedelta(minutes=30)
"""What comes this soon after an automatic reply may be the answer of another program to it, though
nothing in it says so."""
LATEST = timedelta(days=1)
"""How long after a message was written its customer can be told that it is in; later that is no
news: a mailbox that is connected, or that was away, brings old ones."""
MINUTE = timedelta(minutes=1)
LONGEST = 5_000
"""Characters of a text."""
VARIABLES = ("ticket", "name", "subject", "opens")
_LONGEST_NAME, _LONGEST_SUBJECT = 60, 150
_A_YEAR = 366 * 24
"""Hours."""
_EXAMPLE = 1042
"""A ticket's number, where there is no ticket."""
_SURE = 0.8
"""The share that a class of the urgency model has to have: who only mentions an automatic mail gets
up to 0.6, and is a person."""
_VARIABLE = re.compile(r"\{([a-z]+)(?:\|([^{}|\n]{0,200}))?\}")
_LOOSE = re.compile(r"[{}]")
_PROGRAM = re.compile(
    r"(?:mailer-?daemon|postmaster|no-?_?reply|do-?_?not-?_?reply|bounces?|owner-.*|.*-(?:request|owner|bounces?)|listserv|majordomo)(?:\+.*)?",
    re.IGNORECASE,
)
"""Local parts that no person reads (RFC 3834, 2; RFC 2142; RFC 5230, 4.6)."""
_LINK = re.compile(r"[/@\\<>]|\w\.[^\W\d_]{2,}")
"""Mail programs make a link of `shop.example` too."""
_SPACE = re.compile(r"\s+")
_NUMBERED = re.compile(r"[\[(][^\])]{0,40}[\])]|^\s*(?:[^\s:]{1,12}\s*:\s*)+")


class Texts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is written in one language."""

    received: str = ""
    closed: str = ""
    """Outside opening hours; empty: `received` then too."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What a team's customers are told."""

    team: str = ""
    """Empty: of all teams that have no rule of their own."""
    enabled: bool = False
    hours: str = ""
    """As `shared.hours.parse` reads it, like the next two; empty: always open."""
    zone: str = "UTC"
    holidays: str = ""
    language: str = "en"
    """Of customers in whose own language there is no text."""
    texts: dict[str, Texts] = {}
    """By language."""

    @property
    def opening(self) -> Hours:
        """When the team is there. Raises ValueError saying what is wrong."""
        return _parsed(self.hours, self.zone, self.holidays)

    def is_closed(self, now: datetime) -> bool:
        """Whether nobody is there; a time zone that is no longer known keeps no message from being
        taken in."""
        try:
            return not self.opening.open_at(now)
        except ValueError:
            return False


_parsed = lru_cache(100)(parse)


class Why(StrEnum):
    """What came of a message."""

    SENT = "sent"
    OFF = "off"
    """Nobody switched it on for this team."""
    LATER = "later"
    """It opened no ticket: its customer was told when that was opened, or could have been."""
    MACHINE = "machine"
    NOWHERE = "nowhere"
    """By this channel nobody is answered automatically, or it names no address."""
    FORWARDED = "forwarded"
    OURS = "ours"
    DOUBT = "doubt"
    SPAM = "spam"
    AUTOMATIC = "automatic"
    """So say its words alone."""
    OLD = "old"
    OPTED_OUT = "opted-out"
    UNDELIVERED = "undelivered"
    ECHO = "echo"
    OFTEN = "often"
    UNANSWERED = "unanswered"
    NO_TEXT = "no-text"
    PAUSED = "paused"


SILENT = frozenset({Why.OFF, Why.LATER, Why.MACHINE, Why.NOWHERE, Why.FORWARDED})
"""Nobody would wonder why these got none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A message that was written, and the ticket that it is in."""

    message: InboundMessage
    decision: Decision
    opened: bool
    """It began the ticket."""
    ticket: str
    team: str
    language: str
    customer: str
    name: str = ""
    """The customer's, where the message has none."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """An automatic reply that went to the same address."""

    at: datetime
    subject: str
    answered: bool = False
    """A person has answered in its ticket since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What is known of an address, and of all automatic replies."""

    earlier: Sequence[Earlier] = ()
    """To this address within `UNANSWERED`."""
    opted_out: bool = False
    undelivered: bool = False
    """Our newest message to this address did not arrive."""
    paused: bool = False
    in_last_minute: int = 0
    """To anybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """The text that fits, before its variables are filled in."""

    text: str
    language: str
    closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What to do, and why. `text`: what to send; None: nothing."""

    why: Why
    text: Text | None = None
    pause: bool = False
    """The brake of all automatic replies has to be pulled."""


def quietly(arrival: Arrival, channel: Channel | None) -> Why | None:
    """Returns why nobody expects an answer to this, told by the message alone; None where somebody
    may."""
    message = arrival.message
    if not arrival.opened:
        return Why.LATER
    if message.automatic:
        return Why.MACHINE
    if message.forwarded_by:
        return Why.FORWARDED
    reached = channel is not None and channel.enabled and takes_copies(channel) and not message.public
    address = address_of(message.sender)
    if not reached or kind_of(message.sender) != "email" or address.endswith(".invalid"):
        return Why.NOWHERE
    return Why.MACHINE if _PROGRAM.fullmatch(address.rpartition("@")[0]) else None


def decide(arrival: Arrival, rules: Mapping[str, Rule], before: Before, per_minute: int, now: datetime) -> Outcome:
    """Decides on a message that `quietly` lets pass. `per_minute`: automatic replies to all
    customers together, after which something is wrong."""
    message = arrival.message
    rule = rules.get(arrival.team) or rules.get("")
    if rule is None or not rule.enabled:
        return Outcome(why=Why.OFF)
    found = text_for(rule, rules, arrival.language, now)
    lately = [earlier for earlier in before.earlier if now - earlier.at < WINDOW]
    reasons = (
        (address_of(message.sender) == message.recipient.lower(), Why.OURS),
        (bool(message.spam) or _judged(arrival.decision, "spam"), Why.SPAM),
        (_judged(arrival.decision, "automatic"), Why.AUTOMATIC),
        (bool(message.doubt), Why.DOUBT),
        (now - min(message.received_at, message.written_at or message.received_at) > LATEST, Why.OLD),
        (before.opted_out, Why.OPTED_OUT),
        (before.undelivered, Why.UNDELIVERED),
        (len(lately) >= MOST, Why.OFTEN),
        (any(_is_echo(message, earlier) for earlier in lately), Why.ECHO),
        (any(not earlier.answered for earlier in before.earlier), Why.UNANSWERED),
        (found is None, Why.NO_TEXT),
        (before.paused, Why.PAUSED),
    )
    why = next((why for holds, why in reasons if holds), None)
    if why:
        return Outcome(why=why)
    if before.in_last_minute >= per_minute:
        return Outcome(why=Why.PAUSED, pause=True)
    return Outcome(why=Why.SENT, text=found)


def text_for(rule: Rule, rules: Mapping[str, Rule], language: str, now: datetime) -> Text | None:
    """Chooses the text: the customer's language before the team's own words, for a text that
    nobody can read tells nothing."""
    closed = rule.is_closed(now)
    sources = [rule, *([rules[""]] if rule.team and "" in rules else [])]
    for code in dict.fromkeys((language, rule.language)):
        for source in sources:
            texts = source.texts.get(code, Texts())
            if text := (texts.closed if closed else "") or texts.received:
                return Text(text=text, language=code, closed=closed)
    return None


def filled(text: str, values: Mapping[str, str]) -> str:
    """Fills in `{name}`, or what stands after the bar in `{name|there}` where the value is
    empty."""
    return _VARIABLE.sub(lambda found: values.get(found[1], "") or found[2] or "", text)


def values_of(*, number: int, name: str, subject: str, rule: Rule, text: Text, now: datetime) -> dict[str, str]:
    """Returns the values of all variables. What strangers wrote goes back only where it is a
    plain name or subject: they choose who gets it, and would have us send their links."""
    return {
        "ticket": f"#{number}",
        "name": plain(name, _LONGEST_NAME),
        "subject": plain(subject, _LONGEST_SUBJECT),
        "opens": _opens(rule, text.language, now) if text.closed else "",
    }


def previewed(rule: Rule, name: str, now: datetime) -> list[Text]:
    """Returns each text as a customer of this name would get it: while the team is there, and next
    when it is not."""
    hours = rule.opening
    closed = (at for step in range(_A_YEAR) if not hours.open_at(at := now + timedelta(hours=step)))
    moments = [*filter(None, [hours.next_opening(now), next(closed, None)])]
    shown = []
    for code in rule.texts:
        for at in moments:
            if found := text_for(structs.replace(rule, language=code), {}, code, at):
                values = values_of(number=_EXAMPLE, name=name, subject="", rule=rule, text=found, now=at)
                shown.append(replace(found, text=filled(found.text, values)))
    return shown


def plain(text: str, most: int) -> str:
    """Returns a text on one line; empty where it is longer than `most` or may hold a link."""
    if len(text) > 4 * most or _LINK.search(text):
        return ""
    line = _SPACE.sub(" ", text).strip()
    return line if len(line) <= most and line.isprintable() else ""


def problem_with(text: str) -> str:
    """Says what is wrong with a text that an admin wrote: `long`, `variable`, `brace`, or
    nothing."""
    if len(text) > LONGEST:
        return "long"
    if any(found[1] not in VARIABLES for found in _VARIABLE.finditer(text)):
        return "variable"
    return "brace" if _LOOSE.search(_VARIABLE.sub("", text)) else ""


def _is_echo(message: InboundMessage, earlier: Earlier) -> bool:
    """Whether a message may be another program's answer to an automatic reply of ours, whatever was
    taken out of its headers: it came soon after it, or is about the same."""
    if message.received_at - earlier.at < ECHO:
        return True
    ours, theirs = bare(earlier.subject), bare(message.subject)
    return bool(ours) and ours in theirs


def bare(subject: str) -> str:
    """Returns a subject without `Re:` in any language and without numbers that a desk adds."""
    return _SPACE.sub(" ", _NUMBERED.sub(" ", subject[:1_000])).strip().casefold()


def _judged(decision: Decision, kind: str) -> bool:
    judged = decision.judged
    return judged is not None and judged.kind == kind and judged.share >= _SURE


def _opens(rule: Rule, language: str, now: datetime) -> str:
    """Formats the next opening in the team's own time, such as `Mon, Dec 7, 9:00 AM`."""
    at = rule.opening.next_opening(now)
    if at is None:
        return ""
    try:
        spoken = Locale.parse(language)
    except (UnknownLocaleError, ValueError):
        spoken = Locale("en")
    local = at.astimezone(rule.opening.zone)
    day = format_skeleton("MMMMEEEEd", local, locale=spoken)
    return f"{day}, {format_time(local, 'aaaa h:mm' if language == 'ko' else 'short', locale=spoken)}"
