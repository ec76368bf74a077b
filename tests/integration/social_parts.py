"""One process of the social service on a bus in memory, which leads and is signed in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr

from services.social.app import Process
from services.social.domain.posts import Account, Post
from services.social.models import SCHEMA
from services.social.networks.x.network import XNetwork
from services.social.settings import SocialSettings
from shared.bus.memory import MemoryBus
from shared.db import Database, migrate
from shared.health import Health
from shared.settings import Settings
from tests.unit.social.makers import US, access

MIGRATIONS = Path(__file__).parents[2] / "services" / "social" / "migrations"
COMMON = Settings(secret=SecretStr("s" * 32), languages=("en", "fr"))


@asynccontextmanager
async def migrated(dsn: str) -> AsyncIterator[Database]:
    """An empty database of this service."""
    await asyncio.to_thread(migrate, dsn, SCHEMA, MIGRATIONS)
    found = Database(dsn, SCHEMA)
    yield found
    await found.dispose()


class Parts(Process):
    """Settings are given as fields of `SocialSettings`."""

    def __init__(
        self, database: Database, network: XNetwork | None = None, account: Account = US, **settings: object
    ) -> None:
        usual = {"complaint_from": 0.5, "burst_from": 3, "x_names": "acme", "x_timeout": 0.5}
        own = SocialSettings.model_validate({**usual, **settings})
        self.database, self.bus, networks = database, MemoryBus(), [network or XNetwork(access())]
        super().__init__(COMMON, own, database, self.bus, networks, Health(), timedelta(seconds=0.1))
        (self.connection,) = self.connections
        self.connection.availability.account = account
        self.connection.leadership.held.set()

    async def take(self, posts: Sequence[Post], source: str = "search") -> None:
        """Posts come in."""
        await self.connection.intake.take(posts, source, self.connection.availability.account)
