"""A customer in a product's own dashboard, as its page talks to us over HTTP."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import httpx
import jwt


class Visitor:
    """One browser. `claims` are what the customer's own site says of them, signed with the site's
    secret."""

    def __init__(self, url: str, site: dict[str, str], **claims: Any) -> None:
        self._http = httpx.Client(base_url=f"{url}/api/v1", headers={"X-Site-Key": site["key"]}, timeout=20)
        self._site, self._claims = site, claims
        self._token = ""

    def say(self, text: str, *, key: str = "", **fields: Any) -> dict[str, Any]:
        """One request; AssertionError where the answer is not 202."""
        self._sign_in()
        answer = self._http.post(
            "/messages", json={"text": text, **fields}, headers={"Idempotency-Key": key or uuid4().hex}
        )
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    def say_until_taken(self, text: str, *, key: str = "", seconds: float = 120, **fields: Any) -> dict[str, Any]:
        """As a page does: the same message with the same key until it is taken."""
        key, deadline = key or uuid4().hex, time.monotonic() + seconds
        while True:
            try:
                return self.say(text, key=key, **fields)
            except (httpx.TransportError, AssertionError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def conversation(self) -> list[dict[str, Any]]:
        self._sign_in()
        answer = self._http.get("/conversation")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["messages"])

    def resume(self, token: str) -> None:
        """Go on with the session that this browser has kept."""
        self._token = token
        self._http.headers["Authorization"] = f"Bearer {token}"

    def __del__(self) -> None:
        self._http.close()

    def _sign_in(self) -> None:
        if self._token:
            return
        body = {"site": self._site["key"]}
        if self._claims:
            now = int(time.time())
            claims = {"iat": now, "exp": now + 600, "aud": self._site["site"], **self._claims}
            body["identity"] = jwt.encode(claims, self._site["secret"], "HS256", headers={"kid": self._site["kid"]})
        answer = self._http.post("/sessions", json=body)
        assert answer.status_code == 201, answer.text
        self.resume(answer.json()["token"])
