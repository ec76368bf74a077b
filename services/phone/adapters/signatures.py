"""Verifies Twilio's signature on its webhooks, by Twilio's own validator."""

from __future__ import annotations

from starlette.datastructures import FormData
from twilio.request_validator import RequestValidator


class Signatures:
    """Verifies signatures. `public_url`: the address that Twilio calls, whatever a proxy makes of
    host, scheme and port."""

    def __init__(self, public_url: str, token: str, account_sid: str) -> None:
        self._public_url, self._account_sid = public_url, account_sid
        self._validator = RequestValidator(token)

    def genuine(self, path: str, query: str, form: FormData, signature: str) -> bool:
        """Tells whether Twilio signed this request, for our account."""
        url = f"{self._public_url}{path}" + (f"?{query}" if query else "")
        return form.get("AccountSid") == self._account_sid and bool(self._validator.validate(url, form, signature))
