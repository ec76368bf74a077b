"""`python -m services router policy preview`: what a draft would have changed in the last days, as
JSON lines. A process of its own and a nice one: it decides on a week of messages again, beside a
router that works."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

from services.router.adapters import policy_yaml, recorded
from services.router.arguments import number, whole
from services.router.domain.policy import Policy
from services.router.domain.previews import add, as_now, preview
from services.router.domain.replay import Comparison, compare
from services.router.settings import RouterSettings
from shared.clock import utc_now
from shared.errors import Unavailable
from shared.events.codec import encode
from shared.policies import PolicyPreview, PolicyPreviewed, PolicyProblem
from shared.settings import KafkaSettings, load
from shared.yaml_sections import YamlErrors

DAYS, MOST, SECONDS = 7, 20_000, 120
_NICE = 10
_AT_ONCE = 200
"""Messages between two looks at the clock, and two lines."""


def add_command(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the parser."""
    command = verbs.add_parser("preview", help="what a policy (standard input) would have changed, as JSON lines")
    command.add_argument("--days", type=number(0.01, 60), default=DAYS, help="how far back to look")
    command.add_argument("--most", type=whole(1, 1_000_000), default=MOST, help="messages, the newest first")
    command.add_argument("--seconds", type=number(1, 3600), default=SECONDS, help="after which it tells what it has")


def run(chosen: argparse.Namespace) -> int:
    """Runs the command; returns the exit code. Its last line has the result, or why there is
    none."""
    os.nice(_NICE)
    text, until = sys.stdin.read(), utc_now()
    ends = time.monotonic() + chosen.seconds
    since = until - timedelta(days=chosen.days)
    try:
        archive = asyncio.run(_archive(since, until, chosen.most, chosen.seconds))
        draft = policy_yaml.parse(text, "draft", models=archive.models)
        for line in lines(archive, draft, since, until, ends):
            _tell(line)
    except YamlErrors as error:
        _tell(PolicyPreviewed(problems=tuple(PolicyProblem(line=line, text=text) for line, text in error.found)))
        return 1
    except TimeoutError:
        _tell(PolicyPreviewed(failed="too-slow"))
        return 1
    except Unavailable as error:
        _tell(PolicyPreviewed(failed=str(error)))
        return 1
    return 0


async def _archive(since: datetime, until: datetime, most: int, seconds: float) -> recorded.Archive:
    async with asyncio.timeout(seconds):
        return await recorded.from_kafka(load(KafkaSettings).kafka, since, until, most)


def lines(
    archive: recorded.Archive, draft: Policy, since: datetime, until: datetime, ends: float
) -> Iterator[PolicyPreviewed]:
    """Yields how far it is, and the result at last. ends: of `time.monotonic`, when it has to tell
    what it has."""
    name = load(RouterSettings).policy
    policies = [one for one in archive.policies.values() if one.name == name or one.version == 0]
    in_force = max(policies, key=lambda one: one.version)
    recording = reversed(list(archive.recording()))
    tickets = {routed.message.id: routed.decision.ticket_id for _, routed in archive.decisions}
    total, of = Comparison(), len(archive.decisions)
    yield PolicyPreviewed(done=0, of=of)
    while (part := [as_now(one, in_force) for one in islice(recording, _AT_ONCE)]) and time.monotonic() < ends:
        add(total, compare(part, draft))
        yield PolicyPreviewed(done=total.messages, of=of)
    result: PolicyPreview = preview(total, tickets, since=since, until=until, base=in_force.version, of=archive.seen)
    yield PolicyPreviewed(done=total.messages, of=of, result=result)


def _tell(line: PolicyPreviewed) -> None:
    sys.stdout.buffer.write(encode(line) + b"\n")
    sys.stdout.buffer.flush()
