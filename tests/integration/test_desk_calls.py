"""Calls at the desk: who is offered them, who answers, what becomes of them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text as sql

from services.desk.actors import COMMAND
from services.desk.calls import applying, distribution, ticket_link
from services.desk.calls import service as calls
from services.desk.context import Desk
from services.desk.intake.messages import apply
from services.desk.people import presence
from services.desk.people import service as people
from services.desk.people.limits import Limiter
from services.desk.tickets import service as tickets
from shared.clock import utc_now
from shared.errors import Rejected
from shared.events import CallOutcome, CallState, Profile
from shared.kernel import ContactPoint, Level
from tests.integration.desk_calls import (
    AGE_71,
    LINE,
    NUMBER,
    USED,
    agent,
    answered,
    call_message,
    caller,
    changed,
    preferring,
    requests,
    ticket_of,
)
from tests.integration.desk_parts import EMAIL, acting, app_of, desk_on, migrate, outbox, scalar, with_channels
from tests.unit.desk.examples import routed
from tests.waiting import until


@pytest.fixture
async def two(database: str, storage_url: str) -> AsyncIterator[tuple[Desk, Desk]]:
    """Two processes of the desk."""
    await migrate(database)
    async with AsyncExitStack() as stack:
        made = [await stack.enter_async_context(desk_on(database, storage_url, offer_seconds=120)) for _ in range(2)]
        yield with_channels(made[0], EMAIL, LINE), with_channels(made[1], EMAIL, LINE)


@pytest.fixture
def desk(two: tuple[Desk, Desk]) -> Desk:
    return two[0]


async def three_minutes_pass(desk: Desk) -> None:
    """For offers, answers and the memory of who was asked."""
    asked = "SELECT jsonb_object_agg(key, to_jsonb((value #>> '{}')::timestamptz - interval '3 min')) FROM jsonb_each(asked)"
    moved = ", ".join(f"{name} = {name} - interval '3 min'" for name in ("offered_until", "answer_until"))
    async with desk.database.transaction() as session:
        await session.execute(
            sql(f"UPDATE desk.calls SET {moved}, asked = coalesce(({asked}), '{{}}')".replace("::", r"\:\:"))
        )


async def kinds(desk: Desk, ticket: str) -> list[str]:
    return [event.kind for event in (await tickets.get_ticket(desk, ticket)).events]


async def test_a_caller_is_offered_to_the_ready_agent_who_answers_and_has_the_ticket(desk: Desk) -> None:
    ann = await agent(desk, "Ann")
    await agent(desk, "Bo", state="away")
    call = await caller(desk)
    await distribution.serve(desk)
    (offered,) = await calls.waiting(desk)
    assert (offered.state, offered.offered_to, offered.ticket_id) == ("offered", ann, ticket_of(call))
    assert await calls.current(desk, ann) == offered
    (offer,) = await requests(desk, "offer")
    assert (offer.call_id, offer.agent, offer.expires_at) == (call, ann, offered.offered_until)
    (place,) = await requests(desk, "place")
    assert (place.position, place.expected_wait > 0) == (1, True)

    taken = await calls.answer(desk, call, actor=acting(ann))
    assert (taken.state, taken.agent, taken.agent_name) == ("bridging", ann, "Ann")
    assert await calls.waiting(desk) == ()
    (connect,) = await requests(desk, "connect")
    assert connect.agent_at == f"tel:{(await presence.state(desk, ann)).phone}"
    assert (await presence.state(desk, ann)).presence == "busy"
    assert (await tickets.get_ticket(desk, ticket_of(call))).row.assignee == ann
    assert await calls.answer(desk, call, actor=acting(ann)) == taken
    assert len(await requests(desk, "connect")) == 1


async def test_a_whole_call_from_line_to_notes(desk: Desk) -> None:
    ann = await agent(desk, "Ann")
    call = await caller(desk, waited=30)
    await distribution.serve(desk)
    await calls.answer(desk, call, actor=acting(ann))
    (connect,) = await requests(desk, "connect")
    spoke = utc_now()
    over = spoke + timedelta(minutes=4)
    facts = {"waiting_since": spoke - timedelta(seconds=30), "connected_at": spoke}
    await applying.apply(desk, [answered(call, 2, connect, CallOutcome.ACCEPTED)])
    await applying.apply(desk, [answered(call, 3, connect, CallOutcome.CONNECTED, **facts)])
    now = await calls.current(desk, ann)
    assert now is not None
    assert (now.state, now.connected_at) == ("connected", spoke)
    ticket = await tickets.get_ticket(desk, ticket_of(call))
    assert (ticket.first_reply_at, ticket.row.waiting_since) == (spoke, None)
    await applying.apply(desk, [answered(call, 4, connect, CallOutcome.COMPLETED, ended_at=over, **facts)])
    assert (await presence.state(desk, ann)).presence == "wrap-up"
    ticket = await tickets.get_ticket(desk, ticket_of(call))
    assert [m.text for m in ticket.messages if m.direction == "note"] == ["Call, 4 min, answered by Ann"]
    await calls.finish(desk, call, actor=acting(ann))
    assert (await presence.state(desk, ann)).presence == "ready"
    assert await calls.current(desk, ann) is None
    assert [request.action for request in await requests(desk)][-1] == "finish"
    await calls.finish(desk, call, actor=acting(ann))
    assert len(await requests(desk, "finish")) == 1


async def test_the_end_of_a_call_frees_an_agent_who_forgot_to_finish(desk: Desk) -> None:
    ann = await agent(desk, "Ann")
    call = await caller(desk)
    await distribution.serve(desk)
    await calls.answer(desk, call, actor=acting(ann))
    (connect,) = await requests(desk, "connect")
    facts = {"connected_at": utc_now(), "ended_at": utc_now()}
    await applying.apply(desk, [answered(call, 2, connect, CallOutcome.COMPLETED, **facts)])
    await applying.apply(desk, [answered(call, 3, connect, CallOutcome.COMPLETED, **facts)])
    ended = changed(call, 4, CallState.ENDED, agent=ann, request_id=connect.id, outcome=CallOutcome.COMPLETED, **facts)
    await applying.apply(desk, [ended])
    assert (await presence.state(desk, ann)).presence == "ready"


async def test_an_older_caller_who_prefers_the_phone_stands_before_one_who_prefers_mail(desk: Desk) -> None:
    mail = await caller(desk, waited=60, number="+33600000001")
    older = await caller(desk, waited=10, number="+33600000002", prefers=AGE_71)
    urgent = await caller(desk, number="+33600000003", level=Level.URGENT)
    long = await caller(desk, waited=400, number="+33600000004", prefers=USED)
    waiting = await calls.waiting(desk)
    assert [call.call_id for call in waiting] == [urgent, long, older, mail]
    assert [call.prefers_phone for call in waiting] == [False, False, True, False]
    reasons = {reason.code: reason.text for reason in waiting[2].reasons}
    assert reasons["call.prefers-phone"] == "prefers the phone: counts as 5 minutes longer in line"
    assert reasons["preference.age"] == AGE_71.text
    ann = await agent(desk, "Ann")
    await distribution.serve(desk)
    assert (await requests(desk, "offer"))[0].call_id == urgent
    places = {request.call_id: request.position for request in await requests(desk, "place")}
    assert places == {urgent: 1, long: 2, older: 3, mail: 4}
    assert (await calls.current(desk, ann)).call_id == urgent  # type: ignore[union-attr]


async def test_of_two_who_answer_at_the_same_moment_in_two_processes_one_has_the_call(two: tuple[Desk, Desk]) -> None:
    one, other = two
    people = [await agent(one, f"Agent{i}", state="away") for i in range(6)]
    call = await caller(one)

    async def take(desk: Desk, who: str) -> str:
        try:
            return (await calls.answer(desk, call, actor=acting(who))).agent
        except Rejected as error:
            return error.code

    found = await asyncio.gather(*(take(desk, who) for desk, who in zip(itertools.cycle(two), people, strict=False)))
    assert sorted(found)[1:] == ["call-taken"] * 5 or found.count("call-taken") == 5
    (connect,) = await requests(one, "connect")
    assert connect.agent in found
    states = {state.email: state.presence for state in await presence.states(other)}
    assert [who for who, state in states.items() if state == "busy"] == [connect.agent]


async def test_an_offer_that_nobody_answers_goes_on_to_the_next_agent_with_its_age_kept(two: tuple[Desk, Desk]) -> None:
    desk, other = two
    ann = await agent(desk, "Ann")
    bo = await agent(desk, "Bo")
    call = await caller(desk, waited=100)
    (before,) = await calls.waiting(desk)
    await distribution.serve(desk)
    assert [offer.agent for offer in await requests(desk, "offer")] == [ann]
    await three_minutes_pass(desk)
    await distribution.serve(other)  # the process that made the offer is gone
    assert [offer.agent for offer in await requests(desk, "offer")] == [ann, bo]
    (after,) = await calls.waiting(desk)
    assert (after.offered_to, after.waiting_since) == (bo, before.waiting_since)
    missed = await presence.state(desk, ann)
    assert (missed.presence, missed.reason) == ("away", "missed a call")
    with pytest.raises(Rejected, match="offered to another agent"):
        await calls.answer(desk, call, actor=acting(ann))


async def test_a_declined_call_goes_on_and_comes_back_only_when_all_others_were_asked(desk: Desk) -> None:
    ann = await agent(desk, "Ann")
    bo = await agent(desk, "Bo")
    call = await caller(desk)
    for who in (ann, bo):
        await distribution.serve(desk)
        assert (await requests(desk, "offer"))[-1].agent == who
        await calls.decline(desk, call, actor=acting(who))
        assert (await presence.state(desk, who)).presence == "ready"
    await distribution.serve(desk)
    assert [offer.agent for offer in await requests(desk, "offer")] == [ann, bo]
    await three_minutes_pass(desk)
    await distribution.serve(desk)
    assert (await requests(desk, "offer"))[-1].agent == ann
    with pytest.raises(Rejected, match="no longer offered"):
        await calls.decline(desk, call, actor=acting(bo))


async def test_a_caller_waits_for_the_language_unless_nobody_on_duty_speaks_it(desk: Desk) -> None:
    ann = await agent(desk, "Ann", "voice")
    call = await caller(desk, skills=("french", "voice"))
    await distribution.serve(desk)
    (offered,) = await calls.waiting(desk)
    assert offered.offered_to == ann
    assert offered.reasons[-1].values == {"skills": "french"}
    await calls.decline(desk, call, actor=acting(ann))
    claire = await agent(desk, "Claire", "french", "voice")
    await presence.set_presence(desk, ann, "ready", actor=acting(ann))
    await distribution.serve(desk)
    assert (await requests(desk, "offer"))[-1].agent == claire
    await calls.answer(desk, call, actor=acting(claire))
    another = await caller(desk, skills=("french", "voice"), number="+33600000009")
    await distribution.serve(desk)
    assert another not in {offer.call_id for offer in await requests(desk, "offer")}


async def test_an_agent_whose_telephone_is_not_answered_is_away_and_the_caller_is_in_line_again(desk: Desk) -> None:
    ann, bo = await agent(desk, "Ann"), await agent(desk, "Bo", state="away")
    call = await caller(desk, waited=50)
    await distribution.serve(desk)
    await calls.answer(desk, call, actor=acting(ann))
    (connect,) = await requests(desk, "connect")
    gone = answered(call, 3, connect, CallOutcome.AGENT_NO_ANSWER, waiting_since=utc_now() - timedelta(seconds=50))
    await applying.apply(desk, [answered(call, 2, connect, CallOutcome.ACCEPTED), gone])
    state = await presence.state(desk, ann)
    assert (state.presence, state.reason) == ("away", "did not answer the telephone")
    await presence.set_presence(desk, bo, "ready", actor=acting(bo))
    await distribution.serve(desk)
    (waiting,) = await calls.waiting(desk)
    assert waiting.offered_to == bo
    await presence.set_presence(desk, ann, "ready", actor=acting(ann))
    await applying.apply(desk, [gone])
    assert (await presence.state(desk, ann)).presence == "ready"


async def test_what_the_phone_service_tells_ends_the_same_in_any_order_and_however_often(desk: Desk) -> None:
    ann = await agent(desk, "Ann")
    for turn, picked in enumerate(itertools.permutations(range(4))):
        call, at = await caller(desk, waited=20, number=f"+336000001{turn:02}"), utc_now()
        await calls.answer(desk, call, actor=acting(ann))
        connect = (await requests(desk, "connect"))[-1]
        talk = {"connected_at": at, "waiting_since": at}
        over = {"ended_at": at + timedelta(seconds=90), **talk}
        ended = {"agent": ann, "request_id": connect.id, "outcome": CallOutcome.COMPLETED}
        told = [
            answered(call, 2, connect, CallOutcome.ACCEPTED),
            answered(call, 3, connect, CallOutcome.CONNECTED, **talk),
            answered(call, 4, connect, CallOutcome.COMPLETED, **over),
            changed(call, 5, CallState.ENDED, **ended, **over),
        ]
        for place in (*picked, *picked):
            await applying.apply(desk, [told[place]])
        seen = await calls.get_call(desk, call)
        assert (seen.state, seen.version) == ("ended", 5)
        assert (await presence.state(desk, ann)).presence == "ready"
        ticket = await tickets.get_ticket(desk, ticket_of(call))
        assert [m.text for m in ticket.messages if m.direction == "note"] == ["Call, 2 min, answered by Ann"]
        assert (ticket.row.waiting_since, ticket.first_reply_at) == (None, at)


async def test_a_call_and_its_ticket_meet_whichever_comes_first(desk: Desk) -> None:
    ann = await agent(desk, "Ann")
    await applying.apply(desk, [changed("CA1", 1, CallState.QUEUED, waiting_since=utc_now())])
    await distribution.serve(desk)
    await calls.answer(desk, "CA1", actor=acting(ann))
    assert (await calls.current(desk, ann)).ticket_id == ""  # type: ignore[union-attr]
    await apply(desk, [call_message("CA1", sender_name="Marie")])
    await distribution.serve(desk)
    now = await calls.current(desk, ann)
    assert now is not None
    assert (now.ticket_id, now.customer_name) == (ticket_of("CA1"), "Marie")
    assert (await tickets.get_ticket(desk, ticket_of("CA1"))).row.assignee == ann
    assert "call.changed" in await kinds(desk, ticket_of("CA1"))


async def test_two_processes_that_find_the_ticket_of_a_call_at_once_tell_it_once(two: tuple[Desk, Desk]) -> None:
    one, other = two
    await applying.apply(one, [changed("CA1", 1, CallState.QUEUED, waiting_since=utc_now())])
    await apply(one, [call_message("CA1")])
    async with one.database.transaction() as session:
        await session.execute(sql("SELECT FROM desk.calls FOR UPDATE"))
        both = [asyncio.ensure_future(ticket_link.catch_up(desk)) for desk in two]
        await until(
            lambda: scalar(other, "SELECT count(*) >= 2 FROM pg_locks WHERE NOT granted"), "both to want the call"
        )
    await asyncio.gather(*both)
    assert (await kinds(one, ticket_of("CA1"))).count("call.changed") == 1


async def test_an_answer_of_which_nothing_is_heard_holds_nobody_for_ever(desk: Desk) -> None:
    ann = await agent(desk, "Ann")
    call = await caller(desk)
    await distribution.serve(desk)
    await calls.answer(desk, call, actor=acting(ann))
    await three_minutes_pass(desk)
    await distribution.serve(desk)
    state = await presence.state(desk, ann)
    assert (state.presence, state.reason) == ("ready", "the telephone line did not say what became of the call")
    (connect,) = await requests(desk, "connect")
    late = answered(call, 2, connect, CallOutcome.CONNECTED, connected_at=utc_now())
    await applying.apply(desk, [late])
    assert (await presence.state(desk, ann)).presence == "busy"
    assert (await calls.current(desk, ann)).state == "connected"  # type: ignore[union-attr]


async def test_two_processes_hand_out_many_calls_and_nobody_is_offered_two(two: tuple[Desk, Desk]) -> None:
    one, other = two
    names = ("Ann", "Bo", "Claire")
    team = [await agent(one, name) for name in names]
    line = [await caller(one, waited=place, number=f"+3360000{place:04}") for place in range(7)]
    done: list[str] = []

    async def work(desk: Desk, who: str) -> None:
        while len(done) < len(line):
            found = await calls.current(desk, who)
            if found is None or found.state != "offered":
                await asyncio.sleep(0.02)
                continue
            try:
                await calls.answer(desk, found.call_id, actor=acting(who))
            except Rejected:
                await presence.set_presence(desk, who, "ready", actor=acting(who))  # the offer ran out just then
                continue
            done.append(found.call_id)
            connect = next(r for r in await requests(desk, "connect") if r.call_id == found.call_id)
            spoke = {"connected_at": utc_now(), "ended_at": utc_now()}
            await applying.apply(desk, [answered(found.call_id, 2, connect, CallOutcome.COMPLETED, **spoke)])
            await calls.finish(desk, found.call_id, actor=acting(who))

    async def nobody_missed(desk: Desk) -> None:
        while len(done) < len(line):
            for state in await presence.states(desk):
                if state.reason == "missed a call":
                    await presence.set_presence(desk, state.email, "ready", actor=acting(state.email))
            offered = [call.offered_to for call in await calls.waiting(desk) if call.offered_to]
            assert len(offered) == len(set(offered))
            await asyncio.sleep(0.05)

    stop = asyncio.Event()
    serving_both = [asyncio.create_task(distribution.run(desk, stop)) for desk in two]
    try:
        async with asyncio.timeout(180):
            agents = (work(desk, who) for desk, who in zip(itertools.cycle(two), team, strict=False))
            await asyncio.gather(nobody_missed(other), *agents)
    finally:
        stop.set()
        await asyncio.gather(*serving_both)
    assert sorted(done) == sorted(line)
    assert len(await requests(one, "connect")) == len(line)
    assert {state.presence for state in await presence.states(one)} == {"ready"}


async def test_whoever_has_no_telephone_number_is_ready_for_all_but_calls(desk: Desk) -> None:
    await people.create_agent(
        desk.database, email="x@y.z", name="X", role="agent", password="long enough 1", actor=COMMAND
    )
    await caller(desk)
    assert (await presence.set_presence(desk, "x@y.z", "ready", actor=acting("x@y.z"))).presence == "ready"
    await distribution.serve(desk)
    assert [call.offered_to for call in await calls.waiting(desk)] == [""]
    with pytest.raises(Rejected, match=r"\+33 6"):
        await presence.set_phone(desk, "x@y.z", "0612345678", actor=acting("x@y.z"))
    assert (await presence.set_phone(desk, "x@y.z", "+33 6 12 34 56 78", actor=acting("x@y.z"))).phone == "+33612345678"
    await presence.set_paused(desk, "x@y.z", ["voice"], actor=acting("x@y.z"))
    await distribution.serve(desk)
    assert [call.offered_to for call in await calls.waiting(desk)] == [""], "they take all but calls"
    await presence.set_paused(desk, "x@y.z", [], actor=acting("x@y.z"))
    await distribution.serve(desk)
    assert [call.offered_to for call in await calls.waiting(desk)] == ["x@y.z"]
    with pytest.raises(Rejected, match="kinds of work are voice"):
        await presence.set_paused(desk, "x@y.z", ["fax"], actor=acting("x@y.z"))


# Callbacks


async def wrote(desk: Desk, *, number: str | None = f"tel:{NUMBER}", **more: Any) -> str:
    """An older customer's mail; its ticket."""
    message = preferring(routed(received_at=utc_now(), **more), "phone", AGE_71, number)
    await apply(desk, [message])
    return message.decision.ticket_id


async def test_who_wrote_and_would_rather_be_called_waits_for_an_agent_with_the_phone_skill(desk: Desk) -> None:
    ann, writer = await agent(desk, "Ann", "voice", state="away"), await agent(desk, "Bo", "chat", state="away")
    ticket = await wrote(desk, also=(f"tel:{NUMBER}",), sender_verified=True)
    (todo,) = await calls.callbacks(desk, ann)
    assert (todo.why, todo.number, todo.reason.text) == ("prefers", f"tel:{NUMBER}", AGE_71.text)  # type: ignore[union-attr]
    assert await calls.callbacks(desk, writer) == ()
    placed = await calls.call_back(desk, ticket, actor=acting(ann))
    assert (placed.state, placed.direction, placed.customer) == ("bridging", "out", f"tel:{NUMBER}")
    (request,) = await requests(desk, "call-back")
    assert (request.customer, request.ticket_id, request.agent) == (f"tel:{NUMBER}", ticket, ann)
    assert (await calls.callbacks(desk))[0].agent == ann
    with pytest.raises(Rejected, match="already"):
        await calls.call_back(desk, ticket, actor=acting(writer))
    spoke = {"connected_at": utc_now()}
    await applying.apply(desk, [answered(placed.call_id, 1, request, CallOutcome.ACCEPTED)])
    await applying.apply(desk, [answered(placed.call_id, 2, request, CallOutcome.CONNECTED, **spoke)])
    assert await calls.callbacks(desk) == ()
    seen = await tickets.get_ticket(desk, ticket)
    assert (seen.first_reply_at, seen.row.assignee) == (spoke["connected_at"], ann)
    over = answered(placed.call_id, 3, request, CallOutcome.COMPLETED, ended_at=spoke["connected_at"], **spoke)
    await applying.apply(desk, [over])
    assert (await tickets.get_ticket(desk, ticket)).messages[-1].text == "Callback, 0 s, by Ann"
    await calls.finish(desk, placed.call_id, actor=acting(ann))
    assert (await presence.state(desk, ann)).presence == "away"


async def test_where_no_number_is_known_it_is_to_be_asked_for(desk: Desk) -> None:
    ann = await agent(desk, "Ann")
    ticket = await wrote(desk, number=None)
    (todo,) = await calls.callbacks(desk, ann)
    assert todo.number == ""
    with pytest.raises(Rejected, match="Ask for it"):
        await calls.call_back(desk, ticket, actor=acting(ann))
    placed = await calls.call_back(desk, ticket, actor=acting(ann), number="+33 6 99 99 99 99")
    assert placed.customer == "tel:+33699999999"


async def test_a_caller_who_asked_to_be_called_back_keeps_the_place(desk: Desk) -> None:
    ann = await agent(desk, "Ann")
    newer = await wrote(desk)
    since = utc_now() - timedelta(minutes=9)
    call = await caller(desk, waited=540, number="+33600000001")
    assert [todo.ticket.id for todo in await calls.callbacks(desk)] == [newer]
    await applying.apply(desk, [changed(call, 2, CallState.CALLBACK_REQUESTED, waiting_since=since)])
    asked = call_message(call, kind="callback-requested", since=since, number="+33600000001")
    await apply(desk, [asked])
    first, second = await calls.callbacks(desk)
    assert (first.why, first.since, first.about, first.number) == ("asked", since, call, "tel:+33600000001")
    assert second.ticket.id == newer
    placed = await calls.call_back(desk, first.ticket.id, actor=acting(ann))
    assert (await requests(desk, "call-back"))[-1].about == call
    assert placed.ticket_id == ticket_of(call)


async def test_a_reply_or_solving_takes_a_callback_off_the_list(desk: Desk) -> None:
    ann = await agent(desk, "Ann")
    wrote_to = {"sender": "email:one@example.org", "thread": "email:<one>"}
    one = await wrote(desk, **wrote_to)
    call = await caller(desk, number="+33600000001")
    abandoned = call_message(call, kind="abandoned", number="+33600000001")
    await applying.apply(desk, [changed(call, 2, CallState.ABANDONED)])
    await apply(desk, [abandoned])
    assert {todo.why for todo in await calls.callbacks(desk)} == {"prefers", "abandoned"}
    await tickets.reply(desk, one, tickets.Draft(text="Dear customer, it works again."), actor=acting(ann))
    assert [todo.why for todo in await calls.callbacks(desk)] == ["abandoned"]
    await tickets.set_status(desk, ticket_of(call), "solved", actor=acting(ann))
    assert await calls.callbacks(desk) == ()


async def test_a_callback_that_nobody_answers_rests_and_in_the_end_the_ticket_says_so(desk: Desk) -> None:
    ann = await agent(desk, "Ann")
    ticket = await wrote(desk)
    for tries in range(1, 4):
        placed = await calls.call_back(desk, ticket, actor=acting(ann), number=NUMBER)
        request = (await requests(desk, "call-back"))[-1]
        vain = answered(placed.call_id, 1, request, CallOutcome.CUSTOMER_NO_ANSWER)
        await applying.apply(desk, [vain, vain])
        assert (await presence.state(desk, ann)).presence == "ready"
        assert await calls.callbacks(desk) == ()
        moved = f"UPDATE desk.call_requests SET outcome_at = outcome_at - interval '31 min' WHERE id = '{request.id}' RETURNING 1"
        await scalar(desk, moved)
        assert [todo.tries for todo in await calls.callbacks(desk)] == ([tries] if tries < 3 else [])
    seen = await tickets.get_ticket(desk, ticket)
    assert [m.text for m in seen.messages if m.direction == "note"] == ["Called 3 times, and nobody answered."]
    assert seen.row.status == "open"


async def test_nobody_is_called_twice_for_two_tickets(desk: Desk) -> None:
    ann = await agent(desk, "Ann")
    also = {"also": (f"tel:{NUMBER}",), "sender_verified": True}
    one, two = await wrote(desk, **also), await wrote(desk, provider_id="2", thread="email:<2>", **also)
    assert [todo.ticket.id for todo in await calls.callbacks(desk)] == [one, two]
    placed = await calls.call_back(desk, one, actor=acting(ann))
    assert {todo.agent for todo in await calls.callbacks(desk)} == {ann}
    first = (await requests(desk, "call-back"))[-1]
    await applying.apply(desk, [answered(placed.call_id, 1, first, CallOutcome.CUSTOMER_NO_ANSWER)])
    assert await calls.callbacks(desk) == ()
    await scalar(desk, "UPDATE desk.call_requests SET outcome_at = outcome_at - interval '31 min' RETURNING 1")
    assert [todo.tries for todo in await calls.callbacks(desk)] == [1, 1]
    again = await calls.call_back(desk, one, actor=acting(ann))
    second, spoke = (await requests(desk, "call-back"))[-1], {"connected_at": utc_now()}
    await applying.apply(desk, [answered(again.call_id, 1, second, CallOutcome.CONNECTED, **spoke)])
    assert await calls.callbacks(desk) == ()
    waiting = (await tickets.get_ticket(desk, two)).row
    assert (waiting.status, waiting.waiting_since is None) == ("open", False)


async def test_who_asked_not_to_be_reached_at_their_number_is_not_called_unasked(desk: Desk) -> None:
    ticket = await wrote(desk, also=(f"tel:{NUMBER}",), sender_verified=True)
    assert (await tickets.get_ticket(desk, ticket)).row.telephone == f"tel:{NUMBER}"
    await apply(desk, [consent("stop", 1)])
    assert await calls.callbacks(desk) == ()
    assert (await tickets.get_ticket(desk, ticket)).row.telephone == ""
    await apply(desk, [consent("start", 2)])
    assert [todo.ticket.id for todo in await calls.callbacks(desk)] == [ticket]


async def test_a_customer_reached_in_another_way_is_off_the_list(desk: Desk) -> None:
    ann = await agent(desk, "Ann")
    ticket = await wrote(desk)
    await calls.callback_done(desk, ticket, actor=acting(ann))
    assert await calls.callbacks(desk) == ()
    assert (await tickets.get_ticket(desk, ticket)).first_reply_at is not None


async def test_an_agent_who_says_ready_is_ready_although_notes_are_left(desk: Desk) -> None:
    ann = await agent(desk, "Ann")
    call = await caller(desk)
    await calls.answer(desk, call, actor=acting(ann))
    (connect,) = await requests(desk, "connect")
    spoke = {"connected_at": utc_now(), "ended_at": utc_now()}
    await applying.apply(desk, [answered(call, 2, connect, CallOutcome.COMPLETED, **spoke)])
    await presence.set_presence(desk, ann, "ready", actor=acting(ann))
    another = await caller(desk, number="+33600000001")
    await distribution.serve(desk)
    assert (await calls.current(desk, ann)).call_id == another  # type: ignore[union-attr]


async def test_who_chose_to_be_away_during_a_call_stays_away_after_it(desk: Desk) -> None:
    ann = await agent(desk, "Ann")
    call = await caller(desk)
    await calls.answer(desk, call, actor=acting(ann))
    await presence.set_presence(desk, ann, "away", "lunch", actor=acting(ann))
    (connect,) = await requests(desk, "connect")
    spoke = {"connected_at": utc_now(), "ended_at": utc_now()}
    await applying.apply(desk, [answered(call, 2, connect, CallOutcome.COMPLETED, **spoke)])
    await calls.finish(desk, call, actor=acting(ann))
    state = await presence.state(desk, ann)
    assert (state.presence, state.reason) == ("away", "lunch")


async def test_whoever_signs_out_is_offered_no_calls(desk: Desk) -> None:
    ann = await agent(desk, "Ann", state="away")
    tokens = [await people.sign_in(desk, Limiter(10), ann, "long enough 1", ip="127.0.0.1") for _ in range(2)]
    await presence.set_presence(desk, ann, "ready", actor=acting(ann))
    await people.sign_out(desk, tokens[0])
    assert (await presence.state(desk, ann)).presence == "ready"
    await people.sign_out(desk, tokens[1])
    assert (await presence.state(desk, ann)).presence == "away"


async def test_a_caller_who_hangs_up_is_offered_to_nobody_and_frees_who_was_rung(desk: Desk) -> None:
    ann = await agent(desk, "Ann")
    call, other = await caller(desk, waited=9), await caller(desk, number="+33600000001")
    await distribution.serve(desk)
    await calls.answer(desk, call, actor=acting(ann))
    (connect,) = await requests(desk, "connect")
    await applying.apply(desk, [answered(call, 2, connect, CallOutcome.CALLER_GONE)])
    assert (await presence.state(desk, ann)).presence == "ready"
    with pytest.raises(Rejected, match="no longer waiting"):
        await calls.answer(desk, call, actor=acting(ann))
    await distribution.serve(desk)
    assert (await calls.current(desk, ann)).call_id == other  # type: ignore[union-attr]
    await applying.apply(desk, [changed(other, 2, CallState.ABANDONED)])
    assert await calls.current(desk, ann) is None
    assert await calls.waiting(desk) == ()


async def test_a_callback_of_which_nothing_is_heard_can_be_made_again(desk: Desk) -> None:
    ann = await agent(desk, "Ann")
    ticket = await wrote(desk)
    placed = await calls.call_back(desk, ticket, actor=acting(ann))
    await scalar(desk, "UPDATE desk.calls SET at = at - interval '6 min' RETURNING 1")
    await distribution.serve(desk)
    assert (await presence.state(desk, ann)).presence == "ready"
    seen = await calls.get_call(desk, placed.call_id)
    assert (seen.state, seen.outcome) == ("ended", "uncertain")
    assert [todo.agent for todo in await calls.callbacks(desk)] == [""]
    await calls.call_back(desk, ticket, actor=acting(ann))


# Consent


def consent(word: str, number: int, **more: Any) -> Any:
    at = utc_now() + timedelta(seconds=number)
    return routed(
        f"SM{number}", channel="sms", sender=f"tel:{NUMBER}", thread="sms:pair", conversation="pair", text=word.upper(),
        automatic="consent", consent=word, received_at=at, **more,
    )  # fmt: skip


async def test_stop_is_noted_in_the_customer_and_opens_no_ticket(desk: Desk) -> None:
    stop, start = consent("stop", 1), consent("start", 2)
    await apply(desk, [stop])
    assert await scalar(desk, "SELECT count(*) FROM desk.tickets") == 0
    assert await scalar(desk, f"SELECT opted_out FROM desk.contact_points WHERE point = 'tel:{NUMBER}'") is True
    (profile,) = await outbox(desk, "customers-updated")
    assert isinstance(profile, Profile)
    assert profile.opted_out == (ContactPoint(f"tel:{NUMBER}"),)
    await apply(desk, [start, stop])
    assert await scalar(desk, f"SELECT opted_out FROM desk.contact_points WHERE point = 'tel:{NUMBER}'") is False
    events = [event for event in await outbox(desk, "tickets-changed") if event.kind == "customer.changed"]
    assert [event.data["consent"] for event in events] == ["stop", "start"]


async def test_stop_reopens_no_ticket(desk: Desk) -> None:
    text = routed("SM0", channel="sms", sender=f"tel:{NUMBER}", thread="sms:pair", conversation="pair")
    await apply(desk, [text])
    await tickets.set_status(desk, text.decision.ticket_id, "solved", actor=acting("ann@desk.example"))
    await apply(desk, [consent("stop", 1)])
    assert (await tickets.get_ticket(desk, text.decision.ticket_id)).row.status == "solved"


# Over HTTP


async def test_machines_read_and_answer_calls_over_http(desk: Desk) -> None:
    ann = await agent(desk, "Ann", state="away")
    call = await caller(desk)
    async with AsyncExitStack() as stack:
        clients = {}
        for scope in ("read", "write"):
            token = await people.create_token(desk.database, name=scope, scopes=(scope,), actor=COMMAND)
            transport = httpx.ASGITransport(app_of(desk))
            headers = {"Authorization": f"Bearer {token}"}
            client = httpx.AsyncClient(transport=transport, base_url="http://desk/api/v1", headers=headers)
            clients[scope] = await stack.enter_async_context(client)
        read, write = clients["read"], clients["write"]
        assert [one["call_id"] for one in (await read.get("/calls")).json()["waiting"]] == [call]
        assert (await read.put(f"/agents/{ann}/presence", json={"presence": "ready"})).status_code == 403
        assert (await write.put(f"/agents/{ann}/presence", json={"presence": "ready"})).json()["presence"] == "ready"
        assert (await write.put(f"/agents/{ann}/presence", json={"presence": "asleep"})).status_code == 422
        assert (await write.put(f"/agents/{ann}/phone", json={"number": "12"})).status_code == 422
        skills = await write.put(f"/agents/{ann}/skills", json={"skills": ["Voice", "french", "voice"]})
        assert skills.json()["skills"] == ["french", "voice"]
        taken = await write.post(f"/calls/{call}/answer", json={"agent": ann})
        assert (taken.status_code, taken.json()["state"]) == (200, "bridging")
        assert (await read.get("/calls")).json()["ongoing"][0]["agent_name"] == "Ann"
        assert (await write.post("/calls/nope/answer", json={"agent": ann})).status_code == 404
        assert (await write.post(f"/calls/{call}/decline", json={"agent": ann})).json()["type"].endswith("call-gone")
        ringing = await write.post(f"/calls/{call}/hang-up", json={"agent": ann})
        assert ringing.json()["type"].endswith("not-connected")
        (connect,) = await requests(desk, "connect")
        await applying.apply(desk, [answered(call, 2, connect, CallOutcome.CONNECTED, connected_at=utc_now())])
        assert (await write.post(f"/calls/{call}/hang-up", json={"agent": ann})).status_code == 204
        assert [request.call_id for request in await requests(desk, "hang-up")] == [call]
        assert (await read.get("/callbacks")).json() == []
        assert (await write.post("/tickets/1/call", json={"agent": ann})).status_code == 404
        assert [one["email"] for one in (await read.get("/agents")).json()] == [ann]
