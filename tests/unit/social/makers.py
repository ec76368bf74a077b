"""Posts for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from services.social.domain.posts import Account, Post
from services.social.networks.x.transport import Access
from tests.providers import x_oauth

US = Account("7000", "acme")
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def post(**fields: Any) -> Post:
    values = {"id": "100", "author": "42", "text": "hello", "created_at": NOW, "conversation": "100"}
    return Post(**{**values, **fields})


def access(url: str = "http://127.0.0.1:1", timeout: float = 5, search: str = "") -> Access:
    """The practice account of `tests.providers.x`; without an address nobody is there."""
    return Access(*x_oauth.SETTINGS.values(), url, timeout, ("acme",), search)
