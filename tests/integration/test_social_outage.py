"""An hour without X, by a clock that the reader is given: nothing is lost, nothing comes twice, and
X is asked as it wishes to be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from services.social.domain import pace
from services.social.domain.posts import Account
from services.social.networks.x.network import XNetwork
from services.social.polling import Poller
from services.social.ports import Schedule, Source
from shared.topics import MESSAGES_RECEIVED
from tests.integration.social_parts import Parts, migrated
from tests.providers.x import WINDOW, X, serving
from tests.unit.social.makers import access

MINUTE, HOUR = 60.0, 3600.0
LIMIT, PAGE = 5, 10


class Clock:
    """Time that passes when somebody waits, and what happens meanwhile."""

    def __init__(self, x: X) -> None:
        self.x, self.passed, self.start = x, 0.0, datetime.now(UTC)
        self.to_come: list[tuple[float, Callable[[], object]]] = []
        self.asked: list[float] = []
        x.now = lambda: self.now().timestamp()

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.passed)

    def at(self, seconds: float, happens: Callable[[], object]) -> None:
        self.to_come.append((seconds, happens))

    async def wait(self, stop: asyncio.Event, seconds: float) -> bool:
        self.asked += [self.passed] * (len(self.x.calls) - len(self.asked))
        until = self.passed + seconds
        for moment, happens in sorted((one for one in self.to_come if one[0] <= until), key=lambda one: one[0]):
            self.passed = max(self.passed, moment)
            happens()
        self.to_come = [one for one in self.to_come if one[0] > until]
        self.passed = until
        await asyncio.sleep(0)
        return stop.is_set()


async def test_an_hour_without_x_in_the_middle_of_a_look_loses_and_doubles_nothing(database: str) -> None:
    x, stop = X(page_size=PAGE), asyncio.Event()
    x.limits["mentions"] = LIMIT
    clock = Clock(x)
    angry = x.person("angry")
    posts = [x.post(angry, f"@acme my parcel #{n} is late, I want a refund", ago=MINUTE + n) for n in range(7 * PAGE)]

    def post() -> None:
        posts.append(x.post(angry, f"@acme still no refund for parcel #{len(posts)}"))

    began, ended = 2 * MINUTE, 2 * MINUTE + HOUR
    for minute in range(150):
        clock.at(minute * MINUTE, post)
    for place, trouble in enumerate(("503", "drop", "cut")):
        clock.at(began + place * HOUR / 3, lambda trouble=trouble: setattr(x, "outage", trouble))  # type: ignore[misc]
    clock.at(ended, lambda: setattr(x, "outage", ""))
    clock.at(150 * MINUTE, stop.set)
    schedules = {Source.MENTIONS: Schedule(MINUTE, 0, timedelta(hours=1))}
    us = Account(x.me.id, x.me.username)
    with serving(x) as url:
        async with migrated(database) as db:
            parts = Parts(db, XNetwork(access(url), schedules=schedules), us, burst_from=1_000)
            async with asyncio.timeout(120):
                await Poller(Source.MENTIONS, parts.connection, clock.now, clock.wait).run(stop)

    taken = [event.provider_id for event in parts.bus.events(MESSAGES_RECEIVED)]
    assert len(taken) == len(set(taken)), "none comes twice"
    late = {str(one) for one in posts[-WINDOW // 60 - 2 :]}
    assert {str(one) for one in posts} - set(taken) <= late, "none is lost; the newest wait for the next window"
    assert len([one for one in posts if str(one) in taken]) > 100 + 5 * PAGE

    assert [one.status for one in x.exchanges if one.status != 200] == [], "never asked beyond the limit"
    during = [moment for moment in clock.asked if began < moment < ended]
    gaps = [after - before for before, after in pairwise(during)]
    assert 25 < len(during) < 75, "slower and slower, but never given up"
    assert max(gaps) <= pace.LONGEST
    back = min(moment for moment in clock.asked if moment >= ended)
    assert back - ended <= pace.LONGEST, "and back within two minutes"
