"""Posts that opened no ticket, and what agents say of posts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from services.desk.actors import COMMAND
from services.desk.context import Desk
from services.desk.intake.messages import apply
from services.desk.mentions import labels
from services.desk.mentions import service as mentions
from services.desk.mentions.schemas import MentionQuery
from services.desk.people.service import create_token
from shared.clock import utc_now
from shared.errors import Malformed, Rejected
from shared.events import InboundMessage, PostJudged
from shared.events.codec import decode
from shared.kernel import ContactPoint, message_id
from tests.integration.desk_parts import acting, app_of, desk_on, migrate, scalar, with_channels
from tests.unit.desk.examples import routed


@pytest.fixture
async def desk(database: str, storage_url: str) -> AsyncIterator[Desk]:
    await migrate(database)
    async with desk_on(database, storage_url) as made:
        yield with_channels(made)


@pytest.fixture
async def api(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    token = await create_token(desk.database, name="reports", scopes=("read", "write"), actor=COMMAND)
    transport = httpx.ASGITransport(app_of(desk))
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://desk/api/v1", headers=headers) as client:
        yield client


def mention(number: int, said: str = "Two years with @acme and the lamp still shines", **more: Any) -> InboundMessage:
    values: dict[str, Any] = {
        "id": message_id("x", str(number)),
        "channel": "x",
        "provider_id": str(number),
        "sender": ContactPoint(f"x:{900 + number}"),
        "sender_name": "Bo",
        "received_at": utc_now() - timedelta(minutes=1000 - number),
        "text": said,
        "language": "en",
        "public": True,
        "reach": 310,
        "complaint": 0.03,
        "facts": {"Post": f"https://x.com/bo/status/{number}", "Account": "@bo"},
    }
    return InboundMessage(**(values | more))


async def told(desk: Desk) -> list[PostJudged]:
    async with desk.database.transaction() as session:
        rows = await session.execute(text("SELECT value FROM desk.outbox WHERE topic = 'posts-judged' ORDER BY id"))
        return [decode(PostJudged, row.value) for row in rows]


async def test_a_mention_that_comes_again_is_one(desk: Desk) -> None:
    posts = [mention(n) for n in range(5)]
    assert await mentions.keep(desk, posts) == 5
    assert await mentions.keep(desk, [*posts, mention(9)]) == 1
    done = await asyncio.gather(*(mentions.keep(desk, [mention(50)]) for _ in range(10)))
    assert sum(done) == 1
    assert await scalar(desk, "SELECT count(*) FROM desk.mentions") == 7


async def test_a_mention_without_a_proper_id_is_refused(desk: Desk) -> None:
    with pytest.raises(Malformed, match="UUID"):
        await mentions.keep(desk, [mention(1, id="seven")])


async def test_mentions_are_listed_newest_first_and_no_page_repeats_one(desk: Desk, api: httpx.AsyncClient) -> None:
    await mentions.keep(desk, [mention(n, f"post number {n}") for n in range(25)])
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await api.get("/mentions", params={"limit": 10, "cursor": cursor})).json()
        seen += [item["text"] for item in page["items"]]
        await mentions.keep(desk, [mention(1000 + len(seen), "meanwhile", received_at=utc_now())])
        cursor = page["next"]
        if not cursor:
            break
    assert seen == [f"post number {n}" for n in reversed(range(25))]
    assert (await api.get("/mentions", params={"cursor": "nonsense"})).status_code == 422


async def test_mentions_are_found_by_channel_language_and_words(desk: Desk) -> None:
    posts = [
        mention(1, "Merci à Julie pour son aide", language="fr"),
        mention(2, "배송 정말 빠르네요 감사합니다", language="ko"),
        mention(3, "100% happy_with it"),
        mention(4, "elsewhere", channel="mastodon", id=message_id("mastodon", "4")),
    ]
    await mentions.keep(desk, posts)

    async def found(**query: str) -> list[str]:
        return [item.text for item in (await mentions.page(desk, MentionQuery(**query))).items]  # type: ignore[arg-type]

    assert await found(language="fr") == ["Merci à Julie pour son aide"]
    assert await found(channel="mastodon") == ["elsewhere"]
    assert await found(q="julie aide") == ["Merci à Julie pour son aide"]
    assert await found(q="빠르") == ["배송 정말 빠르네요 감사합니다"]
    assert await found(q="100%") == ["100% happy_with it"]
    assert await found(q="happy%it") == []
    assert await found(q="\x00") != []
    assert await mentions.filters(desk) == (("mastodon", "x"), ("en", "fr", "ko"))


async def test_a_press_is_told_once_with_who_and_what(desk: Desk, api: httpx.AsyncClient) -> None:
    await mentions.keep(desk, [mention(7)])
    url = f"/mentions/{message_id('x', '7')}"
    answer = await api.post(f"{url}/ticket")
    assert (answer.status_code, answer.json()["asked"], answer.json()["judged_by"]) == (202, True, "api:reports")
    await api.post(f"{url}/ticket")
    (event,) = await told(desk)
    assert (event.provider_id, event.channel, event.open_ticket, event.label) == ("7", "x", True, "")
    answer = await api.put(f"{url}/label", json={"label": "complaint"})
    assert answer.json()["label"] == "complaint"
    await api.put(f"{url}/label", json={"label": "complaint"})
    assert [(e.label, e.open_ticket) for e in await told(desk)] == [("", True), ("complaint", True)]
    await api.put(f"{url}/label", json={"label": "other"})
    assert [(e.label, e.open_ticket) for e in await told(desk)][-1] == ("other", False)
    assert (await api.put(f"{url}/label", json={"label": "angry"})).status_code == 422
    assert (await api.post(f"/mentions/{uuid4()}/ticket")).status_code == 404
    assert (await api.post("/mentions/7/ticket")).status_code == 422


@pytest.mark.parametrize("mention_first", [True, False])
async def test_a_mention_meets_its_ticket_whichever_comes_first(desk: Desk, *, mention_first: bool) -> None:
    ticket = routed("7", channel="x", sender="x:907", thread="x:7", public=True)
    steps = [lambda: mentions.keep(desk, [mention(7)]), lambda: apply(desk, [ticket])]
    for step in steps if mention_first else reversed(steps):
        await step()
    found = await mentions.get(desk, message_id("x", "7"))
    assert found.ticket_id == ticket.decision.ticket_id
    assert found.ticket_number


async def test_old_mentions_are_forgotten_and_new_ones_stay(desk: Desk) -> None:
    old = utc_now() - timedelta(days=31)
    await mentions.keep(desk, [*(mention(n, received_at=old) for n in range(12)), mention(50), mention(51)])
    assert await mentions.forget(desk) == 12
    assert await mentions.forget(desk) == 0
    assert await scalar(desk, "SELECT count(*) FROM desk.mentions") == 2


async def test_what_an_agent_says_of_a_ticket_s_post_is_told_with_the_change(
    desk: Desk, api: httpx.AsyncClient
) -> None:
    post = routed("7", channel="x", sender="x:907", thread="x:7", public=True, complaint=0.91, reach=2_000_000)
    await apply(desk, [post, routed("<private@x>")])
    url = f"/messages/{post.message.id}"
    before = (await api.get(url)).json()
    assert (before["public"], before["reach"], before["label"]) == (True, 2_000_000, "")
    assert before["complaint"] == pytest.approx(0.91)
    after = (await api.put(f"{url}/label", json={"label": "other"})).json()
    assert (after["label"], after["label_by"]) == ("other", "api:reports")
    await api.put(f"{url}/label", json={"label": "other"})
    (event,) = await told(desk)
    assert (event.provider_id, event.label, event.open_ticket) == ("7", "other", False)
    assert await scalar(desk, "SELECT data ->> 'label' FROM desk.ticket_events WHERE kind = 'post.judged'") == "other"
    with pytest.raises(Rejected) as refused:
        await labels.judge(desk, message_id("email", "<private@x>"), "other", actor=acting("sam@example.org"))
    assert refused.value.code == "not-a-post"


async def test_groups_over_http(desk: Desk, api: httpx.AsyncClient) -> None:
    known = {"Burst id": "b", "Burst first": "1", "Account": "@someone"}
    posts = [
        routed(str(n), channel="x", sender=f"x:{n}", thread=f"x:{n}", public=True, facts={} if n == 1 else known)
        for n in (1, 2, 3)
    ]
    await apply(desk, posts)
    assert len((await api.get("/tickets")).json()["items"]) == 3
    (row,) = (await api.get("/tickets", params={"grouped": "false"})).json()["items"]
    assert (row["group_size"], row["group_people"]) == (3, 3)
    counts = {each["name"]: each["count"] for each in (await api.get("/counts?grouped=false")).json()}
    assert counts["open"] == 1
    member = (await api.get(f"/tickets/{row['id']}")).json()["group"][0]
    refused = await api.post(f"/tickets/{member['id']}/reply-all", json={"text": "Hello"})
    assert (refused.status_code, refused.json()["title"]) == (409, "not the leader")
    out = (await api.post(f"/tickets/{member['id']}/ungroup")).json()
    assert (out["group_size"], out["grouped"]) == (1, False)
    # X is not announced here: nobody can be answered, and it says why.
    refused = await api.post(f"/tickets/{row['id']}/reply-all", json={"text": "Hello"})
    assert (refused.status_code, refused.json()["title"]) == (409, "channel off")
