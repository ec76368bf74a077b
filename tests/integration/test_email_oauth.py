"""Mailboxes at Google and Microsoft: a person agrees once, tokens are renewed, and where the
provider takes ours no more it is told what to do. On real Dovecot, with XOAUTH2."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from services.email.adapters.imap import ImapTrouble
from services.email.adapters.oauth import Google, Microsoft
from services.email.domain.oauth import Refused, Tokens, tokens_of
from services.email.models import SCHEMA
from shared.db import Database
from shared.errors import Rejected
from shared.security.sealing import unseal
from tests.dovecot import Dovecot, free_port, running
from tests.integration.oauth_server import Issuer, issuing
from tests.integration.test_email_mailboxes import SECRET, SUPPORT, Reading, given, mail, manages, migrated, reads
from tests.unit.email.imap_server import serving
from tests.waiting import until

__all__ = ["migrated"]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def issuer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Issuer]:
    found = Issuer(SUPPORT)
    with issuing(found, tmp_path) as certificate:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        yield found


@pytest.fixture
def dovecot(issuer: Issuer) -> Iterator[Dovecot]:
    with running(f"http://127.0.0.1:{issuer.plain_port}/introspect") as found:
        yield found


def google(issuer: Issuer) -> Google:
    base = f"http://127.0.0.1:{issuer.plain_port}"
    return Google("client", "secret", "https://accounts.google.com/o/oauth2/v2/auth", f"{base}/token")


def microsoft(issuer: Issuer) -> Microsoft:
    return Microsoft("client", f"https://127.0.0.1:{issuer.port}/tenant")


def at(dovecot: Dovecot, provider: str) -> Any:
    return given(dovecot.port, sign_in=provider, password="")


async def signed_in(reading: Reading, issuer: Issuer) -> None:
    """Signs in as the command does for Microsoft."""
    sign_in = reading.mailboxes.sign_in
    flow = await sign_in.microsoft.device()
    assert "F4K3CODE" in flow["message"]
    tokens = await sign_in.microsoft.agreed(flow)
    await sign_in.keep(await reading.mailboxes.one(SUPPORT), tokens)
    reading.mailboxes.changed.set()


async def test_a_mailbox_at_microsoft_is_read_once_somebody_has_signed_in_and_again_when_they_must(
    migrated: str, dovecot: Dovecot, issuer: Issuer
) -> None:
    dovecot.deliver(SUPPORT, mail("one"))
    async with reads(migrated, microsoft=microsoft(issuer)) as reading:
        await reading.mailboxes.add(at(dovecot, "microsoft"))
        await until(lambda: "mailboxes sign-in" in reading.told())
        await until(lambda: reading.state("sign-in"))
        await signed_in(reading, issuer)
        await until(lambda: reading.subjects == ["one"])
        secret = (await reading.mailboxes.one(SUPPORT)).secret
        assert b"refresh" not in secret

    # Another process knows no access token: it renews it, and keeps the new refresh token.
    dovecot.deliver(SUPPORT, mail("two"))
    async with reads(migrated, microsoft=microsoft(issuer)) as again:
        await until(lambda: again.subjects == ["two"])
        assert issuer.refreshed == 2
        assert (await again.mailboxes.one(SUPPORT)).secret != secret

    issuer.revoked = True
    issuer.access.clear()
    dovecot.deliver(SUPPORT, mail("three"))
    async with reads(migrated, microsoft=microsoft(issuer)) as refused:
        await until(lambda: "AADSTS700082" in refused.told())
        assert refused.told().startswith("sign-in: sign in again: python -m services email mailboxes sign-in")
        issuer.revoked, issuer.polls = False, 1
        await signed_in(refused, issuer)
        await until(lambda: refused.subjects == ["three"])


async def test_a_person_signs_in_on_the_desk_s_page(migrated: str, dovecot: Dovecot, issuer: Issuer) -> None:
    dovecot.deliver(SUPPORT, mail("one"))
    async with reads(migrated, google=google(issuer), microsoft=microsoft(issuer)) as reading:
        sign_in, issuer.polls = reading.mailboxes.sign_in, 1
        added = await reading.mailboxes.add(at(dovecot, "microsoft"))
        begun = await sign_in.begin(added)
        assert begun.code == "F4K3CODE"
        assert not await sign_in.end(added, begun.ticket, ""), "nobody has agreed yet"
        assert await sign_in.end(added, begun.ticket, "")
        reading.mailboxes.changed.set()
        await until(lambda: reading.subjects == ["one"])
        changed = await reading.mailboxes.change(SUPPORT, at(dovecot, "google"))
        with pytest.raises(Refused, match="begin again"):
            await sign_in.end(changed, begun.ticket, "")
        begun = await sign_in.begin(changed)
        asked = {name: values[0] for name, values in parse_qs(urlsplit(begun.page).query).items()}
        issuer.codes["c"] = asked["code_challenge"], asked["redirect_uri"]
        with pytest.raises(Refused, match="another sign-in"):
            await sign_in.end(changed, begun.ticket, "http://127.0.0.1:49152/?state=x&code=c")
        assert await sign_in.end(changed, begun.ticket, f" http://127.0.0.1:49152/?state={asked['state']}&code=c ")
        assert (await reading.mailboxes.one(SUPPORT)).signed_in
    with pytest.raises(Rejected, match="by its password"):
        await sign_in.begin(changed._replace(sign_in="password"))


async def test_an_access_token_that_is_refused_before_its_time_is_renewed(
    migrated: str, dovecot: Dovecot, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.email.fetching.pause", lambda *_: 0.1)
    async with reads(migrated, microsoft=microsoft(issuer)) as reading:
        await reading.mailboxes.add(at(dovecot, "microsoft"))
        await signed_in(reading, issuer)
        await until(reading.rests)
        refreshed = issuer.refreshed
        issuer.access.clear()
        dovecot.stop()
        await until(lambda: reading.told().startswith("unreachable"))
        dovecot.start()
        dovecot.deliver(SUPPORT, mail("one"))
        await until(lambda: reading.subjects == ["one"])
        assert issuer.refreshed == refreshed + 1


async def test_no_token_goes_to_a_server_that_nobody_signed_in_for(
    migrated: str, dovecot: Dovecot, issuer: Issuer
) -> None:
    said: list[str] = []

    def listen(_tag: str, command: str) -> bytes:
        said.append(command)
        return b""

    with serving(listen) as elsewhere:
        async with reads(migrated, google=google(issuer), microsoft=microsoft(issuer)) as reading:
            await reading.mailboxes.add(at(dovecot, "microsoft"))
            await signed_in(reading, issuer)
            await until(reading.rests)
            for other in ({"host": "localhost"}, {"host": "localhost", "sign_in": "google"}):
                change = at(dovecot, "microsoft").model_copy(update={"port": elsewhere, **other})
                mailbox = await reading.mailboxes.change(SUPPORT, change)
                assert mailbox.secret == b""
                await until(lambda: "nobody has signed in yet" in reading.told())
                assert (await reading.mailboxes.tried(SUPPORT)).trouble == "sign-in"
    assert said == []


async def test_the_token_of_a_sign_in_meanwhile_is_not_replaced_by_one_of_before(
    migrated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(migrated, SCHEMA)
    managed = manages(database)
    mailbox = await managed.add(given(143, sign_in="google", password=""))
    await managed.sign_in.keep(mailbox, Tokens("", "of before", 0))
    mailbox = await managed.one(SUPPORT)

    async def refresh(_self: Google, token: str) -> Tokens:
        assert token == "of before"
        await managed.sign_in.keep(mailbox, Tokens("", "of the new sign-in", 0))
        return Tokens("access", "of before, renewed", 3600)

    monkeypatch.setattr(Google, "refresh", refresh)
    assert (await managed.sign_in(mailbox)).bearer == "access"
    assert unseal(SECRET, f"imap {mailbox.id}", (await managed.one(SUPPORT)).secret) == "of the new sign-in"
    with pytest.raises(ImapTrouble, match="just changed"):
        await managed.sign_in(mailbox._replace(version=1))
    await database.dispose()


async def test_where_the_provider_is_away_it_is_no_fault_of_the_person(
    migrated: str, dovecot: Dovecot, issuer: Issuer
) -> None:
    nobody = Google("client", "secret", "", f"http://127.0.0.1:{free_port()}/token")
    async with reads(migrated, google=nobody, microsoft=Microsoft("", "")) as reading:
        mailbox = await reading.mailboxes.add(at(dovecot, "google"))
        tokens = issuer.tokens("client")
        await reading.mailboxes.sign_in.keep(mailbox, tokens_of(tokens | {"expires_in": 0}))
        reading.mailboxes.changed.set()
        await until(lambda: "Google does not answer" in reading.told())
        assert reading.told().startswith("unreachable")


@pytest.mark.parametrize("by", ["browser", "pasting"])
async def test_a_person_signs_in_at_google_by_the_command(
    migrated: str, dovecot: Dovecot, issuer: Issuer, by: str
) -> None:
    dovecot.deliver(SUPPORT, mail("one"))
    environment = {
        **os.environ,
        "SWITCHBOARD_SECRET": SECRET,
        "EMAIL_DATABASE": migrated,
        "EMAIL_MAILBOXES": SUPPORT,
        "EMAIL_GOOGLE_CLIENT_ID": "client",
        "EMAIL_GOOGLE_CLIENT_SECRET": "secret",
        "EMAIL_GOOGLE_TOKENS": f"http://127.0.0.1:{issuer.plain_port}/token",
    }
    command = [
        sys.executable,
        "-m",
        "services",
        "email",
        "mailboxes",
        "add",
        SUPPORT,
        "--sign-in",
        "google",
        "--since",
        "2020-01-01",
    ]
    server = ["--host", "127.0.0.1", "--port", str(dovecot.port), "--security", "none"]
    process = await asyncio.create_subprocess_exec(
        *command,
        *server,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout
    assert process.stdin
    said = (await process.stdout.readuntil(b"at which it ends.")).decode()
    asked = httpx.URL(re.findall(r"https://accounts.google.com\S+", said)[0]).params
    assert (asked["scope"], asked["access_type"]) == ("https://mail.google.com/", "offline")
    issuer.codes["a code"] = (asked["code_challenge"], asked["redirect_uri"])
    back = httpx.URL(asked["redirect_uri"], params={"code": "a code", "state": asked["state"]})
    if by == "browser":
        async with httpx.AsyncClient() as http:
            assert "close this window" in (await http.get(back)).text
    else:
        process.stdin.write(f"{back}\n".encode())
    said = (await process.communicate())[0].decode()
    assert (process.returncode, "Signed in." in said, "can be read" in said) == (0, True, True), said
    async with reads(migrated, google=google(issuer)) as reading:
        await until(lambda: reading.subjects == ["one"])


async def test_what_is_not_set_up_is_told(migrated: str, dovecot: Dovecot) -> None:
    async with reads(migrated) as reading:
        mailbox = await reading.mailboxes.add(at(dovecot, "microsoft"))
        tokens = Issuer(SUPPORT).tokens("client")
        await reading.mailboxes.sign_in.keep(mailbox, tokens_of(tokens | {"expires_in": 0}))
        reading.mailboxes.changed.set()
        await until(lambda: "EMAIL_MICROSOFT_CLIENT_ID is not set" in reading.told())
