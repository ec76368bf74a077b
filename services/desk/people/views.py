"""Who is acting."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import ConfigDict


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentView:
    """A person who answers customers."""

    __pydantic_config__ = ConfigDict(use_attribute_docstrings=True)

    id: str
    email: str
    name: str
    role: str
    """`agent` or `admin`."""
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A signed-in browser."""

    agent: AgentView
    expires_at: datetime
    csrf: str
    """Goes into each form and is checked by `check_csrf`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A machine that calls the API."""

    name: str
    scopes: tuple[str, ...]
    """Of `read`, `write` and `admin`; `admin` includes `write`, and `write` includes `read`."""
