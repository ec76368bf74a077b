"""The phone service on a real PostgreSQL, with Twilio's stand-in at the other end of the wire."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from pydantic import SecretStr

from services.phone.adapters.twilio_api import TwilioProvider
from services.phone.app import create, twilio
from services.phone.settings import PhoneSettings
from shared import db
from shared.bus.memory import MemoryBus
from shared.clock import utc_now
from shared.db import Database
from shared.events import (
    CallAction,
    CallChanged,
    CallRequested,
    DeliveryReport,
    InboundMessage,
    OutboundMessage,
)
from shared.health import Part
from shared.kernel import ContactPoint
from shared.settings import Settings
from shared.topics import (
    CALLS_CHANGED,
    CALLS_REQUESTED,
    DELIVERIES_REPORTED,
    MESSAGES_RECEIVED,
    MESSAGES_RECEIVED_LIVE,
    deliveries_requested,
)
from tests.providers.twilio import ACCOUNT, OURS, TOKEN, Twilio
from tests.waiting import until

MIGRATIONS = Path(__file__).parents[2] / "services" / "phone" / "migrations"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class House:
    """Everything between the desk's topics and the telephone network."""

    bus: MemoryBus
    twilio: Twilio
    url: str
    provider: TwilioProvider
    database: Database
    parts: Mapping[str, Part]
    """Of the health page."""
    asked: int = 0

    @property
    def live(self) -> list[InboundMessage]:
        return self.bus.events(MESSAGES_RECEIVED_LIVE)

    @property
    def received(self) -> list[InboundMessage]:
        return self.bus.events(MESSAGES_RECEIVED)

    @property
    def reports(self) -> list[DeliveryReport]:
        return self.bus.events(DELIVERIES_REPORTED)

    def changes(self, call_id: str) -> list[CallChanged]:
        return [change for change in self.bus.events(CALLS_CHANGED) if change.call_id == call_id]

    def states(self, call_id: str) -> list[str]:
        found: list[str] = []
        for change in self.changes(call_id):
            if found[-1:] != [change.state]:
                found.append(str(change.state))
        return found

    async def waits(self, call_id: str) -> None:
        await until(lambda: "queued" in self.states(call_id), f"{call_id} to be in line")

    async def reaches(self, call_id: str, state: str) -> CallChanged:
        def look() -> CallChanged | None:
            return next((change for change in reversed(self.changes(call_id)) if change.state == state), None)

        found = await until(look, f"{call_id} to be {state}; it was {self.states(call_id)}")
        assert found
        return found

    async def outcome(self, request: CallRequested) -> CallChanged:
        """The last word on a request."""

        def look() -> CallChanged | None:
            ends = ("accepted", None)
            found = [c for c in self.changes(request.call_id) if c.request_id == request.id and c.outcome not in ends]
            return found[-1] if found else None

        found = await until(look, f"an outcome of {request.action}")
        assert found
        return found

    async def ask(
        self, action: CallAction, call_id: str, agent_at: str = "tel:+33199001201", **more: Any
    ) -> CallRequested:
        self.asked += 1
        given: dict[str, Any] = {
            "id": f"request-{self.asked}",
            "action": action,
            "call_id": call_id,
            "requested_at": utc_now(),
            "agent": "mina@example.org",
            "agent_at": ContactPoint(agent_at),
            "ticket_id": "t1",
        }
        request = CallRequested(**given | more)
        await self.bus.publish(CALLS_REQUESTED, call_id, request)
        return request

    async def answer(self, outbound: str, to: str, text: str, channel: str = "sms", **more: Any) -> None:
        message = reply(outbound, to, text, channel, **more)
        await self.bus.publish(deliveries_requested(channel), message.ticket_id, message)

    async def reported(self, outbound: str, *states: str) -> list[DeliveryReport]:
        def look() -> list[DeliveryReport] | None:
            found = [report for report in self.reports if report.outbound_id == outbound]
            return found if {str(report.state) for report in found} >= set(states) else None

        found = await until(look, f"{outbound} to be {states}: {[r.state for r in self.reports]}")
        assert found
        return found


def reply(outbound: str, to: str, text: str, channel: str = "sms", **more: Any) -> OutboundMessage:
    return OutboundMessage(
        id=outbound,
        ticket_id=more.pop("ticket", "t1"),
        channel=channel,
        to=ContactPoint(to),
        text=text,
        requested_at=utc_now(),
        **more,
    )


def settings(database: str, **more: Any) -> PhoneSettings:
    own: dict[str, Any] = {
        "account_sid": ACCOUNT,
        "auth_token": SecretStr(TOKEN),
        "number": OURS,
        "public_url": "https://phone.example.org",
        "company": "Acorn",
        "retry_first": 0.05,
        "settle_seconds": 0.3,
        "timeout": 2,
        "wait_limit": 60_000,  # ten minutes of ours: the stand-in's clock is a hundred times as fast
    }
    return PhoneSettings(database=SecretStr(database), **own | more)


@asynccontextmanager
async def house(database: str, tmp_path: Path, **more: Any) -> AsyncIterator[House]:
    await asyncio.to_thread(db.migrate, database, "phone", MIGRATIONS)
    stand_in, bus, own_database = Twilio(), MemoryBus(), Database(database, "phone")
    async with stand_in.running(free_port()):
        common = Settings(
            secret=SecretStr("s" * 40), storage=f"file://{tmp_path}/storage", languages=("en", "fr", "ko")
        )
        own = settings(database, api_url=stand_in.url, **more)
        provider = twilio(own)
        service = create(common, own, bus=bus, provider=provider)
        port = free_port()
        server = uvicorn.Server(
            uvicorn.Config(service.api, host="127.0.0.1", port=port, log_config=None, lifespan="off")
        )
        stand_in.webhooks = f"http://127.0.0.1:{port}"
        stop = asyncio.Event()
        async with service.resources():
            tasks = [asyncio.ensure_future(task(stop)) for task in service.tasks.values()]
            serving = asyncio.ensure_future(server._serve())
            while not server.started:
                await asyncio.sleep(0.01)
            try:
                parts = service.api.state.health.parts
                yield House(bus, stand_in, stand_in.webhooks, provider, own_database, parts)
                for task in tasks:
                    if task.done():
                        task.result()
                assert not stand_in.complaints, "what we ask for is in Twilio's documents"
            finally:
                for line in stand_in.lines.values():
                    line.stop()
                stop.set()
                async with asyncio.timeout(15):
                    await asyncio.gather(*tasks)
                server.should_exit = server.force_exit = True
                await serving
                await own_database.dispose()
