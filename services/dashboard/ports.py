"""What the dashboard needs from outside its own tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Signatures(Protocol):
    """Reads identity tokens."""

    def claims(self, token: str, secrets: Mapping[str, str]) -> dict[str, object]:
        """The claims of a token that one of the secrets (by kid) signed. Raises Refusal."""


class Phones(Protocol):
    """Reads telephone numbers."""

    def normal(self, number: str, region: str) -> str | None:
        """In E.164, or None where it is no possible number. `region`: ISO 3166-1, for numbers without a country code."""
