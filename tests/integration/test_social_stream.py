"""X's filtered stream, by tweepy's own client over HTTP: a complaint is here in the moment in which
it is written."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager

import pytest

from services.social.domain.pace import Break
from services.social.domain.posts import Account, Post
from services.social.networks.x.stream import XStream
from services.social.networks.x.transport import Access
from services.social.ports import Denied, Lost, Page
from tests.providers import x_oauth
from tests.providers.x import WINDOW, X, serving

SECONDS = 20


@contextmanager
def listening(
    x: X, search: str = "", silence: float = 3, keys: tuple[str, ...] = ()
) -> Iterator[tuple[XStream, Account]]:
    with serving(x) as url:
        access = Access(*(keys or x_oauth.SETTINGS.values()), url, 5, ("acme", "Acme Shoes"), search)
        yield XStream(access, silence), Account(x.me.id, x.me.username)


async def until(pages: AsyncIterator[Page | None], number: int) -> tuple[list[Post], list[bytes]]:
    """So many posts, or oddities, once they came."""
    posts: list[Post] = []
    odd: list[bytes] = []
    async with asyncio.timeout(SECONDS):
        async for page in pages:
            posts += page.posts if page else []
            odd += page.unreadable if page else []
            if len(posts) + len(odd) >= number:
                return posts, odd
    raise AssertionError("the stream ended")


async def connected(pages: AsyncIterator[Page | None]) -> None:
    async with asyncio.timeout(SECONDS):
        while await anext(pages) is None:
            pass


async def ends(pages: AsyncIterator[Page | None]) -> Lost:
    with pytest.raises(Lost) as lost:
        await until(pages, 1_000_000)
    return lost.value


async def hung_up(x: X) -> None:
    async with asyncio.timeout(SECONDS):
        while x.streams.open:
            await asyncio.sleep(0.02)


@pytest.fixture
def x() -> X:
    found = X()
    found.streams.allowed, found.streams.keep_alive = True, 0.2
    return found


async def test_a_post_is_heard_in_the_moment_in_which_it_is_written(x: X) -> None:
    with listening(x) as (stream, us):
        async with aclosing(stream.listen(us)) as pages:
            await connected(pages)
            ann = x.person("ann", followers=77, name="Ann")
            x.post(x.person("bob"), "nothing to do with it")
            x.post(x.me, "our own words about acme")
            x.post(ann, "RT acme is late", reposts=1)
            one = x.post(ann, "@acme my parcel is late", lang="en")
            two = x.post(ann, "Acme Shoes are lovely", answers=one)
            posts, _ = await until(pages, 2)
    assert [(p.id, p.text, p.name, p.followers) for p in posts] == [
        (str(one), "@acme my parcel is late", "Ann", 77),
        (str(two), "Acme Shoes are lovely", "Ann", 77),
    ]
    assert posts[1].conversation == str(one)
    assert not any("start_time" in path for _, path in x.calls)


async def test_hanging_up_frees_the_only_connection_that_x_allows(x: X) -> None:
    with listening(x) as (stream, us):
        for _ in range(3):
            async with aclosing(stream.listen(us)) as pages:
                await connected(pages)
            await hung_up(x)
    assert x.streams.connected == 3


async def test_our_rules_follow_the_settings_and_other_programs_keep_theirs(x: X) -> None:
    theirs = {"id": "1", "value": "cats has:images", "tag": "somebody else"}
    x.streams.rules = {
        "1": theirs,
        "2": {"id": "2", "value": "an old name", "tag": "switchboard:search"},
    }
    with listening(x) as (stream, us):
        for _ in range(2):  # again changes nothing
            async with aclosing(stream.listen(us)) as pages:
                await connected(pages)
            await hung_up(x)
        rules = {rule["value"]: rule.get("tag") for rule in x.streams.rules.values()}
        assert rules == {
            "cats has:images": "somebody else",
            "(@acme) -is:retweet -from:acme": "switchboard:mentions",
            '(acme OR "Acme Shoes") -is:retweet -from:acme': "switchboard:search",
        }


async def test_a_post_that_another_programs_rule_brought_is_none_of_ours(x: X) -> None:
    x.streams.rules = {"1": {"id": "1", "value": "cats", "tag": "somebody else"}}
    with listening(x) as (stream, us):
        async with aclosing(stream.listen(us)) as pages:
            await connected(pages)
            x.post(x.person("ann"), "cats are lovely")
            both = x.post(x.person("ann"), "acme has cats")
            posts, _ = await until(pages, 1)
    assert [post.id for post in posts] == [str(both)]


async def test_what_is_no_post_is_handed_over_raw_and_x_words_before_it_hangs_up_are_not(x: X) -> None:
    with listening(x) as (stream, us):
        async with aclosing(stream.listen(us)) as pages:
            await connected(pages)
            x.streams.send(b'{"data": {"id": "what?"}}')
            x.streams.send(b"<html>")
            x.streams.send({"errors": [{"title": "operational-disconnect"}]})
            one = x.post(x.person("ann"), "acme is late")
            posts, odd = await until(pages, 3)
    assert [post.id for post in posts] == [str(one)]
    assert [json.loads(raw) if raw[:1] == b"{" else raw for raw in odd] == [b"<html>", {"id": "what?"}] or len(odd) == 2


async def test_a_stream_that_fell_silent_counts_as_broken_and_one_with_signs_of_life_does_not(x: X) -> None:
    with listening(x, silence=1) as (stream, us):
        async with aclosing(stream.listen(us)) as pages:
            await connected(pages)
            async with asyncio.timeout(SECONDS):
                alive = 0
                while alive < 10:  # two seconds of nothing but keep-alives
                    alive += await anext(pages) is not None
            x.streams.silent = True
            assert (await ends(pages)).kind is Break.NETWORK


@pytest.mark.parametrize("why", ["", "UpstreamOperationalDisconnect"])
async def test_when_x_hangs_up_we_know_and_what_came_before_is_not_lost(x: X, why: str) -> None:
    with listening(x) as (stream, us):
        async with aclosing(stream.listen(us)) as pages:
            await connected(pages)
            one = x.post(x.person("ann"), "acme is late")
            posts, _ = await until(pages, 1)
            assert [post.id for post in posts] == [str(one)]
            x.streams.cut(why)
            assert (await ends(pages)).kind is Break.NETWORK


async def test_a_second_listener_is_told_to_be_patient(x: X) -> None:
    with listening(x) as (stream, us):
        async with aclosing(stream.listen(us)) as pages, aclosing(stream.listen(us)) as others:
            await connected(pages)
            lost = await ends(others)
    assert lost.kind is Break.LIMIT
    assert lost.at is None, "its limit is not used up: X's own back-off is what to obey"


async def test_a_rate_limit_is_obeyed_until_its_reset(x: X) -> None:
    x.lift_limit("stream", 0)
    with listening(x) as (stream, us):
        async with aclosing(stream.listen(us)) as pages:
            lost = await ends(pages)
    assert lost.kind is Break.LIMIT
    assert lost.at is not None
    assert abs(lost.at.timestamp() - x.resets["stream"]) < 2
    assert x.resets["stream"] - WINDOW <= lost.at.timestamp()


@pytest.mark.parametrize(("trouble", "kind"), [("503", Break.HTTP), ("drop", Break.HTTP), ("cut", Break.HTTP)])
async def test_an_outage_of_x_is_told_with_how_patient_to_be(x: X, trouble: str, kind: Break) -> None:
    with listening(x) as (stream, us):
        x.outage = trouble
        async with aclosing(stream.listen(us)) as pages:
            assert (await ends(pages)).kind is kind
        x.outage = ""
        async with aclosing(stream.listen(us)) as pages:
            await connected(pages)


async def test_a_plan_without_the_stream_and_wrong_keys_are_told_apart(x: X) -> None:
    x.streams.allowed = False
    with listening(x) as (stream, us):
        with pytest.raises(Denied, match="plan") as denied:
            await anext(stream.listen(us))
        assert not denied.value.credentials
        x.streams.allowed, x.denied = True, 401
        with pytest.raises(Denied) as denied:
            await anext(stream.listen(us))
        assert denied.value.credentials
        x.denied = 0
        async with aclosing(stream.listen(us)) as pages:
            await connected(pages)


async def test_an_app_with_another_secret_gets_no_stream(x: X) -> None:
    wrong = (x_oauth.CONSUMER_KEY, "another", x_oauth.ACCESS_TOKEN, x_oauth.ACCESS_TOKEN_SECRET)
    with listening(x, keys=wrong) as (stream, us):
        with pytest.raises(Denied) as denied:
            await anext(stream.listen(us))
        assert denied.value.credentials


async def test_a_rule_that_x_does_not_take_is_told_in_its_words(x: X) -> None:
    with listening(x, search="a" * 513) as (stream, us), pytest.raises(Denied, match="UnprocessableEntity"):
        await anext(stream.listen(us))


async def test_when_posts_come_faster_than_they_are_taken_in_polling_has_to_find_the_rest(x: X) -> None:
    with listening(x) as (stream, us):
        async with aclosing(stream.listen(us)) as pages:
            await connected(pages)
            ann = x.person("ann")
            for number in range(1_300):
                x.post(ann, f"acme is late {number}")
            threading.Event().wait(1.5)  # the loop stands still, as it does not in a service: posts pile up
            lost = await ends(pages)
    assert "faster" in str(lost)
