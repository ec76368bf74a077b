"""`python -m services router reconcile`: accounts for every message of a period, and lists what is
missing."""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec
from aiokafka import ConsumerRecord

from services.router.adapters.period import records, written_at
from services.router.arguments import moment, number
from services.router.domain.books import SETTLED, Balance, Books, Place
from shared.clock import utc_now
from shared.events.desk import CustomerChanged, MessageAdded, kind_of
from shared.settings import KafkaSettings, load
from shared.topics import (
    CHANNELS_ANNOUNCED,
    DEAD_LETTERS,
    DEAD_LETTERS_REPLAYED,
    DELIVERIES_REPORTED,
    MESSAGES_RECEIVED,
    MESSAGES_RECEIVED_LIVE,
    MESSAGES_ROUTED,
    MESSAGES_ROUTED_LIVE,
    TICKETS_CHANGED,
    Topic,
    deliveries_requested,
)

GRACE = 30.0
"""Seconds for what is on its way."""
_SHOWN = 50
_APPLIED = (kind_of(MessageAdded), kind_of(CustomerChanged))
"""What the desk says, in the same transaction, of a message that it wrote down."""


class _Message(msgspec.Struct):
    """As much as the books need of it."""

    id: str


class _Routed(msgspec.Struct):
    message: _Message


class _Desk(msgspec.Struct):
    kind: str
    ticket_id: str = ""
    data: dict[str, str] = {}


class _Replayed(msgspec.Struct):
    letter: int


class _Report(msgspec.Struct):
    outbound_id: str
    state: str


def add(subjects: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the parser."""
    command = subjects.add_parser("reconcile", help="account for every message of a period, and list what is missing")
    command.add_argument(
        "--since", type=moment, help="such as 2026-11-21 or 2026-11-21T09:30, UTC; default: 24 hours ago"
    )
    command.add_argument("--grace", type=number(0, 86_400), default=GRACE, help="seconds for what is on its way")
    command.add_argument("--json", action="store_true", help="for other programs")


def run(chosen: argparse.Namespace) -> int:
    """Returns 1 where something is missing or took effect twice."""
    now = utc_now()
    since = chosen.since or now - timedelta(days=1)
    found = asyncio.run(read(load(KafkaSettings).kafka, since))
    balance = found.balance(now - timedelta(seconds=chosen.grace))
    print(msgspec.json.encode(asdict(balance)).decode() if chosen.json else as_text(balance, since))
    return 0 if balance.clean else 1


async def read(servers: str, since: datetime) -> Books:
    """Reads the books of everything received or requested since then. Raises Unavailable."""
    books, ever = Books(), datetime.max.replace(tzinfo=UTC)
    announced = {
        record.key.decode() async for record in records(servers, [CHANNELS_ANNOUNCED], None, ever) if record.key
    }
    requests = [deliveries_requested(channel) for channel in sorted(announced)]
    requested = {topic.name for topic in requests}
    topics: list[Topic[Any]] = [MESSAGES_RECEIVED_LIVE, MESSAGES_RECEIVED, MESSAGES_ROUTED_LIVE, MESSAGES_ROUTED]
    topics += [TICKETS_CHANGED, DEAD_LETTERS, DEAD_LETTERS_REPLAYED, DELIVERIES_REPORTED, *requests]
    async for record in records(servers, topics, since, ever):
        try:
            _enter(books, record, requested)
        except msgspec.MsgspecError:
            _enter_unreadable(books, record)
    return books


def _enter(books: Books, record: ConsumerRecord, requested: set[str]) -> None:
    value = record.value or b""
    match record.topic:
        case MESSAGES_RECEIVED.name | MESSAGES_RECEIVED_LIVE.name:
            number = _decode(value, _Message).id
            books.received.setdefault(number, written_at(record))
            books.places[record.topic, record.partition, record.offset] = number
        case MESSAGES_ROUTED.name | MESSAGES_ROUTED_LIVE.name:
            books.routed.add(_decode(value, _Routed).message.id)
        case TICKETS_CHANGED.name:
            change = _decode(value, _Desk)
            if change.kind in _APPLIED and (message := change.data.get("message_id")):
                books.applied.setdefault(message, set()).add(change.ticket_id)
        case DEAD_LETTERS.name:
            source = _source(record)
            books.buried.setdefault(source, set()).add(record.offset)
            books.set_aside.setdefault(_of_dead_letter(source[0], value), set()).add(record.offset)
        case DEAD_LETTERS_REPLAYED.name:
            books.replayed.add(_decode(value, _Replayed).letter)
        case DELIVERIES_REPORTED.name:
            report = _decode(value, _Report)
            if report.state in SETTLED:
                books.settled.add(report.outbound_id)
        case topic if topic in requested:
            books.requested.setdefault(_decode(value, _Message).id, written_at(record))


def _enter_unreadable(books: Books, record: ConsumerRecord) -> None:
    if record.topic in (MESSAGES_RECEIVED.name, MESSAGES_RECEIVED_LIVE.name):
        books.garbled[record.topic, record.partition, record.offset] = written_at(record)
    elif record.topic == DEAD_LETTERS.name:
        books.unreadable.add(record.offset)


def _source(record: ConsumerRecord) -> Place:
    """Returns where a dead-lettered record came from; -1 where its letter does not say."""
    told = {name: value.decode(errors="replace") for name, value in record.headers if name.startswith("source_")}
    partition, offset = (
        int(text) if (text := told.get(name, "")).isdecimal() else -1 for name in ("source_partition", "source_offset")
    )
    return told.get("source_topic", ""), partition, offset


K = TypeVar("K", _Message, _Routed, _Desk, _Report, _Replayed)


def _decode(value: bytes, kind: type[K]) -> K:
    return msgspec.json.decode(value, type=kind)


def _of_dead_letter(source: str, value: bytes) -> str:
    """Returns the id of the message in a dead-lettered record. Raises MsgspecError where there
    is none to be seen."""
    if source in (MESSAGES_ROUTED.name, MESSAGES_ROUTED_LIVE.name):
        return _decode(value, _Routed).message.id
    return _decode(value, _Message).id


def as_text(balance: Balance, since: datetime) -> str:
    """Formats the balance for a terminal."""
    lines = [
        f"since {since:%Y-%m-%d %H:%M} UTC",
        f"  {balance.received:>9,} messages received",
        f"  {balance.routed:>9,} decided on",
        f"  {balance.applied:>9,} written down at the desk",
        f"  {balance.set_aside:>9,} set aside in dead-letters, to be looked at and replayed",
        f"  {balance.requested:>9,} answers requested",
        f"  {balance.settled:>9,} of them with a known fate",
    ]
    if balance.unreadable:
        lines.append(f"  {balance.unreadable:>9,} records in dead-letters that hold no message that can be read")
    for title, numbers in (
        ("received and not decided on", balance.not_routed),
        ("unreadable at the door and not in dead-letters (topic, partition, offset)", balance.not_set_aside),
        ("decided on and not at the desk", balance.not_applied),
        ("in more than one ticket", balance.applied_twice),
        ("answers of which nobody has reported", balance.not_settled),
    ):
        if numbers:
            lines.append(f"{len(numbers):,} {title}:")
            lines += [f"  {number}" for number in numbers[:_SHOWN]]
            lines += ["  ..."] if len(numbers) > _SHOWN else []
    lines.append(
        "nothing is missing"
        if balance.clean
        else "something is missing: look at the services' health and at dead-letters"
    )
    return "\n".join(lines)
