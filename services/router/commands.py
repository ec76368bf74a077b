"""`python -m services router policy check|publish|show|schema`, what is made of recorded decisions
(`replaying.py`), `dead-letters list|show|replay` and `model learn|show|take|roll-back`."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from services.router import (
    dead_letters_commands,
    learning,
    learning_commands,
    previewing,
    publishing,
    reconciling,
    replaying,
)
from services.router.adapters import policy_schema, policy_yaml
from services.router.adapters.urgency import Models
from services.router.domain.policy import Policy
from services.router.settings import RouterSettings
from shared.bus.client import shown
from shared.bus.kafka import KafkaBus
from shared.errors import Misconfigured, Rejected, Unavailable
from shared.events import RoutingPolicy
from shared.settings import KafkaSettings, load
from shared.topics import MODELS_LEARNED, POLICIES_PUBLISHED
from shared.yaml_sections import YamlErrors

_PATIENCE = 20.0
"""Seconds to wait for Kafka before giving up: a person is watching."""


def main(arguments: list[str]) -> int:
    """Runs a command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m services router")
    subjects = parser.add_subparsers(dest="subject", required=True)
    verbs = subjects.add_parser("policy", help="how messages are routed").add_subparsers(dest="verb", required=True)
    check = verbs.add_parser("check", help="say everything that is wrong with a policy, with its line")
    publish = verbs.add_parser("publish", help="put a policy in force, at once and without a restart")
    for command in (check, publish):
        command.add_argument("file", type=Path)
    verbs.add_parser("show", help="print the policy in force")
    previewing.add_command(verbs)
    verbs.add_parser("schema", help="print the JSON schema of policies, with which an editor checks while you type")
    replaying.add(subjects)
    dead_letters_commands.add(subjects)
    learning_commands.add(subjects)
    reconciling.add(subjects)
    chosen = parser.parse_args(arguments)
    try:
        if chosen.subject != "policy":
            others = {
                "reconcile": reconciling.run,
                "dead-letters": dead_letters_commands.run,
                "model": learning_commands.run,
            }
            return others.get(chosen.subject, replaying.run)(chosen)
        return _VERBS[chosen.verb](chosen)
    except (YamlErrors, Rejected) as error:
        print(error, file=sys.stderr)
        return 1
    except Unavailable as error:
        print(f"router: {error}", file=sys.stderr)
        return 75  # EX_TEMPFAIL of sysexits.h


def _schema(_: argparse.Namespace) -> int:
    print(json.dumps(policy_schema.schema(), indent=2, ensure_ascii=False))
    return 0


def _check(chosen: argparse.Namespace) -> int:
    """Needs no Kafka, but for a policy that asks for a model that was learned."""
    file: Path = chosen.file
    models = Models()
    try:
        policy = _read(file, models)[1]
    except YamlErrors:
        if not models.missing:
            raise
        policy = _check_learned(file)
    phrases = sum(len(found) for words in policy.lexicon.languages.values() for found in words.severities.values())
    print(
        f"{file}: policy {policy.name!r} is right: {len(policy.lexicon.languages)} languages, {phrases} phrases, "
        f"{len(policy.rules)} routing rules"
    )
    return 0


def _check_learned(file: Path) -> Policy:
    try:
        learned = asyncio.run(learning.newest(load(KafkaSettings).kafka, MODELS_LEARNED))
    except Unavailable as error:
        print(f"{file}: models that were learned are not looked at: {error}", file=sys.stderr)
        learned = {}
    return _read(file, Models(learned, load(RouterSettings).policy))[1]


async def _publish(file: Path) -> int:
    servers = load(KafkaSettings).kafka
    text, policy = _read(file, Models(await learning.newest(servers, MODELS_LEARNED), load(RouterSettings).policy))
    following = load(RouterSettings).policy
    if policy.name != following:
        raise Misconfigured(
            f"{file}: its name is {policy.name!r}, but the router follows {following!r}: see ROUTER_POLICY"
        )
    newest = await _newest(servers, policy.name)
    published = await publishing.publish(servers, policy.name, text)
    if newest and published.version == newest.version:
        print(f"{policy.name}@{newest.version} is this already")
        return 0
    print(f"{policy.name}@{published.version} is published")
    return 0


async def _show() -> int:
    newest = await _newest(load(KafkaSettings).kafka, load(RouterSettings).policy)
    if newest is None:
        print("# nothing is published: this is the policy that comes with the router")
        print(policy_yaml.SHIPPED.read_text(encoding="utf-8"), end="")
    else:
        print(f"# {newest.name}@{newest.version}, published {newest.published_at.isoformat()}")
        print(newest.yaml, end="")
    return 0


def _read(file: Path, models: Models | None = None) -> tuple[str, Policy]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{file} cannot be read: {error}") from error
    return text, policy_yaml.parse(text, str(file), models=models)


async def _newest(servers: str, name: str) -> RoutingPolicy | None:
    view, stop = KafkaBus(servers, "router").view(POLICIES_PUBLISHED), asyncio.Event()
    reading = asyncio.ensure_future(view.run(stop))
    try:
        async with asyncio.timeout(_PATIENCE):
            await view.ready.wait()
    except TimeoutError:
        raise Unavailable(f"Kafka at {shown(servers)} does not answer; is Switchboard running?") from None
    finally:
        stop.set()
        await asyncio.gather(reading, return_exceptions=True)
    return view.get(name)


_VERBS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "check": _check,
    "preview": previewing.run,
    "publish": lambda chosen: asyncio.run(_publish(chosen.file)),
    "schema": _schema,
    "show": lambda _: asyncio.run(_show()),
}
