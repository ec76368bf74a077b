"""Replies, notes, assignment and what became of deliveries."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import text as sql

from services.desk.actors import COMMAND
from services.desk.assignment import service as assignment
from services.desk.context import Desk
from services.desk.intake.messages import apply
from services.desk.people import service as people
from services.desk.profiles import service as customers
from services.desk.search import finding
from services.desk.tickets import deliveries
from services.desk.tickets import service as tickets
from services.desk.tickets.schemas import TicketQuery
from services.desk.web.inbox import lists
from shared.errors import Rejected, Unavailable
from shared.events import Channel, ChannelChoice, DeliveryReport, DeliveryState, Reason
from shared.kernel import ContactPoint, Level, stable_id, ticket_id
from tests.integration.desk_parts import EMAIL, PHONE, Channels, acting, desk_on, migrate, outbox, scalar, with_channels
from tests.unit.desk.examples import NOON, routed
from tests.waiting import until

TICKET = ticket_id("email:<1@example.org>")


@pytest.fixture
async def desk(database: str, storage_url: str) -> AsyncIterator[Desk]:
    await migrate(database)
    async with desk_on(database, storage_url) as made:
        yield with_channels(made)


@pytest.fixture
async def asked(desk: Desk) -> Desk:
    """Ann asked by mail."""
    await apply(desk, [routed(sender_name="Ann")])
    return desk


def report(
    outbound: str, state: DeliveryState, provider_id: str = "", detail: str = "", reason: str = ""
) -> DeliveryReport:
    return DeliveryReport(
        id=stable_id(outbound, state),
        outbound_id=outbound,
        ticket_id=TICKET,
        channel="email",
        state=state,
        at=NOON,
        provider_id=provider_id,
        detail=detail,
        reason=reason,
    )


async def test_a_reply_goes_out_by_the_channel_that_was_used_and_answers_that_mail(asked: Desk) -> None:
    await apply(asked, [routed("<2@example.org>", received_at=NOON + timedelta(minutes=1))])
    sent = await tickets.reply(
        asked, TICKET, tickets.Draft(text="It is right now.", author_name="Bo"), actor=acting("bo@desk.example")
    )
    (wish,) = await outbox(asked, "deliveries-requested-email")
    assert (wish.id, wish.to, wish.to_name, wish.text) == (sent.id, "email:ann@example.org", "Ann", "It is right now.")
    assert (wish.subject, wish.mailbox, wish.references) == (
        "Invoice",
        "help@shop.example",
        ("<1@example.org>", "<2@example.org>"),
    )
    ticket = await tickets.get_ticket(asked, TICKET)
    assert (ticket.row.status, ticket.row.waiting_since, ticket.messages[-1].delivery) == ("pending", None, "requested")
    assert ticket.first_reply_at


async def test_the_same_key_answers_once_however_often_it_is_sent(asked: Desk) -> None:
    sent = await asyncio.gather(
        *(
            tickets.reply(asked, TICKET, tickets.Draft(text="Yes.", key="k1"), actor=acting("bo@desk"))
            for _ in range(10)
        )
    )
    assert len({message.id for message in sent}) == 1
    assert len(await outbox(asked, "deliveries-requested-email")) == 1
    with pytest.raises(Rejected) as refused:
        await tickets.reply(asked, TICKET, tickets.Draft(text="No.", key="k1"), actor=acting("bo@desk"))
    assert refused.value.code == "key-reused"


async def test_who_answers_a_ticket_of_nobody_takes_it_and_the_next_answer_comes_to_them(asked: Desk) -> None:
    for name in ("Bo", "Al"):
        await people.create_agent(
            asked.database,
            email=f"{name}@desk.example",
            name=name,
            role="agent",
            password="correct horse",
            actor=COMMAND,
        )
    await tickets.reply(asked, TICKET, tickets.Draft(text="One."), actor=acting("bo@desk.example"))
    await tickets.reply(asked, TICKET, tickets.Draft(text="Two."), actor=acting("al@desk.example"))
    await apply(asked, [routed("<2@example.org>", received_at=NOON + timedelta(minutes=1))])
    ticket = await tickets.get_ticket(asked, TICKET)
    assert (ticket.row.assignee, ticket.row.status) == ("bo@desk.example", "open")
    assert [event.data["assignee"] for event in ticket.events if event.kind == "ticket.assigned"] == ["bo@desk.example"]


@pytest.mark.parametrize("keep", ["support", "billing, support", "*"])
async def test_a_team_may_leave_what_it_answers_to_everybody_and_sees_it_under_unassigned(
    asked: Desk, keep: str
) -> None:
    await people.create_agent(
        asked.database, email="bo@desk.example", name="Bo", role="agent", password="correct horse", actor=COMMAND
    )
    kept = replace(asked, settings=asked.settings.model_copy(update={"replies_keep_unassigned": keep}))
    await tickets.reply(kept, TICKET, tickets.Draft(text="One."), actor=acting("bo@desk.example"))
    assert (await tickets.get_ticket(kept, TICKET)).row.assignee == ""
    counts = {view.name: view.count for view in await tickets.view_counts(kept, "bo@desk.example")}
    assert (counts["unassigned"], counts["pending"], counts["open"]) == (1, 1, 0)
    page = await tickets.list_tickets(kept, lists.query("unassigned", "bo@desk.example"))
    assert [row.id for row in page.items] == [TICKET]


async def test_a_program_that_replies_takes_no_ticket(asked: Desk) -> None:
    await tickets.reply(asked, TICKET, tickets.Draft(text="We got it."), actor=acting("api:shop"))
    assert (await tickets.get_ticket(asked, TICKET)).row.assignee == ""


async def test_a_stale_reply_is_refused(asked: Desk) -> None:
    seen = (await tickets.get_ticket(asked, TICKET)).row.version
    await apply(asked, [routed("<2@example.org>", text="Forget it, I found it.")])
    with pytest.raises(Rejected) as refused:
        await tickets.reply(
            asked, TICKET, tickets.Draft(text="Where did you look?", seen=seen), actor=acting("bo@desk")
        )
    assert (refused.value.status, refused.value.code) == (409, "stale")
    assert await outbox(asked, "deliveries-requested-email") == []
    await tickets.reply(
        asked, TICKET, tickets.Draft(text="Good!", seen=seen + 1, status="solved"), actor=acting("bo@desk")
    )
    assert (await tickets.get_ticket(asked, TICKET)).row.status == "solved"


async def test_a_desk_that_has_just_started_calls_no_channel_off(asked: Desk) -> None:
    starting = replace(asked, channels=Channels())
    starting.channels.ready.clear()
    with pytest.raises(Unavailable, match="just started"):
        await tickets.reply(starting, TICKET, tickets.Draft(text="Hi", key="1"), actor=acting("bo@desk"))
    assert (await tickets.reply(asked, TICKET, tickets.Draft(text="Hi", key="1"), actor=acting("bo@desk"))).delivery


async def test_a_note_makes_a_reply_stale_and_an_assignment_does_not(asked: Desk) -> None:
    await assignment.assign(asked, TICKET, actor=acting("bo@desk"), team="billing")
    seen = (await tickets.get_ticket(asked, TICKET)).row.version
    await tickets.add_note(asked, TICKET, "Do not answer yet.", actor=acting("al@desk"))
    with pytest.raises(Rejected, match="not seen"):
        await tickets.reply(asked, TICKET, tickets.Draft(text="Hi", seen=seen), actor=acting("bo@desk"))
    assert await outbox(asked, "deliveries-requested-email") == []


async def test_a_failed_delivery_reopens_the_ticket_and_says_why(asked: Desk) -> None:
    sent = await tickets.reply(
        asked, TICKET, tickets.Draft(text="Here you are.", status="solved"), actor=acting("bo@desk")
    )
    failed = report(sent.id, DeliveryState.FAILED, detail="550 no such user", reason="no-such-address")
    await deliveries.report(asked, [failed])
    await deliveries.report(asked, [failed, report(sent.id, DeliveryState.SENT, "<out@desk>")])
    ticket = await tickets.get_ticket(asked, TICKET)
    assert (ticket.row.status, ticket.row.waiting_since is not None) == ("open", True)
    assert (ticket.messages[-1].delivery, ticket.messages[-1].delivery_detail) == ("failed", "550 no such user")
    assert ticket.messages[-1].facts == {"undelivered": "no-such-address"}
    kinds = [event.kind for event in ticket.events]
    assert (kinds.count("delivery.changed"), kinds.count("ticket.reopened")) == (1, 1)


async def test_what_was_sent_becomes_a_reference_of_the_next_reply(asked: Desk) -> None:
    sent = await tickets.reply(asked, TICKET, tickets.Draft(text="One."), actor=acting("bo@desk"))
    await deliveries.report(
        asked, [report(sent.id, DeliveryState.DELIVERED), report(sent.id, DeliveryState.SENT, "<out@desk>")]
    )
    assert (await tickets.get_message(asked, sent.id)).delivery == "delivered"
    await tickets.reply(asked, TICKET, tickets.Draft(text="Two."), actor=acting("bo@desk"))
    assert (await outbox(asked, "deliveries-requested-email"))[-1].references == ("<1@example.org>", "<out@desk>")


async def test_a_survey_that_another_service_sent_is_none_of_our_business(asked: Desk) -> None:
    await deliveries.report(asked, [report(stable_id("survey"), DeliveryState.FAILED)])
    assert (await tickets.get_ticket(asked, TICKET)).row.status == "open"


@pytest.mark.parametrize(
    ("channel", "to", "code"),
    [
        ("phone", "", "channel-off"),
        ("pigeon", "", "channel-off"),
        ("chat", "", "unreachable"),
        ("email", "email:other@example.org", "unreachable"),
    ],
)
async def test_a_reply_that_cannot_arrive_is_refused_with_what_to_do(
    asked: Desk, channel: str, to: str, code: str
) -> None:
    with pytest.raises(Rejected) as refused:
        await tickets.reply(asked, TICKET, tickets.Draft(text="Hello", channel=channel, to=to), actor=acting("bo@desk"))
    assert (refused.value.status, refused.value.code) == (409, code)
    assert await scalar(asked, "SELECT count(*) FROM desk.messages") == 1


async def test_nothing_is_written_to_a_telephone(asked: Desk) -> None:
    spoken = msgspec.structs.replace(PHONE, enabled=True, live=True, why_off="")
    with pytest.raises(Rejected) as refused:
        await tickets.reply(
            with_channels(asked, EMAIL, spoken),
            TICKET,
            tickets.Draft(text="Hello", channel="phone"),
            actor=acting("bo@desk"),
        )
    assert (refused.value.status, refused.value.code) == (409, "call-instead")
    assert "Press Call" in refused.value.message
    assert await scalar(asked, "SELECT count(*) FROM desk.messages") == 1


async def test_who_opted_out_is_not_written_to(asked: Desk) -> None:
    ann = await customers.find_customer(asked, "email:Ann@Example.org")
    assert ann
    await customers.update_customer(asked, ann.id, actor=acting("bo@desk"), opted_out={"email:ann@example.org": True})
    with pytest.raises(Rejected) as refused:
        await tickets.reply(asked, TICKET, tickets.Draft(text="Hello"), actor=acting("bo@desk"))
    assert refused.value.code == "opted-out"


async def test_after_stop_the_composer_is_told_that_the_channel_is_closed_and_which_is_next(desk: Desk) -> None:
    sms = Channel(name="sms", label="Text message", icon="s", reaches=("tel",))
    desk = with_channels(desk, EMAIL, sms)
    number, pair = ContactPoint("tel:+33612345678"), {"thread": "sms:pair", "conversation": "pair"}
    written = routed("SM1", channel="sms", sender=number, **pair)
    known = tuple(
        ChannelChoice(channel=channel, reasons=(), contact_point=ContactPoint(to))
        for channel, to in (("sms", number), ("email", "email:ann@example.org"))
    )
    await apply(
        desk, [msgspec.structs.replace(written, decision=msgspec.structs.replace(written.decision, channels=known))]
    )
    stop = routed(*("SM2",), channel="sms", sender=number, automatic="consent", consent="stop", text="STOP", **pair)
    await apply(desk, [stop])
    ticket = await tickets.get_ticket(desk, written.decision.ticket_id)
    assert [(choice.channel, choice.available) for choice in ticket.channels] == [("email", True), ("sms", False)]
    assert ticket.channels[1].reasons[-1].code == "unavailable.opted-out"


async def test_an_answer_that_x_will_not_take_is_refused_before_it_is_sent(desk: Desk) -> None:
    x = Channel(name="x", label="X", icon="x", reaches=("x",), public=True)
    desk = with_channels(desk, EMAIL, x)
    post = routed("1", channel="x", sender="x:42", thread="x:1/42", conversation="1/42", public=True)
    reason = Reason(code="unavailable.not-summoned", text="X lets us answer only those who mentioned or quoted us")
    closed = ChannelChoice(channel="x", reasons=(reason,), contact_point=ContactPoint("x:42"), available=False)
    await apply(
        desk, [msgspec.structs.replace(post, decision=msgspec.structs.replace(post.decision, channels=(closed,)))]
    )
    with pytest.raises(Rejected) as refused:
        await tickets.reply(desk, post.decision.ticket_id, tickets.Draft(text="Sorry!"), actor=acting("bo@desk"))
    assert (refused.value.status, refused.value.code) == (409, "not-summoned")


async def test_the_files_of_a_message_that_went_ahead_wake_nobody(asked: Desk) -> None:
    await tickets.set_status(asked, TICKET, "solved", actor=acting("bo@desk"))
    late = routed("<1@example.org>/files", text="", automatic="files", received_at=NOON + timedelta(minutes=9))
    await apply(asked, [late])
    ticket = await tickets.get_ticket(asked, TICKET)
    assert (ticket.row.status, len(ticket.messages)) == ("solved", 2)


async def test_what_an_agent_learns_of_a_customer_reaches_the_router(asked: Desk) -> None:
    ann = await customers.find_customer(asked, "email:ann@example.org")
    assert ann
    changed = await customers.update_customer(
        asked,
        ann.id,
        actor=acting("bo@desk"),
        name="Ann Lee",
        birth_year="1949",
        preferred_channel="phone",
        source="customer",
        add_contact_points=("tel:+33612345678",),
    )
    assert (changed.name, changed.birth_year, changed.preferred and changed.preferred.channel) == (
        "Ann Lee",
        1949,
        "phone",
    )
    profiles = {p.contact_point: p for p in await outbox(asked, "customers-updated")}
    assert set(profiles) == {"email:ann@example.org", "tel:+33612345678"}
    for profile in profiles.values():
        assert (profile.birth_year, profile.stated.channel, profile.stated.source) == (1949, "phone", "customer")
        assert profile.version == changed.version
        assert [t.ticket_id for t in profile.open_tickets] == [TICKET]


@pytest.mark.parametrize("year", [1899, 2999, "soon", -1])
async def test_nobody_is_born_in_the_future(asked: Desk, year: int | str) -> None:
    ann = await customers.find_customer(asked, "email:ann@example.org")
    assert ann
    with pytest.raises(Rejected) as refused:
        await customers.update_customer(asked, ann.id, actor=acting("bo@desk"), birth_year=year)
    assert (refused.value.status, refused.value.code) == (422, "birth-year")


async def test_a_contact_point_of_somebody_else_is_not_taken_away(asked: Desk) -> None:
    await apply(asked, [routed("<b@x>", sender="email:bob@example.org", thread="email:b")])
    ann = await customers.find_customer(asked, "email:ann@example.org")
    assert ann
    with pytest.raises(Rejected) as refused:
        await customers.update_customer(
            asked, ann.id, actor=acting("bo@desk"), name="X", add_contact_points=("email:bob@example.org",)
        )
    assert refused.value.code == "taken"
    assert (await customers.get_customer(asked, ann.id)).name == "Ann"


async def test_a_ticket_is_given_to_an_agent_and_put_back(asked: Desk) -> None:
    await people.create_agent(
        asked.database, email="Bo@desk.example", name="Bo", role="agent", password="correct horse", actor=COMMAND
    )
    row = await assignment.assign(
        asked, TICKET, actor=acting("bo@desk.example"), assignee="bo@desk.example", team="billing"
    )
    assert (row.assignee, row.assignee_name, row.team) == ("bo@desk.example", "Bo", "billing")
    counts = {view.name: view.count for view in await tickets.view_counts(asked, "bo@desk.example")}
    own = {"mine": 1, "unassigned": 0, "open": 1, "urgent": 0, "pending": 0, "solved": 0, "team:billing": 1}
    assert counts == own | {"overdue": 0, "soon": 0, "waiting": 1}
    assert len((await tickets.list_tickets(asked, TicketQuery(assignee="bo@desk.example"))).items) == 1
    row = await assignment.assign(asked, TICKET, actor=acting("bo@desk.example"), assignee="")
    assert (row.assignee, row.team) == ("", "billing")
    with pytest.raises(Rejected, match="No active agent"):
        await assignment.assign(asked, TICKET, actor=acting("bo@desk.example"), assignee="nobody@desk.example")


async def test_pages_neither_repeat_nor_skip_while_tickets_arrive(desk: Desk) -> None:
    def arrive(start: int, count: int) -> list[object]:
        levels = list(Level)
        return [
            routed(
                f"<{i}@x>",
                sender=f"email:p{i}@x.y",
                thread=f"email:{i}",
                level=levels[i % 4],
                score=50,
                received_at=NOON + timedelta(seconds=i % 7),
            )
            for i in range(start, start + count)
        ]

    for order in ("priority", "newest"):
        base = 0 if order == "priority" else 1000
        await apply(desk, arrive(base, 60))  # type: ignore[arg-type]
        before = {row.id for row in await _all(desk, order)}
        seen: list[str] = []
        cursor, step = "", 0
        while True:
            page = await tickets.list_tickets(desk, TicketQuery(order=order, limit=7, cursor=cursor))
            seen += [row.id for row in page.items]
            step += 1
            await apply(desk, arrive(base + 100 + step * 3, 3))  # type: ignore[arg-type]
            cursor = page.next
            if not cursor:
                break
        assert len(seen) == len(set(seen))
        assert before <= set(seen)


async def _all(desk: Desk, order: str) -> list[object]:
    rows, cursor = [], ""
    while True:
        page = await tickets.list_tickets(desk, TicketQuery(order=order, limit=100, cursor=cursor))
        rows += page.items
        cursor = page.next
        if not cursor:
            return rows


async def test_search_finds_words_their_beginnings_addresses_and_numbers(desk: Desk) -> None:
    await apply(
        desk,
        [
            routed(
                "<1@x>",
                text="Le serveur est en panne, commande 46364952",
                subject="Panne",
                sender="email:zoe@x.fr",
                thread="email:1",
            )
        ],
    )
    await apply(
        desk, [routed("<2@x>", text="결제가 안 됩니다", subject="문의", sender="email:kim@x.kr", thread="email:2")]
    )
    for words, subject in [
        ("serveur panne", "Panne"),
        ("결제", "문의"),
        ("pan", "Panne"),
        ("kim@", "문의"),
        ("#1001", "Panne"),
        ("1001", "Panne"),
        ("46364952", "Panne"),
        ("serv", "Panne"),
    ]:
        found = (await finding.list_tickets(desk, TicketQuery(q=words))).items
        assert [row.subject for row in found] == [subject], words
    for words in ("#46364952", "100%_\\ ' & | ! ( :*"):
        assert (await finding.list_tickets(desk, TicketQuery(q=words))).items == (), words


async def test_a_message_never_stands_beside_the_status_from_before_it(asked: Desk) -> None:
    before = await tickets.get_ticket(asked, "#1001")
    async with asked.database.transaction() as session:
        await session.execute(sql("LOCK TABLE desk.messages"))
        reading = asyncio.ensure_future(tickets.get_ticket(asked, "#1001"))
        await until(lambda: scalar(asked, "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted"), "it to be read")
        await session.execute(sql("UPDATE desk.tickets SET status = 'pending'"))
        await session.execute(sql("UPDATE desk.messages SET text = 'Thank you!'"))
    seen = await reading
    assert (seen.row.status, seen.messages) == (before.row.status, before.messages)
    after = await tickets.get_ticket(asked, "#1001")
    assert (after.row.status, after.messages[-1].text) == ("pending", "Thank you!")


async def test_long_conversations_come_in_pages(desk: Desk) -> None:
    await apply(desk, [routed(f"<{i}@x>", text=str(i), received_at=NOON + timedelta(seconds=i)) for i in range(75)])
    texts: list[str] = []
    before = ""
    while True:
        ticket = await tickets.get_ticket(desk, TICKET, before=before)
        texts = [message.text for message in ticket.messages] + texts
        before = ticket.earlier
        if not before:
            break
    assert texts == [str(i) for i in range(75)]
