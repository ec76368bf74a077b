"""Agents' words from the desk, by Kafka: labels that teach, and mentions that become tickets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from services.social import repository
from services.social.consumer import judged
from services.social.models import Correction
from services.social.networks.x.posts import id_at
from shared.clock import utc_now
from shared.db import Database
from shared.events import PostJudged
from shared.kernel import message_id
from shared.topics import MENTIONS_KEPT, MESSAGES_RECEIVED, POSTS_JUDGED
from tests.integration.social_parts import Parts, migrated
from tests.unit.social.makers import post

PRAISE = "Huge thanks to Anna for sorting it so quickly, you made my day"


@pytest.fixture
async def here(database: str) -> AsyncIterator[Database]:
    async with migrated(database) as found:
        yield found


class House(Parts):
    """The parts that follow labels."""

    async def hear(self, *events: PostJudged) -> None:
        """As Kafka brings them; returns when they are followed or set aside."""
        for event in events:
            await self.bus.publish(POSTS_JUDGED, event.provider_id, event)
        stop = asyncio.Event()
        running = asyncio.create_task(judged(self.bus, self.labels).run(stop))
        total = len(self.bus.logs[POSTS_JUDGED.name])
        async with asyncio.timeout(20):
            while self.bus.committed.get(("social-judgements", POSTS_JUDGED.name), 0) < total:
                await asyncio.sleep(0.01)
        stop.set()
        await running

    async def given(self) -> list[tuple[str, str, str]]:
        async with self.database.transaction() as session:
            return [(c.post_id, c.label, c.given_by) for c in await session.scalars(select(Correction))]


def says(
    number: str, label: str = "", *, ticket: bool = False, ago: float = 3600, agent: str = "ann@example.org"
) -> PostJudged:
    at = utc_now() - timedelta(seconds=ago)
    return PostJudged(
        id=str(uuid4()), channel="x", provider_id=number, at=at, agent=agent, label=label, open_ticket=ticket
    )


async def test_the_word_that_was_said_last_counts_in_whatever_order_words_arrive(here: Database) -> None:
    house = House(here)
    await house.take([post(text=PRAISE)])
    first, last = says("100", "complaint", ago=600), says("100", "other", ago=300, agent="bob@example.org")
    await house.hear(last, first, last, first)
    assert await house.given() == [("100", "other", "bob@example.org")]
    assert not house.bus.dead


async def test_a_clock_that_is_ahead_does_not_silence_those_who_come_later(here: Database) -> None:
    house = House(here)
    await house.take([post(text=PRAISE)])
    await house.hear(says("100", "complaint", ago=-86_400))
    await house.hear(says("100", "other", ago=0))
    assert [label for _, label, _ in await house.given()] == ["other"]


async def test_a_mention_that_an_agent_wants_becomes_a_message_once(here: Database) -> None:
    house = House(here)
    await house.take([post(text=PRAISE)])
    (kept,) = house.bus.events(MENTIONS_KEPT)
    await house.hear(says("100", "complaint", ticket=True), says("100", ticket=True))
    await house.hear(says("100", ticket=True))
    (message,) = house.bus.events(MESSAGES_RECEIVED)
    assert message.id == kept.id == message_id("x", "100")
    assert (message.sender, message.text, message.thread) == (kept.sender, kept.text, kept.thread)
    await house.take([post(id="101", text="thank you, lovely", conversation="100")])
    assert [event.provider_id for event in house.bus.events(MESSAGES_RECEIVED)] == ["100", "101"], "they follow it now"


async def test_a_ticket_wanted_of_a_post_that_nobody_knows_is_set_aside_with_words_for_a_person(here: Database) -> None:
    house = House(here)
    old = str(id_at(utc_now() - timedelta(days=100)))
    await house.hear(says(old, ticket=True), says(str(id_at(utc_now())), "other"), says(old, "other"))
    words = [letter.error for letter in house.bus.dead]
    assert len(words) == 2, "a label of what was forgotten is only logged: nobody waits for it"
    assert "ann@example.org must open the ticket by hand" in words[0]
    assert "never taken in" in words[1]


async def test_an_agent_who_is_quicker_than_our_notes_is_heard_all_the_same(here: Database) -> None:
    house = House(here)
    hearing = asyncio.create_task(house.hear(says("100", "question", ago=0)))
    await asyncio.sleep(0)
    await house.take([post(text=PRAISE)])
    await hearing
    assert [label for _, label, _ in await house.given()] == ["question"]
    assert not house.bus.dead


async def test_a_label_that_does_not_exist_and_other_networks_stop_nobody(here: Database) -> None:
    house = House(here)
    await house.take([post(text=PRAISE)])
    elsewhere = replace(says("100", "other", ago=0), channel="mastodon")
    await house.hear(elsewhere, says("100"), says("100", "rant"), says("100", "question"))
    assert [label for _, label, _ in await house.given()] == ["question"]
    assert ["one of complaint" in letter.error for letter in house.bus.dead] == [True]


async def test_a_label_of_a_text_that_was_forgotten_changes_nothing(here: Database) -> None:
    house = House(here)
    await house.take([post(text=PRAISE)])
    await house.hear(says("100", ticket=True))
    async with here.transaction() as session:
        await repository.forget(session, utc_now() + timedelta(days=1))
    await house.hear(says("100", "other"))
    assert await house.given() == []
    assert not house.bus.dead
