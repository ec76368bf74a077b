"""What the dashboard needs from outside its own tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Signatures(Protocol):
    """Reads identity tokens."""

    def claims(self, token: str, secrets: Mapping[str, str]) -> dict[str, object]:
        """The claims of a token that one of the secrets (by kid) signed. Raises Refusal."""
