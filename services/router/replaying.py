"""`python -m services router simulate|replay|explain`: recorded decisions made again."""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from services.router import report
from services.router.adapters import policy_yaml, recorded
from services.router.adapters.urgency import Models
from services.router.arguments import moment, number, whole, write
from services.router.domain.explain import Line, explain
from services.router.domain.queueing import staff
from services.router.domain.replay import Recorded, Verdict, as_decided, compare, verify
from shared.clock import utc_now
from shared.errors import Misconfigured
from shared.settings import KafkaSettings, load

_SHOWN = 20


def add(subjects: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the commands to the parser."""
    simulate = subjects.add_parser("simulate", help="what another policy would have changed")
    simulate.add_argument("--policy", type=Path, required=True, help="a policy's YAML")
    simulate.add_argument("--file", type=Path, help="read what --save wrote, instead of Kafka")
    simulate.add_argument("--save", type=Path, help="also write the recorded decisions to this file")
    simulate.add_argument("--json", type=Path, help="also write the report as JSON")
    simulate.add_argument("--html", type=Path, help="also write the report as a page with plots")
    simulate.add_argument(
        "--agents",
        type=whole(0, 10_000),
        default=0,
        help="serve the queue with this many, instead of those who were there",
    )
    simulate.add_argument(
        "--minutes", type=number(0, 1440), default=0, help="that one ticket takes, instead of what was seen"
    )
    replay = subjects.add_parser("replay", help="decide again under the policy of that time, and compare byte for byte")
    replay.add_argument("--verify", action="store_true", required=True)
    for command in (simulate, replay):
        command.add_argument(
            "--from",
            dest="since",
            type=moment,
            help="such as 2026-11-21 or 2026-11-21T09:30, UTC; default: 24 hours ago",
        )
        command.add_argument("--to", dest="until", type=moment, help="default: now")
    why = subjects.add_parser("explain", help="a decision with every signal, candidate and rule")
    why.add_argument("message", help="the message's id, as the ticket shows it")
    why.add_argument("--days", type=number(0, 3650), default=30, help="how far back to look")


def run(chosen: argparse.Namespace) -> int:
    """Runs the chosen command; returns the exit code."""
    return {"simulate": _simulate, "replay": _replay, "explain": _explain}[chosen.subject](chosen)


def _period(chosen: argparse.Namespace) -> tuple[datetime, datetime]:
    until = chosen.until or utc_now()
    since = chosen.since or until - timedelta(days=1)
    if since >= until:
        raise Misconfigured(f"--from {since:%Y-%m-%dT%H:%M} is not before --to {until:%Y-%m-%dT%H:%M}")
    return since, until


def _simulate(chosen: argparse.Namespace) -> int:
    try:
        text = chosen.policy.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{chosen.policy} cannot be read: {error}") from error
    models = Models()
    since, until = _period(chosen)
    actions: Sequence[tuple[datetime, str]] = ()
    if chosen.file:
        recording = [one for one in recorded.from_file(chosen.file) if _asked_for(one, chosen)]
        since = min((one.at for one in recording), default=since)
        until = max((one.at for one in recording), default=until)
    else:
        archive = asyncio.run(recorded.from_kafka(load(KafkaSettings).kafka, since, until))
        recording, actions, models = list(archive.recording()), archive.actions, archive.models
    policy = policy_yaml.parse(text, str(chosen.policy), models=models)
    if chosen.save:
        print(f"{recorded.save(recording, chosen.save):,} decisions written to {chosen.save}")
    workers = staff(actions, chosen.agents, chosen.minutes)
    found = report.make(str(chosen.policy), since, until, recording, compare(recording, policy), workers)
    print(report.as_text(found))
    if chosen.json:
        write(chosen.json, msgspec.json.format(msgspec.json.encode(report.as_data(found))))
    if chosen.html:
        write(chosen.html, report.as_page(found))
    return 0


def _asked_for(one: Recorded, chosen: argparse.Namespace) -> bool:
    """Whether a decision is in the chosen period; of a file everything is, unless a time is
    given."""
    return (not chosen.since or chosen.since <= one.at) and (not chosen.until or one.at < chosen.until)


def _replay(chosen: argparse.Namespace) -> int:
    since, until = _period(chosen)
    archive = asyncio.run(recorded.from_kafka(load(KafkaSettings).kafka, since, until))
    verdicts = [verify(one, archive.policies, archive.models.of) for one in archive.recording()]
    counts = Counter(verdict.outcome for verdict in verdicts)
    print(f"{len(verdicts):,} decisions: {counts['same']:,} come out the same, byte for byte")
    for outcome, words in _UNKNOWN.items():
        if counts[outcome]:
            print(f"{counts[outcome]:,} could not be decided again: {words}")
    if archive.malformed:
        print(f"{archive.malformed:,} records could not be read")
    different = [verdict for verdict in verdicts if verdict.outcome == "different"]
    for verdict in different[:_SHOWN]:
        print(_differs(verdict))
    return 1 if different else 0


_UNKNOWN = {
    "unknown-policy": "the policy of that time is not on policies-published, and not the one that comes with this version",
    "unknown-model": "the urgency model of that time is not on models-learned, and not the one that comes with this version",
    "unknown-profile": "Kafka no longer has the customer's profile of that time",
}


def _differs(verdict: Verdict) -> str:
    return f"different: {verdict.message_id} in {', '.join(verdict.fields) or 'the way it is written'}"


def _explain(chosen: argparse.Namespace) -> int:
    until = utc_now()
    archive = asyncio.run(recorded.from_kafka(load(KafkaSettings).kafka, until - timedelta(days=chosen.days), until))
    archive.decisions = [one for one in archive.decisions if one[1].message.id == chosen.message]
    one: Recorded | None = next(archive.recording(), None)
    if one is None:
        raise Misconfigured(
            f"no message with the id {chosen.message!r} was decided on in the last {chosen.days:g} days"
        )
    label = one.routed.decision.policy
    policy = archive.policies.get(label)
    if policy is None:
        raise Misconfigured(f"the policy {label} is not on policies-published any more: see the reasons on the ticket")
    found = explain(one, as_decided(policy, one.routed.decision, archive.models.of) or policy)
    print(found.outcome)
    print(found.advice)
    for title, lines in (
        ("thread", found.thread),
        ("priority", found.priority),
        ("channel for the answer", found.channels),
        ("team and skills", found.routing),
    ):
        print(f"\n{title}")
        for line in lines:
            print(_line(line))
    return 0


def _line(line: Line) -> str:
    points = f"{line.points:+6.1f}  " if line.points else " " * 8
    return f"  {'✓' if line.counted else '·'} {points}{line.name}: {line.why}"
