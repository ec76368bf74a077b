"""`python -m services dashboard migrate | create-site | rotate-secret`."""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
from dataclasses import replace
from pathlib import Path

from services.dashboard import repository
from services.dashboard.domain.identity import MODES
from services.dashboard.domain.refusal import Refusal
from services.dashboard.domain.sites import Site, origin_of, site_id
from services.dashboard.models import SCHEMA
from services.dashboard.settings import DashboardSettings
from shared.clock import utc_now
from shared.db import Database, migrate
from shared.errors import Misconfigured, Unavailable
from shared.settings import load


def main(arguments: list[str]) -> int:
    """Returns the exit code. Raises Misconfigured."""
    parser = argparse.ArgumentParser(prog="python -m services dashboard")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("migrate", help="bring the database schema up to date")
    create = commands.add_parser("create-site", help="add a site, and print its key and secret as JSON")
    create.add_argument("--name", required=True, help="for people; the site's id is made from it")
    create.add_argument(
        "--origin", action="append", default=[], help="page that may call from a browser, such as https://shop.example"
    )
    create.add_argument("--mode", choices=MODES, default="optional", help="whether customers need a signed identity")
    create.add_argument("--if-missing", action="store_true", help="print the one that is there instead of failing")
    rotate = commands.add_parser("rotate-secret", help="add a new secret; older ones count until they are dropped")
    rotate.add_argument("--site", required=True, help="the site's id")
    rotate.add_argument("--drop", action="append", default=[], metavar="KID", help="secret that counts no more")
    given = parser.parse_args(arguments)
    dsn = load(DashboardSettings).database.get_secret_value()
    if given.command == "migrate":
        migrate(dsn, SCHEMA, Path(__file__).parent / "migrations")
        return 0
    try:
        work = _create(dsn, given) if given.command == "create-site" else _rotate(dsn, given.site, given.drop)
        print(json.dumps(asyncio.run(work)))
    except (Refusal, Unavailable) as error:
        raise Misconfigured(str(error)) from error
    return 0


async def _create(dsn: str, given: argparse.Namespace) -> dict[str, str]:
    wanted = Site(
        id=site_id(given.name),
        name=given.name,
        key=f"site_{secrets.token_urlsafe(18)}",
        mode=given.mode,
        origins=tuple(sorted({origin_of(origin) for origin in given.origin})),
        secrets={_kid(): secrets.token_urlsafe(32)},
    )
    database = Database(dsn, SCHEMA)
    try:
        async with database.transaction() as session:
            found = await repository.add_site(session, wanted, utc_now())
    finally:
        await database.dispose()
    if found.key != wanted.key and not given.if_missing:
        raise Misconfigured(
            f"there is a site {found.id!r} named {found.name!r} already: take another name, or add --if-missing"
        )
    return _shown(found)


async def _rotate(dsn: str, wanted: str, drop: list[str]) -> dict[str, str]:
    database = Database(dsn, SCHEMA)
    try:
        async with database.transaction() as session:
            site = next((site for site in await repository.sites(session) if site.id == wanted), None)
            if site is None:
                raise Misconfigured(f"there is no site {wanted!r}")
            kept = {kid: secret for kid, secret in site.secrets.items() if kid not in drop}
            fresh = replace(site, secrets={**kept, _kid(): secrets.token_urlsafe(32)})
            await repository.set_secrets(session, fresh.id, fresh.secrets)
    finally:
        await database.dispose()
    return _shown(fresh)


def _kid() -> str:
    """Dated: an operator sees which secret is old, and the greatest is the newest."""
    return f"{utc_now():%Y%m%dT%H%M%S%f}"


def _shown(site: Site) -> dict[str, str]:
    """With the newest secret."""
    kid = max(site.secrets)
    return {"site": site.id, "key": site.key, "secret": site.secrets[kid], "kid": kid}
