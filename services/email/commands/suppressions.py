"""`python -m services email suppressions …`: addresses that are not written to."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from sqlalchemy.ext.asyncio import AsyncSession

from services.email import suppressions
from services.email.domain.headers import one_address
from services.email.domain.suppression import Why
from services.email.models import SCHEMA
from services.email.settings import EmailSettings
from shared.db import Database
from shared.errors import Rejected

USAGE = "list|add|remove ..."


async def run(settings: EmailSettings, *arguments: str) -> None:
    """Runs one of the verbs of `USAGE`. Raises Rejected with what is wrong."""
    parser = ArgumentParser(prog="python -m services email suppressions")
    verbs = parser.add_subparsers(required=True, metavar=USAGE, dest="verb")
    verbs.add_parser("list", help="list the addresses that are not written to, why, and who said so")
    adding = verbs.add_parser("add", help="write to an address no more")
    adding.add_argument("address")
    adding.add_argument("--detail", default="", help="why, for agents to read")
    verbs.add_parser("remove", help="write to an address again").add_argument("address")
    asked = parser.parse_args(arguments)
    database = Database(settings.database.get_secret_value(), SCHEMA, pool_size=1)
    try:
        async with database.statements() as session:
            await _suppress(session, asked)
    finally:
        await database.dispose()


async def _suppress(session: AsyncSession, asked: Namespace) -> None:
    match asked.verb:
        case "add":
            try:
                address = one_address(asked.address)
            except ValueError as error:
                raise Rejected(422, "invalid", str(error)) from error
            await suppressions.add(session, address, Why.BY_HAND, asked.detail, "command")
            print(f"{address} is not written to any more.")
        case "remove":
            if not await suppressions.remove(session, asked.address):
                raise Rejected(404, "not-suppressed", f"{asked.address} is not on the list.")
            print(f"{asked.address} is written to again.")
        case _:
            page = await suppressions.every(session)
            while page:
                for one in page:
                    print(f"{one.address}  {one.reason}  {one.added_at:%Y-%m-%d}  {one.source}  {one.detail}".rstrip())
                page = await suppressions.every(session, page[-1].address)
