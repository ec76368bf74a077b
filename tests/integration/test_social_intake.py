"""What becomes of posts between the network and Kafka, with the real database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from services.social import repository
from services.social.domain.posts import Account, Post
from services.social.networks.x import wire
from services.social.networks.x.network import XNetwork
from services.social.networks.x.posts import id_at
from services.social.polling import Poller
from services.social.ports import Page, Schedule, Source, TooOld
from shared.clock import utc_now
from shared.db import Database
from shared.errors import Unavailable
from shared.events import InboundMessage
from shared.topics import CHANNELS_ANNOUNCED, MENTIONS_KEPT, MESSAGES_RECEIVED
from tests.integration.social_parts import Parts, migrated
from tests.providers.x import X, serving
from tests.unit.social.makers import US, access, post
from tests.waiting import until

DATA = Path(__file__).parents[1] / "data" / "x"
SCHEDULES = dict.fromkeys(Source, Schedule(60, 30, timedelta(hours=1)))
BROKEN = "@acme your checkout rejects my voucher, nobody answers, this is unacceptable"
PRAISE = "Huge thanks to Anna for sorting it so quickly, you made my day"


@pytest.fixture
async def here(database: str) -> AsyncIterator[Database]:
    async with migrated(database) as found:
        yield found


class Intake(Parts):
    """An intake whose messages are looked at."""

    def published(self) -> list[InboundMessage]:
        return self.bus.events(MESSAGES_RECEIVED)


def by(author: str, number: int, text: str, **more: object) -> Post:
    return replace(post(id=str(number), author=author, text=text, conversation=str(number)), **more)  # type: ignore[arg-type]


async def test_a_burst_about_one_cause_is_counted_on_every_ticket_and_joins_nobody(here: Database) -> None:
    parts = Intake(here)
    for number in range(4):
        await parts.take([by(f"{number}", number, f"{BROKEN} {'!' * number}")])
    counted = [event.facts.get("Burst", "") for event in parts.published()]
    assert counted[:2] == ["", ""]
    assert counted[2].startswith("3 people")
    assert counted[3].startswith("4 people")
    assert len({event.thread.conversation for event in parts.published()}) == 4
    bursts = [event.post.burst for event in parts.published() if event.post]
    assert len({burst.id for burst in bursts if burst}) == 1
    assert [burst.people if burst else 0 for burst in bursts] == [0, 0, 3, 4]


async def test_a_burst_can_be_put_together_whole_though_its_first_posts_did_not_know_of_it(here: Database) -> None:
    parts = Intake(here)
    for number in range(3):
        await parts.take([by(f"{number}", number, BROKEN)])
    await parts.take([by(f"{number}", number, BROKEN) for number in range(3, 6)])
    told = {event.provider_id: event.post.burst for event in parts.published() if event.post and event.post.burst}
    (name,) = {burst.id for burst in told.values()}
    members = {*told, *(post for burst in told.values() for post in burst.first)}
    assert members == {str(number) for number in range(6)}
    async with here.transaction() as session:
        noted = await repository.complaints_since(session, "x", utc_now() - timedelta(hours=1))
    assert {one.burst for one in noted} == {name}, "its name stays, whatever leaves the window"


async def test_praise_is_kept_for_agents_to_read_and_private_words_are_not(here: Database) -> None:
    parts = Intake(here)
    private = by("3", 3, "thank you, lovely", direct=True)
    own, repost = by(US.id, 4, "lovely day at acme"), by("5", 5, "lovely acme", repost=True)
    await parts.take([by("1", 1, BROKEN), by("2", 2, f"{PRAISE} @acme"), private, own, repost])
    (kept,) = parts.bus.events(MENTIONS_KEPT)
    assert (kept.provider_id, kept.sender, kept.facts["Kind"]) == ("2", "x:2", "other")
    assert kept.complaint is not None
    assert kept.complaint < 0.5
    assert set(kept.facts["Words"].split(", ")) <= set(PRAISE.lower().replace(",", "").split())
    assert [event.provider_id for event in parts.published()] == ["1", "dm:3"]


async def test_a_mention_is_not_noted_before_agents_can_read_it(here: Database) -> None:
    parts = Intake(here)
    parts.bus.down = True
    with pytest.raises(Unavailable):
        await parts.take([by("2", 2, PRAISE)])
    parts.bus.down = False
    for _ in range(2):
        await parts.take([by("2", 2, PRAISE)])
    assert [event.provider_id for event in parts.bus.events(MENTIONS_KEPT)] == ["2"]


async def test_a_post_that_comes_by_two_ways_at_once_is_published_once(here: Database) -> None:
    parts = Intake(here)
    same = by("1", 1, BROKEN)
    await asyncio.gather(*(parts.take([same, same], source) for source in ("mentions", "search")))
    assert len(parts.published()) == 1


async def test_two_networks_may_use_the_same_ids(here: Database) -> None:
    elsewhere = XNetwork(access())
    elsewhere.channel = msgspec.structs.replace(elsewhere.channel, name="elsewhere")
    for network, name in ((XNetwork(access()), "x"), (elsewhere, "elsewhere")):
        parts = Intake(here, network)
        await parts.take([by("1", 1, BROKEN)])
        assert [(event.channel, event.sender) for event in parts.published()] == [(name, f"{name}:1")]
        async with here.transaction() as session:
            assert await repository.cursor(session, name, Source.SEARCH, len(name)) == len(name)


async def test_while_kafka_is_away_nothing_is_noted_and_later_all_comes(here: Database) -> None:
    parts = Intake(here)
    parts.bus.down = True
    with pytest.raises(Unavailable):
        await parts.take([by("1", 1, BROKEN), by("2", 2, "lovely day")])
    async with here.transaction() as session:
        assert not await repository.known(session, "x", ["1", "2"])
    parts.bus.down = False
    await parts.take([by("1", 1, BROKEN), by("2", 2, "lovely day")])
    assert [event.provider_id for event in parts.published()] == ["1"]


async def test_thanks_below_a_complaint_reaches_the_agent_and_strangers_are_judged_by_themselves(
    here: Database,
) -> None:
    parts = Intake(here)
    first = by("1", 10, BROKEN)
    thanks = by("1", 11, "thank you, you made my day", conversation="10")
    stranger = by("2", 12, "thank you, you made my day", conversation="10")
    await parts.take([first, thanks, stranger])
    assert [event.provider_id for event in parts.published()] == ["10", "11"]


class Timeline(XNetwork):
    """A network of which only pages are read."""

    def __init__(self, *posts: Post, odd: bytes = b"") -> None:
        super().__init__(access(), schedules=SCHEDULES)
        self.posts, self.odd, self.asked = posts, odd, list[int]()

    async def page(self, source: Source, account: Account, since: int, token: str) -> Page:
        self.asked.append(since)
        if since < id_at(utc_now() - timedelta(days=7)):
            raise TooOld("'since_id' must be a tweet id created after")
        return Page([p for p in self.posts if int(p.id) > since], "", [self.odd] if self.odd else [])


async def test_what_is_no_post_is_set_aside_once_and_stops_nothing(here: Database) -> None:
    parts = Intake(here, Timeline(by("1", id_at(datetime.now(UTC)), BROKEN), odd=b'{"id": "what?"}'))
    reading = Poller(Source.SEARCH, parts.connection)
    for _ in range(3):
        await reading.look(US, asyncio.Event())
    assert [letter.value for letter in parts.bus.dead] == [b'{"id": "what?"}']
    assert len(parts.published()) == 1


async def test_a_post_with_half_a_character_reaches_agents_and_holds_no_later_one_back(here: Database) -> None:
    x = X()
    written = json.loads((DATA / "lone-surrogate.json").read_text())["data"]
    x.raw = [{**item, "id": str(id_at(utc_now()) - place)} for place, item in enumerate(written)]
    x.raw.append({**x.raw[0], "id": str(2**63 - 1), "text": "@acme this post is of the year 2248, terrible"})
    with serving(x) as url:
        parts = Intake(here, XNetwork(access(url), schedules=SCHEDULES))
        reading = Poller(Source.MENTIONS, parts.connection)
        await reading.look(US, asyncio.Event())
        x.raw = []
        later = str(x.post(x.person("bea"), f"@acme {BROKEN}"))
        await reading.look(US, asyncio.Event())
    texts = [event.text for event in parts.published()]
    assert "@acme cut emoji \ufffd terrible service, never again" in texts
    assert "@acme my boiler exploded and nobody answers, terrible" in texts
    assert later in {event.provider_id for event in parts.published()}


async def test_a_post_that_x_will_not_let_us_answer_says_so_until_its_author_mentions_us(here: Database) -> None:
    parts = Intake(here, XNetwork(access(), summoned_only=True))
    kettle = json.loads((DATA / "answer-not-summoned.json").read_text())["post"]
    (quiet,), _ = wire.posts({"data": [{**kettle, "text": f"{BROKEN.replace('@acme', 'Acme')}"}]})
    called = replace(quiet, id=f"{int(quiet.id) + 1}", text=BROKEN)
    again = replace(quiet, id=f"{int(quiet.id) + 2}")
    stranger = replace(quiet, id=f"{int(quiet.id) + 3}", author="9", conversation="9")
    for one in (quiet, called, again, stranger):
        await parts.take([one])
    assert [event.closed for event in parts.published()] == ["not-summoned", "", "", "not-summoned"]
    async with here.transaction() as session:
        ids = [one.id for one in (quiet, called, again)]
        found = [
            await repository.newest_of(session, "x", quiet.author, ids, summoned_first=first) for first in (True, False)
        ]
    assert [one.id for one in found if one] == [called.id, again.id], "the post that may be answered is"


async def test_after_more_than_a_week_away_all_that_x_remembers_is_read(here: Database) -> None:
    async with here.transaction() as session:
        await repository.cursor(session, "x", Source.SEARCH, id_at(utc_now() - timedelta(days=30)))
    newest = id_at(utc_now() - timedelta(days=6))
    parts = Intake(here, Timeline(by("1", newest, BROKEN)))
    await Poller(Source.SEARCH, parts.connection).look(US, asyncio.Event())
    assert len(parts.published()) == 1
    async with here.transaction() as session:
        assert await repository.cursor(session, "x", Source.SEARCH, 0) == newest


async def test_the_cursor_stays_where_it_was_until_everything_is_taken_in(here: Database) -> None:
    newest = id_at(utc_now())
    network = Timeline(by("1", newest, BROKEN))
    parts = Intake(here, network)
    parts.bus.down = True
    with pytest.raises(Unavailable):
        await Poller(Source.SEARCH, parts.connection).look(US, asyncio.Event())
    async with here.transaction() as session:
        assert await repository.cursor(session, "x", Source.SEARCH, 0) < newest
    parts.bus.down = False
    await Poller(Source.SEARCH, parts.connection).look(US, asyncio.Event())
    async with here.transaction() as session:
        assert await repository.cursor(session, "x", Source.SEARCH, 0) == newest
    assert network.asked[0] == network.asked[1]


async def test_a_channel_that_another_process_called_off_before_it_died_is_told_to_be_on(
    here: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.channels._AGAIN", 0.05)
    monkeypatch.setattr("shared.channels._LOOK", 0.02)
    parts, stop = Intake(here), asyncio.Event()
    availability = parts.connection.availability
    announcing = asyncio.ensure_future(parts.tasks()["announcing"](stop))
    await until(lambda: parts.bus.events(CHANNELS_ANNOUNCED), "the channel to be announced")
    off = msgspec.structs.replace(availability.channel, enabled=False, why_off="X refuses our credentials")
    await parts.bus.publish(CHANNELS_ANNOUNCED, off.name, off)
    await until(lambda: parts.bus.events(CHANNELS_ANNOUNCED)[-1].enabled, "it to be on again", 20)
    stop.set()
    await announcing
