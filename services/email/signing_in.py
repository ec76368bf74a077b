"""How we sign in to a mailbox at an IMAP server."""

from __future__ import annotations

import json
import re
import secrets
import time
from pathlib import Path
from typing import Any, NamedTuple, cast

from services.email import mailbox_rows as rows
from services.email.adapters.imap import Credentials, ImapTrouble, Security, Server
from services.email.adapters.oauth import Google, Microsoft
from services.email.domain.imap import Trouble
from services.email.domain.oauth import Refused, Tokens, code_in, page
from services.email.mailbox_rows import Mailbox
from services.email.settings import EmailSettings
from shared.db import Database
from shared.errors import Rejected
from shared.security.sealing import seal, unseal
from shared.settings import single

SECRET_FROM = re.compile(r"EMAIL_IMAP_[A-Z0-9_]{1,80}")
"""Which variables may have a mailbox's password: no other secret can be sent to a server by naming
it."""
_NOWHERE = "http://127.0.0.1:49152"
"""Where Google sends the browser of a person who signs in on the desk's page: to their own machine
(RFC 8252, 7.3), where nobody listens; the address that the browser shows is pasted."""
_EARLY = 300
"""Seconds before its end in which an access token is not used any more: a connection lives longer
than the moment of its sign-in."""


class Begun(NamedTuple):
    """A sign-in that a person goes on with. `page`: where; `code`: what to type there, if anything;
    `ticket`: what ends it."""

    page: str
    code: str
    ticket: str


def providers(settings: EmailSettings) -> tuple[Google, Microsoft]:
    """Returns the two as the settings name them."""
    secret = settings.google_client_secret.get_secret_value()
    google = Google(settings.google_client_id, secret, settings.google_page, settings.google_tokens)
    return google, Microsoft(settings.microsoft_client_id, settings.microsoft_authority)


def server_of(mailbox: Mailbox, ca: Path | None) -> Server:
    """Returns where a mailbox is. `ca`: as in `Server`."""
    return Server(host=mailbox.host, port=mailbox.port, security=cast("Security", mailbox.security), ca=ca)


def sealed(secret: str, mailbox: str, value: str) -> bytes:
    """Seals a password or token of this mailbox (its id)."""
    return seal(secret, f"imap {mailbox}", value)


class SignIn:
    """Finds what to sign in with. `secret`: SWITCHBOARD_SECRET."""

    def __init__(self, secret: str, database: Database, google: Google, microsoft: Microsoft) -> None:
        self.google, self.microsoft = google, microsoft
        self._secret, self._database = secret, database
        self._access: dict[str, tuple[int, str, float]] = {}
        """Access tokens by mailbox, each with the version of the mailbox that it is for: a change
        may be another server, and a token goes to none but its own."""

    async def __call__(self, mailbox: Mailbox) -> Credentials:
        """Raises ImapTrouble with what an operator has to do."""
        if mailbox.sign_in == "password":
            return Credentials(user=mailbox.username, password=self._password(mailbox))
        version, token, until = self._access.get(mailbox.id, (0, "", 0.0))
        if version != mailbox.version or time.monotonic() > until:
            token = await self._refreshed(mailbox)
        return Credentials(user=mailbox.username, bearer=token)

    def forget(self, mailbox: Mailbox) -> None:
        """Drops an access token that was refused."""
        self._access.pop(mailbox.id, None)

    async def keep(self, mailbox: Mailbox, tokens: Tokens) -> None:
        """Keeps what a provider gave when a person signed in; whoever reads begins anew."""
        if tokens.refresh:
            async with self._database.transaction() as session:
                value = sealed(self._secret, mailbox.id, tokens.refresh)
                await rows.change(session, mailbox.id, {"secret": value})

    async def begin(self, mailbox: Mailbox) -> Begun:
        """Begins a sign-in that a person goes on with at the provider's page. Nothing is kept here:
        `ticket` has it, sealed. Raises Refused, and Rejected where there is no such sign-in."""
        if mailbox.sign_in == "microsoft":
            flow = await self.microsoft.device()
            return Begun(flow["verification_uri"], flow["user_code"], self._ticket(mailbox, flow))
        if mailbox.sign_in == "google":
            if not self.google.client:
                raise Refused(Trouble.REFUSED, "EMAIL_GOOGLE_CLIENT_ID and EMAIL_GOOGLE_CLIENT_SECRET are not set")
            flow = {"state": secrets.token_urlsafe(24), "verifier": secrets.token_urlsafe(48)}
            address = page(
                self.google.page, self.google.client, _NOWHERE, flow["state"], flow["verifier"], mailbox.username
            )
            return Begun(address, "", self._ticket(mailbox, flow))
        raise Rejected(422, "by-password", f"{mailbox.address} is signed in to by its password.")

    async def end(self, mailbox: Mailbox, ticket: str, address: str) -> bool:
        """Ends a sign-in; False where the person has not agreed yet. `address`: at which the
        browser ended, where the provider sent it somewhere. Raises Refused."""
        try:
            found = unseal(self._secret, f"sign-in {mailbox.id} {mailbox.sign_in}", bytes.fromhex(ticket))
        except ValueError:
            found = None
        if found is None:
            raise Refused(Trouble.SIGN_IN, "this sign-in was not begun here, or for another mailbox: begin again")
        flow = json.loads(found)
        if mailbox.sign_in == "microsoft":
            tokens = await self.microsoft.asked(flow)
        else:
            code = code_in(address.strip(), flow["state"])
            tokens = await self.google.exchange(code, _NOWHERE, flow["verifier"])
        if tokens is None:
            return False
        await self.keep(mailbox, tokens)
        return True

    def _ticket(self, mailbox: Mailbox, flow: dict[str, Any]) -> str:
        return seal(self._secret, f"sign-in {mailbox.id} {mailbox.sign_in}", json.dumps(flow)).hex()

    async def _refreshed(self, mailbox: Mailbox) -> str:
        async with self._database.transaction() as session:
            newest = await rows.one(session, mailbox.id)
        if newest is None or newest.version != mailbox.version:
            raise ImapTrouble(Trouble.UNREACHABLE, "its settings were just changed")
        kept = unseal(self._secret, f"imap {mailbox.id}", newest.secret)
        if kept is None:
            why = "SWITCHBOARD_SECRET was changed" if newest.secret else "nobody has signed in yet"
            raise ImapTrouble(Trouble.SIGN_IN, _again(mailbox, why))
        provider = self.google if mailbox.sign_in == "google" else self.microsoft
        try:
            tokens = await provider.refresh(kept)
        except Refused as error:
            words = _again(mailbox, str(error)) if error.trouble is Trouble.SIGN_IN else str(error)
            raise ImapTrouble(error.trouble, words) from error
        if tokens.refresh:
            value = sealed(self._secret, mailbox.id, tokens.refresh)
            async with self._database.transaction() as session:
                await rows.renew(session, mailbox.id, newest.secret, value)
        self._access[mailbox.id] = mailbox.version, tokens.access, time.monotonic() + max(tokens.seconds - _EARLY, 0)
        return tokens.access

    def _password(self, mailbox: Mailbox) -> str:
        if mailbox.secret_from:
            if given := single(mailbox.secret_from):
                return given
            raise ImapTrouble(Trouble.REFUSED, f"the variable {mailbox.secret_from} is not set: it has the password")
        if not mailbox.secret:
            raise ImapTrouble(Trouble.REFUSED, "no password was given")
        value = unseal(self._secret, f"imap {mailbox.id}", mailbox.secret)
        if value is None:
            raise ImapTrouble(Trouble.REFUSED, "SWITCHBOARD_SECRET was changed: give the password again")
        return value


def _again(mailbox: Mailbox, why: str) -> str:
    return f"sign in again: python -m services email mailboxes sign-in {mailbox.address} ({why})"
