"""The verbs that this service needs from a social network, and what a network says of itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from services.social.domain.pace import Break
from services.social.domain.posts import Account, Post
from shared.db import Database
from shared.delivery import Ledger
from shared.errors import SwitchboardError, Unavailable
from shared.events import Channel, OutboundMessage


class Source(StrEnum):
    """Where posts are read from; each has a cursor of its own."""

    MENTIONS = "mentions"
    SEARCH = "search"
    MESSAGES = "messages"


class Later(Unavailable):
    """Certainly not done; ask again. `at`: not before a rate limit's reset (UTC)."""

    def __init__(self, message: str, at: datetime | None = None) -> None:
        super().__init__(message)
        self.at = at


class Lost(Later):
    """A stream ended or did not begin. `kind`: how, which says how soon to try again."""

    def __init__(self, message: str, kind: Break, at: datetime | None = None) -> None:
        super().__init__(message, at)
        self.kind = kind


class Denied(SwitchboardError):
    """What we may do is not enough: an operator has to act. `credentials`: they are wrong
    altogether (401). `unpaid`: the account's credit or spending limit is used up (402)."""

    def __init__(self, message: str, *, credentials: bool = False, unpaid: bool = False) -> None:
        super().__init__(message)
        self.credentials, self.unpaid = credentials, unpaid

    @property
    def altogether(self) -> bool:
        """Whether nothing at all can be done until then."""
        return self.credentials or self.unpaid


class Refused(SwitchboardError):
    """The network will never do this: its own words, for an agent to read."""


class Unseen(SwitchboardError):
    """The outcome is unknown: the request went out and no response came."""


class TooOld(SwitchboardError):
    """The cursor points further back than the network's search remembers."""


@dataclass(frozen=True, slots=True)
class Page:
    """Posts, newest first. `following`: the token of the next older page, empty at the end.
    `rest_until`: when the rate limit opens again, where this was the last call that it allowed."""

    posts: Sequence[Post]
    following: str = ""
    unreadable: Sequence[bytes] = ()
    """What is no post in any form that we know, raw."""
    rest_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often a source is polled. `every`, `overlap`: seconds; `first`: how far back the first
    look goes; `seldom`: seconds between two looks while the stream brings posts, not less than
    `every`."""

    every: float
    overlap: float
    first: timedelta
    seldom: float = 0


class Network(Protocol):
    """One account on one network, a folder of `networks/`. Each verb also raises Later, Denied."""

    @property
    def channel(self) -> Channel:
        """Its channel. The name also keys cursors, posts, locks and metrics."""

    @property
    def missing(self) -> Sequence[str]:
        """The environment variables that have to be set before it can be used."""

    @property
    def schedules(self) -> Mapping[Source, Schedule]:
        """The sources that are polled."""

    @property
    def stream(self) -> Stream | None:
        """Its stream, where it has one and it is wanted."""

    @property
    def remembered(self) -> timedelta:
        """How far back a cursor may point."""

    @property
    def summoned_only(self) -> bool:
        """Whether only those who mentioned us may be answered."""

    async def me(self) -> Account:
        """Returns our own account."""

    async def page(self, source: Source, account: Account, since: int, token: str) -> Page:
        """Reads posts with a greater id than `since` (0: all). Raises TooOld."""

    @property
    def lock(self) -> int:
        """The number of its advisory lock, which no other network has; never changes."""

    def replies(self, database: Database, ledger: Ledger) -> Replies:
        """Makes what delivers to this network."""

    def id_at(self, moment: datetime) -> int:
        """Returns the smallest id of a post of this moment; 0 before there were such ids."""

    def earlier(self, newest: int, seconds: float) -> int:
        """Returns an id that is so many seconds older."""

    def summoned(self, post: Post, account: Account) -> bool:
        """Returns whether the post mentions us, so that its author may be answered."""

    def link(self, post: Post) -> str:
        """Returns where people read a public post."""

    def why_off(self, error: Denied) -> str:
        """Explains a refusal of everything to an operator, with what to do."""


class Replies(Protocol):
    """Delivers replies, and finds what was delivered. `account`: ours, empty until it is known."""

    async def send(self, request: OutboundMessage, account: Account) -> str:
        """Delivers it; the provider's id. Raises Later, Denied, Refused, Unseen."""

    async def find(self, request: OutboundMessage, account: Account, since: datetime) -> Sequence[str] | None:
        """Returns the provider's ids of all that may be this reply, oldest first; None where that
        cannot be told. Raises Later, Denied, Refused."""


class Stream(Protocol):
    """Posts as they are written. What is written while it is down is for `Network.page` to find."""

    def listen(self, account: Account) -> AsyncGenerator[Page | None, None]:
        """Yields something at least every second: a page, empty where only a sign of life came, or
        None where nothing did. The first page says that we are connected. Raises Lost, Denied; ends
        only so. Close it to hang up."""

    def pause(self, lost: Lost, attempt: int, now: datetime, random: float) -> float:
        """Returns the seconds before connecting again. The rest: as in `pace.after_failure`."""
