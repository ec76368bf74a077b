"""Who is acting."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import ConfigDict

from services.desk.actors import Permission


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentView:
    """A person who answers customers."""

    __pydantic_config__ = ConfigDict(use_attribute_docstrings=True)

    id: str
    email: str
    name: str
    role: str
    """`read-only`, `agent`, `supervisor`, `admin`, or another of the desk's own."""
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A signed-in browser."""

    agent: AgentView
    permissions: frozenset[Permission]
    expires_at: datetime
    csrf: str
    """Goes into each form and is checked by `check_csrf`."""
    id: str = ""
    two_step: bool = False
    """Whether signing in asked for a code too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """A browser in which somebody is signed in."""

    __pydantic_config__ = ConfigDict(use_attribute_docstrings=True)

    id: str
    created_at: datetime
    used_at: datetime
    """To within five minutes."""
    expires_at: datetime
    ip: str
    browser: str
    """What the browser said that it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonView:
    """Somebody who may sign in, was invited to, or could once."""

    __pydantic_config__ = ConfigDict(use_attribute_docstrings=True)

    id: str
    email: str
    name: str
    role: str
    """`read-only`, `agent`, `supervisor`, `admin`, or another of the desk's own."""
    state: str
    """`active`, `invited` or `disabled`."""
    two_step: bool
    """Whether signing in asks for a code too."""
    sessions: int
    seen_at: datetime | None
    """When one of their sessions was last used, to within five minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """A link by which somebody sets their password, once."""

    __pydantic_config__ = ConfigDict(use_attribute_docstrings=True)

    email: str
    url: str
    """Whoever has it can use it: hand it over in person or by a message that only they read. It is
    shown this once."""
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A machine that calls the API."""

    name: str
    scopes: tuple[str, ...]
    """Of `read`, `write` and `admin`; `admin` includes `write`, and `write` includes `read`."""
