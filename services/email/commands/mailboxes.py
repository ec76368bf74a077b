"""`python -m services email mailboxes …`: mailboxes at IMAP servers, from the command line."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any

from pydantic import SecretStr, ValidationError

from services.email.adapters import browser
from services.email.adapters.dns import place_of
from services.email.commands import password_of
from services.email.domain.discovery import Place
from services.email.domain.imap import After
from services.email.domain.mailboxes import Mailboxes
from services.email.domain.oauth import Refused
from services.email.imap_mailboxes import Given, ImapMailboxes
from services.email.mailbox_rows import Mailbox
from services.email.models import SCHEMA
from services.email.settings import EmailSettings
from services.email.signing_in import SignIn, providers
from shared.db import Database
from shared.errors import Rejected
from shared.settings import Settings, load

USAGE = "add|list|test|sign-in|remove ..."


async def run(settings: EmailSettings, *arguments: str) -> None:
    """Runs one of the verbs of `USAGE`. Raises Rejected with what is wrong."""
    asked = _parser().parse_args(arguments)
    database = Database(settings.database.get_secret_value(), SCHEMA, pool_size=1)
    secret = load(Settings).secret.get_secret_value()
    ours, sign_in = Mailboxes.parse(settings.mailboxes), SignIn(secret, database, *providers(settings))
    try:
        await asked.work(ImapMailboxes(database, secret, ours, sign_in, settings.imap_ca), asked)
    finally:
        await database.dispose()


async def _add(all_of_them: ImapMailboxes, asked: Namespace) -> None:
    after, _, move_to = asked.after.partition(":")
    port = asked.port or (143 if asked.security == "starttls" else 993)
    place = Place(asked.host, port, asked.security, asked.sign_in or "password", "")
    if not asked.host:
        place = await place_of(asked.address)
        print(f"Server: {place.host}, port {place.port} ({place.how}).")
    sign_in = asked.sign_in or place.sign_in
    by_password = sign_in == "password"
    values: dict[str, Any] = {
        "address": asked.address,
        "host": place.host,
        "port": place.port,
        "security": place.security,
        "username": asked.user,
        "sign_in": sign_in,
        "secret_from": asked.password_from,
        "folders": asked.folder or ["INBOX"],
        "junk": asked.junk,
        "after": after,
        "move_to": move_to,
        "since": asked.since,
        "password": SecretStr(password_of(asked.address) if by_password and not asked.password_from else ""),
    }
    try:
        given = Given.model_validate(values)
    except ValidationError as error:
        found = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}".lstrip(": ") for one in error.errors()]
        raise Rejected(422, "invalid", "; ".join(found)) from error
    added = await all_of_them.add(given)
    print(f"{added.address} is added.")
    await (_test if by_password else _sign_in)(all_of_them, asked)


async def _list(all_of_them: ImapMailboxes, _asked: Namespace) -> None:
    for mailbox in await all_of_them.every():
        print(_line(mailbox))


async def _test(all_of_them: ImapMailboxes, asked: Namespace) -> None:
    found = await all_of_them.tried(asked.address)
    if found.folders:
        print(f"Folders: {', '.join(found.folders)}. Junk: {found.junk or 'none is read'}.")
    if found.problem:
        raise Rejected(422, found.trouble or "problem", f"It cannot be read: {found.problem}")
    print(f"It can be read; new mail is {'told by the server' if found.tells else 'looked for'}.")


async def _sign_in(all_of_them: ImapMailboxes, asked: Namespace) -> None:
    mailbox = await all_of_them.one(asked.address)
    sign_in = all_of_them.sign_in
    try:
        if mailbox.sign_in == "microsoft":
            flow = await sign_in.microsoft.device()
            print(flow["message"], flush=True)
            tokens = await sign_in.microsoft.agreed(flow)
        elif mailbox.sign_in == "google":
            tokens = await browser.agreed(sign_in.google, mailbox.username)
        else:
            raise Rejected(422, "by-password", f"{mailbox.address} is signed in to by its password.")
    except Refused as error:
        raise Rejected(422, error.trouble, f"Nobody was signed in: {error}") from error
    await sign_in.keep(mailbox, tokens)
    print("Signed in.")
    await _test(all_of_them, asked)


async def _remove(all_of_them: ImapMailboxes, asked: Namespace) -> None:
    await all_of_them.remove(asked.address)
    print(f"{asked.address} is removed; its mails are where they were.")


def _line(mailbox: Mailbox) -> str:
    state = f"{mailbox.state} since {mailbox.state_at:%Y-%m-%d %H:%M} UTC" if mailbox.enabled else "switched off"
    return f"{mailbox.address}  {mailbox.host}:{mailbox.port}  {state}  {mailbox.detail}".rstrip() + f"  ({mailbox.id})"


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="python -m services email mailboxes")
    verbs = parser.add_subparsers(required=True, metavar=USAGE)

    def verb(name: str, work: Any, words: str, arguments: Sequence[str] = ("address",)) -> ArgumentParser:
        made = verbs.add_parser(name, help=words, description=words)
        made.set_defaults(work=work)
        for argument in arguments:
            made.add_argument(argument)
        return made

    add = verb("add", _add, "add a mailbox and try it; its password is asked for, or read from standard input")
    add.add_argument("--host", default="", help="its IMAP server; without it, it is looked for")
    add.add_argument(
        "--sign-in", choices=("password", "google", "microsoft"), default="", help="by OAuth2 at those two"
    )
    add.add_argument("--port", type=int, default=0, help="993, or 143 with starttls")
    add.add_argument("--security", choices=("tls", "starttls", "none"), default="tls")
    add.add_argument("--user", default="", help="where it is not the address")
    add.add_argument("--password-from", default="", metavar="EMAIL_IMAP_…", help="the variable that has the password")
    add.add_argument("--folder", action="append", help="a folder to read, again for more; INBOX without it")
    add.add_argument("--junk", default="auto", help="the junk folder, `auto` to find it, `off` to leave it alone")
    add.add_argument("--after", default=After.LEAVE.value, metavar="leave|seen|move:FOLDER")
    add.add_argument("--since", default=None, metavar="YYYY-MM-DD", help="take mails from this day on, too")
    verb("list", _list, "list the mailboxes and what becomes of them", ())
    verb("test", _test, "sign in and look, changing nothing")
    verb("sign-in", _sign_in, "let a person agree at Google or Microsoft that the mailbox is read")
    verb("remove", _remove, "forget a mailbox; its mails stay at its server")
    return parser
