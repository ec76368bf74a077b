"""A customer with an open chat: what they send is live, answers appear, and nothing is missed after
a lost connection."""

from __future__ import annotations

import asyncio
import json
from uuid import uuid4

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.integration.dashboard_parts import ORIGIN, Process, Site, Stage, frame, received, reply, reports
from tests.waiting import until


@pytest.fixture(scope="module")
def second(place: Stage) -> Process:
    return place.start().ready()


def send(text: str, message_id: str = "") -> str:
    return json.dumps({"type": "send", "id": message_id or uuid4().hex, "text": text})


async def test_what_is_sent_over_an_open_chat_is_live_and_takes_the_fast_lane(
    place: Stage, door: Process, site: Site
) -> None:
    opened = await door.session(site)
    async with door.socket(site, opened["token"]) as ws:
        assert (await frame(ws, "ready"))["last_seq"] == 0
        await ws.send(send("Is anybody there?", "m1"))
        ack = await frame(ws, "ack")
        assert (ack["id"], ack["seq"]) == ("m1", 1)
        state = await door.session(site, token=opened["token"])
        (message,) = await received(place.kafka, state["conversation"], live=True)
        assert (message.live, message.text, message.id) == (True, "Is anybody there?", ack["message"])


async def test_the_same_send_again_is_acknowledged_and_is_one_message(door: Process, site: Site) -> None:
    opened = await door.session(site)
    async with door.socket(site, opened["token"]) as ws:
        for _ in range(3):
            await ws.send(send("once", "same"))
        acks = [await frame(ws, "ack") for _ in range(3)]
        assert len({ack["message"] for ack in acks}) == 1
        await ws.send(send("other words", "same"))
        assert (await frame(ws, "error"))["code"] == "idempotency-key-reused"
    async with door.client(site, opened["token"]) as http:
        assert len((await http.get("/api/v1/conversation")).json()["messages"]) == 1


async def test_an_answer_reaches_an_open_chat_in_another_process(
    place: Stage, door: Process, second: Process, site: Site
) -> None:
    opened = await door.session(site)
    async with door.socket(site, opened["token"]) as one, second.socket(site, opened["token"]) as two:
        await frame(one, "ready")
        await frame(two, "ready")
        await one.send(send("question"))
        await frame(one, "ack")
        assert (await frame(two, "message"))["message"]["text"] == "question"
        state = await door.session(site, token=opened["token"])
        (message,) = await received(place.kafka, state["conversation"], live=True)
        outbound = await reply(place.kafka, message, "An answer")
        for ws in (one, two):
            while (await frame(ws, "message"))["message"]["text"] != "An answer":
                pass
        assert [report.state for report in await reports(place.kafka, outbound.id, 1)] == ["sent"]
        await two.send(json.dumps({"type": "seen", "seq": 2}))
        assert [report.state for report in await reports(place.kafka, outbound.id, 2)] == ["sent", "delivered"]


async def test_after_a_lost_connection_everything_missed_comes_back_in_order_and_nothing_twice(
    place: Stage, door: Process, site: Site
) -> None:
    opened = await door.session(site)
    async with door.socket(site, opened["token"]) as ws:
        await frame(ws, "ready")
        await ws.send(send("one"))
        await frame(ws, "message")
    state = await door.session(site, token=opened["token"])
    (message,) = await received(place.kafka, state["conversation"], live=True)
    for text in ("two", "three", "four"):
        await reply(place.kafka, message, text)
    async with door.socket(site, opened["token"], after=1) as ws:
        back = [(await frame(ws, "message"))["message"] for _ in range(3)]
        assert [(found["seq"], found["text"]) for found in back] == [(2, "two"), (3, "three"), (4, "four")]
        await ws.send(send("five"))
        assert (await frame(ws, "message"))["message"]["text"] == "five"


async def test_a_socket_without_a_good_hello_is_told_why_and_closed(door: Process, site: Site, place: Stage) -> None:
    cases = [
        (json.dumps({"type": "hello", "site": site.key, "token": "nonsense"}), 4401),
        (json.dumps({"type": "hello", "site": "wrong", "token": "x"}), 4401),
        (json.dumps({"type": "send", "id": "1", "text": "x"}), 1008),
        ("not json", 1008),
        (json.dumps({"type": "hello", "site": site.key, "token": "x" * 17_000}), 1009),
    ]
    for hello, code in cases:
        async with connect(f"ws://127.0.0.1:{door.port}/api/v1/live") as ws:
            await ws.send(hello)
            with pytest.raises(ConnectionClosed) as closed:
                await frame(ws, "never")
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == code, hello[:60]
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"ws://127.0.0.1:{door.port}/api/v1/live", origin="https://evil.example")  # type: ignore[arg-type]
    assert refused.value.response.status_code == 403
    other = place.site()
    async with connect(f"ws://127.0.0.1:{door.port}/api/v1/live", origin=ORIGIN) as ws:  # type: ignore[arg-type]
        await ws.send(json.dumps({"type": "hello", "site": other.key, "token": site.token("1")}))
        assert (await frame(ws, "error"))["code"] == "identity-kid"


async def test_sockets_that_say_hello_and_then_too_much_are_closed_and_counted_no_more(
    door: Process, site: Site
) -> None:
    """Eleven of twelve stayed for ever: on Python 3.11 `asyncio.wait_for` swallowed the
    cancellation of the part that speaks."""

    async def too_much() -> int:
        async with connect(f"ws://127.0.0.1:{door.port}/api/v1/live") as ws:
            await ws.send(json.dumps({"type": "hello", "site": site.key, "token": site.token()}))
            await ws.send("x" * 20_000)
            with pytest.raises(ConnectionClosed) as closed:
                await frame(ws, "never")
            assert closed.value.rcvd is not None
            return closed.value.rcvd.code

    assert await asyncio.gather(*(too_much() for _ in range(12))) == [1009] * 12

    async def nobody() -> bool:
        async with door.client() as http:
            return 'switchboard_live_viewers{service="dashboard"} 0.0' in (await http.get("/metrics")).text

    await until(nobody, "nobody is counted")


async def test_one_address_and_one_site_have_only_so_many_open_chats(place: Stage, site: Site) -> None:
    full = place.start(DASHBOARD_SOCKETS_PER_ADDRESS="3", DASHBOARD_SOCKETS_PER_SITE="2").ready()
    async with full.socket(site, site.token()) as one, full.socket(site, site.token()) as two:
        await frame(one, "ready")
        await frame(two, "ready")
        async with full.socket(site, site.token()) as three:
            with pytest.raises(ConnectionClosed) as closed:
                await frame(three, "never")
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1013
        other = place.site()
        async with full.socket(other, other.token()) as three:
            await frame(three, "ready")
            with pytest.raises(InvalidStatus) as refused:
                await connect(f"ws://127.0.0.1:{full.port}/api/v1/live")
            assert refused.value.response.status_code == 429
    async with full.socket(site, site.token()) as again:
        await frame(again, "ready")


async def test_a_wrong_frame_ends_nothing(door: Process, site: Site) -> None:
    async with door.socket(site, site.token("frames")) as ws:
        await frame(ws, "ready")
        for wrong in ("{", '{"type": "dance"}', '{"type": "send"}', '{"type": "send", "id": 5}', "[" * 16_000):
            await ws.send(wrong)
            assert (await frame(ws, "error"))["code"] == "json-wrong"
        await ws.send(send("", "empty"))
        assert (await frame(ws, "error"))["code"] == "text-missing"
        await ws.send(send("still here"))
        assert (await frame(ws, "ack"))["seq"] == 1


async def test_a_chat_ends_when_the_identity_runs_out(door: Process, site: Site) -> None:
    import time

    now = int(time.time())
    async with door.socket(site, site.token("short", iat=now, exp=now + 2)) as ws:
        await frame(ws, "ready")
        with pytest.raises(ConnectionClosed) as closed:
            await frame(ws, "never", 20)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401


async def test_a_restart_tells_open_chats_to_come_back(place: Stage, site: Site) -> None:
    leaving = place.start().ready()
    async with leaving.socket(site, site.token("restart")) as ws:
        await frame(ws, "ready")
        ended = asyncio.get_running_loop().run_in_executor(None, leaving.end)
        with pytest.raises(ConnectionClosed) as closed:
            await frame(ws, "never", 20)
        assert await ended == 0
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code in (1001, 1012)
