"""What an OAuth2 token endpoint's refusal means, and what an access token looks like to IMAP."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

from services.email.domain.imap import Trouble

_AGAIN = frozenset({"invalid_grant", "interaction_required", "consent_required", "login_required", "access_denied"})
"""RFC 6749, 5.2, and OpenID Connect Core, 3.1.2.6: only a person can help."""
_LATER = frozenset({"temporarily_unavailable", "server_error", "slow_down", "rate_limit_exceeded", "internal_failure"})


@dataclass(frozen=True, slots=True)
class Tokens:
    """`access`: for IMAP, for `seconds`; `refresh`: for the next one, empty where it stays the
    same."""

    access: str
    refresh: str
    seconds: int


class Refused(Exception):
    """A token endpoint gave none."""

    def __init__(self, trouble: Trouble, words: str) -> None:
        super().__init__(words)
        self.trouble = trouble


def tokens_of(answer: dict[str, object]) -> Tokens:
    """Reads the answer of a token endpoint (RFC 6749, 5). Raises Refused."""
    access, refresh = answer.get("access_token"), answer.get("refresh_token")
    if isinstance(access, str) and access:
        seconds = answer.get("expires_in")
        known = isinstance(seconds, (int, float, str)) and str(seconds).isdigit()
        return Tokens(access, refresh if isinstance(refresh, str) else "", int(str(seconds)) if known else 300)
    error = str(answer.get("error") or "no access token")
    words = " ".join(f"{error}: {answer.get('error_description') or 'it does not say why'}".split())[:400]
    if error in _AGAIN:
        raise Refused(Trouble.SIGN_IN, words)
    raise Refused(Trouble.BUSY if error in _LATER else Trouble.REFUSED, words)


def xoauth2(user: str, token: str) -> str:
    """Returns what XOAUTH2 sends, before base64 (Google, "OAuth 2.0 Mechanism")."""
    return f"user={user}\x01auth=Bearer {token}\x01\x01"


def challenge(verifier: str) -> str:
    """Returns the S256 challenge of a PKCE verifier (RFC 7636, 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def page(address: str, client: str, redirect: str, state: str, verifier: str, user: str) -> str:
    """Returns the address of Google's page on which a person agrees. `access_type` and `prompt`:
    without them no refresh token comes the second time."""
    asked = {
        "client_id": client,
        "redirect_uri": redirect,
        "response_type": "code",
        "scope": "https://mail.google.com/",
        "access_type": "offline",
        "prompt": "consent",
        "login_hint": user,
        "state": state,
        "code_challenge": challenge(verifier),
        "code_challenge_method": "S256",
    }
    return f"{address}?{urlencode(asked)}"


def code_in(address: str, state: str) -> str:
    """Returns the code in the address to which a person's browser was sent back. Raises Refused
    where they did not agree, or where somebody else's answer came."""
    found = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    if found.get("state") != state:
        raise Refused(Trouble.SIGN_IN, "this is the answer to another sign-in: begin again")
    if "code" not in found:
        raise Refused(Trouble.SIGN_IN, f"it was not agreed to: {found.get('error', 'no code came back')}")
    return found["code"]
