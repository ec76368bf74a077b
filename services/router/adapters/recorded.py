"""Recorded decisions with what was known when they were made: from Kafka, or from a file of
them."""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from services.router.adapters import policy_yaml
from services.router.adapters.period import records, written_at
from services.router.adapters.urgency import Models
from services.router.domain.policy import Policy
from services.router.domain.replay import Recorded
from services.router.settings import RouterSettings
from shared.errors import Misconfigured
from shared.events import Channel, Profile, RoutedMessage, RoutingPolicy
from shared.events.base import Event
from shared.events.codec import MalformedEvent, decode
from shared.events.desk import NoteAdded, ReplyAdded, kind_of
from shared.settings import load
from shared.topics import (
    CHANNELS_ANNOUNCED,
    CUSTOMERS_UPDATED,
    MESSAGES_ROUTED,
    MESSAGES_ROUTED_LIVE,
    MODELS_LEARNED,
    POLICIES_PUBLISHED,
    TICKETS_CHANGED,
    Topic,
)

E = TypeVar("E", bound=Event)
WORK = (kind_of(ReplyAdded), kind_of(NoteAdded))
"""What an agent does by hand; everything else at the desk may be a machine's."""
_DOUBT = timedelta(seconds=30)
"""A router may learn of an announcement this much later than it was written, and clocks differ."""


class History(Generic[E]):
    """Every version of each key, by the time at which it was written."""

    def __init__(self) -> None:
        self._versions: dict[str, list[tuple[datetime, E]]] = defaultdict(list)

    def add(self, key: str, at: datetime, event: E) -> None:
        """Adds a version of a key, in the order of the topic."""
        self._versions[key].append((at, event))

    def of(self, key: str) -> list[tuple[datetime, E]]:
        """Returns the versions of a key, oldest first."""
        return self._versions.get(key, [])

    def keys(self) -> Iterable[str]:
        """Returns every key."""
        return self._versions.keys()

    def at(self, key: str, moment: datetime) -> E | None:
        """Returns the version that was newest then; None where there was none yet."""
        versions = self.of(key)
        place = bisect.bisect_right(versions, moment, key=lambda version: version[0])
        return versions[place - 1][1] if place else None


@dataclass(slots=True)
class Archive:
    """What Kafka remembers of a period."""

    decisions: list[tuple[datetime, RoutedMessage]] = field(default_factory=list)
    profiles: History[Profile] = field(default_factory=History)
    channels: History[Channel] = field(default_factory=History)
    models: Models = field(default_factory=Models)
    """That decisions were made with."""
    policies: dict[str, Policy] = field(default_factory=dict)
    """By label; also the one that comes with the router."""
    actions: list[tuple[datetime, str]] = field(default_factory=list)
    """When which agent worked on a ticket."""
    malformed: int = 0
    seen: int = 0
    """Decisions of the period, also those that were not kept."""

    def recording(self) -> Iterator[Recorded]:
        """Yields every decision, in the order of time, with what was known."""
        for at, routed in sorted(self.decisions, key=lambda decision: decision[0]):
            profile, known = self._profile(at, routed)
            yield Recorded(at=at, routed=routed, profile=profile, profile_known=known, channels=self._channels(at))

    def _profile(self, at: datetime, routed: RoutedMessage) -> tuple[Profile | None, bool]:
        """Returns the version that the decision names and True; else the nearest of that time,
        and False."""
        message, version = routed.message, routed.decision.profile_version
        if not version:
            return None, True
        points = (message.sender, *message.also) if message.sender_verified else (message.sender,)
        for point in points:
            for _, profile in self.profiles.of(point):
                if profile.version == version:
                    return profile, True
        nearest = (
            self.profiles.at(point, at) or next((p for _, p in self.profiles.of(point)), None) for point in points
        )
        return next(filter(None, nearest), None), False

    def _channels(self, at: datetime) -> tuple[tuple[Channel, ...], ...]:
        announced = {when for key in self.channels.keys() for when, _ in self.channels.of(key)}  # noqa: SIM118
        doubtful = sorted(when for when in announced if at - _DOUBT <= when <= at + _DOUBT)
        moments = [at, *(moment for when in doubtful for moment in (when, when - timedelta(milliseconds=1)))]
        states: dict[tuple[Channel, ...], None] = {}
        for moment in moments:
            found = (self.channels.at(key, moment) for key in sorted(self.channels.keys()))
            states[tuple(channel for channel in found if channel)] = None
        return tuple(states)


LENGTH = 50_000_000
"""Characters of all messages that are kept where only the newest are: some 200 MB of memory."""
_AROUND = 2000
"""Of a message and a decision, beside the text."""


async def from_kafka(servers: str, since: datetime, until: datetime, most: int | None = None) -> Archive:
    """Reads a period. most: decisions to keep, the newest, with the profiles that they may have
    been made with; None for everything. Raises Unavailable where no broker answers in time."""
    archive = Archive()
    learned = {key: event async for _, key, event in _events(servers, (MODELS_LEARNED,), archive, None, until + _DOUBT)}
    archive.models = Models(learned, load(RouterSettings).policy)
    length = 0
    shipped = policy_yaml.shipped(archive.models)
    archive.policies[shipped.label] = shipped
    async for at, _, routed in _events(servers, (MESSAGES_ROUTED_LIVE, MESSAGES_ROUTED), archive, since, until):
        archive.decisions.append((at, routed))
        archive.seen += 1
        length += _length(routed)
        if most and (len(archive.decisions) >= 2 * most or length >= 2 * LENGTH):
            archive.decisions = newest(archive.decisions, most)
            length = sum(_length(each) for _, each in archive.decisions)
    if most:
        archive.decisions = newest(archive.decisions, most)
    else:
        async for _, _, change in _events(servers, (TICKETS_CHANGED,), archive, since, until):
            if change.kind in WORK and "@" in change.actor:
                archive.actions.append((change.at, change.actor))
    points = {point for _, routed in archive.decisions for point in (routed.message.sender, *routed.message.also)}
    async for at, key, profile in _events(servers, (CUSTOMERS_UPDATED,), archive, None, until + _DOUBT):
        if key in points:
            archive.profiles.add(key, at, profile)
    async for at, key, channel in _events(servers, (CHANNELS_ANNOUNCED,), archive, None, until + _DOUBT):
        archive.channels.add(key, at, channel)
    async for _, _, published in _events(servers, (POLICIES_PUBLISHED,), archive, None, until):
        _keep(archive, published)
    return archive


def newest(
    decisions: Iterable[tuple[datetime, RoutedMessage]], most: int, length: int = LENGTH
) -> list[tuple[datetime, RoutedMessage]]:
    """Returns the newest decisions, at most so many, whose messages have at most so many
    characters together."""
    kept: list[tuple[datetime, RoutedMessage]] = []
    for at, routed in sorted(decisions, key=lambda decision: decision[0], reverse=True)[:most]:
        length -= _length(routed)
        if length < 0:
            break
        kept.append((at, routed))
    return kept[::-1]


def _length(routed: RoutedMessage) -> int:
    return _AROUND + len(routed.message.text) + len(routed.message.html)


def _keep(archive: Archive, published: RoutingPolicy) -> None:
    with suppress(Misconfigured):  # the router refused it as well
        label = f"{published.name}@{published.version}"
        policy = policy_yaml.parse(published.yaml, label, published.version, archive.models)
        archive.policies.setdefault(policy.label, policy)


async def _events(
    servers: str, topics: tuple[Topic[E], ...], archive: Archive, since: datetime | None, until: datetime
) -> AsyncIterator[tuple[datetime, str, E]]:
    """Yields the time of writing, key and event, of each partition in order. What cannot be read
    is counted."""
    kinds = {topic.name: topic.value for topic in topics}
    async for record in records(servers, topics, since, until):
        if record.value is not None:
            try:
                event = decode(kinds[record.topic], record.value)
            except MalformedEvent:
                archive.malformed += 1
                continue
            yield written_at(record), (record.key or b"").decode(errors="replace"), event


def from_file(file: Path) -> Iterator[Recorded]:
    """Yields what `save` wrote. Raises Misconfigured with the line that is wrong."""
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    yield msgspec.json.decode(line, type=Recorded)
                except msgspec.MsgspecError as error:
                    raise Misconfigured(f"{file}:{number}: not a recorded decision: {error}") from error
    except OSError as error:
        raise Misconfigured(f"{file} cannot be read: {error}") from error


def save(recording: Iterable[Recorded], file: Path) -> int:
    """Writes one decision a line, as JSON; returns how many. They hold what customers wrote:
    keep the file as safe as the desk."""
    count = 0
    encoder: Any = msgspec.json.Encoder()
    with file.open("wb") as out:
        for recorded in recording:
            out.write(encoder.encode(recorded) + b"\n")
            count += 1
    return count
