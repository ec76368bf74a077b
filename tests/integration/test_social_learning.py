"""Agents teach the model; it changes only for the better, and can be taken back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from services.social import learning, repository
from services.social.active_model import ActiveModel
from services.social.models import Correction, PostOutcome, Seen
from services.social.networks.x.network import XNetwork
from services.social.training import examples
from shared.clock import utc_now
from shared.db import Database
from shared.errors import Rejected
from shared.locks import Leadership
from tests.integration.social_parts import migrated

LATE = "the wombat sleeps in my {} again"
NICE = "the wombat sings in my {} again"
PLACES = [f"{kind}{number}" for kind in ("shed", "garden", "van", "kiosk") for number in range(15)]


@pytest.fixture(autouse=True)
def fewer_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    """One example of each fragment, which trains in a ninth of the time, and so few of others'
    posts that a model of so few examples is not clearly worse on them."""
    few = list({example.core: example for example in examples.shipped()}.values())
    general = examples.held_out()[::20]
    monkeypatch.setattr(examples, "shipped", lambda: few)
    monkeypatch.setattr(examples, "held_out", lambda: general)


@pytest.fixture
async def here(database: str) -> AsyncIterator[Database]:
    async with migrated(database) as found:
        yield found


def row(
    number: str, text: str, outcome: PostOutcome = PostOutcome.MENTION, days: int = 0, **fields: object
) -> dict[str, object]:
    at = utc_now() - timedelta(days=days)
    values = {"author": "1", "name": "Ann", "username": "ann", "thread": f"{number}/1", "conversation": number}
    scores = {"complaint": 0.1, "question": 0.1, "reasons": [], "causes": [], "media": [], "followers": 3}
    rest = {
        "language": "en",
        "created_at": at,
        "received_at": at,
        "source": "search",
        "outcome": outcome,
        "kind": "other",
    }
    return {"network": "x", "id": number, "text": text, **values, **scores, **rest, **fields}


async def teach(database: Database, labelled: list[tuple[str, str]]) -> None:
    """As agents do, one post after the other."""
    async with database.transaction() as session:
        await repository.add(session, [row(str(n), text) for n, (text, _) in enumerate(labelled)])
        for number, (_, label) in enumerate(labelled):
            post = await repository.post(session, "x", str(number))
            assert post
            await repository.correct(session, post, label, "agent", utc_now())


async def test_the_model_learns_what_this_companys_customers_mean_and_can_be_taken_back(here: Database) -> None:
    sad, glad = LATE.format, NICE.format
    await teach(here, [(sad(p), "complaint") for p in PLACES] + [(glad(p), "other") for p in PLACES])
    active = ActiveModel(here)
    before = active.model.classify(sad("barn"))
    figures = await learning.retrain(here, 0.5, 0.5)
    assert figures["taken"], figures
    assert figures["after"]["f1"] > figures["before"]["f1"]
    await active.refresh()
    assert active.version == figures["version"]
    assert active.model.classify(sad("barn")).complaint > 0.5 > active.model.classify(glad("barn")).complaint

    again = await learning.retrain(here, 0.5, 0.5)
    assert not again["taken"], "the same corrections make no better model"
    await active.refresh()
    assert active.version == figures["version"]

    assert await learning.roll_back(here) == 0
    await active.refresh()
    assert active.version == 0
    assert active.model.classify(sad("barn")) == before
    with pytest.raises(Rejected, match="none before it"):
        await learning.roll_back(here)


async def test_nonsense_from_agents_is_not_taken(here: Database) -> None:
    await teach(here, [(LATE.format(p), ("complaint", "other")[n % 2]) for n, p in enumerate(PLACES)])
    figures = await learning.retrain(here, 0.5, 0.5)
    async with here.transaction() as session:
        active = await repository.active_version(session)
    assert figures["taken"] == bool(active)
    if figures["taken"]:
        assert figures["after"]["f1"] > figures["before"]["f1"]


async def test_too_few_corrections_teach_nothing(here: Database) -> None:
    await teach(here, [("never again", "complaint"), ("lovely", "other")])
    with pytest.raises(Rejected, match="Label more"):
        await learning.retrain(here, 0.5, 0.5)


async def test_the_last_correction_of_a_post_counts(here: Database) -> None:
    await teach(here, [("hm", "complaint")])
    async with here.transaction() as session:
        post = await repository.post(session, "x", "0")
        assert post
        await repository.correct(session, post, "question", "another agent", utc_now())
        assert [(c.label, c.given_by) for c in await session.scalars(select(Correction))] == [
            ("question", "another agent")
        ]


async def test_old_mentions_are_forgotten_but_a_tickets_thread_is_still_known(here: Database) -> None:
    async with here.transaction() as session:
        await repository.add(
            session,
            [
                row("1", "old praise", days=100),
                row("2", "new praise", days=1),
                row("3", "old complaint", PostOutcome.TICKET, days=100, kind="complaint"),
                row("4", "old, labelled", days=100),
            ],
        )
        labelled = await repository.post(session, "x", "4")
        assert labelled
        await repository.correct(session, labelled, "complaint", "agent", utc_now())
        await repository.forget(session, utc_now() - timedelta(days=90))
    async with here.transaction() as session:
        left = {post.id: post.text for post in await session.scalars(select(Seen))}
        assert set(left) == {"2", "3", "4"}
        assert left["3"] == ""
        assert await repository.threads_with_tickets(session, "x", ["3/1", "2/1"]) == {"3/1"}


async def test_one_process_works_and_the_next_takes_over(here: Database) -> None:
    first, second = Leadership(here, XNetwork.lock), Leadership(here, XNetwork.lock)
    stop_first, stop_second = asyncio.Event(), asyncio.Event()
    one = asyncio.create_task(first.run(stop_first))
    await asyncio.wait_for(first.held.wait(), 20)
    two = asyncio.create_task(second.run(stop_second))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(second.held.wait(), 2.5)
    stop_first.set()
    await one
    await asyncio.wait_for(second.held.wait(), 20)
    assert not first.held.is_set()
    stop_second.set()
    await two
