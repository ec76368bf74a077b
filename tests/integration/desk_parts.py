"""A desk on a real PostgreSQL, without HTTP and Kafka around it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import text

import services.desk as desk_package
from services.desk.context import Desk, Pools
from services.desk.letters.service import Letters
from services.desk.live import Live
from services.desk.people.limits import Limiter
from services.desk.schema import OUTBOX, SCHEMA
from services.desk.settings import DeskSettings
from services.desk.wallboard.service import Wallboard
from shared import db
from shared.bus.memory import MemoryBus
from shared.events import Channel
from shared.events.base import Event
from shared.events.codec import decode
from shared.outbox import Outbox
from shared.settings import Settings
from shared.storage import Storage
from shared.topics import CHANNELS_ANNOUNCED, CUSTOMERS_UPDATED, TICKETS_CHANGED, deliveries_requested

SECRET = "s" * 40
EMAIL = Channel(name="email", label="Email", icon="mail", reaches=("email",))
CHAT = Channel(name="chat", label="Chat", icon="chat", reaches=("chat",), can_start=False)
PHONE = Channel(name="phone", label="Phone", icon="phone", reaches=("tel",), enabled=False, why_off="set PHONE_ACCOUNT")


async def migrate(dsn: str, revision: str = "head") -> None:
    await asyncio.to_thread(db.migrate, dsn, SCHEMA, Path(desk_package.__file__).parent / "migrations", revision)


@asynccontextmanager
async def desk_on(dsn: str, storage: str, bus: Any = None, **settings: Any) -> AsyncIterator[Desk]:
    bus = bus or MemoryBus()
    pools = Pools.of(dsn)
    database = pools.database
    common = Settings(secret=SecretStr(SECRET), storage=storage)
    own = DeskSettings(database=SecretStr(dsn), **settings)
    desk = Desk(
        common=common,
        settings=own,
        pools=pools,
        database=database,
        outbox=Outbox(OUTBOX, database, bus),
        bus=bus,
        storage=Storage(storage),
        channels=bus.view(CHANNELS_ANNOUNCED),
        live=Live(database, own.live_ring),
        sign_ins=Limiter(own.sign_in_tries),
        wallboard=Wallboard(database, getattr(bus, "servers", "127.0.0.1:9")),
        letters=Letters(getattr(bus, "servers", "127.0.0.1:9"), Storage(storage)),
    )
    try:
        yield desk
    finally:
        await pools.dispose()


class Channels:
    """The view of announced channels as it is once read."""

    def __init__(self, *channels: Channel) -> None:
        self._channels = {channel.name: channel for channel in channels}
        self.ready = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        self.ready.set()
        await stop.wait()

    def get(self, key: str) -> Channel | None:
        return self._channels.get(key)

    def values(self) -> list[Channel]:
        return list(self._channels.values())

    def __len__(self) -> int:
        return len(self._channels)


def with_channels(desk: Desk, *channels: Channel) -> Desk:
    return replace(desk, channels=Channels(*(channels or (EMAIL, CHAT, PHONE))))


async def outbox(desk: Desk, topic: str) -> list[Any]:
    """What waits to be published on this topic, oldest first."""
    kinds: dict[str, type[Event]] = {
        t.name: t.value for t in (CUSTOMERS_UPDATED, TICKETS_CHANGED, deliveries_requested("email"))
    }
    async with desk.database.transaction() as session:
        rows = await session.execute(
            text("SELECT value FROM desk.outbox WHERE topic = :topic ORDER BY id"), {"topic": topic}
        )
        return [decode(kinds[topic], row.value) for row in rows]


async def scalar(desk: Desk, sql: str) -> Any:
    async with desk.database.transaction() as session:
        return await session.scalar(text(sql))
