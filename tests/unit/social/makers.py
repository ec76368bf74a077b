"""Posts for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from services.social.domain.posts import Account, Post

US = Account("7000", "acme")
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def post(**fields: Any) -> Post:
    values = {"id": "100", "author": "42", "text": "hello", "created_at": NOW, "conversation": "100"}
    return Post(**{**values, **fields})
