"""Many people, one cause: their tickets are one row, and stay their own."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from services.desk.context import Desk
from services.desk.intake.messages import apply
from services.desk.tickets import group_commands
from services.desk.tickets import service as tickets
from services.desk.tickets.schemas import TicketQuery, TicketRow
from services.desk.wallboard import figures
from shared.clock import utc_now
from shared.errors import Rejected, Unavailable
from shared.events import Burst, Channel, Post, RoutedMessage
from shared.kernel import Level
from tests.integration.desk_parts import acting, desk_on, migrate, scalar, with_channels
from tests.unit.desk.examples import NOON, routed

X = Channel(name="x", label="X", icon="at-sign", reaches=("x",), public=True)


@pytest.fixture
async def desk(database: str, storage_url: str) -> AsyncIterator[Desk]:
    await migrate(database)
    async with desk_on(database, storage_url) as made:
        yield with_channels(made, X)


def post(number: int, *, burst: str = "", first: Sequence[int] = (), author: int | None = None, **more: Any) -> Any:
    who = number if author is None else author
    told = Burst(id=burst, first=tuple(map(str, first))) if burst else None
    return routed(
        str(number),
        sender=f"x:{who}",
        thread=f"x:{number}",
        channel="x",
        public=True,
        text=f"the app crashes at the payment, says person {who}",
        subject="",
        account=f"@person{who}",
        post=Post(url=f"https://x.com/person{who}/status/{number}", burst=told),
        received_at=NOON + timedelta(seconds=number),
        **more,
    )


def burst(count: int = 12, recognised: int = 5) -> list[RoutedMessage]:
    """As the social service tells it: the fifth post is the first that names the burst, and the
    four before it."""
    before = [post(n) for n in range(1, recognised)]
    first = post(recognised, burst="b-1", first=range(1, recognised))
    return [
        *before,
        first,
        *(post(n, burst="b-1", first=range(1, recognised)) for n in range(recognised + 1, count + 1)),
    ]


async def leaders(desk: Desk, **more: Any) -> list[TicketRow]:
    return list((await tickets.list_tickets(desk, TicketQuery(grouped=False, **more))).items)


async def everything(desk: Desk) -> list[TicketRow]:
    return list((await tickets.list_tickets(desk, TicketQuery(limit=100))).items)


async def test_twelve_people_with_one_cause_are_one_row(desk: Desk) -> None:
    await apply(desk, burst())
    (row,) = await leaders(desk)
    assert (row.group_size, row.group_people) == (12, 12)
    assert row.customer_name == "1", "the oldest leads"
    whole = await everything(desk)
    assert len(whole) == 12
    assert {each.group_id for each in whole if each.id != row.id} == {row.id}
    view = await tickets.get_ticket(desk, row.id)
    assert [each.customer_name for each in view.group] == [str(n) for n in range(2, 13)]
    member = await tickets.get_ticket(desk, view.group[0].id)
    assert member.leader
    assert member.leader.id == row.id
    assert [message.text for message in member.messages] == ["the app crashes at the payment, says person 2"]
    counts = {count.name: count.count for count in await tickets.view_counts(desk, "", grouped=False)}
    assert counts["open"] == 1
    assert {count.name: count.count for count in await tickets.view_counts(desk, "")}["open"] == 12


@pytest.mark.parametrize("seed", range(6))
async def test_batches_in_any_order_make_the_same_group(desk: Desk, seed: int) -> None:
    posts, chance = burst(), random.Random(seed)
    chance.shuffle(posts)
    while posts:
        batch, posts = posts[: chance.randint(1, 4)], posts[chance.randint(1, 4) :]
        await apply(desk, batch)
    await apply(desk, burst())  # what was skipped, and everything again
    (row,) = await leaders(desk)
    assert (row.group_size, row.group_people) == (12, 12)
    assert row.customer_name == "1", "the oldest leads, whatever came first"


async def test_a_leader_that_an_agent_has_in_hand_goes_on_leading(desk: Desk) -> None:
    await apply(desk, burst()[2:])
    (row,) = await leaders(desk)
    assert row.customer_name == "3"
    await tickets.add_note(desk, row.id, "I am on it", actor=acting("sam@example.org"))
    async with desk.database.transaction() as session:
        await session.execute(text("UPDATE desk.tickets SET first_reply_at = now() WHERE id = :id"), {"id": row.id})
    await apply(desk, burst())
    (row,) = await leaders(desk)
    assert (row.customer_name, row.group_size) == ("3", 12)


async def test_processes_at_work_at_the_same_time_make_one_group(desk: Desk) -> None:
    async def until_done(batch: list[RoutedMessage]) -> None:
        while True:
            try:
                await apply(desk, batch)
                return
            except Unavailable:  # as a consumer does
                await asyncio.sleep(0.01)

    posts = burst(40)
    await asyncio.gather(*(until_done(posts[at : at + 3]) for at in range(0, 40, 3)), until_done(posts))
    (row,) = await leaders(desk)
    assert (row.customer_name, row.group_size, row.group_people) == ("1", 40, 40)
    assert await scalar(desk, "SELECT count(*) FROM desk.messages") == 40


async def test_the_leader_is_as_urgent_as_the_most_urgent_of_the_group(desk: Desk) -> None:
    await apply(desk, burst())
    await apply(desk, [post(13, burst="b-1", level=Level.URGENT, score=93), post(99, level=Level.HIGH, score=70)])
    first, second = await leaders(desk)
    assert (first.level, first.score, first.group_size) == ("urgent", 93, 13)
    assert second.group_size == 1
    view = await tickets.get_ticket(desk, first.id)
    assert view.reasons[0].code == "group"
    # The leader's own polite word afterwards does not make the group less urgent.
    await apply(desk, [routed("500", sender="x:1", thread="x:1", channel="x", public=True, score=5, level=Level.LOW)])
    assert (await leaders(desk))[0].level == "urgent"


async def test_one_answer_reaches_each_of_them_in_a_conversation_of_their_own(desk: Desk) -> None:
    await apply(desk, burst())
    (row,) = await leaders(desk)
    done = await group_commands.reply_all(
        desk,
        row.id,
        group_commands.Draft(text="It works again.", seen=row.version, key="k"),
        actor=acting("sam@example.org"),
    )
    assert sorted(message.to for message in done.messages) == sorted(f"x:{n}" for n in range(1, 13))
    assert {message.text for message in done.messages} == {f"@person{n} It works again." for n in range(1, 13)}
    assert done.left_out == ()
    again = await group_commands.reply_all(
        desk,
        row.id,
        group_commands.Draft(text="It works again.", seen=row.version, key="k"),
        actor=acting("sam@example.org"),
    )
    assert {message.id for message in again.messages} == {message.id for message in done.messages}
    sent = "SELECT count(*) FROM desk.outbox WHERE topic = 'deliveries-requested-x'"
    assert await scalar(desk, sent) == 12
    assert await scalar(desk, "SELECT count(DISTINCT ticket_id) FROM desk.messages WHERE direction = 'out'") == 12
    assert await leaders(desk, status=("open",)) == []
    (pending,) = await leaders(desk, status=("pending",))
    assert (pending.id, pending.group_size) == (row.id, 12)
    with pytest.raises(Rejected, match="key"):
        await group_commands.reply_all(
            desk, row.id, group_commands.Draft(text="Something else", key="k"), actor=acting("sam@example.org")
        )


async def test_who_answers_back_is_seen_again(desk: Desk) -> None:
    await apply(desk, burst())
    (row,) = await leaders(desk)
    await group_commands.reply_all(
        desk, row.id, group_commands.Draft(text="It works again.", key="k"), actor=acting("sam@example.org")
    )
    await apply(desk, [routed("600", sender="x:7", thread="x:7", channel="x", public=True, text="not for me")])
    (seen,) = await leaders(desk, status=("open",))
    assert seen.customer_name == "7"


async def test_a_customer_who_wants_no_answers_is_left_out_and_the_others_get_theirs(desk: Desk) -> None:
    await apply(desk, burst())
    async with desk.database.transaction() as session:
        await session.execute(text("UPDATE desk.contact_points SET opted_out = true WHERE point = 'x:3'"))
    (row,) = await leaders(desk)
    done = await group_commands.reply_all(
        desk, row.id, group_commands.Draft(text="It works again.", key="k"), actor=acting("sam@example.org")
    )
    assert len(done.messages) == 11
    assert [left.code for left in done.left_out] == ["opted-out"]
    (still,) = await leaders(desk, status=("open",))
    assert still.customer_name == "3"


async def test_what_arrived_unseen_stops_the_answer_to_all(desk: Desk) -> None:
    await apply(desk, burst())
    (row,) = await leaders(desk)
    with pytest.raises(Rejected, match="not seen"):
        await group_commands.reply_all(
            desk,
            row.id,
            group_commands.Draft(text="It works.", seen=row.version - 1, key="k"),
            actor=acting("sam@example.org"),
        )
    assert await scalar(desk, "SELECT count(*) FROM desk.messages WHERE direction = 'out'") == 0
    member = next(each for each in await everything(desk) if each.group_id)
    with pytest.raises(Rejected) as refused:
        await group_commands.reply_all(
            desk, member.id, group_commands.Draft(text="It works."), actor=acting("sam@example.org")
        )
    assert refused.value.code == "not-the-leader"


async def test_the_next_oldest_leads_when_the_leader_is_answered_by_itself(desk: Desk) -> None:
    await apply(desk, burst())
    (row,) = await leaders(desk)
    await tickets.reply(desk, row.id, tickets.Draft(text="Only you."), actor=acting("sam@example.org"))
    (following,) = await leaders(desk, status=("open",))
    assert (following.customer_name, following.group_size) == ("2", 11)
    await apply(desk, [post(13, burst="b-1", first=range(1, 5))])
    (following,) = await leaders(desk, status=("open",))
    assert (following.customer_name, following.group_size) == ("2", 12)


async def test_who_still_waits_is_seen_when_only_the_leader_was_answered_and_stays_open(desk: Desk) -> None:
    await apply(desk, burst())
    (row,) = await leaders(desk)
    await tickets.reply(
        desk, row.id, tickets.Draft(text="We look into it.", status="open"), actor=acting("sam@example.org")
    )
    (following,) = await leaders(desk, waiting=True)
    assert (following.customer_name, following.group_size) == ("2", 11)
    await apply(desk, [post(13, burst="b-1", first=range(1, 5))])
    (following,) = await leaders(desk, waiting=True)
    assert (following.customer_name, following.group_size) == ("2", 12)


async def test_who_was_left_out_of_the_answer_to_all_is_seen_though_the_others_stay_open(desk: Desk) -> None:
    await apply(desk, burst())
    async with desk.database.transaction() as session:
        await session.execute(text("UPDATE desk.contact_points SET opted_out = true WHERE point = 'x:3'"))
    (row,) = await leaders(desk)
    await group_commands.reply_all(
        desk,
        row.id,
        group_commands.Draft(text="We look into it.", status="open", key="k"),
        actor=acting("sam@example.org"),
    )
    (still,) = await leaders(desk, waiting=True)
    assert still.customer_name == "3"
    answered = next(each for each in await leaders(desk) if each.id == row.id)
    assert answered.group_size == 11, "the others stay one row"


@pytest.mark.parametrize("number", [1, 4])
async def test_a_ticket_that_was_taken_out_stays_out(desk: Desk, number: int) -> None:
    await apply(desk, burst())
    own = next(row for row in await everything(desk) if row.customer_name == str(number))
    row = await group_commands.ungroup(desk, own.id, actor=acting("sam@example.org"))
    assert (row.grouped, row.group_size) == (False, 1)
    again = post(14, burst="b-1", author=number)
    thread = replace(again.decision.thread, key=f"x:{number}")
    again = replace(again, decision=replace(again.decision, thread=thread, ticket_id=own.id))
    await apply(desk, [post(13, burst="b-1", first=range(1, 5)), again])
    sizes = {each.customer_name: each.group_size for each in await leaders(desk)}
    assert sizes == {str(number): 1, "2" if number == 1 else "1": 12}


async def test_a_later_burst_opens_a_new_group_once_the_first_is_answered(desk: Desk) -> None:
    await apply(desk, burst(6))
    (row,) = await leaders(desk)
    await group_commands.reply_all(
        desk, row.id, group_commands.Draft(text="It works again.", key="k"), actor=acting("sam@example.org")
    )
    await apply(desk, [post(n, burst="b-1", first=range(1, 5)) for n in (20, 21, 22)])
    (fresh,) = await leaders(desk, status=("open",))
    assert (fresh.customer_name, fresh.group_size) == ("20", 3)


async def test_facts_of_a_private_message_group_nothing(desk: Desk) -> None:
    facts = {"Burst id": "b-1", "Burst first": "1,2"}
    await apply(desk, [post(n) for n in (1, 2)])
    await apply(
        desk, [routed(f"<{n}@x>", thread=f"email:{n}", sender=f"email:p{n}@x.org", facts=facts) for n in (1, 2)]
    )
    assert [row.group_size for row in await leaders(desk)] == [1, 1, 1, 1]


async def test_the_wallboard_counts_a_group_as_its_lists_do(desk: Desk) -> None:
    await apply(desk, burst())
    async with desk.database.transaction() as session:
        await session.execute(text("UPDATE desk.tickets SET due_at = now() - interval '1 minute'"))
    shown = await figures.work(desk.database, utc_now())
    late, waiting = await leaders(desk, due="overdue"), await leaders(desk, waiting=True)
    assert (shown.late, shown.waiting) == (len(late), len(waiting)) == (1, 1)
    counts = {count.name: count.count for count in await tickets.view_counts(desk, "", grouped=False)}
    assert (counts["overdue"], counts["waiting"]) == (1, 1)

    (row,) = late
    await tickets.set_status(desk, row.id, "pending", actor=acting("sam@example.org"))
    shown = await figures.work(desk.database, utc_now())
    assert (shown.late, shown.waiting) == (1, 1), "the next oldest leads those who still wait"
    assert [each.id for each in await leaders(desk, waiting=True)] != [row.id]
