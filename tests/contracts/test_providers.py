"""The local providers beside their originals' documents: every operation and every webhook that our
services use is played by the real client libraries, and each request and each answer is compared
with `tests/providers/twilio_facts.py` and `x_facts.py`.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import tweepy
from tweepy.direct_message_event import DIRECT_MESSAGE_EVENT_FIELDS
from tweepy.media import MEDIA_FIELDS
from tweepy.tweet import TWEET_FIELDS
from tweepy.user import USER_FIELDS
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client
from twilio.rest.api.v2010.account import AccountInstance
from twilio.rest.api.v2010.account.call import CallInstance, CallList
from twilio.rest.api.v2010.account.message import MessageInstance, MessageList

from services.phone.adapters.twilio_api import TwilioProvider
from services.social.domain.posts import Account
from services.social.networks.x.network import XNetwork
from services.social.networks.x.posts import id_at
from services.social.networks.x.stream import XStream
from services.social.networks.x.transport import Access
from services.social.ports import Source
from shared.attempts import Result
from shared.clock import utc_now
from shared.events import CallAction
from tests.integration.phone_house import House, free_port, house
from tests.providers import twilio_facts, x_facts, x_oauth
from tests.providers.facts import Exchange, Object, departures
from tests.providers.twilio import ACCOUNT, OURS, TOKEN, Twilio
from tests.providers.twilio_calls import Person
from tests.providers.x import X, invalid, serving
from tests.waiting import until

ANN, AGENT = "+33612345678", "+33199001201"
CALLBACK = "https://phone.example.org/webhooks/status"


def names(operations: Iterable[Any], exchanges: Iterable[Exchange]) -> set[str]:
    """The operations that these exchanges were."""
    return {
        one.name
        for one in operations
        for each in exchanges
        if one.method == each.method and re.fullmatch(one.path, each.path)
    }


def camel(name: str) -> str:
    return "".join(part.title() for part in name.strip("_").split("_"))


# --- Twilio --------------------------------------------------------------------------------------


def provider(twilio: Twilio, token: str = TOKEN) -> TwilioProvider:
    return TwilioProvider(ACCOUNT, token, OURS, twilio.url, (), 5)


@pytest.fixture
async def twilio() -> AsyncIterator[Twilio]:
    async with Twilio().running(free_port()) as found:
        found.statuses = ()
        yield found


@pytest.fixture
async def ours(twilio: Twilio) -> AsyncIterator[TwilioProvider]:
    found = provider(twilio)
    yield found
    await found.close()


@pytest.fixture
def client(ours: TwilioProvider) -> Client:
    return ours._client


def press(key: str, after: str) -> Callable[[str], str]:
    return lambda heard: key if after in heard else ""


async def text_both_ways(line: House) -> None:
    assert await line.twilio.text(ANN, "Regardez", media=2) == 200
    (message,) = await until(lambda: line.received, "the text")
    assert len(message.attachments) == 2
    await line.answer("o1", f"tel:{ANN}", "Merci")
    await line.reported("o1", "sent", "delivered")
    line.twilio.statuses = ("sent", "undelivered")
    await line.answer("o2", f"tel:{ANN}", "Un instant")
    await line.reported("o2", "failed")
    line.twilio.statuses = ()  # it waits to be sent; and Twilio's answer is lost, so its list is asked
    line.twilio.faults.append(("Messages.json", "lose"))
    await line.answer("o3", f"tel:{ANN}", "Encore un")
    await line.reported("o3", "sent")
    assert [one.body for one in line.twilio.messages.values()].count("Encore un") == 1


async def call_and_be_connected(line: House) -> None:
    line.twilio.people |= {AGENT: Person(keys=press("1", "1")), "client:mina": Person(), ANN: Person()}
    for agent_at in (f"tel:{AGENT}", "client:mina"):
        call = line.twilio.call(ANN, Person())
        await line.waits(call.sid)
        await line.outcome(await line.ask(CallAction.CONNECT, call.sid, agent_at))
    waiting = line.twilio.call("+33612345679", Person(keys=press("1", "raccrochez")))
    await line.reaches(waiting.sid, "callback-requested")
    await line.outcome(await line.ask(CallAction.CALL_BACK, "callback-1", customer=f"tel:{ANN}", language="fr"))


async def hang_up_and_leave_a_message(line: House) -> None:
    gone = line.twilio.call(ANN, Person())
    await line.waits(gone.sid)
    gone.hang_up()
    ended = line.twilio.call(ANN, Person())
    await line.waits(ended.sid)
    await line.ask(CallAction.HANG_UP, ended.sid)
    spoken = line.twilio.call(ANN, Person(keys=press("2", "2")))
    for call in (gone, ended, spoken):
        await call.ended.wait()
    await line.reaches(spoken.sid, "voicemail")


async def test_a_day_at_the_telephone_is_in_twilios_documents(database: str, tmp_path: Path) -> None:
    played: list[Twilio] = []
    async with house(database, tmp_path) as line:
        played.append(line.twilio)
        await text_both_ways(line)
        await call_and_be_connected(line)
        await hang_up_and_leave_a_message(line)
        assert await line.provider.call_status(next(iter(line.twilio.lines))) == "completed"
    async with house(database, tmp_path, hours="mon 03:00-03:01", timezone="Europe/Paris") as line:
        played.append(line.twilio)
        asked, silent = line.twilio.call(ANN, Person(keys=press("1", "1"))), line.twilio.call(ANN, Person())
        await line.reaches(asked.sid, "callback-requested")
        await line.reaches(silent.sid, "voicemail")

    exchanges = [one for twilio in played for one in twilio.exchanges]
    assert [odd for one in exchanges for odd in departures(twilio_facts.OPERATIONS, twilio_facts.ERROR, one)] == []
    assert names(twilio_facts.OPERATIONS, exchanges) == {one.name for one in twilio_facts.OPERATIONS}
    assert all(header in one.headers for one in exchanges for header in map(str.lower, twilio_facts.RATE_LIMIT_HEADERS))

    seen: set[int] = set()
    for path, parameters, answered in (hook for twilio in played for hook in twilio.hooks):
        document = twilio_facts.webhook(path, parameters)
        assert list(document.wrong(parameters, path)) == []
        assert answered < 300, path
        seen.add(id(document))
    assert [step for step, document in twilio_facts.WEBHOOKS.items() if id(document) not in seen] == []


async def test_a_text_that_still_waits_at_twilio_is_found_and_so_are_all_pages(
    twilio: Twilio, ours: TwilioProvider, client: Client
) -> None:
    for number in range(7):
        assert (await ours.send_text(ANN, f"text {number}", CALLBACK)).result is Result.DONE
    listed = await ours.texts_to(ANN, utc_now() - timedelta(minutes=1))
    assert [(one.body, one.status) for one in listed] == [(f"text {number}", "queued") for number in reversed(range(7))]
    paged = await client.messages.list_async(to=ANN, page_size=3)
    assert [one.body for one in paged] == [one.body for one in listed]
    assert len([one for one in twilio.exchanges if one.query.get("PageSize") == "3"]) == 3
    assert [
        odd for one in twilio.exchanges for odd in departures(twilio_facts.OPERATIONS, twilio_facts.ERROR, one)
    ] == []


def text(**more: Any) -> Callable[[Client], Awaitable[Any]]:
    given = {"to": ANN, "from_": OURS, "body": "hello", "status_callback": CALLBACK} | more
    return lambda client: client.messages.create_async(
        **{name: value for name, value in given.items() if value is not None}
    )


def dial(**more: Any) -> Callable[[Client], Awaitable[Any]]:
    given = {"to": ANN, "from_": OURS, "url": CALLBACK} | more
    return lambda client: client.calls.create_async(
        **{name: value for name, value in given.items() if value is not None}
    )


@pytest.mark.parametrize(
    ("ask", "status", "code"),
    [
        (text(to="12"), 400, 21211),
        (text(to=""), 400, 21604),
        (text(to="+33600000000"), 400, 21610),
        (text(from_=None), 400, 21603),
        (text(from_="+33199009999"), 400, 21606),
        (text(body=None), 400, 21602),
        (text(body="a" * 1601), 400, 21617),
        (text(status_callback="nowhere"), 400, 21609),
        (dial(to=""), 400, 21201),
        (dial(to="12"), 400, 21211),
        (dial(from_=""), 400, 21213),
        (dial(from_="nobody"), 400, 21212),
        (dial(from_="+33199009999"), 400, 21210),
        (dial(url=None), 400, 21205),
        (lambda client: client.calls(f"CA{'0' * 32}").fetch_async(), 404, 20404),
        (lambda client: client.calls(f"CA{'0' * 32}").update_async(status="completed"), 404, 20404),
        (lambda client: client.api.accounts(f"AC{'0' * 32}").fetch_async(), 404, 20404),
    ],
)
async def test_twilio_refuses_what_the_original_refuses(
    twilio: Twilio, client: Client, ask: Callable[[Client], Awaitable[Any]], status: int, code: int
) -> None:
    twilio.stopped.add("+33600000000")
    with pytest.raises(TwilioRestException) as refused:
        await ask(client)
    assert (refused.value.status, refused.value.code) == (status, code)
    for one in twilio.exchanges:
        assert list(twilio_facts.ERROR.wrong(one.answer, "error")) == []
    assert not twilio.messages
    assert not twilio.lines


@pytest.mark.parametrize(("fault", "status"), [("20429", 429), ("20500", 500)])
async def test_twilios_troubles_have_its_form(twilio: Twilio, client: Client, fault: str, status: int) -> None:
    twilio.faults.append(("Messages", fault))
    with pytest.raises(TwilioRestException) as refused:
        await text()(client)
    assert (refused.value.status, refused.value.code) == (status, int(fault))
    assert departures(twilio_facts.OPERATIONS, twilio_facts.ERROR, twilio.exchanges[-1]) == []


async def test_twilio_lets_nobody_in_with_another_token(twilio: Twilio) -> None:
    stranger = provider(twilio, "b" * 32)
    with pytest.raises(TwilioRestException) as refused:
        await text()(stranger._client)
    assert (refused.value.status, refused.value.code) == (401, 20003)
    await stranger.close()


async def test_twilio_ignores_what_it_does_not_know_and_we_hear_of_it(twilio: Twilio, client: Client) -> None:
    await client.request_async(
        "POST",
        f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages.json",
        data={"To": ANN, "From": OURS, "Body": "hello", "Colour": "red", "Attempt": "many"},
    )
    assert len(twilio.messages) == 1
    assert [one.rpartition("body.")[2].partition(":")[0] for one in twilio.complaints] == ["Colour", "Attempt"]


@pytest.mark.parametrize(
    ("create", "document"),
    [(MessageList.create, twilio_facts.CREATE_MESSAGE), (CallList.create, twilio_facts.CREATE_CALL)],
)
def test_the_tables_parameters_are_those_of_twilios_own_client(create: Callable[..., Any], document: Object) -> None:
    assert {camel(name) for name in inspect.signature(create).parameters if name != "self"} == set(document.known)


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        (MessageInstance, twilio_facts.MESSAGE),
        (CallInstance, twilio_facts.CALL),
        (AccountInstance, twilio_facts.ACCOUNT),
    ],
)
def test_the_tables_properties_are_those_that_twilios_own_client_reads(kind: type, document: Object) -> None:
    read = set(re.findall(r'payload\.get\(\s*"(\w+)"', inspect.getsource(kind.__init__)))
    assert read == set(document.known)


# --- X -------------------------------------------------------------------------------------------


def access(url: str, search: str = "") -> Access:
    return Access(*x_oauth.SETTINGS.values(), url, 5, ("acme", "Acme Shoes"), search)


def busy(x: X) -> tuple[int, str]:
    """A post to answer, and who wrote to us. Two pages of everything."""
    ann = x.person("ann", followers=77)
    link = {
        "entities": {"urls": [{"start": 0, "end": 1, "url": "https://t.co/a", "expanded_url": "https://example.org"}]}
    }
    first = x.post(ann, "@acme my parcel is late", lang="en", **link)
    for number in range(12):
        x.post(ann, f"@acme still late {number}", answers=first, note_tweet={"text": "a long story"})
        x.write_to_us(ann, f"hello {number}")
    x.edit(x.post(ann, "@acme lat"), "@acme late")
    return first, ann.id


async def every_page(network: XNetwork, source: Source, us: Account) -> int:
    number, token = 0, ""
    while True:
        page = await network.page(source, us, id_at(utc_now() - timedelta(hours=1)), token)
        assert page.posts
        assert not page.unreadable
        number, token = number + 1, page.following
        if not token:
            return number


async def test_a_day_at_x_is_in_its_document() -> None:
    x = X(page_size=10)
    x.streams.allowed, x.streams.keep_alive = True, 0.2
    x.streams.rules = {"2": {"id": "2", "value": "an old name", "tag": "switchboard:search"}}
    with serving(x) as url:
        network = XNetwork(access(url))
        us = await network.me()
        assert not (await network.page(Source.MENTIONS, us, 0, "")).posts
        assert not (await network.page(Source.MESSAGES, us, 0, "")).posts
        first, ann = busy(x)
        assert [await every_page(network, source, us) for source in Source] == [2, 2, 2]
        await network.reply("We are sorry.", str(first))
        await network.message("In private", ann)
        assert await network.sent_replies(us, utc_now() - timedelta(hours=1))
        assert await network.sent_messages(us, ann)
        streamed = x.streams.connect()
        x.streams.connections = 2
        async with aclosing(XStream(access(url), 3).listen(us)) as pages:
            async with asyncio.timeout(20):
                while await anext(pages) is None:
                    pass
                x.post(x.person("bob"), "acme is great")
                x.streams.cut("UpstreamOperationalDisconnect")
                while not (page := await anext(pages)) or not page.posts:
                    pass
    lines = [json.loads(streamed.get()) for _ in range(2)]
    assert [odd for line in lines for odd in x_facts.STREAMED.wrong(line, "line")] == []
    assert [odd for one in x.exchanges for odd in departures(x_facts.OPERATIONS, x_facts.PROBLEM, one)] == []
    assert names(x_facts.OPERATIONS, x.exchanges) == {one.name for one in x_facts.OPERATIONS}
    assert all(one.headers[header].isdecimal() for one in x.exchanges for header in x_facts.RATE_LIMIT_HEADERS)


def ask_x(x: X, url: str, ask: Callable[[tweepy.Client], Any]) -> tweepy.HTTPException:
    with pytest.raises(tweepy.HTTPException) as refused:
        ask(XNetwork(access(url))._client("test"))
    one = x.exchanges[-1] if x.exchanges else Exchange("GET", "/2/users/me", {}, {}, 401, refused.value.response.json())
    assert list(x_facts.PROBLEM.wrong(refused.value.response.json(), "problem")) == []
    assert one.status >= 400
    return refused.value


@pytest.mark.parametrize(
    ("ask", "status", "words"),
    [
        (lambda api: api.get_users_mentions(7000, user_auth=True, max_results=4), 400, "max_results"),
        (lambda api: api.get_users_mentions(7000, user_auth=True, tweet_fields=["colour"]), 400, "tweet.fields"),
        (
            lambda api: api.request("GET", "/2/users/7000/mentions", {"colour": "red"}, user_auth=True),
            400,
            "colour: unknown",
        ),
        (lambda api: api.search_recent_tweets("acme", user_auth=True, max_results=5), 400, "max_results"),
        (lambda api: api.search_recent_tweets("", user_auth=True), 400, "query"),
        (lambda api: api.search_recent_tweets("a" * 513, user_auth=True), 400, "512"),
        (lambda api: api.search_recent_tweets("acme", user_auth=True, since_id="1"), 400, "since_id"),
        (lambda api: api.get_direct_message_events(pagination_token="short"), 400, "pagination_token"),
        (lambda api: api.create_tweet(), 400, "text"),
        (lambda api: api.create_tweet(text="hi", in_reply_to_tweet_id="one"), 400, "in_reply_to_tweet_id"),
        (lambda api: api.create_tweet(text="said before"), 403, "duplicate"),
        (lambda api: api.create_direct_message(participant_id=9_000_001, text=""), 400, "text"),
        (lambda api: api.create_direct_message(participant_id=123, text="hello"), 403, "this user"),
        (lambda api: api.get_list(1, user_auth=True), 404, "not find"),
    ],
)
def test_x_refuses_what_the_original_refuses(ask: Callable[[tweepy.Client], Any], status: int, words: str) -> None:
    x = X()
    x.person("ann")
    x.post(x.me, "said before")
    with serving(x) as url:
        refused = ask_x(x, url, ask)
    body = refused.response.json()
    assert (refused.response.status_code, body["status"]) == (status, status)
    assert words in str(body)
    assert body["type"].endswith("invalid-request") == (status == 400)
    assert len(x.ours()) == 1


def test_xs_limit_names_the_moment_from_which_on_it_goes_well() -> None:
    x = X(limits={"search": 1}, now=lambda: 1_800_000_000)
    with serving(x) as url:
        api = XNetwork(access(url))._client("test")
        api.search_recent_tweets("acme", user_auth=True)
        refused = ask_x(x, url, lambda api: api.search_recent_tweets("acme", user_auth=True))
    assert isinstance(refused, tweepy.TooManyRequests)
    assert refused.reset_time == 1_800_000_900
    assert [one.headers["x-rate-limit-remaining"] for one in x.exchanges] == ["0", "0"]


@pytest.mark.parametrize("trouble", ["500", "503"])
def test_xs_troubles_have_its_form(trouble: str) -> None:
    with serving(X(outage=trouble)) as url, pytest.raises(tweepy.TwitterServerError) as refused:
        XNetwork(access(url))._client("test").get_me()
    assert list(x_facts.PROBLEM.wrong(refused.value.response.json(), "problem")) == []


def test_the_table_knows_all_fields_that_tweepy_knows() -> None:
    for theirs, ours in (
        (TWEET_FIELDS, x_facts.POST_FIELDS),
        (USER_FIELDS, x_facts.USER_FIELDS),
        (MEDIA_FIELDS, x_facts.MEDIA_FIELDS),
        (DIRECT_MESSAGE_EVENT_FIELDS, x_facts.DM_FIELDS),
    ):
        assert set(theirs) <= set(ours)


# --- the comparison itself -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sid": "SM1"}, "is not a SID"),
        ({"date_created": "2026-01-01T00:00:00Z"}, "RFC 2822"),
        ({"status": "lost"}, "is not one of"),
        ({"error_code": "30003"}, "whole number"),
        ({"colour": "red"}, "colour: unknown"),
        ({"uri": ...}, "uri: missing"),
    ],
)
async def test_a_departure_is_told_with_its_place(
    twilio: Twilio, client: Client, change: dict[str, Any], said: str
) -> None:
    await text()(client)
    one = twilio.exchanges[-1]
    answer = {name: value for name, value in {**one.answer, **change}.items() if value is not ...}
    wrong = Exchange(one.method, one.path, one.query, one.body, 201, answer)
    (found,) = departures(twilio_facts.OPERATIONS, twilio_facts.ERROR, wrong)
    assert said in found
    assert departures(twilio_facts.OPERATIONS, twilio_facts.ERROR, one) == []


def test_another_status_or_an_unknown_path_is_a_departure() -> None:
    post = Exchange("POST", "/2/tweets", {}, {"text": "hi"}, 200, {"data": {"id": "1", "text": "hi"}})
    assert "status 200 and not 201" in departures(x_facts.OPERATIONS, x_facts.PROBLEM, post)[0]
    other = Exchange("GET", "/2/nothing", {}, {}, 200, {})
    assert "not in the document" in departures(x_facts.OPERATIONS, x_facts.PROBLEM, other)[0]
    local = {
        "data": [{"id": "1", "text": "hi", "created_at": "Wed, 06 Jan 2021 18:40:40 +0000"}],
        "meta": {"result_count": 1},
    }
    dated = Exchange("GET", "/2/users/1/mentions", {}, {}, 200, local)
    assert "ISO 8601" in departures(x_facts.OPERATIONS, x_facts.PROBLEM, dated)[0]
    assert invalid(["query.x: unknown"])[0] == 400
