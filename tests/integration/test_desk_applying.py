"""What becomes of routed messages in the desk's database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from msgspec import structs
from sqlalchemy import Connection, text
from sqlalchemy.event import listens_for
from sqlalchemy.ext.asyncio import create_async_engine

import services.desk.app  # noqa: F401 - every subject's tables
from services.desk.actors import COMMAND
from services.desk.context import Desk
from services.desk.intake.messages import apply
from services.desk.people import service as people
from services.desk.schema import METADATA, SCHEMA
from services.desk.search import finding
from services.desk.tickets import service as tickets
from services.desk.tickets.schemas import TicketQuery
from shared.bus.kafka import MAX_EVENT
from shared.errors import Malformed
from shared.events import Reason
from shared.events.codec import encode
from shared.kernel import Level, ticket_id
from tests.integration.desk_parts import acting, desk_on, migrate, outbox, scalar, with_channels
from tests.unit.desk.examples import NOON, routed


@pytest.fixture
async def desk(database: str, storage_url: str) -> AsyncIterator[Desk]:
    await migrate(database)
    async with desk_on(database, storage_url) as made:
        yield with_channels(made)


async def test_the_migrations_make_the_tables_that_the_code_expects(desk: Desk) -> None:
    def differences(connection: Connection) -> list[Any]:
        options = {"include_schemas": True, "include_name": lambda name, kind, _: kind != "schema" or name == SCHEMA}
        found = compare_metadata(MigrationContext.configure(connection, opts=options), METADATA)
        return [item for item in found if "alembic_version" not in str(item)]

    engine = create_async_engine(desk.database.dsn.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_a_first_mail_becomes_a_ticket_with_its_reasons(desk: Desk) -> None:
    await apply(desk, [routed(sender_name="Ann", level=Level.HIGH, score=70)])
    (row,) = (await tickets.list_tickets(desk, TicketQuery())).items
    assert (row.subject, row.customer_name, row.level, row.score, row.status) == ("Invoice", "Ann", "high", 70, "open")
    ticket = await tickets.get_ticket(desk, str(row.number))
    assert [reason.code for reason in ticket.reasons] == ["base"]
    assert [choice.channel for choice in ticket.channels] == ["email"]
    assert [event.kind for event in ticket.events] == ["ticket.opened", "ticket.routed", "message.added"]
    assert [message.text for message in ticket.messages] == ["My invoice is wrong."]
    (profile,) = await outbox(desk, "customers-updated")
    assert profile.contact_point == "email:ann@example.org"
    assert [t.ticket_id for t in profile.open_tickets] == [row.id]
    assert profile.recent_contacts == (NOON,)
    assert profile.observed["email"].messages == 1


async def test_what_sounds_like_spam_and_nothing_else_is_told_apart_in_the_list(desk: Desk) -> None:
    held = Reason(code="calm", text="sounds like spam and nothing else (90%)", weight=-5.0, values={"kind": "spam"})
    offer = routed("<offer@x>", sender="email:seo@example.net", thread="email:<offer@x>", level=Level.LOW)
    offer = structs.replace(offer, decision=structs.replace(offer.decision, reasons=(held, *offer.decision.reasons)))
    flag = structs.replace(held, code="filtered", text="your mail server calls it spam (rspamd)")
    flagged = routed("<win@x>", sender="email:win@example.net", thread="email:<win@x>", level=Level.LOW, spam="rspamd")
    flagged = structs.replace(flagged, decision=structs.replace(flagged.decision, reasons=(flag,)))
    await apply(desk, [offer, flagged, routed("<1@x>")])
    rows = (await tickets.list_tickets(desk, TicketQuery())).items
    spam = {"seo@example.net": "spam", "win@example.net": "spam"}
    assert {row.customer_name: row.calm for row in rows} == spam | {"ann@example.org": ""}
    await scalar(desk, "UPDATE desk.tickets SET level = 'high' WHERE level = 'low' RETURNING 1")
    rows = (await tickets.list_tickets(desk, TicketQuery())).items
    assert {row.calm for row in rows} == {""}, "an agent said that it is none"


async def test_a_message_that_comes_again_changes_nothing(desk: Desk) -> None:
    batch = [routed(f"<{i}@x>") for i in range(5)]
    assert await apply(desk, batch) == 5
    assert await apply(desk, [*batch, routed("<new@x>")]) == 1
    assert await scalar(desk, "SELECT count(*) FROM desk.messages") == 6
    assert await scalar(desk, "SELECT messages FROM desk.tickets") == 6
    assert await scalar(desk, "SELECT count(*) FROM desk.ticket_events WHERE kind = 'message.added'") == 6


async def test_the_same_message_fifty_times_at_once_is_one(desk: Desk) -> None:
    done = await asyncio.gather(*(apply(desk, [routed(also=("email:a@b.c",))]) for _ in range(50)))
    assert sum(done) == 1
    for table in ("messages", "tickets", "customers", "contact_points"):
        assert await scalar(desk, f"SELECT count(*) FROM desk.{table}") == 1


async def test_many_processes_that_handle_the_same_people_do_not_get_in_each_others_way(desk: Desk) -> None:
    people = [f"email:p{i}@example.org" for i in range(10)]

    def batch(worker: int) -> list[object]:
        order = people if worker % 2 else people[::-1]
        return [routed(f"<{worker}.{i}@x>", sender=p, thread=f"email:<{worker}.{i}@x>") for i, p in enumerate(order)]

    assert await asyncio.gather(*(apply(desk, batch(w)) for w in range(12))) == [10] * 12  # type: ignore[arg-type]
    assert await scalar(desk, "SELECT count(*) FROM desk.customers") == 10
    assert await scalar(desk, "SELECT count(*) FROM desk.tickets") == 120


async def test_a_stranger_who_quotes_a_mail_gets_a_linked_ticket_of_their_own(desk: Desk) -> None:
    thread = "email:<1@example.org>"
    await apply(desk, [routed()])
    quoting = {"sender": "email:mallory@evil.example", "thread": thread, "rule": "root"}
    await apply(desk, [routed("<2@evil>", **quoting), routed("<3@evil>", **quoting)])
    ann = await tickets.get_ticket(desk, ticket_id(thread))
    assert [m.author for m in ann.messages] == ["email:ann@example.org"]
    page = await finding.list_tickets(desk, TicketQuery(q="mallory"))
    (row,) = page.items
    other = await tickets.get_ticket(desk, row.id)
    assert [m.author for m in other.messages] == ["email:mallory@evil.example"] * 2
    assert [t.id for t in other.linked] == [ann.row.id]
    assert {"why": "stranger"}.items() <= other.events[0].data.items()


async def test_a_token_holder_joins_from_another_address_and_is_marked(desk: Desk) -> None:
    await apply(desk, [routed()])
    await apply(
        desk,
        [routed("<2@work>", sender="email:ann@work.example", rule="token", received_at=NOON + timedelta(minutes=1))],
    )
    await apply(
        desk,
        [routed("<3@work>", sender="email:ann@work.example", rule="root", received_at=NOON + timedelta(minutes=2))],
    )
    ticket = await tickets.get_ticket(desk, ticket_id("email:<1@example.org>"))
    assert [m.other_address for m in ticket.messages] == [False, True, True]
    assert ticket.participants == ("email:ann@example.org", "email:ann@work.example")


async def test_a_solved_ticket_is_reopened_and_an_old_one_is_followed_by_a_linked_one(desk: Desk) -> None:
    key = "email:<1@example.org>"
    await apply(desk, [routed()])
    await tickets.set_status(desk, ticket_id(key), "solved", actor=acting("a@desk"))
    solved = (await tickets.get_ticket(desk, ticket_id(key))).solved_at
    assert solved
    await apply(desk, [routed("<2@x>", rule="root", received_at=solved + timedelta(days=1))])
    again = await tickets.get_ticket(desk, ticket_id(key))
    assert again.row.status == "open"
    assert again.events[-1].kind == "ticket.reopened"
    await tickets.set_status(desk, ticket_id(key), "closed", actor=acting("a@desk"))
    await apply(desk, [routed("<3@x>", rule="root", received_at=solved + timedelta(days=40))])
    assert (await tickets.get_ticket(desk, ticket_id(key))).row.status == "closed"
    follower = await tickets.get_ticket(desk, ticket_id(key, 1))
    assert [t.id for t in follower.linked] == [ticket_id(key)]
    await apply(desk, [routed("<4@x>", rule="root", received_at=solved + timedelta(days=40))])
    assert (await tickets.get_ticket(desk, ticket_id(key, 1))).row.messages == 2
    profile = (await outbox(desk, "customers-updated"))[-1]
    assert profile.generations == {key: 1}


async def test_an_out_of_office_answer_joins_and_wakes_nobody(desk: Desk) -> None:
    key = "email:<1@example.org>"
    await apply(desk, [routed()])
    await tickets.set_status(desk, ticket_id(key), "solved", actor=acting("a@desk"))
    await apply(
        desk, [routed("<ooo@x>", rule="root", automatic="reply", score=90, received_at=NOON + timedelta(days=400))]
    )
    ticket = await tickets.get_ticket(desk, ticket_id(key))
    assert (ticket.row.status, ticket.row.messages, ticket.row.score) == ("solved", 2, 40)


async def test_two_people_with_proven_identities_are_never_one_customer(desk: Desk) -> None:
    shared = ("email:family@example.org",)
    one = routed("1", channel="chat", sender="chat:1", sender_verified=True, also=shared, thread="chat:1")
    two = routed("2", channel="chat", sender="chat:2", sender_verified=True, also=shared, thread="chat:2")
    await apply(desk, [one])
    await apply(desk, [two])
    assert await scalar(desk, "SELECT count(*) FROM desk.customers") == 2
    mail = routed("3", sender="email:family@example.org", thread="email:3")
    await apply(desk, [mail])
    assert await scalar(desk, "SELECT count(*) FROM desk.customers") == 2


async def test_hostile_text_is_kept_as_text_and_a_nul_does_not_stop_the_message(desk: Desk) -> None:
    evil = "'); DROP TABLE desk.tickets; -- <script>alert(1)</script> \\u0000 \\\\u0000"
    await apply(desk, [routed(text=evil + "\x00!", subject=evil, sender_name=evil, facts={evil: evil + "\x00"})])
    (row,) = (await finding.list_tickets(desk, TicketQuery(q="'); DROP"))).items
    ticket = await tickets.get_ticket(desk, row.id)
    assert ticket.messages[0].text == evil + "\ufffd!"
    assert ticket.messages[0].facts == {evil: evil + "\ufffd"}
    assert (ticket.row.subject, ticket.row.customer_name) == (evil, evil)


async def test_a_huge_text_is_kept_whole(desk: Desk) -> None:
    huge = " ".join(f"word{i}" for i in range(200_000))
    await apply(desk, [routed(text=huge)])
    assert (await tickets.get_ticket(desk, ticket_id("email:<1@example.org>"))).messages[0].text == huge


async def test_an_id_that_is_none_is_set_aside_and_not_written(desk: Desk) -> None:
    with pytest.raises(Malformed):
        await apply(desk, [routed(ticket="1'; DROP TABLE x")])
    assert await scalar(desk, "SELECT count(*) FROM desk.customers") == 0


async def test_priority_is_the_highest_since_the_last_reply(desk: Desk) -> None:
    key = ticket_id("email:<1@example.org>")
    await apply(desk, [routed(level=Level.URGENT, score=95), routed("<2@x>", score=30, text="Thank you!")])
    row = (await tickets.get_ticket(desk, key)).row
    assert (row.level, row.score) == ("urgent", 95)
    await tickets.reply(desk, key, tickets.Draft(text="It works again."), actor=acting("a@desk"))
    await apply(desk, [routed("<3@x>", score=30)])
    row = (await tickets.get_ticket(desk, key)).row
    assert (row.level, row.score, row.status) == ("normal", 30, "open")


async def test_whoever_collects_addresses_and_threads_has_a_profile_that_still_fits_and_is_still_left_alone_where_they_wish(
    desk: Desk,
) -> None:
    addresses = [f"email:{'a' * 900}{n:03d}@example.org" for n in range(150)]
    longest = [f"email:<{'é' * 19_000}{n}@example.org>" for n in range(25)]
    await apply(
        desk,
        [
            routed(f"<{n}@x>", thread=key, sender_verified=True, also=tuple(addresses), sender_name="Ann " * 100_000)
            for n, key in enumerate(longest)
        ],
    )
    unwilling = addresses[-1]
    async with desk.database.transaction() as session:
        await session.execute(
            text("UPDATE desk.contact_points SET opted_out = true WHERE point = :point"), {"point": unwilling}
        )
    await apply(desk, [routed("<last@x>", thread=longest[-1])])
    newest = {profile.contact_point: profile for profile in await outbox(desk, "customers-updated")}
    assert len(newest) == 151
    for point, profile in newest.items():
        assert len(profile.contact_points) == 100
        assert profile.contact_points[0] == "email:ann@example.org", "who has proven to be the customer comes first"
        assert point in profile.contact_points
        assert profile.opted_out == ((unwilling,) if point == unwilling else ())
        assert len(profile.name) == 200
        assert len(profile.open_tickets) == 20
        assert len(encode(profile)) < MAX_EVENT


async def test_what_an_agent_forwards_is_the_writer_s_and_what_a_stranger_claims_is_the_stranger_s(desk: Desk) -> None:
    await people.create_agent(
        desk.database,
        email="bea@desk.example",
        name="Bea",
        role="agent",
        password="correct horse battery",
        actor=COMMAND,
    )
    claim = {"forwarded_from": "email:kim@customer.example", "forwarded_name": "Kim Doe"}
    by_agent = routed("<f1@x>", sender="email:bea@desk.example", thread="email:<f1@x>", **claim)
    by_stranger = routed("<f2@x>", sender="email:mallory@evil.example", thread="email:<f2@x>", **claim)
    await apply(desk, [by_agent, by_stranger])
    one, other = [await tickets.get_ticket(desk, ticket_id(f"email:<{name}@x>")) for name in ("f1", "f2")]
    assert (one.row.customer_name, one.messages[0].author) == ("Kim Doe", "email:kim@customer.example")
    assert one.messages[0].forwarded_by == "bea@desk.example"
    assert await scalar(desk, "SELECT facts FROM desk.customers WHERE name = 'Kim Doe'") == {}
    assert other.messages[0].author == "email:mallory@evil.example"
    assert await scalar(desk, "SELECT count(*) FROM desk.contact_points WHERE point = 'email:bea@desk.example'") == 0


async def test_the_second_mail_of_a_customer_takes_ten_statements_and_no_more(desk: Desk) -> None:
    """Each is a round trip, and what a mail costs where they come one by one."""
    ran: list[str] = []

    def listen(connection: Any, _: object) -> None:
        connection.driver_connection.add_query_logger(lambda query: ran.append(query.query))

    listens_for(desk.database.engine.sync_engine, "connect")(listen)
    await apply(desk, [routed()])
    ran.clear()
    await apply(desk, [routed("<2@x>", rule="root", received_at=NOON + timedelta(minutes=1))])
    assert 5 < len(ran) <= 10, ran
    assert await scalar(desk, "SELECT messages FROM desk.tickets") == 2
