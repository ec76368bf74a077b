"""What readers of mentions get. All times are aware, in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import ConfigDict

from services.desk.tickets.schemas import PostView

_DOCS = ConfigDict(use_attribute_docstrings=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class MentionView:
    """A post about the company that opened no ticket by itself."""

    __pydantic_config__ = _DOCS

    id: str
    channel: str
    author: str
    """The contact point."""
    author_name: str
    text: str
    language: str
    """ISO 639-1, or empty."""
    at: datetime
    reach: int
    """How many people may see it."""
    complaint: float | None
    """0 to 1: how much it sounds like a complaint; null where the channel does not say."""
    account: str
    """The author as people of the network address them: `@ann`; may be empty."""
    post: PostView | None
    facts: dict[str, str]
    link: str
    """The post itself, or empty."""
    label: str
    """`complaint`, `question`, `other`, or empty where nobody said."""
    asked: bool
    """An agent wants a ticket of it."""
    judged_by: str
    """An agent's e-mail address, or `api:<token>`; empty where nobody pressed anything."""
    judged_at: datetime | None
    ticket_id: str
    """Its ticket, once that is there; else empty."""
    ticket_number: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MentionPage:
    """One page, newest first."""

    __pydantic_config__ = _DOCS

    items: tuple[MentionView, ...]
    next: str
    """Cursor of the next page; empty on the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MentionQuery:
    """What a list is asked for; an empty value does not filter."""

    channel: str = ""
    language: str = ""
    q: str = ""
    """Words, all of which are in the text; parts of words count."""
    limit: int = 50
    """1 to 100."""
    cursor: str = ""
