"""Runs `python -m services dashboard migrate | create-site | sites | add-origin | remove-origin |
rotate-secret`."""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from services.dashboard import repository
from services.dashboard.domain.identity import MODES
from services.dashboard.domain.refusal import Refusal
from services.dashboard.domain.sites import Site, origin_of, site_id
from services.dashboard.models import OUTBOX, SCHEMA
from services.dashboard.settings import DashboardSettings
from shared import outbox
from shared.clock import utc_now
from shared.db import Database, migrate
from shared.errors import Misconfigured, Unavailable
from shared.events import AuditNoted
from shared.settings import load
from shared.topics import AUDIT_NOTED


def main(arguments: list[str]) -> int:
    """Runs a command. Returns the exit code. Raises Misconfigured."""
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
    commands.add_parser("sites", help="list the sites with their keys and origins, without secrets, as JSON lines")
    for name, meaning in (("add-origin", "let pages of an origin call"), ("remove-origin", "let them call no more")):
        changed = commands.add_parser(name, help=f"{meaning}, within ten seconds and without a restart")
        changed.add_argument("--site", required=True, help="the site's id")
        changed.add_argument("origin", nargs="+", help="such as https://shop.example")
    rotate = commands.add_parser("rotate-secret", help="add a new secret; older ones count until they are dropped")
    rotate.add_argument("--site", required=True, help="the site's id")
    rotate.add_argument("--drop", action="append", default=[], metavar="KID", help="secret that counts no more")
    given = parser.parse_args(arguments)
    dsn = load(DashboardSettings).database.get_secret_value()
    if given.command == "migrate":
        migrate(dsn, SCHEMA, Path(__file__).parent / "migrations")
        return 0
    try:
        for line in asyncio.run(_run(dsn, given)):
            print(json.dumps(line))
    except (Refusal, Unavailable) as error:
        raise Misconfigured(str(error)) from error
    return 0


async def _run(dsn: str, given: argparse.Namespace) -> list[dict[str, object]]:
    database = Database(dsn, SCHEMA)
    try:
        async with database.transaction() as session:
            match given.command:
                case "create-site":
                    return [_shown(await _create(session, given))]
                case "sites":
                    return [_public(site) for site in await repository.sites(session)]
                case "rotate-secret":
                    return [_shown(await _rotate(session, given.site, given.drop))]
                case _:
                    adds = given.command == "add-origin"
                    return [
                        _public(
                            await _change_origins(
                                session, given.site, {origin_of(text) for text in given.origin}, add=adds
                            )
                        )
                    ]
    finally:
        await database.dispose()


async def _create(session: AsyncSession, given: argparse.Namespace) -> Site:
    wanted = Site(
        id=site_id(given.name),
        name=given.name,
        key=f"site_{secrets.token_urlsafe(18)}",
        mode=given.mode,
        origins=tuple(sorted({origin_of(origin) for origin in given.origin})),
        secrets={_kid(): secrets.token_urlsafe(32)},
    )
    found = await repository.add_site(session, wanted, utc_now())
    if found.key != wanted.key and not given.if_missing:
        raise Misconfigured(
            f"there is a site {found.id!r} named {found.name!r} already: take another name, or add --if-missing"
        )
    if found.key == wanted.key:
        await _note(session, "site.created", found, origins=" ".join(found.origins), mode=found.mode)
    return found


async def _note(session: AsyncSession, kind: str, site: Site, **data: str) -> None:
    noted = AuditNoted(id=str(uuid4()), at=utc_now(), kind=kind, subject=site.id, data=data)
    await outbox.put(session, OUTBOX, [(AUDIT_NOTED, site.id, noted)])


async def _change_origins(session: AsyncSession, wanted: str, origins: set[str], *, add: bool) -> Site:
    site = await _find(session, wanted)
    kept = set(site.origins) | origins if add else set(site.origins) - origins
    changed = replace(site, origins=tuple(sorted(kept)))
    if changed.origins != site.origins:
        await repository.set_origins(session, changed.id, changed.origins)
        await _note(session, "site.origins", site, before=" ".join(site.origins), after=" ".join(changed.origins))
    return changed


async def _rotate(session: AsyncSession, wanted: str, drop: list[str]) -> Site:
    site = await _find(session, wanted)
    kept = {kid: secret for kid, secret in site.secrets.items() if kid not in drop}
    changed = replace(site, secrets={**kept, _kid(): secrets.token_urlsafe(32)})
    await repository.set_secrets(session, changed.id, changed.secrets)
    dropped = site.secrets.keys() - changed.secrets.keys()
    await _note(session, "site.secrets", site, added=max(changed.secrets), dropped=" ".join(sorted(dropped)))
    return changed


async def _find(session: AsyncSession, wanted: str) -> Site:
    sites = await repository.sites(session)
    for site in sites:
        if site.id == wanted:
            return site
    raise Misconfigured(f"there is no site {wanted!r}, only {', '.join(site.id for site in sites) or 'none at all'}")


def _kid() -> str:
    """Makes the id of a new secret from the date: an operator sees which one is old, and the
    greatest is the newest."""
    return f"{utc_now():%Y%m%dT%H%M%S%f}"


def _public(site: Site) -> dict[str, object]:
    return {"site": site.id, "name": site.name, "key": site.key, "mode": site.mode, "origins": site.origins}


def _shown(site: Site) -> dict[str, object]:
    """Returns what is printed of a site, with its newest secret."""
    kid = max(site.secrets)
    return {"site": site.id, "key": site.key, "secret": site.secrets[kid], "kid": kid}
