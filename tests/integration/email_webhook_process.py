"""The email service as it runs, with all webhooks on, and a stand-in for Amazon's servers on
loopback where their host is asked for. `python -m tests.integration.email_webhook_process` runs it.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx

from services.email.adapters.sns import fetch
from services.email.app import create
from services.email.settings import EmailSettings
from shared import db
from shared.run import serve
from shared.settings import Settings, load
from tests.providers.mail_webhooks import CLOUDFLARE_SECRET, MAILGUN_KEY, PASSWORD, TOPIC, Amazon, SendGrid

ROOT = Path(__file__).parents[2]
SECRET = "a secret that is long enough for anybody"
_AMAZON = "TEST_AMAZON"


@dataclass
class House:
    """A running service. `amazon.visited`: what it asked Amazon's servers for."""

    url: str
    database: str
    storage: str
    amazon: Amazon
    sendgrid: SendGrid


@contextmanager
def house(kafka: str, postgres: str, home: Path, port: int) -> Iterator[House]:
    """Runs it on a database of its own."""
    name = f"test_{uuid4().hex}"
    dsn = postgres.rsplit("/", 1)[0] + f"/{name}"
    asyncio.run(_sql(postgres, f'CREATE DATABASE "{name}"'))
    db.migrate(dsn, "email", ROOT / "services/email/migrations")
    amazon, sendgrid = Amazon(), SendGrid()
    environment = os.environ | {
        "SWITCHBOARD_KAFKA": kafka,
        "SWITCHBOARD_STORAGE": f"file://{home}/storage",
        "SWITCHBOARD_SECRET": SECRET,
        "EMAIL_DATABASE": dsn,
        "EMAIL_PORT": str(port),
        "EMAIL_SMTP_PORT": "0",
        "EMAIL_OUTBOX_FOLDER": f"{home}/outbox",
        "EMAIL_MAILGUN_SIGNING_KEY": MAILGUN_KEY,
        "EMAIL_POSTMARK_PASSWORD": PASSWORD,
        "EMAIL_SENDGRID_PASSWORD": PASSWORD,
        "EMAIL_SENDGRID_PUBLIC_KEY": sendgrid.public_key,
        "EMAIL_SES_TOPICS": TOPIC,
        "EMAIL_CLOUDFLARE_SECRET": CLOUDFLARE_SECRET,
    }
    log = home / "email.log"
    with _servers_of(amazon) as servers, log.open("wb") as output:
        line = [sys.executable, "-m", "tests.integration.email_webhook_process"]
        environment[_AMAZON] = servers
        process = subprocess.Popen(line, cwd=ROOT, env=environment, stdout=output, stderr=output)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_ready(url, process, log)
            yield House(url, dsn, environment["SWITCHBOARD_STORAGE"], amazon, sendgrid)
        finally:
            process.terminate()
            process.wait(30)
    asyncio.run(_sql(postgres, f'DROP DATABASE "{name}" WITH (FORCE)'))


async def _sql(dsn: str, statement: str) -> None:
    admin = await asyncpg.connect(dsn)
    await admin.execute(statement)
    await admin.close()


def _wait_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/health/ready").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError(log.read_text()[-3000:])


@contextmanager
def _servers_of(amazon: Amazon) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = asyncio.run(amazon.fetch(amazon.host + self.path))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def main() -> int:
    common, settings, servers = load(Settings), load(EmailSettings), os.environ[_AMAZON]
    service = create(common, settings, get=lambda url: fetch(url.replace(Amazon.host, servers)))
    return serve("email", common.host, settings.port, service.api, service.tasks, start=[service.resources()])


if __name__ == "__main__":
    sys.exit(main())
