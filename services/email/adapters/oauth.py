"""Access tokens of Google and Microsoft.

Microsoft's by msal, with the device flow: a person types a code on any device. Google does not
allow that flow to ask for mail, so there a person agrees in a browser, which is sent back to an
address on its own machine (RFC 8252).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp

from services.email.adapters.imap import Thread
from services.email.domain.imap import Trouble
from services.email.domain.oauth import Refused, Tokens, tokens_of

T = TypeVar("T")
_ANSWER = 20.0
"""Seconds for one answer of a token endpoint."""
_NOT_YET = frozenset({"authorization_pending", "slow_down"})
"""RFC 8628, 3.5."""
_MICROSOFT_SCOPES = ["https://outlook.office.com/IMAP.AccessAsUser.All"]
"""Microsoft, "Authenticate an IMAP, POP or SMTP connection using OAuth"; msal adds
offline_access."""


@dataclass(frozen=True, slots=True)
class Google:
    """An OAuth client of the kind "Desktop app". Google calls its secret none, and asks for it."""

    client: str
    secret: str
    page: str
    tokens: str

    async def exchange(self, code: str, redirect: str, verifier: str) -> Tokens:
        """Returns the tokens for a code. Raises Refused."""
        return await self._ask(
            grant_type="authorization_code", code=code, redirect_uri=redirect, code_verifier=verifier
        )

    async def refresh(self, token: str) -> Tokens:
        """Returns a new access token. Raises Refused."""
        return await self._ask(grant_type="refresh_token", refresh_token=token)

    async def _ask(self, **form: str) -> Tokens:
        if not self.client:
            raise Refused(Trouble.REFUSED, "EMAIL_GOOGLE_CLIENT_ID and EMAIL_GOOGLE_CLIENT_SECRET are not set")
        form |= {"client_id": self.client, "client_secret": self.secret}
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(_ANSWER), trust_env=True) as session,
                session.post(self.tokens, data=form) as answer,
            ):
                if answer.status >= 500:
                    raise Refused(Trouble.UNREACHABLE, f"Google answers {answer.status}")
                told = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise Refused(Trouble.UNREACHABLE, f"Google does not answer: {error!r}") from error
        return tokens_of(told if isinstance(told, dict) else {})


@dataclass(frozen=True, slots=True)
class Microsoft:
    """A public client with the permission IMAP.AccessAsUser.All. `authority`: with the tenant."""

    client: str
    authority: str

    async def device(self) -> dict[str, Any]:
        """Begins a sign-in; `message` in what it returns is for the person. Raises Refused."""

        def begin() -> dict[str, Any]:
            flow: dict[str, Any] = self._app().initiate_device_flow(_MICROSOFT_SCOPES)
            if "user_code" not in flow:
                tokens_of(flow)
            return flow

        return await self._blocking(begin)

    async def agreed(self, flow: dict[str, Any]) -> Tokens:
        """Waits until the person has agreed. Raises Refused."""
        return await self._blocking(lambda: tokens_of(self._app().acquire_token_by_device_flow(flow)))

    async def asked(self, flow: dict[str, Any]) -> Tokens | None:
        """Looks once whether the person has agreed; None: not yet. Raises Refused."""

        def look() -> dict[str, Any]:
            found: dict[str, Any] = self._app().acquire_token_by_device_flow(flow, exit_condition=lambda _: True)
            return found

        answer = await self._blocking(look)
        return None if answer.get("error") in _NOT_YET else tokens_of(answer)

    async def refresh(self, token: str) -> Tokens:
        """Returns a new access token. Raises Refused."""
        return await self._blocking(
            lambda: tokens_of(self._app().acquire_token_by_refresh_token(token, _MICROSOFT_SCOPES))
        )

    def _app(self) -> Any:
        """Makes a client for each call: it keeps refusals for a minute, in which a person may have
        agreed."""
        import msal

        known = self.authority.startswith("https://login.microsoftonline.")
        return msal.PublicClientApplication(
            self.client, authority=self.authority, timeout=_ANSWER, instance_discovery=None if known else False
        )

    async def _blocking(self, work: Callable[[], T]) -> T:
        if not self.client:
            raise Refused(Trouble.REFUSED, "EMAIL_MICROSOFT_CLIENT_ID is not set")
        thread = Thread("microsoft")
        try:
            return await thread.call(work)
        except OSError as error:  # what requests raises, too
            raise Refused(Trouble.UNREACHABLE, f"Microsoft does not answer: {error!r}"[:400]) from error
        except ValueError as error:  # msal's word for an authority that does not answer as one
            raise Refused(Trouble.UNREACHABLE, str(error)[:400]) from error
        finally:
            thread.end()
