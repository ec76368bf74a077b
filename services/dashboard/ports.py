"""Ports of the dashboard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Signatures(Protocol):
    """Verifies identity tokens."""

    def claims(self, token: str, secrets: Mapping[str, str]) -> dict[str, object]:
        """Returns the claims of a token that one of the secrets (by kid) signed. Raises Refusal."""
