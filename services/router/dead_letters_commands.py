"""`python -m services router dead-letters list | show <id> | replay <id>`: for the person who looks
after what was set aside."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import datetime

from services.router.arguments import whole
from shared.bus.dead_letters import DeadLetters, Letter, printable
from shared.errors import Malformed
from shared.settings import KafkaSettings, load

_LINE = 100
"""Characters of an error in the list."""


def add(subjects: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the commands to the parser."""
    verbs = subjects.add_parser("dead-letters", help="what could not be handled").add_subparsers(
        dest="verb", required=True
    )
    listing = verbs.add_parser("list", help="what was set aside, the newest last")
    listing.add_argument("--waiting", action="store_true", help="only what was not replayed yet")
    listing.add_argument("--limit", type=whole(0, 1_000_000), default=50, help="only so many, the newest (default: 50)")
    show = verbs.add_parser("show", help="one letter: where it came from, its error and stack, and the raw record")
    show.add_argument("id", type=int)
    show.add_argument("--bytes", type=whole(0, 1 << 30), default=4000, help="so much of the record (default: 4000)")
    replay = verbs.add_parser("replay", help="put the raw record back on its topic, once what was wrong is corrected")
    which = replay.add_mutually_exclusive_group(required=True)
    which.add_argument("id", type=int, nargs="?")
    which.add_argument("--all", action="store_true", help="every letter that was not replayed yet")
    replay.add_argument("--again", action="store_true", help="also what was replayed before")
    for command in (listing, replay):
        command.add_argument("--topic", default="", help="only letters from this topic")


def run(chosen: argparse.Namespace) -> int:
    """Runs the chosen command; returns the exit code. Raises Unavailable."""
    return asyncio.run(_run(chosen))


async def _run(chosen: argparse.Namespace) -> int:
    async with DeadLetters(load(KafkaSettings).kafka, "router") as dead:
        letters = await dead.all()
        try:
            match chosen.verb:
                case "list":
                    _list(letters, chosen.topic, chosen.waiting, chosen.limit)
                case "show":
                    letter, value = await dead.one(_the(letters, chosen.id).id)
                    print(described(letter, value, chosen.bytes))
                case _ if chosen.all:
                    await _replay_all(dead, _chosen(letters, chosen.topic, waiting=not chosen.again))
                case _:
                    await _replay_one(dead, _the(letters, chosen.id), again=chosen.again)
        except Malformed as error:
            print(f"router: {error}", file=sys.stderr)
            return 1
    return 0


def _list(letters: Sequence[Letter], topic: str, waiting: bool, limit: int) -> None:
    found = _chosen(letters, topic, waiting=waiting)
    for letter in found[-limit:] if limit > 0 else found:
        state = f"replayed {_minute(letter.replayed)}" if letter.replayed else "waiting"
        key = printable(letter.key or b"-")
        print(
            f"{letter.id:>6}  {_minute(letter.at)}  {state:<26}  {printable(letter.topic)}  {key}  {printable(letter.error)[:_LINE]}"
        )
    left = sum(not letter.replayed for letter in found)
    noun = "dead letter" if len(found) == 1 else "dead letters"
    print(f"{len(found)} {noun}, {left} not replayed" if found else "no dead letters", file=sys.stderr)


def described(letter: Letter, value: bytes | None, limit: int) -> str:
    """Describes one letter for a person; `limit`: bytes of the value that are shown."""
    raw = value or b""
    cut = f"\n… {len(raw) - limit} bytes more; --bytes shows them" if len(raw) > limit else ""
    lines = [
        f"dead letter {letter.id}, set aside {letter.at} by {letter.group}",
        f"from        {letter.topic}, partition {letter.partition}, offset {letter.offset}",
        f"key         {printable(letter.key or b'-')}",
        f"replayed    {letter.replayed or 'no'}{f' by {printable(letter.replayed_by)}' if letter.replayed_by else ''}",
        f"error       {printable(letter.error)}",
        *(f"header      {printable(name)}: {printable(data)}" for name, data in letter.headers),
        "",
        printable(letter.stack, lines=True).rstrip() or "(no stack)",
        "",
        f"the record, {len(raw)} bytes{f' of {letter.cut}' if letter.cut else ''}:"
        if value is not None
        else "the record has no value (a tombstone)",
        printable(raw[:limit], lines=True) + cut,
    ]
    return "\n".join(lines)


async def _replay_one(dead: DeadLetters, letter: Letter, again: bool) -> None:
    if letter.replayed and not again:
        raise Malformed(f"letter {letter.id} was replayed {letter.replayed}: --again does it once more")
    await dead.replay(letter, by="command line")
    print(f"{letter.id}: back on {letter.topic}")


async def _replay_all(dead: DeadLetters, letters: Sequence[Letter]) -> None:
    done = 0
    for letter in letters:
        try:
            await _replay_one(dead, letter, again=True)
            done += 1
        except Malformed as error:
            print(f"left: {error}", file=sys.stderr)
    print(f"{done} replayed, {len(letters) - done} left")


def _chosen(letters: Sequence[Letter], topic: str, *, waiting: bool) -> list[Letter]:
    return [each for each in letters if topic in ("", each.topic) and not (waiting and each.replayed)]


def _the(letters: Sequence[Letter], id_: int) -> Letter:
    found = next((letter for letter in letters if letter.id == id_), None)
    if found is None:
        raise Malformed(f"there is no dead letter {id_}: `dead-letters list` shows their ids")
    return found


def _minute(at: str) -> str:
    try:
        return f"{datetime.fromisoformat(at):%Y-%m-%d %H:%M}"
    except ValueError:
        return "?" * 16
