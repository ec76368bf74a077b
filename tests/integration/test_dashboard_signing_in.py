"""A customer signs in while something is on its way: it is where they read afterwards, once."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import msgspec
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.integration.dashboard_parts import (
    Process,
    Site,
    Stage,
    answer,
    frame,
    held,
    received,
    reports,
    request_delivery,
)
from tests.waiting import until

THEIR_ROW = "SELECT FROM dashboard.conversations WHERE id = $1 FOR UPDATE"


async def say(door: Process, site: Site, token: str, text: str, key: str = "") -> httpx.Response:
    async with door.client(site, token) as http:
        once = {"Idempotency-Key": key or uuid4().hex}
        return await http.post("/api/v1/messages", json={"text": text}, headers=once)


async def own(door: Process, site: Site, token: str) -> list[str]:
    async with door.client(site, token) as http:
        return [message["text"] for message in (await http.get("/api/v1/conversation")).json()["messages"]]


def signing_in(door: Process, site: Site, person: str, visitor: dict[str, Any]) -> asyncio.Task[dict[str, Any]]:
    return asyncio.create_task(door.session(site, identity=person, token=visitor["token"]))


async def nothing_left_to_note(place: Stage) -> None:
    """What Kafka has acknowledged is noted apart from the requests, and would wait for the same
    lock."""
    database = await asyncpg.connect(place.dsn)
    noted = "SELECT count(*) = 0 FROM dashboard.messages WHERE event IS NOT NULL"
    await until(lambda: database.fetchval(noted))
    await database.close()


def send(text: str, key: str) -> str:
    return json.dumps({"type": "send", "id": key, "text": text})


@pytest.mark.parametrize("named", [True, False], ids=["to-their-conversation", "to-their-contact-point"])
@pytest.mark.parametrize("before", [["known before"], []], ids=["who-wrote-before", "who-is-new"])
async def test_an_answer_that_is_delivered_while_its_customer_signs_in_is_where_they_read(
    place: Stage, door: Process, site: Site, before: list[str], named: bool
) -> None:
    person, visitor = site.token(), await door.session(site)
    for text in before:
        await say(door, site, person, text)
    question = (await say(door, site, visitor["token"], "question")).json()
    (message,) = await received(place.kafka, question["conversation"])
    outbound = answer(message, "answer")
    if not named:
        outbound = msgspec.structs.replace(outbound, conversation="")
    async with held(place, THEIR_ROW, question["conversation"]) as waiting:
        known = signing_in(door, site, person, visitor)
        await waiting(1)
        await request_delivery(place.kafka, outbound)
        await waiting(2)
    token = (await known)["token"]
    assert [report.state for report in await reports(place.kafka, outbound.id, 1)] == ["sent"]
    assert await own(door, site, token) == [*before, "question", "answer"]


async def test_a_message_sent_while_its_writer_signs_in_is_asked_for_again_and_is_theirs_once(
    place: Stage, door: Process, site: Site
) -> None:
    visitor, once = await door.session(site), uuid4().hex
    question = (await say(door, site, visitor["token"], "question")).json()
    async with held(place, THEIR_ROW, question["conversation"]) as waiting:
        known = signing_in(door, site, site.token(), visitor)
        await waiting(1)
        sending = asyncio.create_task(say(door, site, visitor["token"], "and this", once))
        await waiting(2)
    token, refused = (await known)["token"], await sending
    assert refused.status_code == 401, refused.text
    assert (await say(door, site, token, "and this", once)).status_code == 202
    assert await own(door, site, token) == ["question", "and this"]


async def test_a_first_message_that_is_being_stored_when_its_writer_signs_in_goes_with_them(
    place: Stage, door: Process, site: Site
) -> None:
    visitor = await door.session(site)
    await nothing_left_to_note(place)
    async with held(place, "LOCK TABLE dashboard.messages IN SHARE MODE") as waiting:
        sending = asyncio.create_task(say(door, site, visitor["token"], "the first"))
        await waiting(1)
        known = signing_in(door, site, site.token(), visitor)
        await waiting(2)
    token = (await known)["token"]
    assert (await sending).status_code == 202
    assert await own(door, site, token) == ["the first"]


async def ended(left_open: ClientConnection) -> int:
    """The code that the chat is closed with, before it was acknowledged anything."""
    with pytest.raises(ConnectionClosed) as closed:
        await frame(left_open, "ack")
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


@pytest.mark.parametrize("before", [["question"], []], ids=["who-has-written", "who-has-not"])
async def test_a_chat_left_open_by_somebody_who_signs_in_elsewhere_goes_on_as_theirs(
    door: Process, site: Site, before: list[str]
) -> None:
    """As another tab of the same browser. Else it would show no answer any more."""
    visitor = await door.session(site)
    for text in before:
        await say(door, site, visitor["token"], text)
    async with door.socket(site, visitor["token"], after=len(before)) as left_open:
        await frame(left_open, "ready")
        token = (await door.session(site, identity=site.token(), token=visitor["token"]))["token"]
        assert await ended(left_open) == 4401
    async with door.socket(site, token, after=len(before)) as theirs:
        await theirs.send(send("and this", uuid4().hex))
        await frame(theirs, "ack")
    assert await own(door, site, token) == [*before, "and this"]


async def test_what_is_sent_in_an_open_chat_while_its_writer_signs_in_is_asked_for_again_and_is_theirs_once(
    place: Stage, door: Process, site: Site
) -> None:
    visitor, once = await door.session(site), uuid4().hex
    question = (await say(door, site, visitor["token"], "question")).json()
    async with door.socket(site, visitor["token"], after=1) as left_open:
        await frame(left_open, "ready")
        async with held(place, THEIR_ROW, question["conversation"]) as waiting:
            known = signing_in(door, site, site.token(), visitor)
            await waiting(1)
            await left_open.send(send("and this", once))
            await waiting(2)
        assert await ended(left_open) == 4401
    token = (await known)["token"]
    async with door.socket(site, token, after=1) as theirs:
        await theirs.send(send("and this", once))
        await frame(theirs, "ack")
    assert await own(door, site, token) == ["question", "and this"]
