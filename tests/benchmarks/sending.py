"""What keeping connections to a relay is worth: mails a second over kept connections and with one
connection for each, with TLS, here and over a network that takes its time.

    python -m tests.benchmarks.sending
"""

from __future__ import annotations

import asyncio
import os
import ssl
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiosmtpd.smtp import SMTP

from services.email.adapters.relay import Relay, RelaySender
from services.email.domain.outgoing import OutgoingMail
from shared.attempts import Result
from tests.certificate import self_signed

MAILS, AT_A_TIME, SECONDS = int(os.environ.get("MAILS", "500")), 4, 60.0
ROUND_TRIP = 0.02
"""Seconds to a relay in the same country."""
CONTENT = b"Subject: Re: Lamp\r\n\r\n" + b"Please restart it, and tell us what the red light does.\r\n" * 40


class Taking:
    """Takes every mail."""

    async def handle_DATA(self, _server: SMTP, _session: object, _envelope: object) -> str:  # noqa: N802 - aiosmtpd's name
        return "250 queued"


@asynccontextmanager
async def relay(tls: ssl.SSLContext, round_trip: float) -> AsyncIterator[tuple[int, list[int]]]:
    """A relay at the end of a network: its port, and a list with a number for each connection."""
    loop, connections = asyncio.get_running_loop(), list[int]()
    carrying = list[asyncio.Task[None] | None]()
    server = await loop.create_server(
        lambda: SMTP(Taking(), loop=loop, hostname="relay.test", tls_context=tls), "127.0.0.1", 0
    )
    behind = server.sockets[0].getsockname()[1]

    async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(1 << 16):
            await asyncio.sleep(round_trip / 2)
            sink.write(data)
        sink.close()

    async def network(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(len(connections))
        carrying.append(asyncio.current_task())
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", behind)
        await asyncio.gather(carry(reader, far_writer), carry(far_reader, writer), return_exceptions=True)

    near = await asyncio.start_server(network, "127.0.0.1", 0)
    try:
        yield near.sockets[0].getsockname()[1], connections
    finally:
        near.close()
        await asyncio.gather(*filter(None, carrying))
        server.close()


async def measured(tls: ssl.SSLContext, round_trip: float, idle: float) -> tuple[float, int]:
    """Mails a second, and connections."""
    async with relay(tls, round_trip) as (port, connections):
        sender = RelaySender(Relay("127.0.0.1", port, tls="starttls"), SECONDS, idle)
        left = iter(range(MAILS))

        async def work() -> None:
            for number in left:
                mail = OutgoingMail(str(number), f"<{number}@x>", "s@x.example", "ann@example.com", CONTENT)
                result = await sender.send(mail)
                assert result.result is Result.DONE, result

        began = time.monotonic()
        await asyncio.gather(*(work() for _ in range(AT_A_TIME)))
        seconds = time.monotonic() - began
        await sender.close()
        return MAILS / seconds, len(connections)


async def main() -> str:
    """All of it, as Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        certificate = self_signed(Path(folder))
        os.environ["SSL_CERT_FILE"] = str(certificate)
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate)
        rows = []
        for round_trip in (0.0, ROUND_TRIP):
            kept, one = [await measured(tls, round_trip, idle) for idle in (20.0, 0.0)]
            rows.append(
                f"| {round_trip * 1000:.0f} ms | {kept[0]:.0f} over {kept[1]} connections | {one[0]:.0f} over {one[1]} | {kept[0] / one[0]:.1f} |"
            )
    return (
        f"{MAILS} mails of {len(CONTENT) / 1000:.1f} kB, {AT_A_TIME} at a time, by STARTTLS to a relay in the same process.\n\n"
        "| round trip | kept connections: mails a second | one for each: mails a second | ratio |\n|---|---|---|---|\n"
        + "\n".join(rows)
    )


if __name__ == "__main__":
    print(asyncio.run(main()))
