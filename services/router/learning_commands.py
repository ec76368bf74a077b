"""`python -m services router model learn | show | take <version> | roll-back`: what the urgency
model learned from agents."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections.abc import Iterable, Mapping
from http.client import HTTPConnection, HTTPException

from services.router import learning
from services.router.adapters.urgency import Models
from services.router.policies import Policies
from services.router.settings import RouterSettings
from shared.events import ModelLearned, RoutingPolicy
from shared.events.learning import in_use
from shared.health import Health
from shared.settings import KafkaSettings, load
from shared.topics import MODELS_LEARNED, POLICIES_PUBLISHED

_LISTED = 20
_PATIENCE = 5.0
_LARGEST = 100_000
"""Bytes of a router's health, which has some thousand."""
_NICE = 10
"""By itself it learns beside a router that works."""
_WHY = {
    "better": "it does better on corrections that it had not seen",
    "not-better": "it does not do better on corrections that it had not seen",
    "worse-in-general": "it does better on corrections that it had not seen, but worse in general",
    "large-shift": "it does better, but changes so much that a person has to look: `model take` takes it",
    "after-roll-back": "it does better, but somebody went back before: `model take` takes it",
    "one-agent": "it does better, but one agent taught more than half of it: `model take` takes it",
    "overtaken": "it does better, but another was taken while it was learned: `model take` takes it",
    "by-hand": "a person took it",
}


def add(subjects: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the commands to the parser."""
    parser = subjects.add_parser("model", help="what the urgency model learned from agents")
    verbs = parser.add_subparsers(dest="verb", required=True)
    learn = verbs.add_parser("learn", help="learn now, and take the new model if it is better")
    learn.add_argument("--only-new", action="store_true", help="only where enough corrections came since the last time")
    learn.add_argument(
        "--without", action="append", default=[], metavar="EMAIL", help="leave out what this agent said; repeatable"
    )
    show = verbs.add_parser("show", help="which model judges, and what became of each that was learned")
    show.add_argument("version", nargs="?", default="", help="this one only, with messages that it judges differently")
    show.add_argument(
        "--at", action="append", metavar="HOST:PORT", help="a router that is asked; repeatable; default: the one here"
    )
    take = verbs.add_parser("take", help="take a model that waits for a person, or one of before; at once")
    take.add_argument("version")
    verbs.add_parser("roll-back", help="take the model that was in use before; at once")


def run(chosen: argparse.Namespace) -> int:
    """Runs the chosen command; returns the exit code. Raises Unavailable, Misconfigured."""
    servers, policy = load(KafkaSettings).kafka, load(RouterSettings).policy
    match chosen.verb:
        case "learn":
            os.nice(_NICE if chosen.only_new else 0)
            made = asyncio.run(learning.learn(servers, policy, only_new=chosen.only_new, without=chosen.without))
            print(made if isinstance(made, str) else described(made))
        case "show":
            models = asyncio.run(learning.newest(servers, MODELS_LEARNED))
            print(judges(models, asyncio.run(learning.newest(servers, POLICIES_PUBLISHED)), policy))
            for at in chosen.at or [f"127.0.0.1:{load(RouterSettings).port}"]:
                print(f"the router at {at}: {asked(at)}")
            for line in listed(models, policy, chosen.version):
                print(line)
        case "take":
            asyncio.run(learning.take(servers, policy, chosen.version))
            print(f"{chosen.version} is in use")
        case _:
            print(f"{asyncio.run(learning.roll_back(servers, policy))} is in use again")
    return 0


def judges(models: Mapping[str, ModelLearned], published: Mapping[str, RoutingPolicy], policy: str) -> str:
    """Returns what a router of this version judges with under the policy in force, and why it is
    not the model that was taken last: as its health has it."""
    health = Health()
    Policies(policy, published, Models(models, policy), health).current()
    return f"judges: {health.parts['model'].detail}\npolicy: {health.parts['policy'].detail}"


def asked(at: str) -> str:
    """Asks a running router by what model it judges; says so where it does not answer."""
    try:
        connection = HTTPConnection(at, timeout=_PATIENCE)
        try:
            connection.request("GET", "/health/ready")
            return str(json.loads(connection.getresponse().read(_LARGEST))["parts"]["model"]["detail"])
        finally:
            connection.close()
    except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
        return f"cannot be asked ({error!r})"


def listed(models: dict[str, ModelLearned], policy: str, version: str) -> Iterable[str]:
    """Yields which model was taken last, then the newest ones; or one of them alone."""
    pointer = models.get(in_use(policy))
    yield f"taken last: {pointer.version if pointer else 'none: the model that comes with the router'}"
    known = [one for key, one in models.items() if key == one.version and version in ("", one.version)]
    for one in sorted(known, key=lambda one: one.at, reverse=True)[:_LISTED]:
        yield ""
        yield described(one) if version else _head(one)


def _head(model: ModelLearned) -> str:
    return (
        f"{model.version}, {model.at:%Y-%m-%d %H:%M}: {model.state}, for {_WHY.get(model.why, model.why)}\n"
        f"  {model.corrections} corrections by {model.agents} people; of {model.held_back} held back, right "
        f"{model.right_before} before and {model.right_after} after\n"
        f"  in general {model.general_before:.3f} before and {model.general_after:.3f} after; {model.moved:.1%} changed "
        "between grave and not"
    )


def described(model: ModelLearned) -> str:
    """Returns a report for people, with examples: words are at the desk only."""
    lines = [_head(model)]
    for one in model.examples:
        right = "now right" if one.right_after and not one.right_before else ""
        wrong = "now wrong" if one.right_before and not one.right_after else ""
        lines.append(
            f"  ticket {one.ticket_id}: {one.before} → {one.after}; the agent said {one.wanted} {right or wrong}".rstrip()
        )
    return "\n".join(lines)
