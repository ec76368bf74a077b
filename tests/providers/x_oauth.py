"""Who may ask X's stand-in: OAuth 1.0a signatures (RFC 5849) are computed anew and compared, and so
is the app's bearer token."""

from __future__ import annotations

import base64
import binascii
from email.message import Message
from typing import Any

from oauthlib.oauth1 import SIGNATURE_HMAC_SHA1, RequestValidator, SignatureOnlyEndpoint

CONSUMER_KEY = "practiceAppKey00000000001"
CONSUMER_SECRET = "practice-app-secret"
ACCESS_TOKEN = "7000-practiceAccountToken"
ACCESS_TOKEN_SECRET = "practice-account-secret"
BEARER = "AAAA-the-app-itself"
SETTINGS = {
    "SOCIAL_X_CONSUMER_KEY": CONSUMER_KEY,
    "SOCIAL_X_CONSUMER_SECRET": CONSUMER_SECRET,
    "SOCIAL_X_ACCESS_TOKEN": ACCESS_TOKEN,
    "SOCIAL_X_ACCESS_TOKEN_SECRET": ACCESS_TOKEN_SECRET,
}
"""What the social service needs to be let in."""
_SIGNED_FOR = "https://api.twitter.com"
"""What tweepy asks and signs for, wherever it connects to; X goes by this name too."""


class _Account(RequestValidator):  # type: ignore[misc]
    """The one account there is."""

    allowed_signature_methods = (SIGNATURE_HMAC_SHA1,)
    dummy_client = "nobody"

    def validate_timestamp_and_nonce(self, *_: Any, **__: Any) -> bool:
        return True  # old ones are refused before; the same nonce twice is not looked for

    def validate_client_key(self, client_key: str, request: Any) -> bool:
        return client_key == CONSUMER_KEY and request.resource_owner_key == ACCESS_TOKEN

    def get_client_secret(self, *_: Any) -> str:
        return CONSUMER_SECRET

    def get_access_token_secret(self, *_: Any) -> str:
        return ACCESS_TOKEN_SECRET


_ENDPOINT = SignatureOnlyEndpoint(_Account())


def signed(method: str, target: str, headers: Message, body: bytes) -> bool:
    """Whether the account's owner signed this. `target`: path and query. Of bodies only forms are
    part of a signature."""
    given = {"Authorization": headers.get("authorization", ""), "Content-Type": headers.get("content-type", "")}
    try:
        valid, _ = _ENDPOINT.validate_request(_SIGNED_FOR + target, method, body.decode(), given)
    except ValueError:  # what is no signature at all
        return False
    return bool(valid)


def is_app(authorization: str) -> bool:
    """Whether the app itself asks, by its key and secret: for its token."""
    kind, _, given = authorization.partition(" ")
    try:
        return kind == "Basic" and base64.b64decode(given).decode() == f"{CONSUMER_KEY}:{CONSUMER_SECRET}"
    except (binascii.Error, UnicodeDecodeError):
        return False
