"""The whole process, as the supervisor runs it: killed at any time, it loses and doubles
nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from deploy.local.kafka import Kafka
from shared.bus.kafka import KafkaBus, create_topics
from shared.clock import utc_now
from shared.events import DeliveryReport, OutboundMessage
from shared.kernel import contact_point
from shared.topics import DELIVERIES_REPORTED, MESSAGES_RECEIVED, all_topics, deliveries_requested
from tests.integration.test_email_receiving import CONTEXT, mail, received, running
from tests.topic import events_on

ROOT = Path(__file__).parents[2]


class Process:
    """`python -m services email` with settings of its own."""

    def __init__(self, home: Path, kafka: str, database: str, ports: tuple[int, int]) -> None:
        self.http, self.smtp = ports
        self.outbox = home / "outbox"
        self.environment = {
            **os.environ,
            "SWITCHBOARD_KAFKA": kafka,
            "SWITCHBOARD_STORAGE": f"file://{home}/storage",
            "SWITCHBOARD_SECRET": CONTEXT.secret,
            "EMAIL_DATABASE": database,
            "EMAIL_PORT": str(self.http),
            "EMAIL_SMTP_PORT": str(self.smtp),
            "EMAIL_OUTBOX_FOLDER": str(self.outbox),
        }
        self.log = home / "email.log"
        self.process: subprocess.Popen[bytes] | None = None

    def command(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "services", "email", *arguments],
            cwd=ROOT,
            env=self.environment,
            input=typed,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services", "email"], cwd=ROOT, env=self.environment, stderr=log, stdout=log
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            try:
                if httpx.get(f"http://127.0.0.1:{self.http}/health/ready").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError(self.log.read_text()[-3000:])

    def end(self, number: int) -> int:
        assert self.process
        self.process.send_signal(number)
        return self.process.wait(20)


@contextmanager
def service(home: Path, kafka: str, database: str, ports: tuple[int, int]) -> Iterator[Process]:
    found = Process(home, kafka, database, ports)
    assert found.command("migrate").returncode == 0
    try:
        yield found
    finally:
        if found.process and found.process.poll() is None:
            found.end(signal.SIGKILL)


def send(port: int, raw: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.sendmail("ann@example.com", ["support@example.org"], raw)


async def test_killed_between_two_mails_and_two_answers_it_goes_on(
    kafka: str, database: str, tmp_path: Path, free_port: int
) -> None:
    await create_topics(kafka, all_topics(["email"]))
    bus = KafkaBus(kafka, "desk")
    await bus.start()
    ticket, outbound = str(uuid4()), []
    identities = [f"{uuid4()}@x" for _ in range(2)]

    async def ask(text: str) -> None:
        request = OutboundMessage(
            id=str(uuid4()),
            ticket_id=ticket,
            channel="email",
            to=contact_point("email", "ann@example.com"),
            text=text,
            requested_at=utc_now(),
        )
        outbound.append(request.id)
        await bus.publish(deliveries_requested("email"), ticket, request)

    with service(tmp_path, kafka, database, (free_port, free_port + 1)) as process:
        for number in range(2):
            await asyncio.to_thread(process.start)
            await asyncio.to_thread(send, process.smtp, mail(identities[number]))
            await ask(f"answer {number}")
            if number == 0:
                process.end(signal.SIGKILL)
        async with asyncio.timeout(60):
            while len(reports := [report for report in await _reports(kafka) if report.ticket_id == ticket]) < 2:
                await asyncio.sleep(0.2)
        assert [(report.outbound_id, report.state) for report in reports] == [
            (identity, "sent") for identity in outbound
        ]
        # Other tests ask for mails on this broker too.
        assert sorted(path.stem for path in process.outbox.glob("*.eml") if path.stem in outbound) == sorted(outbound)
        assert [len(await received(kafka, identity)) for identity in identities] == [1, 1]
        ledger = await asyncio.to_thread(process.command, "ledger")
        assert ledger.stdout == f"sent: {len(list(process.outbox.glob('*.eml')))}\n"
        assert process.end(signal.SIGTERM) == 0
    await bus.stop()


async def _reports(kafka: str) -> list[DeliveryReport]:
    return await events_on(kafka, DELIVERIES_REPORTED)


async def test_wrong_settings_are_named_and_stop_it(tmp_path: Path) -> None:
    process = Process(tmp_path, "127.0.0.1:1", "postgresql://x@127.0.0.1:1/x", (1, 1))
    process.environment["EMAIL_MAILBOXES"] = "nobody"
    found = await asyncio.to_thread(process.command)
    assert found.returncode == 78
    assert "EMAIL_MAILBOXES" in found.stderr
    process.environment["EMAIL_MAILBOXES"] = "a@b.example"
    process.environment["EMAIL_TLS_CERTIFICATE"] = str(tmp_path / "missing.pem")
    found = await asyncio.to_thread(process.command)
    assert (found.returncode, "EMAIL_TLS_CERTIFICATE" in found.stderr) == (78, True)
    assert (await asyncio.to_thread(process.command, "nonsense")).returncode == 2


@pytest.mark.timeout(240)
async def test_when_kafka_dies_the_sender_hears_451_and_a_retry_arrives(tmp_path: Path, storage_url: str) -> None:
    identity = f"{uuid4()}@x"
    cluster = Kafka(tmp_path / "kafka", 0)
    await asyncio.to_thread(cluster.__enter__)
    try:
        await create_topics(cluster.bootstrap, [MESSAGES_RECEIVED])
        bus = KafkaBus(cluster.bootstrap, "email")
        await bus.start()
        async with running(bus, storage_url) as stage:
            assert (await stage.send(mail(identity)))[0] == 250
            cluster.nodes[0].kill()
            code, text = await stage.send(mail(identity, "Second"))
            assert (code, text[:5]) == (451, "4.3.0")
            await asyncio.to_thread(cluster.nodes[0].start)
            await asyncio.to_thread(cluster.wait)
            async with asyncio.timeout(60):
                while (await stage.send(mail(identity, "Second")))[0] != 250:
                    await asyncio.sleep(0.2)
        await bus.stop()
        texts = {event.text for event in await received(cluster.bootstrap, identity)}
        assert texts == {"My lamp is broken.", "Second"}
    finally:
        await asyncio.to_thread(cluster.__exit__, None, None, None)
