"""The whole system as a user starts it, in a home and on ports of its own, and the people around
it: senders, a relay."""

from __future__ import annotations

import asyncio
import email
import email.policy
import email.utils
import json
import os
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from pathlib import Path
from threading import Event, Lock
from typing import Any

import httpx
import psutil
from aiosmtpd.controller import Controller

from tests.waiting import eventually

ROOT = Path(__file__).parent.parent
_PORTS_NEEDED = 100
_UNUSED = 75
"""Of each row, a port that no part of a system listens on: whoever holds it has the row."""


class Relay:
    """A real SMTP server that takes what we send to customers."""

    def __init__(self, port: int) -> None:
        self.mails: list[EmailMessage] = []
        self.down = Event()
        self.pass_on: Callable[[EmailMessage, str], None] | None = None
        """Brings a mail to its recipient before we say that it is taken."""
        self._lock = Lock()
        self._controller = Controller(self, hostname="127.0.0.1", port=port)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if self.down.is_set():
            return "451 4.3.2 not now"
        parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
        if self.pass_on:
            try:
                await asyncio.to_thread(self.pass_on, parsed, envelope.rcpt_tos[0])
            except (smtplib.SMTPException, OSError):
                return "451 4.4.1 the next server does not take it now"
        with self._lock:
            self.mails.append(parsed)
        return "250 2.0.0 taken"

    def start(self) -> None:
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop()

    def to(self, address: str) -> list[EmailMessage]:
        with self._lock:
            return [mail for mail in self.mails if address in str(mail["To"])]


class Stack:
    def __init__(self, home: Path, relay: Relay, process: subprocess.Popen[bytes], run: dict[str, Any]) -> None:
        self.home, self.relay, self.process = home, relay, process
        self._run = run
        self.token = Path(run["api_token_file"]).read_text().strip()
        self.site = json.loads(Path(run["site_file"]).read_text())
        self.api = httpx.Client(
            base_url=f"{self.url('desk')}/api/v1", headers={"Authorization": f"Bearer {self.token}"}, timeout=20
        )

    @property
    def run(self) -> dict[str, Any]:
        """`run.json` as it is now: pids change when a service was restarted."""
        with suppress(OSError, ValueError):
            self._run = json.loads((self.home / "run.json").read_text())
        return self._run

    def url(self, service: str) -> str:
        return str(self._run["services"][service]["url"])

    def kill(self, service: str) -> int:
        """As a crash would: the pid that it had."""
        pid = int(eventually(lambda: self.run["services"][service]["pid"], f"{service} to be restarted"))
        os.kill(pid, signal.SIGKILL)
        return pid

    @contextmanager
    def kafka_away(self) -> Iterator[None]:
        """The broker does not answer, as behind a cut network, and then goes on."""
        found = [child for child in psutil.process_iter(["cmdline"]) if self._is_our_kafka(child.info["cmdline"])]
        assert found, "no broker found"
        for process in found:
            process.suspend()
        try:
            yield
        finally:
            for process in found:
                process.resume()

    def _is_our_kafka(self, command: list[str] | None) -> bool:
        return bool(command) and "kafka.Kafka" in command and any(str(self.home) in word for word in command)

    def wait_restarted(self, service: str, old_pid: int, seconds: float = 60) -> None:
        eventually(
            lambda: (
                self.run["services"][service]["pid"] not in (None, old_pid)
                and httpx.get(f"{self.url(service)}/health/ready", timeout=2).status_code == 200
            ),
            f"{service} to come back",
            seconds,
        )

    def send(self, mail: EmailMessage | bytes, *, sender: str = "", recipient: str = "support@example.org") -> None:
        """One SMTP session, as a sender's mail server has it. Raises what smtplib raises."""
        raw = mail if isinstance(mail, bytes) else mail.as_bytes(policy=email.policy.SMTP)
        origin = sender or (
            email.utils.parseaddr(str(mail["From"]))[1] if isinstance(mail, EmailMessage) else "bulk@example.net"
        )
        smtp = self.run["smtp"]
        with smtplib.SMTP(smtp["host"], smtp["port"], timeout=20) as session:
            session.sendmail(origin, [recipient], raw)

    def send_until_taken(
        self, mail: EmailMessage | bytes, *, recipient: str = "support@example.org", seconds: float = 120
    ) -> None:
        """As a mail server does: the same mail again until it was answered with 250."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.send(mail, recipient=recipient)
                return
            except (smtplib.SMTPException, OSError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def balance(self, seconds: float = 60) -> dict[str, Any]:
        """The books of everything so far, by the operators' own command, as soon as nothing is
        missing in them."""
        line = [sys.executable, "-m", "services", "router", "reconcile", "--json", "--grace", "0"]
        variables = os.environ | {"SWITCHBOARD_KAFKA": str(self.run["kafka"]), "SWITCHBOARD_SECRET": "s" * 32}
        told: dict[str, Any] = {}

        def clean() -> bool:
            done = subprocess.run(
                line, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60, check=False
            )
            told.update(json.loads(done.stdout) if done.stdout else {"error": done.stderr})
            return done.returncode == 0

        try:
            eventually(clean, seconds=seconds)
        except AssertionError as error:
            raise AssertionError(f"the books do not balance: {told}") from error
        return told

    def tickets(self, **filters: Any) -> list[dict[str, Any]]:
        """Every ticket, page by page."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            answer = self.api.get(
                "/tickets", params={**filters, "limit": 100, **({"cursor": cursor} if cursor else {})}
            )
            answer.raise_for_status()
            page = answer.json()
            found += page["items"]
            cursor = page["next"]
            if not cursor:
                return found

    def ticket(self, identity: str | int) -> dict[str, Any]:
        answer = self.api.get(f"/tickets/{identity}")
        answer.raise_for_status()
        return dict(answer.json())

    def ticket_with(self, subject: str, seconds: float = 60) -> dict[str, Any]:
        """The ticket of this subject, as soon as it is there."""

        def look() -> dict[str, Any] | None:
            rows = [row for row in self.tickets(order="newest") if row["subject"] == subject]
            return self.ticket(rows[0]["id"]) if rows else None

        found = eventually(look, f"a ticket about {subject!r}", seconds)
        assert found
        return found


def mail_from(
    address: str, subject: str, text: str, *, name: str = "", reply_to: EmailMessage | None = None
) -> EmailMessage:
    """A mail as a customer's program writes it; `reply_to` makes it an answer to one of ours."""
    mail = EmailMessage()
    mail["From"] = email.utils.formataddr((name, address))
    mail["To"] = str(reply_to["Reply-To"] or reply_to["From"]) if reply_to else "support@example.org"
    mail["Subject"] = subject
    mail["Message-ID"] = email.utils.make_msgid(domain="mail.example.net")
    mail["Date"] = email.utils.formatdate()
    if reply_to:
        mail["In-Reply-To"] = str(reply_to["Message-ID"])
        mail["References"] = f"{reply_to['References'] or ''} {reply_to['Message-ID']}".strip()
    mail.set_content(text)
    return mail


def free_ports() -> int:
    """The first of a row of ports that nobody listens on. It is ours until this process ends: tests
    run side by side."""
    for base in range(21_000, 60_000, _PORTS_NEEDED):
        held = socket.socket()
        try:
            held.bind(("127.0.0.1", base + _UNUSED))
            for offset in (0, 1, 2, 3, 4, 5, 25, 32, 92, 93, 98, 99):
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(("127.0.0.1", base + offset))
        except OSError:
            held.close()
            continue
        held.detach()
        return base
    raise AssertionError("no free ports")


@contextmanager
def running(
    home: Path,
    environment: Mapping[str, str] | None = None,
    base: int = 0,
    log: Path | None = None,
    tree: Path = ROOT,
) -> Iterator[Stack]:
    """`make run`, and at the end Ctrl-C. `base`: from `free_ports`, where something has to know the
    ports before. `log`: where its output goes. `tree`: another checkout."""
    base = base or free_ports()
    relay = Relay(base + 99)
    relay.start()
    variables = os.environ | {
        "SWITCHBOARD_HOME": str(home),
        "SWITCHBOARD_PORT": str(base),
        "EMAIL_RELAY_HOST": "127.0.0.1",
        "EMAIL_RELAY_PORT": str(base + 99),
        "EMAIL_RELAY_TLS": "none",
        "EMAIL_RETRY_FIRST": "1",
        "NO_COLOR": "1",
        **(environment or {}),
    }
    log = log or home.parent / f"{home.name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.local"], cwd=tree, env=variables, stdout=output, stderr=subprocess.STDOUT
        )
    try:

        def up() -> dict[str, Any] | None:
            if process.poll() is not None:
                raise RuntimeError(f"the system did not start:\n{log.read_text()[-4000:]}")
            path = home / "run.json"
            return json.loads(path.read_text()) if path.exists() else None

        run = eventually(up, f"the system to start, see {log}", 240)
        assert run
        system = Stack(home, relay, process, run)
        with system.api:
            yield system
    finally:
        relay.stop()
        children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.send_signal(signal.SIGINT)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
            raise
        finally:
            psutil.wait_procs(children, 10)
    assert process.returncode == 0, f"stopped with {process.returncode}:\n{log.read_text()[-2000:]}"
