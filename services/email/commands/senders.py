"""`python -m services email senders …`: how each mailbox sends, from the command line."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from services.email.adapters.relay import Relay
from services.email.commands import password_of
from services.email.domain.mailboxes import Mailboxes
from services.email.models import SCHEMA
from services.email.ports import MailSender
from services.email.senders import Configured, Given, Senders
from services.email.settings import EmailSettings
from shared.db import Database
from shared.errors import Rejected
from shared.settings import Settings, load

USAGE = "list|set|test|remove ..."
_OPTIONS = tuple(name for name in Configured.model_fields if name != "signature")


async def run(
    default: Callable[[EmailSettings], MailSender],
    relay: Callable[[EmailSettings, Relay], MailSender],
    settings: EmailSettings,
    *arguments: str,
) -> None:
    """Runs one of the verbs of `USAGE`. Raises Rejected with what is wrong."""
    asked = _parser().parse_args(arguments)
    database = Database(settings.database.get_secret_value(), SCHEMA, pool_size=1)
    ours, secret = Mailboxes.parse(settings.mailboxes), load(Settings).secret.get_secret_value()
    senders = Senders(database, secret, ours, default(settings), lambda one: relay(settings, one))
    try:
        await asked.work(senders, asked)
    finally:
        await senders.close()
        await database.dispose()


async def _list(senders: Senders, _asked: Namespace) -> None:
    for one in await senders.every():
        said = [
            f"{name}={value!r}" for name in Configured.model_fields if (value := getattr(one, name)) not in ("", None)
        ]
        print(f"{one.address}  {' '.join(said)}  keeps: {', '.join(one.keeps) or 'nothing'}")


async def _set(senders: Senders, asked: Namespace) -> None:
    before = {one.address: one for one in await senders.every()}.get(asked.address.strip().lower())
    values: dict[str, Any] = before.model_dump(include=set(Configured.model_fields)) if before else {}
    values |= {name: value for name in _OPTIONS if (value := getattr(asked, name)) is not None}
    try:
        if asked.signature_file:
            values["signature"] = asked.signature_file.read_text()
        if asked.dkim_key:
            values["dkim_key"] = asked.dkim_key.read_text()
        if asked.relay_password:
            values["relay_password"] = password_of(asked.relay_user or asked.address)
        await senders.put(asked.address, Given.model_validate(values))
    except OSError as error:
        raise Rejected(422, "no-file", f"{error.filename} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        found = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}".lstrip(": ") for one in error.errors()]
        raise Rejected(422, "invalid", "; ".join(found)) from error
    await _test(senders, asked)


async def _test(senders: Senders, asked: Namespace) -> None:
    found = await senders.tried(asked.address)
    if found.problem:
        raise Rejected(422, "problem", f"No mail can be sent: {found.problem}")
    print("Mail can be sent.")


async def _remove(senders: Senders, asked: Namespace) -> None:
    await senders.remove(asked.address)
    print(f"{asked.address} sends as all mailboxes do.")


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="python -m services email senders")
    verbs = parser.add_subparsers(required=True, metavar=USAGE)
    verbs.add_parser("list", help="list the mailboxes that send in a way of their own").set_defaults(work=_list)
    for name, work, words in (
        ("set", _set, "say how a mailbox sends; what is not named stays, and an empty value is as for all"),
        ("test", _test, "connect to where its mail goes, and read its key"),
        ("remove", _remove, "let a mailbox send as all do"),
    ):
        verb = verbs.add_parser(name, help=words, description=words)
        verb.set_defaults(work=work)
        verb.add_argument("address")
        if name == "set":
            for option in _OPTIONS:
                field = Configured.model_fields[option]
                whole = option in ("relay_port", "per_minute")
                verb.add_argument(f"--{option.replace('_', '-')}", type=int if whole else str, help=field.description)
            verb.add_argument(
                "--signature-file", type=Path, help="below each mail; {agent} and {company} are filled in"
            )
            verb.add_argument(
                "--relay-password", action="store_true", help="ask for it, or read it from standard input"
            )
            verb.add_argument("--dkim-key", type=Path, help="PEM file of the private RSA key")
    return parser
