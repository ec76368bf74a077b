"""Answers to posts while X falters: each arrives once, and is reported once, whatever becomes of
X's own answer."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from services.social.domain import pace
from services.social.domain.posts import Account, Post
from services.social.networks.x.network import XNetwork
from shared.clock import utc_now
from shared.db import Database
from shared.events import DeliveryReport, OutboundMessage
from shared.kernel import ContactPoint
from shared.topics import DELIVERIES_REPORTED, deliveries_requested
from tests.integration.social_parts import Parts, migrated
from tests.providers.x import X, serving
from tests.unit.social.makers import access
from tests.waiting import until


def posted(x: X) -> int:
    return len([one for one in x.calls if one == ("POST", "/2/tweets")])


class Line(Parts):
    """The way of replies to X."""

    def __init__(self, x: X, url: str, database: Database, **more: bool) -> None:
        super().__init__(
            database,
            XNetwork(access(url, 0.5), **more),
            Account(x.me.id, x.me.username),  # type: ignore[arg-type]
        )
        self.x = x
        self.availability = self.connection.availability

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        stop = asyncio.Event()
        tasks = [asyncio.ensure_future(self.tasks()[name](stop)) for name in ("requests", "sending", "outbox")]
        try:
            yield
        finally:
            stop.set()
            async with asyncio.timeout(15):
                await asyncio.gather(*tasks)

    async def writes(self, username: str, text: str) -> tuple[int, str]:
        """Somebody posts, and we take it in."""
        person = self.x.person(username)
        number = self.x.post(person, text)
        one = Post(str(number), person.id, text, utc_now(), str(number), username=username)
        await self.take([one])
        return number, person.id

    async def answer(self, post: int, person: str, text: str) -> str:
        request = OutboundMessage(
            id=uuid4().hex,
            ticket_id=str(post),
            channel="x",
            to=ContactPoint(f"x:{person}"),
            text=text,
            requested_at=utc_now(),
            references=(str(post),),
            conversation=f"{post}/{person}",
        )
        await self.bus.publish(deliveries_requested("x"), request.ticket_id, request)
        return request.id

    async def report(self, outbound: str) -> DeliveryReport:
        def look() -> DeliveryReport | None:
            return next((one for one in self.bus.events(DELIVERIES_REPORTED) if one.outbound_id == outbound), None)

        found = await until(look, "a report")
        assert found
        return found


@asynccontextmanager
async def line(database: str, **more: bool) -> AsyncIterator[Line]:
    x = X()
    with serving(x) as url:
        async with migrated(database) as db:
            found = Line(x, url, db, **more)
            async with found.running():
                yield found


CASES = Path(__file__).parents[1] / "data" / "x"


async def test_two_people_are_answered_in_the_same_words_and_the_second_is_named(database: str) -> None:
    case = json.loads((CASES / "same-answer-twice.json").read_text())
    async with line(database) as way:
        for place, username in enumerate(("ann", "bea")):
            post, person = await way.writes(username, case["posts"][place]["text"])
            report = await way.report(await way.answer(post, person, case["answer"]))
            assert report.state == "sent", report.detail
        assert [one.text for one in way.x.ours()] == [case["answer"], f"@bea {case['answer']}"]


async def test_where_the_name_does_not_fit_the_agent_is_told_to_change_the_words(database: str) -> None:
    async with line(database) as way:
        ends = []
        for username in ("ann", "bea"):
            post, person = await way.writes(username, "@acme nobody answers, awful")
            ends.append(await way.report(await way.answer(post, person, "a" * 279)))
        assert [end.state for end in ends] == ["sent", "failed"]
        assert "change some of them" in ends[1].detail


async def test_an_answer_that_x_does_not_allow_is_refused_with_what_to_do_instead(database: str) -> None:
    case = json.loads((CASES / "answer-not-summoned.json").read_text())
    async with line(database, summoned_only=True) as way:
        post, person = await way.writes("ann", case["post"]["text"])
        report = await way.report(await way.answer(post, person, "Sorry!"))
        assert report.state == "failed"
        assert "only those who mentioned or quoted @acme" in report.detail
        assert "another channel" in report.detail
        assert not posted(way.x)


async def test_an_account_that_x_wants_paid_is_off_with_words_and_on_again_by_itself(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "DENIED", 0.1)
    async with line(database) as way:
        post, person = await way.writes("ann", "@acme nobody answers, awful")
        way.x.denied = 402
        outbound = await way.answer(post, person, "Sorry!")
        await until(lambda: "wants to be paid (402" in way.availability.why_off, "the channel to be off")
        assert not way.availability.channel.enabled
        assert "X's developer console" in way.availability.why_off
        way.availability.trouble("mentions", "")
        assert way.availability.why_off, "that reading works says nothing about it"
        way.x.denied = 0
        assert (await way.report(outbound)).state == "sent"
        assert way.availability.channel.enabled


async def test_a_faltering_x_never_loses_or_doubles_an_answer(database: str) -> None:
    async with line(database) as way:
        x, ann = way.x, way.x.person("ann")

        async def answer(trouble: str) -> None:
            post, before = x.post(ann, f"@acme where is my parcel? {uuid4()}"), posted(x)
            text = f"It arrives tomorrow. {uuid4()}"
            kind, _, how = trouble.partition(" ")
            if kind == "429":
                x.limits["post"], x.resets["post"] = 0, int(time.time()) + 2
            else:
                setattr(x, kind, how)
            outbound = await way.answer(post, ann.id, text)
            await until(lambda: posted(x) > before, f"a first attempt in spite of {trouble}")
            x.outage = x.after_post = ""
            x.limits["post"] = 200
            report = await way.report(outbound)
            sent = [one for one in x.ours() if one.text == text]
            assert [one.answers for one in sent] == [post], trouble
            assert (str(report.state), report.provider_id) == ("sent", str(sent[0].id)), trouble
            reports = [one for one in way.bus.events(DELIVERIES_REPORTED) if one.outbound_id == outbound]
            assert len(reports) == 1, trouble

        lost = [f"after_post {how}" for how in ("503", "cut", "drop", "hang")]
        for trouble in ("outage 503", "outage cut", "outage drop", "outage hang", *lost, "429"):
            await answer(trouble)
