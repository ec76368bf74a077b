"""Verifies identity tokens: JSON Web Tokens (RFC 7519) signed with HS256, by PyJWT. Nothing else is
accepted."""

from __future__ import annotations

from collections.abc import Mapping

import jwt
from jwt.types import Options

from services.dashboard.domain.refusal import Refusal

MAX_TOKEN = 4_096
"""Characters: a token with every claim that we read has about 600."""
_UNCHECKED: Options = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}
"""`domain.identity` checks the claims: its errors say what to do."""


class JwtSignatures:
    """Implements `Signatures` by PyJWT."""

    def claims(self, token: str, secrets: Mapping[str, str]) -> dict[str, object]:
        """Verifies a token. The algorithm is pinned: a token that names another one, or `none`, is
        refused whatever its signature."""
        if len(token) > MAX_TOKEN:
            raise Refusal(
                "identity-malformed",
                f"an identity token has at most {MAX_TOKEN:,} characters: leave out claims that are not read",
            )
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise Refusal(
                "identity-malformed", "this is not a JSON Web Token: expected three base64url parts with dots between"
            ) from error
        if header.get("alg") != "HS256":
            raise Refusal("identity-algorithm", "sign identity tokens with HS256")
        kid = header.get("kid")
        secret = secrets.get(kid) if isinstance(kid, str) else None
        if secret is None:
            raise Refusal(
                "identity-kid",
                "the token's header needs `kid`, the name of one of this site's secrets; has it been replaced?",
            )
        try:
            claims: dict[str, object] = jwt.decode(token, secret, algorithms=["HS256"], options=_UNCHECKED)
        except jwt.InvalidSignatureError as error:
            raise Refusal(
                "identity-signature", f"the signature is wrong: sign with the site's secret {kid}, on your server"
            ) from error
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise Refusal("identity-malformed", "this is not a JSON Web Token with an object of claims") from error
        return claims
