"""`POST /api/v1/messages` as FastAPI's tutorial would have it: pydantic reads the body, 202. No
session, no limit, no key, no database. With an address of Kafka as the second argument it answers
after `acks=all`.

    python -m tests.benchmarks.contenders.bare_route PORT [KAFKA]
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, Field

from shared.bus.kafka import KafkaBus
from shared.clock import utc_now
from shared.events import InboundMessage
from shared.kernel import ContactPoint, message_id
from shared.topics import MESSAGES_RECEIVED

BARE = ContactPoint("chat:bare")


class Message(BaseModel):
    """What a visitor writes."""

    text: str = Field(min_length=1, max_length=20_000)
    subject: str = Field("", max_length=500)
    facts: dict[str, str | int | float | bool] = {}
    page: str = ""


def _event(message: Message) -> InboundMessage:
    own = uuid4().hex
    return InboundMessage(
        id=message_id("chat", own),
        channel="chat",
        provider_id=own,
        sender=BARE,
        received_at=utc_now(),
        text=message.text,
        subject=message.subject,
    )


def application(servers: str) -> FastAPI:
    """`servers`: empty without Kafka."""
    bus = KafkaBus(servers, "bare") if servers else None

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if bus:
            await bus.start()
        yield
        if bus:
            await bus.stop()

    app = FastAPI(lifespan=lifespan)

    @app.post("/api/v1/messages", status_code=202)
    async def send(message: Message) -> dict[str, str]:
        if bus:
            await bus.publish(MESSAGES_RECEIVED, BARE, _event(message))
        return {"state": "taken"}

    return app


if __name__ == "__main__":
    app = application(sys.argv[2] if len(sys.argv) > 2 else "")
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False)
