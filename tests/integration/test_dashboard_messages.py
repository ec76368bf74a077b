"""A customer writes from a product's dashboard, and reads the answer: the real process, Kafka and
PostgreSQL."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from tests.integration.dashboard_parts import (
    ORIGIN,
    Process,
    Site,
    Stage,
    point,
    received,
    reply,
    reports,
    request_delivery,
)


def key() -> dict[str, str]:
    return {"Idempotency-Key": uuid4().hex}


async def test_a_signed_in_customers_message_arrives_with_what_their_site_vouches_for(
    place: Stage, door: Process, site: Site
) -> None:
    token = site.token(
        "7", email="Rose@Example.org", name="Rose Martin", birth_year=1955, tier="gold", phone="+33 1 42 68 53 00"
    )
    async with door.client(site, token) as http:
        body = {
            "text": "I was charged twice",
            "subject": "Invoice",
            "facts": {"order": 41, "plan": "gold"},
            "page": "https://shop.example/pay",
        }
        answer = await http.post("/api/v1/messages", json=body, headers=key())
    assert answer.status_code == 202, answer.text
    (message,) = await received(place.kafka, answer.json()["conversation"])
    assert message.id == answer.json()["id"]
    assert message.sender == point(site, "7")
    assert message.sender_verified
    assert message.also == ("email:rose@example.org", "tel:+33142685300")
    assert (message.birth_year, message.tier, message.sender_name) == (1955, "gold", "Rose Martin")
    assert (message.text, message.subject, message.language) == ("I was charged twice", "Invoice", "en")
    assert message.facts == {"order": "41", "plan": "gold", "page": "https://shop.example/pay"}
    assert message.recipient == site.site
    assert not message.live


async def test_the_same_key_fifty_times_in_parallel_is_one_message(place: Stage, door: Process, site: Site) -> None:
    opened = await door.session(site)
    once = key()
    async with door.client(site, opened["token"]) as http:
        answers = await asyncio.gather(
            *(http.post("/api/v1/messages", json={"text": "Help"}, headers=once) for _ in range(50))
        )
        own = (await http.get("/api/v1/conversation")).json()
    assert {answer.status_code for answer in answers} == {202}, {answer.text for answer in answers}
    assert len({answer.content for answer in answers}) == 1
    assert [message["text"] for message in own["messages"]] == ["Help"]
    assert len(await received(place.kafka, answers[0].json()["conversation"])) == 1


async def test_a_key_that_was_used_for_another_message_is_refused(door: Process, site: Site) -> None:
    opened, once = await door.session(site), key()
    async with door.client(site, opened["token"]) as http:
        assert (await http.post("/api/v1/messages", json={"text": "one"}, headers=once)).status_code == 202
        answer = await http.post("/api/v1/messages", json={"text": "two"}, headers=once)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:switchboard:problem:idempotency-key-reused")


async def test_html_and_sql_in_any_field_are_only_text(place: Stage, door: Process, site: Site) -> None:
    nasty = "<script>alert(1)</script>'; DROP TABLE dashboard.messages; -- \x00 \ud55c\uad6d\uc5b4 {{7*7}}"
    token = site.token("<b>'; --", name="<img src=x onerror=1>")
    async with door.client(site, token) as http:
        answer = await http.post(
            "/api/v1/messages", json={"text": nasty, "subject": nasty, "facts": {nasty[:60]: nasty}}, headers=key()
        )
        own = (await http.get("/api/v1/conversation")).json()["messages"]
    assert answer.status_code == 202, answer.text
    (message,) = await received(place.kafka, answer.json()["conversation"])
    assert message.text == nasty.replace("\x00", "") == own[0]["text"]
    assert message.html == ""
    assert own[0]["author"] == "<img src=x onerror=1>"


async def test_what_is_wrong_with_a_request_is_said_and_nothing_is_taken(door: Process, site: Site) -> None:
    token = site.token("wrong")
    once = {"Idempotency-Key": "k"}
    cases = [
        ({}, b'{"text": "x"}', 400, "idempotency-key-missing"),
        ({"Idempotency-Key": "é".encode()}, b'{"text": "x"}', 400, "idempotency-key-wrong"),
        (once, b"{not json", 400, "json-wrong"),
        (once, b"", 400, "json-wrong"),
        (once, b'{"text": 5}', 400, "json-wrong"),
        (once, b"\xff\xfe", 400, "json-wrong"),
        (once, b'{"text": "x", "facts": {"a": {"b": 1}}}', 400, "json-wrong"),
        (once, b"[" * 50_000, 400, "json-wrong"),
        (once, b'{"text": " \\n "}', 422, "text-missing"),
        (once, b"{}", 422, "text-missing"),
        (once, b'{"text": "' + b"a" * 20_001 + b'"}', 422, "text-too-long"),
        (once, b'{"text": "' + b"a" * 70_000 + b'"}', 413, "too-large"),
        ({**once, "Content-Type": "multipart/form-data"}, b"x", 400, "multipart-wrong"),
        ({**once, "Content-Type": "multipart/form-data; boundary=b"}, b"nothing of the kind", 400, "multipart-wrong"),
    ]
    async with door.client(site, token) as http:
        for headers, body, status, code in cases:
            answer = await http.post("/api/v1/messages", content=body, headers=headers)
            assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (status, code), (
                body[:40],
                answer.text,
            )
            assert answer.headers["content-type"] == "application/problem+json"
        assert (await http.get("/api/v1/conversation")).json() == {"messages": [], "more": False}


async def test_who_does_not_prove_themselves_is_told_what_to_do(door: Process, site: Site, place: Stage) -> None:
    other = place.site()
    good = site.token("9")
    cases = [
        (site.key, "", 401, "token-missing"),
        (site.key, "nonsense", 401, "token-unknown"),
        ("site_wrong", good, 401, "site-unknown"),
        ("", good, 401, "site-missing"),
        (site.key, good[:-4] + "AAAA", 401, "identity-signature"),
        (site.key, site.token("9", secret="x" * 43), 401, "identity-signature"),
        (site.key, site.token("9", kid="gone"), 401, "identity-kid"),
        (site.key, site.token("9", exp=1, iat=0), 401, "identity-expired"),
        (other.key, good, 401, "identity-kid"),
        (site.key, site.token("9", aud=other.site), 401, "identity-audience"),
        (site.key, "e30.e30.e30", 401, "identity-algorithm"),
        (site.key, "..", 401, "identity-malformed"),
    ]
    for site_key, token, status, code in cases:
        async with door.client(None, token, **({"X-Site-Key": site_key} if site_key else {})) as http:
            answer = await http.post("/api/v1/messages", json={"text": "x"}, headers=key())
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (status, code), answer.text
        assert answer.json()["detail"]


async def test_a_site_that_requires_identity_refuses_the_anonymous(door: Process, place: Stage) -> None:
    strict, loose = place.site("", "--mode", "required"), place.site("", "--mode", "anonymous")
    async with door.client() as http:
        refused = await http.post("/api/v1/sessions", json={"site": strict.key})
        admitted = await http.post("/api/v1/sessions", json={"site": strict.key, "identity": strict.token("1")})
        unused = await http.post("/api/v1/sessions", json={"site": loose.key, "identity": loose.token("1")})
        page = await http.get(f"/contact/{strict.site}")
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:switchboard:problem:identity-required")
    assert admitted.status_code == 201
    assert (unused.status_code, unused.json()["type"]) == (403, "urn:switchboard:problem:identity-not-used")
    assert page.status_code == 403


async def test_an_anonymous_visitor_becomes_a_person_once_and_one_way(place: Stage, door: Process, site: Site) -> None:
    person = site.token("merge")
    async with door.client(site, person) as http:
        first = await http.post("/api/v1/messages", json={"text": "known before"}, headers=key())
    visitor = await door.session(site)
    once = key()
    async with door.client(site, visitor["token"]) as http:
        anonymous = await http.post("/api/v1/messages", json={"text": "as a stranger"}, headers=once)
        assert [m["text"] for m in (await http.get("/api/v1/conversation")).json()["messages"]] == ["as a stranger"]
    known = await door.session(site, identity=person, token=visitor["token"])
    async with door.client(site, known["token"]) as http:
        own = (await http.get("/api/v1/conversation")).json()["messages"]
        again = await http.post("/api/v1/messages", json={"text": "as a stranger"}, headers=once)
        third = await http.post("/api/v1/messages", json={"text": "third"}, headers=key())
    assert [(m["text"], m["verified"], m["seq"]) for m in own] == [
        ("known before", True, 1),
        ("as a stranger", False, 2),
    ]
    assert again.json()["id"] == anonymous.json()["id"]
    async with door.client(site, visitor["token"]) as http:
        assert (await http.get("/api/v1/conversation")).status_code == 401
    events = await received(place.kafka, first.json()["conversation"], count=2)
    assert third.json()["id"] == events[-1].id
    assert any(str(found).startswith("chat:") for found in events[-1].also)
    (stranger,) = await received(place.kafka, anonymous.json()["conversation"])
    await reply(place.kafka, stranger, "answer to the stranger")
    async with door.client(site, known["token"]) as http, asyncio.timeout(20):
        while (texts := [m["text"] for m in (await http.get("/api/v1/conversation")).json()["messages"]])[
            -1
        ] == "third":
            await asyncio.sleep(0.1)
    assert texts[-1] == "answer to the stranger"


async def test_a_visitors_conversation_goes_on_under_the_same_thread_when_they_sign_in(
    place: Stage, door: Process, site: Site
) -> None:
    visitor = await door.session(site)
    async with door.client(site, visitor["token"]) as http:
        before = await http.post("/api/v1/messages", json={"text": "before"}, headers=key())
    known = await door.session(site, identity=site.token("adopts"), token=visitor["token"])
    async with door.client(site, known["token"]) as http:
        after = await http.post("/api/v1/messages", json={"text": "after"}, headers=key())
    assert before.json()["conversation"] == after.json()["conversation"] == known["conversation"]
    events = await received(place.kafka, known["conversation"], count=2)
    assert [(event.text, event.sender_verified) for event in sorted(events, key=lambda e: e.received_at)] == [
        ("before", False),
        ("after", True),
    ]


async def test_two_identities_never_see_each_other(door: Process, site: Site, place: Stage) -> None:
    other = place.site()
    async with door.client(site, site.token("ann")) as http:
        mine = await http.post("/api/v1/messages", json={"text": "secret"}, headers=key())
        assert mine.status_code == 202
    opened = await door.session(site, identity=site.token("ann"))
    switched = await door.session(site, identity=site.token("bob"), token=opened["token"])
    for where, token in ((site, site.token("bob")), (other, other.token("ann")), (site, switched["token"])):
        async with door.client(where, token) as http:
            assert (await http.get("/api/v1/conversation")).json()["messages"] == []
            assert (await http.get(f"/api/v1/conversation/files/{mine.json()['id']}/0")).status_code == 404


async def test_attachments_are_kept_and_only_their_writer_gets_them_back(
    place: Stage, door: Process, site: Site
) -> None:
    async with door.client(site, site.token("files")) as http:
        files = [
            ("file", ("../../etc/pass wd.png", b"\x89PNG", "image/png")),
            ("file", ("notes.txt", b"hello", "text/plain")),
        ]
        answer = await http.post(
            "/api/v1/messages", data={"text": "see here", "facts": '{"a": 1}'}, files=files, headers=key()
        )
        assert answer.status_code == 202, answer.text
        got = await http.get(f"/api/v1/conversation/files/{answer.json()['id']}/0")
        bad_type = await http.post(
            "/api/v1/messages",
            data={"text": "x"},
            files=[("file", ("a.exe", b"MZ", "application/x-msdownload"))],
            headers=key(),
        )
        too_many = await http.post(
            "/api/v1/messages",
            data={"text": "x"},
            files=[("file", (f"{n}.txt", b"x", "text/plain")) for n in range(6)],
            headers=key(),
        )
        too_big = await http.post(
            "/api/v1/messages",
            data={"text": "x"},
            files=[("file", ("a.txt", b"x" * 10_000_001, "text/plain"))],
            headers=key(),
        )
        own = (await http.get("/api/v1/conversation")).json()["messages"]
    assert (got.content, got.headers["content-disposition"]) == (
        b"\x89PNG",
        "attachment; filename*=UTF-8''pass%20wd.png",
    )
    assert own[0]["files"] == [
        {"name": "pass wd.png", "media_type": "image/png", "size": 4},
        {"name": "notes.txt", "media_type": "text/plain", "size": 5},
    ]
    assert (bad_type.status_code, too_many.status_code, too_big.status_code) == (415, 400, 413)
    assert len(own) == 1
    (message,) = await received(place.kafka, answer.json()["conversation"])
    assert [attachment.name for attachment in message.attachments] == ["pass wd.png", "notes.txt"]
    assert message.facts == {"a": "1"}


async def test_an_answer_is_reported_sent_when_stored_and_delivered_when_fetched_and_comes_once(
    place: Stage, door: Process, site: Site
) -> None:
    async with door.client(site, site.token("answered")) as http:
        sent = await http.post("/api/v1/messages", json={"text": "question"}, headers=key())
        (message,) = await received(place.kafka, sent.json()["conversation"])
        outbound = await reply(place.kafka, message, "The <b>answer</b>")
        await request_delivery(place.kafka, outbound, times=3)
        assert [report.state for report in await reports(place.kafka, outbound.id, 1)] == ["sent"]
        own = (await http.get("/api/v1/conversation", params={"after": 1})).json()["messages"]
        assert [(m["sender"], m["author"], m["text"], m["seq"]) for m in own] == [
            ("agent", "Mina", "The <b>answer</b>", 2)
        ]
        assert set(own[0]) <= {"id", "seq", "sender", "text", "at", "verified", "author", "subject", "files"}
        await http.get("/api/v1/conversation")
    assert [report.state for report in await reports(place.kafka, outbound.id, 2)] == ["sent", "delivered"]
    assert len(await reports(place.kafka, outbound.id, 2)) == 2


async def test_an_answer_to_nobody_is_reported_as_failed(place: Stage, door: Process, site: Site) -> None:
    async with door.client(site, site.token("gone")) as http:
        sent = await http.post("/api/v1/messages", json={"text": "question"}, headers=key())
    (message,) = await received(place.kafka, sent.json()["conversation"])
    outbound = await reply(place.kafka, message, "hello")
    stranger = type(outbound)(
        **{f: getattr(outbound, f) for f in outbound.__struct_fields__}
        | {"id": uuid4().hex, "conversation": "none", "to": "chat:none"}
    )
    await request_delivery(place.kafka, stranger)
    (report,) = await reports(place.kafka, stranger.id, 1)
    assert (report.state, bool(report.detail)) == ("failed", True)


async def test_only_listed_pages_may_call_from_a_browser(door: Process, site: Site) -> None:
    preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "idempotency-key"}
    async with door.client(site, site.token("cors")) as http:
        good = await http.options("/api/v1/messages", headers={"Origin": ORIGIN, **preflight})
        bad = await http.options("/api/v1/messages", headers={"Origin": "https://evil.example", **preflight})
        sent = await http.post("/api/v1/messages", json={"text": "x"}, headers={"Origin": ORIGIN, **key()})
        refused = await http.post(
            "/api/v1/messages", json={"text": "x"}, headers={"Origin": "https://evil.example", **key()}
        )
    assert (good.status_code, good.headers["access-control-allow-origin"]) == (204, ORIGIN)
    assert "idempotency-key" in good.headers["access-control-allow-headers"]
    assert (bad.status_code, "access-control-allow-origin" in bad.headers) == (403, False)
    assert (sent.status_code, sent.headers["access-control-allow-origin"]) == (202, ORIGIN)
    assert (refused.status_code, "access-control-allow-origin" in refused.headers) == (403, False)


async def test_a_flood_from_one_visitor_is_told_to_wait(place: Stage, door: Process, site: Site) -> None:
    opened = await door.session(site)
    async with door.client(site, opened["token"]) as http:
        answers = [await http.post("/api/v1/messages", json={"text": str(n)}, headers=key()) for n in range(70)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert refused[0].headers["retry-after"]
    assert refused[0].json()["type"].endswith("too-often")


async def test_a_token_is_stored_only_as_its_hash(place: Stage, door: Process, site: Site) -> None:
    import asyncpg

    opened = await door.session(site)
    connection = await asyncpg.connect(place.dsn)
    rows = await connection.fetch("SELECT * FROM dashboard.visitors")
    await connection.close()
    assert rows
    assert opened["token"] not in repr(rows)


async def test_a_secret_can_be_replaced_without_signing_everybody_out(place: Stage, door: Process) -> None:
    import json

    old = place.site()
    new = Site(**json.loads(place.command("rotate-secret", "--site", old.site)))
    assert new.kid != old.kid
    dropped = Site(**json.loads(place.command("rotate-secret", "--site", old.site, "--drop", old.kid)))
    async with door.client() as http, asyncio.timeout(30):
        await http.post("/api/v1/sessions", json={"site": old.key, "identity": new.token("1")})
        while (
            await http.post("/api/v1/sessions", json={"site": old.key, "identity": dropped.token("1")})
        ).status_code != 201:
            await asyncio.sleep(0.5)
        assert (
            await http.post("/api/v1/sessions", json={"site": old.key, "identity": new.token("1")})
        ).status_code == 201
        assert (
            await http.post("/api/v1/sessions", json={"site": old.key, "identity": old.token("1")})
        ).status_code == 401
