"""The desk's commands, for people and for scripts."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import msgspec

from services.desk.accounts import service as accounts
from services.desk.actors import COMMAND
from services.desk.context import Desk
from services.desk.files import service as files
from services.desk.intake import imports
from services.desk.people import audit, sessions
from services.desk.people import service as people
from services.desk.people.schemas import LinkView
from services.desk.reports import counting
from services.desk.schema import SCHEMA
from services.desk.settings import DeskSettings
from services.desk.tickets import corrections
from services.desk.wallboard import display
from shared.db import Database, migrate
from shared.errors import Rejected, Unavailable
from shared.settings import Settings, load

_YAML = {".yaml", ".yml"}
_ROLE = "read-only, agent, supervisor or admin (default: agent)"


def main(arguments: list[str], open_desk: Callable[[], Desk]) -> int:
    """Runs the command that the arguments name, as `--help` lists them. open_desk: makes a desk
    that runs no tasks.

    The exit code: 0, 1 with the reason on stderr, 2 for wrong arguments.
    """
    parser = argparse.ArgumentParser(prog="python -m services desk", description="Without a command: run the desk.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("migrate", help="bring the database's schema up to date")
    agent = commands.add_parser("create-agent", help="let a person sign in")
    agent.add_argument("--email", required=True)
    agent.add_argument("--name", default="")
    agent.add_argument("--role", default="agent", help=_ROLE)
    agent.add_argument(
        "--password-stdin", action="store_true", required=True, help="the password is the first line of the input"
    )
    agent.add_argument("--phone", default="", help="where calls reach them, such as '+33 6 12 34 56 78'")
    agent.add_argument("--skills", default="", help="as the router's policy names them, comma-separated (default: all)")
    agent.add_argument("--if-missing", action="store_true", help="say nothing where this agent exists already")
    invited = commands.add_parser("invite", help="print a link by which a person joins, once")
    invited.add_argument("--email", required=True)
    invited.add_argument("--name", default="")
    invited.add_argument("--role", default="agent", help=_ROLE)
    commands.add_parser("people", help="list who may sign in, was invited to, or could once")
    for name, what in (
        ("password-link", "print a link by which a person sets a new password, once"),
        ("disable-agent", "sign a person out for good; their open conversations go back to their queues"),
        ("enable-agent", "let a disabled person sign in again"),
        ("end-second-step", "let a person who lost telephone and recovery codes sign in with the password alone"),
    ):
        commands.add_parser(name, help=what).add_argument("--email", required=True)
    ended = commands.add_parser("end-sessions", help="sign a person, or everybody, out everywhere")
    whose = ended.add_mutually_exclusive_group(required=True)
    whose.add_argument("--email", default="")
    whose.add_argument("--everybody", action="store_true")
    listed = commands.add_parser("audit", help="show who did what, newest first, a JSON object a line")
    listed.add_argument("--kind", default="", help=f"one of {', '.join(audit.KINDS)}, or the first word of several")
    listed.add_argument("--who", default="", help="did it, or had it done to them: a mail address or a token's name")
    listed.add_argument("--limit", type=int, default=50)
    forgotten = commands.add_parser(
        "forget-corrections", help="take a customer's words away from what the urgency model learns from"
    )
    forgotten.add_argument("--point", required=True, help="a contact point of theirs, such as email:ann@example.org")
    _add_settings(commands)
    for name, what in (
        ("imports", "show what became of imported archives, a JSON object each"),
        ("rebuild-reports", "have all figures of reports counted anew while the desk runs"),
    ):
        commands.add_parser(name, help=what)
    token = commands.add_parser("create-token", help="make an API token and print it, once")
    token.add_argument("--name", required=True, help="who will use it")
    token.add_argument(
        "--scopes", default="read,write", help="of read, write and admin; comma-separated (default: read,write)"
    )
    commands.add_parser("tokens", help="list the API tokens that work: name and scopes")
    revoked = commands.add_parser("revoke-token", help="let the API tokens of a name work no more")
    revoked.add_argument("--name", required=True, help="as given to create-token")
    screen = commands.add_parser(
        "display-link", help="make a link that shows the wallboard without a login, and print it, once"
    )
    screen.add_argument("--name", default="Display", help="where it hangs (default: Display)")
    screen.add_argument(
        "--revoke-all", action="store_true", help="instead: let no link that was ever made work any more"
    )
    chosen = parser.parse_args(arguments)
    dsn = load(DeskSettings).database.get_secret_value()
    try:
        if chosen.command == "migrate":
            migrate(dsn, SCHEMA, Path(__file__).parent / "migrations")
        elif chosen.command in _PEOPLE:
            asyncio.run(_with_desk(open_desk(), _PEOPLE[chosen.command], chosen))
        else:
            asyncio.run(_with_database(dsn, _COMMANDS[chosen.command], chosen))
    except (Rejected, Unavailable, OSError) as error:
        print(f"desk: {error}", file=sys.stderr)
        return 1
    return 0


def _add_settings(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    settings = commands.add_parser(
        "settings", help="teams, people's work, automatic replies, service levels, policy as files"
    )
    verbs = settings.add_subparsers(dest="verb", required=True)
    exported = verbs.add_parser("export", help="write them, the same way every time")
    exported.add_argument("folder", nargs="?", default="-", help="where to; - (default): all to the output")
    applied = verbs.add_parser("apply", help="make the desk as the files say, all of them or nothing")
    applied.add_argument("folder", type=Path)
    applied.add_argument("--dry-run", action="store_true", help="only say what would change")


async def _with_database(
    dsn: str, work: Callable[[Database, argparse.Namespace], Awaitable[None]], chosen: argparse.Namespace
) -> None:
    database = Database(dsn, SCHEMA)
    try:
        await work(database, chosen)
    finally:
        await database.dispose()


async def _with_desk(
    desk: Desk, work: Callable[[Desk, argparse.Namespace], Awaitable[None]], chosen: argparse.Namespace
) -> None:
    """Runs a command with a desk that runs no tasks: what it publishes waits in its outbox for
    one that does."""
    try:
        await work(desk, chosen)
    finally:
        await desk.pools.dispose()


async def _create_agent(database: Database, chosen: argparse.Namespace) -> None:
    password = sys.stdin.readline().rstrip("\r\n")
    made = await people.create_agent(
        database,
        email=chosen.email,
        name=chosen.name,
        role=chosen.role,
        password=password,
        actor=COMMAND,
        phone=chosen.phone,
        skills=tuple(chosen.skills.split(",")),
    )
    if not made and not chosen.if_missing:
        print(f"An agent with the address {chosen.email} exists already; nothing was changed.", file=sys.stderr)


async def _invite(desk: Desk, chosen: argparse.Namespace) -> None:
    _hand_over(await accounts.invite(desk, chosen.email, chosen.name, chosen.role, COMMAND))


async def _password_link(desk: Desk, chosen: argparse.Namespace) -> None:
    _hand_over(await accounts.password_link(desk, chosen.email, COMMAND))


def _hand_over(link: LinkView) -> None:
    print(f"For {link.email}, once, until {link.expires_at:%d %b %Y, %H:%M} UTC:", file=sys.stderr)
    print(link.url)


async def _people(desk: Desk, _: argparse.Namespace) -> None:
    for person in await accounts.people(desk):
        step = "two steps" if person.two_step else "password"
        print(f"{person.email}\t{person.name}\t{person.role}\t{person.state}\t{step}\t{person.sessions} sessions")


async def _disable(desk: Desk, chosen: argparse.Namespace) -> None:
    count = await accounts.disable(desk, chosen.email, COMMAND)
    print(f"{chosen.email} cannot sign in any more; {count} conversations went back to their queues.", file=sys.stderr)


async def _enable(desk: Desk, chosen: argparse.Namespace) -> None:
    await accounts.enable(desk, chosen.email, COMMAND)


async def _end_sessions(desk: Desk, chosen: argparse.Namespace) -> None:
    whose = await accounts.people(desk) if chosen.everybody else [await accounts.person(desk, chosen.email)]
    count = sum([await sessions.end(desk, person.id, COMMAND) for person in whose])
    print(f"{count} sessions ended.", file=sys.stderr)


async def _end_second_step(desk: Desk, chosen: argparse.Namespace) -> None:
    await accounts.end_second_step(desk, chosen.email, COMMAND)


async def _audit(database: Database, chosen: argparse.Namespace) -> None:
    for entry in await audit.entries(database, kind=chosen.kind, who=chosen.who, limit=chosen.limit):
        print(msgspec.json.encode(entry).decode())


async def _forget_corrections(desk: Desk, chosen: argparse.Namespace) -> None:
    count = await corrections.forget(desk, chosen.point, actor=COMMAND)
    print(f"The words of {count} corrections are taken away with the next look of the desk's outbox.", file=sys.stderr)


async def _settings(desk: Desk, chosen: argparse.Namespace) -> None:
    if chosen.verb == "apply":
        await _apply(desk, chosen)
        return
    found = await files.export(desk, actor=COMMAND)
    if chosen.folder == "-":
        print("\n".join(f"# {name}\n{text}" for name, text in found.items()), end="")
        return
    await asyncio.to_thread(_write, Path(chosen.folder), found)
    print(f"{len(found)} files written to {chosen.folder}", file=sys.stderr)


def _write(folder: Path, found: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in found.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


async def _apply(desk: Desk, chosen: argparse.Namespace) -> None:
    try:
        texts = {path.name: path.read_text("utf-8") for path in sorted(chosen.folder.iterdir()) if path.suffix in _YAML}
    except UnicodeDecodeError as error:
        raise Rejected(422, "settings-files", f"A file in {chosen.folder} is not UTF-8: {error}.") from error
    if not texts:
        raise Rejected(422, "settings-files", f"There is no file of settings in {chosen.folder}.")
    done = await files.apply(desk, texts, dry_run=chosen.dry_run, actor=COMMAND)
    for each in (*done.changes, *(f"{files.POLICY}: {line}" for line in done.policy)):
        print(each)
    count = len(done.changes) + bool(done.policy)
    published = f"; the policy is version {done.published}" if done.published else ""
    print(f"{count} {'would change' if chosen.dry_run else 'changed'}{published}", file=sys.stderr)
    if done.trouble:
        raise Unavailable(done.trouble)


async def _imports(database: Database, _: argparse.Namespace) -> None:
    for row in await imports.every(database):
        print(msgspec.json.encode(row).decode())


async def _create_token(database: Database, chosen: argparse.Namespace) -> None:
    scopes = tuple(scope.strip() for scope in chosen.scopes.split(",") if scope.strip())
    print(await people.create_token(database, name=chosen.name, scopes=scopes, actor=COMMAND))


async def _tokens(database: Database, _: argparse.Namespace) -> None:
    for token in await people.tokens(database):
        print(f"{token.name}\t{','.join(token.scopes)}")


async def _revoke_token(database: Database, chosen: argparse.Namespace) -> None:
    count = await people.revoke_token(database, chosen.name, actor=COMMAND)
    if not count:
        raise Rejected(404, "no-such-token", f"No active token named {chosen.name!r}; `tokens` lists the active ones.")
    print(f"{count} token{'s' if count > 1 else ''} named {chosen.name!r} revoked.", file=sys.stderr)


async def _display_link(database: Database, chosen: argparse.Namespace) -> None:
    if chosen.revoke_all:
        print(f"{await display.revoke(database, actor=COMMAND)} display links do not work any more.", file=sys.stderr)
        return
    common = load(Settings)
    token = await display.create(database, common.secret.get_secret_value(), chosen.name, actor=COMMAND)
    print(f"{common.public_url}/wallboard?display={token}")


async def _rebuild_reports(database: Database, _: argparse.Namespace) -> None:
    await counting.rebuild(database)
    print("The desk counts everything anew while it runs; figures are complete when it is done.", file=sys.stderr)


_COMMANDS = {
    "rebuild-reports": _rebuild_reports,
    "create-agent": _create_agent,
    "create-token": _create_token,
    "tokens": _tokens,
    "revoke-token": _revoke_token,
    "display-link": _display_link,
    "audit": _audit,
    "imports": _imports,
}
_PEOPLE = {
    "invite": _invite,
    "people": _people,
    "password-link": _password_link,
    "disable-agent": _disable,
    "enable-agent": _enable,
    "end-sessions": _end_sessions,
    "end-second-step": _end_second_step,
    "forget-corrections": _forget_corrections,
    "settings": _settings,
}
