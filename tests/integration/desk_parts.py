"""A desk on a real PostgreSQL, without HTTP and Kafka around it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text

import services.desk as desk_package
from services.desk.actors import ROLES, Actor, actor_of
from services.desk.app import DeskService, around, create_desk
from services.desk.context import Desk
from services.desk.schema import SCHEMA
from services.desk.settings import DeskSettings
from services.email.channel import CHANNEL as EMAIL_CHANNEL
from shared import db
from shared.bus.memory import MemoryBus
from shared.events import Channel
from shared.events.base import Event
from shared.events.codec import decode
from shared.health import Health
from shared.settings import Settings
from shared.topics import CUSTOMERS_UPDATED, TICKETS_CHANGED, deliveries_requested

SECRET = "s" * 40
EMAIL = EMAIL_CHANNEL
CHAT = Channel(name="chat", label="Chat", icon="chat", reaches=("chat",), can_start=False)
PHONE = Channel(name="phone", label="Phone", icon="phone", reaches=("tel",), enabled=False, why_off="set PHONE_ACCOUNT")
KNOWN = (EMAIL, CHAT, PHONE)


def acting(email: str, role: str = "agent") -> Actor:
    """An agent at work, or `api:<name>` for a program."""
    return msgspec.structs.replace(actor_of(email), permissions=ROLES[role])


async def migrate(dsn: str, revision: str = "head") -> None:
    await asyncio.to_thread(db.migrate, dsn, SCHEMA, Path(desk_package.__file__).parent / "migrations", revision)


@asynccontextmanager
async def desk_on(
    dsn: str, storage: str, bus: Any = None, *, channels: Sequence[Channel] | None = None, **settings: Any
) -> AsyncIterator[Desk]:
    """channels: that are announced; None for those on the bus."""
    bus = bus or MemoryBus()
    common = Settings(secret=SecretStr(SECRET), storage=storage, kafka=getattr(bus, "servers", "127.0.0.1:9"))
    own = DeskSettings(database=SecretStr(dsn), **settings)
    desk = create_desk(common, own, bus, Channels(*channels) if channels is not None else None)
    try:
        yield desk
    finally:
        await desk.pools.dispose()


@asynccontextmanager
async def service_on(dsn: str, storage: str, bus: Any = None, **settings: Any) -> AsyncIterator[DeskService]:
    async with desk_on(dsn, storage, bus, **settings) as desk:
        yield around(desk, Health())


class Channels:
    """The view of announced channels as it is once read."""

    def __init__(self, *channels: Channel) -> None:
        self._channels = {channel.name: channel for channel in channels}
        self.ready = asyncio.Event()
        self.ready.set()

    async def run(self, stop: asyncio.Event) -> None:
        await stop.wait()

    def get(self, key: str) -> Channel | None:
        return self._channels.get(key)

    def values(self) -> list[Channel]:
        return list(self._channels.values())

    def __len__(self) -> int:
        return len(self._channels)


def app_of(desk: Desk) -> FastAPI:
    return around(desk, Health()).api


def with_channels(desk: Desk, *channels: Channel) -> Desk:
    return replace(desk, channels=Channels(*(channels or KNOWN)))


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
