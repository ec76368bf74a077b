"""By what the desk shows the email service that it is the desk, when an admin looks after
mailboxes."""

from __future__ import annotations

from shared.security.tokens import is_recent, sign_now

_PURPOSE = "mailboxes"


def token(secret: str) -> str:
    """Returns a bearer token that lets whoever has our secret ask, for a minute."""
    return sign_now(secret, _PURPOSE)


def is_ours(secret: str, given: str) -> bool:
    """Whether somebody with our secret made this bearer token within the last minute."""
    return is_recent(secret, _PURPOSE, given)
