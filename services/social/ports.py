"""The few verbs that this service needs from a social network."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from services.social.domain.pace import Break
from services.social.domain.posts import Account, Post
from shared.errors import SwitchboardError, Unavailable


class Source(StrEnum):
    """Where posts are read from; each has a cursor of its own."""

    MENTIONS = "mentions"
    SEARCH = "search"
    MESSAGES = "messages"


class Later(Unavailable):
    """Certainly not done; ask again. `at`: not before, where the network says so (a rate limit's reset, UTC)."""

    def __init__(self, message: str, at: datetime | None = None) -> None:
        super().__init__(message)
        self.at = at


class Lost(Later):
    """A stream ended or did not begin. `kind`: how, which says how soon to try again."""

    def __init__(self, message: str, kind: Break, at: datetime | None = None) -> None:
        super().__init__(message, at)
        self.kind = kind


class Denied(SwitchboardError):
    """What we may do is not enough: an operator has to act. `credentials`: they are wrong altogether (401). `unpaid`: the account's
    credit or spending limit is used up (402)."""

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
    """The request went out and its answer never came: it may have been done."""


class TooOld(SwitchboardError):
    """The cursor points further back than the network's search remembers."""


@dataclass(frozen=True, slots=True)
class Page:
    """Posts, newest first. `following`: the token of the next older page, empty at the end. `rest_until`: when the rate limit
    opens again, where this was the last call that it allowed."""

    posts: Sequence[Post]
    following: str = ""
    unreadable: Sequence[bytes] = ()
    """What is no post in any form that we know, raw."""
    rest_until: datetime | None = None


class Network(Protocol):
    """One account on one network. Besides what is named, each verb raises Later and Denied."""

    async def me(self) -> Account:
        """Who we are there."""

    async def page(self, source: Source, account: Account, since: int, token: str) -> Page:
        """Posts with a greater id than `since` (0: all). Raises TooOld."""

    async def reply(self, text: str, to_post: str) -> str:
        """Post publicly under a post; the new post's id. Raises Refused, Unseen."""

    async def message(self, text: str, to_user: str) -> str:
        """Send a direct message; its id. Raises Refused, Unseen."""

    async def sent_replies(self, account: Account, since: datetime) -> Sequence[Post]:
        """Our own newest posts, at least all since then unless there are more than 100."""

    async def sent_messages(self, account: Account, to_user: str) -> Sequence[Post]:
        """Our own newest direct messages to this person, at most 100."""


class Stream(Protocol):
    """Posts in the moment in which they are written. What is written while it is down is for `Network.page` to find."""

    def listen(self, account: Account) -> AsyncGenerator[Page | None, None]:
        """Something at least every second: a page, empty where only a sign of life came, or None where nothing did. The first page
        says that we are connected. Raises Lost, Denied; ends only so. Close it to hang up."""
