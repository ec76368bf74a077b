"""One process of the social service on a bus in memory, which leads and is signed in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from pydantic import SecretStr

from services.social.app import MIGRATIONS, create
from services.social.domain.posts import Account, Post
from services.social.models import SCHEMA
from services.social.networks.x.network import XNetwork
from services.social.settings import SocialSettings
from shared.bus.memory import MemoryBus
from shared.db import Database, migrate
from shared.settings import Settings
from tests.unit.social.makers import US, access


@asynccontextmanager
async def migrated(dsn: str) -> AsyncIterator[Database]:
    """An empty database of this service."""
    await asyncio.to_thread(migrate, dsn, SCHEMA, MIGRATIONS)
    found = Database(dsn, SCHEMA)
    yield found
    await found.dispose()


class Parts:
    """What `create` makes. Settings are given as fields of `SocialSettings`."""

    def __init__(
        self, database: Database, network: XNetwork | None = None, account: Account = US, **settings: object
    ) -> None:
        usual = {"complaint_from": 0.5, "burst_from": 3, "x_names": "acme", "x_timeout": 0.5}
        own = SocialSettings.model_validate({"database": SecretStr(database.dsn), **usual, **settings})
        common = Settings(secret=SecretStr("s" * 32), languages=("en", "fr"))
        self.bus, self.database = MemoryBus(), database
        network = network or XNetwork(access())
        self.service = create(own, common, bus=self.bus, database=database, networks=[network])
        self.connection = self.service.connections[0]
        self.connection.availability.account = account
        self.connection.leadership.held.set()

    async def take(self, posts: Sequence[Post], source: str = "search") -> None:
        """Posts come in."""
        await self.connection.intake.take(posts, source, self.connection.availability.account)
