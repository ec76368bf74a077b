"""The token endpoints of Google and Microsoft as they speak on the wire, on loopback.

Shapes: Google, "OAuth 2.0 for Mobile & Desktop Apps"; Microsoft, "OAuth 2.0 device authorization
grant" and "refresh the access token"; RFC 6749, 7636 and 8628. Dovecot asks `/introspect` whether
an access token is good (RFC 7662).
"""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from services.email.domain.oauth import challenge
from tests.certificate import self_signed


@dataclass
class Issuer:
    """What both providers gave out. `polls`: how often a device has to ask; `revoked`: refresh
    tokens that are refused."""

    user: str
    polls: int = 1
    access: set[str] = field(default_factory=set)
    revoked: bool = False
    refreshed: int = 0
    codes: dict[str, tuple[str, str]] = field(default_factory=dict)
    seconds: int = 3600
    port: int = 0
    plain_port: int = 0

    def tokens(self, client: str) -> dict[str, Any]:
        token = f"access-{len(self.access)}"
        self.access.add(token)
        claims = {
            "aud": client,
            "iss": f"https://127.0.0.1:{self.port}/tenant/v2.0",
            "iat": int(time.time()),
            "exp": int(time.time()) + 3600,
            "sub": "sub",
            "oid": "oid",
            "tid": "tid",
            "preferred_username": self.user,
        }
        return {
            "token_type": "Bearer",
            "scope": "https://outlook.office.com/IMAP.AccessAsUser.All",
            "expires_in": self.seconds,
            "ext_expires_in": self.seconds,
            "access_token": token,
            "refresh_token": f"refresh-{len(self.access)}",
            "id_token": f"{_part({'typ': 'JWT', 'alg': 'RS256'})}.{_part(claims)}.c2ln",
            "client_info": _part({"uid": "oid", "utid": "tid"}),
        }

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:  # noqa: PLR0911
        """The answer to a request."""
        if path.endswith("/.well-known/openid-configuration"):
            base = f"https://127.0.0.1:{self.port}/tenant"
            return 200, {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            }
        if path.endswith("/devicecode"):
            return 200, {
                "user_code": "F4K3CODE",
                "device_code": "device",
                "verification_uri": "https://microsoft.com/devicelogin",
                "expires_in": 900,
                "interval": 1,
                "message": "To sign in, open https://microsoft.com/devicelogin and enter the code F4K3CODE.",
            }
        if path == "/introspect":
            active = form["token"] in self.access
            return 200, {"active": active, **({"email": self.user, "scope": "mail"} if active else {})}
        match form["grant_type"]:
            case "refresh_token":
                if self.revoked:
                    words = "AADSTS700082: The refresh token has expired due to inactivity. Trace ID: 1"
                    return 400, {"error": "invalid_grant", "error_description": words, "error_codes": [700082]}
                self.refreshed += 1
                return 200, self.tokens(form["client_id"])
            case "authorization_code":
                wanted, redirect = self.codes.pop(form["code"], ("", ""))
                if challenge(form["code_verifier"]) != wanted or form["redirect_uri"] != redirect:
                    return 400, {"error": "invalid_grant", "error_description": "Bad Request"}
                return 200, self.tokens(form["client_id"])
            case "urn:ietf:params:oauth:grant-type:device_code":
                self.polls -= 1
                if self.polls >= 0:
                    return 400, {"error": "authorization_pending", "error_description": "AADSTS70016: pending"}
                return 200, self.tokens(form["client_id"])
        return 400, {"error": "unsupported_grant_type"}


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@contextmanager
def issuing(issuer: Issuer, folder: Path) -> Iterator[Path]:
    """Runs it with TLS and without; yields the certificate, and sets the ports."""
    certificate = self_signed(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(self.path.partition("?")[2])

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def _answer(self, form: str) -> None:
            values = {name: found[0] for name, found in parse_qs(form).items()}
            status, body = issuer.answer(urlsplit(self.path).path, values)
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None: ...

    secure, plain = ThreadingHTTPServer(("127.0.0.1", 0), Handler), ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    secure.socket = context.wrap_socket(secure.socket, server_side=True)
    issuer.port, issuer.plain_port = secure.server_port, plain.server_port
    threads = [threading.Thread(target=server.serve_forever, daemon=True) for server in (secure, plain)]
    for thread in threads:
        thread.start()
    try:
        yield certificate
    finally:
        for server in (secure, plain):
            server.shutdown()
            server.server_close()
