"""What agents may say of a post. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit

from shared.errors import Rejected

LABELS = ("complaint", "question", "other")
WANTS_AN_ANSWER = ("complaint", "question")
"""Labels that make a mention a ticket."""


def known(label: str) -> str:
    """Returns the label if it is a known one. Raises Rejected 422."""
    if label not in LABELS:
        raise Rejected(422, "label", f"The label is one of {', '.join(LABELS)}.")
    return label


def link(url: str) -> str:
    """Returns a web address that may be shown as a link, or an empty string."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.netloc else ""


def words(q: str) -> list[str]:
    """Splits a search into the words that it looks for: at most eight."""
    return q.replace("\x00", " ").split()[:8]
