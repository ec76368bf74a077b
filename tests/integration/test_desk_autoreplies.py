"""Whoever writes to us is told once that we have it, and nobody is ever flooded by that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import httpx
import pytest
from msgspec import structs
from sqlalchemy import text as sql

from services.desk.actors import COMMAND
from services.desk.autoreplies import service as autoreplies
from services.desk.autoreplies.domain import Rule, Texts
from services.desk.context import Desk
from services.desk.intake.messages import apply
from services.desk.people import service as people
from services.desk.profiles import service as customers
from services.desk.tickets import deliveries
from services.desk.tickets import service as tickets
from shared.clock import utc_now
from shared.errors import Unavailable
from shared.events import DeliveryReport, DeliveryState, OutboundMessage, RoutedMessage
from shared.kernel import stable_id
from tests.integration.desk_parts import acting, app_of, desk_on, migrate, outbox, scalar, with_channels
from tests.unit.desk.examples import routed

RULE = Rule(enabled=True, texts={"en": Texts(received="Hello {name|there}, we have it: {ticket}.")})
ANN = "email:ann@example.org"


@pytest.fixture
async def two(database: str, storage_url: str) -> AsyncIterator[tuple[Desk, Desk]]:
    """Two processes of the desk, whose customers are answered automatically."""
    await migrate(database)
    async with AsyncExitStack() as stack:
        made = [
            await stack.enter_async_context(desk_on(database, storage_url, autoreplies_per_minute=5)) for _ in range(2)
        ]
        await autoreplies.put(made[0], RULE, actor=COMMAND)
        yield with_channels(made[0]), with_channels(made[1])


@pytest.fixture
def desk(two: tuple[Desk, Desk]) -> Desk:
    return two[0]


def mail(number: int, sender: str = ANN, **more: Any) -> RoutedMessage:
    own = f"<{number}@example.org>"
    given = {"received_at": utc_now(), "subject": f"Matter {number}"} | more
    return routed(own, thread=f"email:{own}", sender=sender, **given)


async def sent(desk: Desk) -> list[OutboundMessage]:
    return [each for each in await outbox(desk, "deliveries-requested-email") if each.automatic]


async def answer_all(desk: Desk) -> None:
    """An agent answers in each ticket whose customer was told."""
    for told in await sent(desk):
        await tickets.reply(desk, told.ticket_id, tickets.Draft(text="It is on its way."), actor=acting("bo@desk"))


async def why(desk: Desk, message: RoutedMessage) -> list[str]:
    found = await tickets.get_ticket(desk, message.decision.ticket_id)
    return [event.data["why"] for event in found.events if event.kind == "ticket.autoreplied"]


async def pass_minutes(desk: Desk, minutes: int) -> None:
    async with desk.database.transaction() as session:
        await session.execute(sql(f"UPDATE desk.messages SET at = at - interval '{minutes} min'"))


async def says(desk: Desk, reply: str, state: DeliveryState) -> None:
    what: dict[str, Any] = {"ticket_id": "", "channel": "email", "at": utc_now()}
    await deliveries.report(desk, [DeliveryReport(id=stable_id(reply, state), outbound_id=reply, state=state, **what)])


async def test_a_customer_is_told_once_and_still_waits_for_a_person(desk: Desk) -> None:
    first = mail(1, sender_name="Ann Lee", cc=("boss@example.org",))
    await apply(desk, [first])
    (told,) = await sent(desk)
    found = await tickets.get_ticket(desk, first.decision.ticket_id)
    assert (told.to, told.cc, told.automatic, told.text) == (
        ANN,
        (),
        True,
        f"Hello Ann Lee, we have it: #{found.row.number}.",
    )
    assert (told.references, told.mailbox, told.subject) == (("<1@example.org>",), "help@shop.example", "Matter 1")
    assert [(m.direction, m.automatic) for m in found.messages] == [("in", ""), ("out", "reply")]
    assert (found.row.status, found.row.waiting_since) == ("open", first.message.received_at)
    assert await scalar(desk, "SELECT first_reply_at FROM desk.tickets") is None
    assert await why(desk, first) == ["sent"]
    again = structs.replace(first.message, id=stable_id("2"), provider_id="<2@x>")
    follow = structs.replace(first, message=again, decision=structs.replace(first.decision, message_id=again.id))
    await apply(desk, [follow])
    assert len(await sent(desk)) == 1


async def test_where_an_agent_s_reply_does_not_arrive_nobody_was_answered_though_they_were_told(desk: Desk) -> None:
    first = mail(1)
    await apply(desk, [first])
    (told,) = await sent(desk)
    await says(desk, told.id, DeliveryState.SENT)
    draft = tickets.Draft(text="Please restart it.", seen=1)
    reply = await tickets.reply(desk, first.decision.ticket_id, draft, actor=acting("bo@desk"))
    assert await scalar(desk, "SELECT first_reply_at FROM desk.tickets") == reply.at
    await says(desk, reply.id, DeliveryState.FAILED)
    row = (await tickets.get_ticket(desk, first.decision.ticket_id)).row
    assert (row.undelivered, row.status, row.waiting_since) == ("failed", "open", first.message.received_at)
    assert await scalar(desk, "SELECT first_reply_at FROM desk.tickets") is None


async def test_a_program_sets_what_a_team_s_customers_are_told_and_the_audit_log_has_it(desk: Desk) -> None:
    token = await people.create_token(desk.database, name="setup", scopes=("admin",), actor=COMMAND)
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app_of(desk)),
        base_url="http://desk/api/v1",
        headers={"Authorization": f"Bearer {token}"},
    )
    body = {
        "enabled": True,
        "hours": "mon-fri 09:00-18:00",
        "zone": "Asia/Seoul",
        "texts": {"ko": {"received": "받았습니다."}},
    }
    async with client as api:
        team = {"team": "billing"}
        assert (await api.put("/automatic-replies", json=body, params=team)).json()["team"] == "billing"
        for wrong, code in (
            ({"hours": "always"}, "autoreply-hours"),
            ({"language": "xx"}, "autoreply-language"),
            ({"texts": {"en": {"received": "{no}"}}}, "autoreply-variable"),
            ({"enabled": True}, "autoreply-texts"),
        ):
            refused = await api.put("/automatic-replies", json=wrong)
            assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (422, code)
        listed = (await api.get("/automatic-replies")).json()
        assert ([rule["team"] for rule in listed["rules"]], listed["paused_at"]) == (["", "billing"], None)
        assert (await api.delete("/automatic-replies", params=team)).status_code == 204
        assert (await api.delete("/automatic-replies", params=team)).status_code == 404
        assert (await api.post("/automatic-replies/resume")).status_code == 204
    kinds = (
        "SELECT string_agg(kind || ' ' || subject, ', ' ORDER BY id) FROM desk.audit_log WHERE kind LIKE 'autoreply%'"
    )
    assert await scalar(desk, kinds) == "autoreply.changed , autoreply.changed billing, autoreply.removed billing"


async def test_replayed_and_in_two_processes_at_once_it_is_one(two: tuple[Desk, Desk]) -> None:
    batch = [mail(1), mail(2, "email:bo@example.org")]
    done = await asyncio.gather(*(apply(desk, batch) for desk in two * 3), return_exceptions=True)
    assert not [error for error in done if isinstance(error, BaseException) and not isinstance(error, Unavailable)]
    await apply(two[1], batch)
    assert sorted(told.to for told in await sent(two[0])) == [ANN, "email:bo@example.org"]


async def test_what_is_not_committed_was_not_answered(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def killed(*_: object) -> None:
        raise Unavailable("the process ends here")

    with monkeypatch.context() as patch:
        patch.setattr("services.desk.unit_of_work.UnitOfWork.finish", killed)
        with pytest.raises(Unavailable):
            await apply(desk, [mail(1)])
    assert await sent(desk) == []
    await apply(desk, [mail(1)])
    assert len(await sent(desk)) == 1


async def test_one_address_gets_two_within_three_hours_over_all_its_tickets_and_processes(
    two: tuple[Desk, Desk],
) -> None:
    await asyncio.gather(apply(two[0], [mail(1)]), apply(two[1], [mail(2)]))
    assert len(await sent(two[0])) == 1  # the second came at once: it may be the answer of a program
    await pass_minutes(two[0], 40)
    unanswered = mail(6)
    await apply(two[1], [unanswered])
    assert (len(await sent(two[0])), await why(two[0], unanswered)) == (1, ["unanswered"])
    await answer_all(two[0])
    await apply(two[1], [mail(3)])
    assert len(await sent(two[0])) == 2
    await answer_all(two[0])
    await pass_minutes(two[0], 40)
    fourth = mail(4)
    await apply(two[0], [fourth])
    assert (len(await sent(two[0])), await why(two[0], fourth)) == (2, ["often"])
    await pass_minutes(two[0], 101)
    await apply(two[0], [mail(5)])
    assert len(await sent(two[0])) == 3


async def test_a_flood_pauses_all_of_them_until_an_admin_lets_go(two: tuple[Desk, Desk]) -> None:
    desk, other = two
    crowd = [mail(n, f"email:c{n}@example.org") for n in range(14)]
    await asyncio.gather(apply(desk, crowd[:7]), apply(other, crowd[7:]))
    assert len(await sent(desk)) == 5
    assert await autoreplies.paused_since(desk) is not None
    await pass_minutes(desk, 5)
    late = mail(20, "email:late@example.org")
    await apply(other, [late])
    assert (len(await sent(desk)), await why(desk, late)) == (5, ["paused"])
    await autoreplies.resume(desk, actor=acting("ann@desk", "admin"))
    await apply(desk, [mail(21, "email:later@example.org")])
    assert len(await sent(desk)) == 6


async def test_nobody_is_told_before_an_admin_said_so_nor_what_programs_write(desk: Desk) -> None:
    news = mail(1, "email:news@example.org", automatic="list")
    doubtful = mail(2, "email:forged@example.org", doubt="dmarc")
    old = mail(3, "email:old@example.org", received_at=utc_now() - timedelta(days=2))
    await apply(desk, [news, doubtful, old])
    assert [await why(desk, each) for each in (news, doubtful, old)] == [[], ["doubt"], ["old"]]
    await autoreplies.put(desk, structs.replace(RULE, enabled=False), actor=COMMAND)
    await apply(desk, [mail(4, "email:off@example.org")])
    assert await sent(desk) == []


async def test_who_opted_out_or_cannot_be_reached_gets_none_and_the_ticket_waits_on(desk: Desk) -> None:
    first = mail(1)
    await apply(desk, [first])
    (told,) = await sent(desk)
    await says(desk, told.id, DeliveryState.FAILED)
    row = (await tickets.get_ticket(desk, first.decision.ticket_id)).row
    assert (row.undelivered, row.status, row.waiting_since) == ("", "open", first.message.received_at)
    await pass_minutes(desk, 200)
    second = mail(2)
    await apply(desk, [second])
    assert await why(desk, second) == ["undelivered"]
    ann = await customers.find_customer(desk, ANN)
    assert ann
    await customers.update_customer(desk, ann.id, actor=acting("bo@desk"), opted_out={ANN: True})
    third = mail(3)
    await apply(desk, [third])
    assert (await why(desk, third), len(await sent(desk))) == (["opted-out"], 1)
