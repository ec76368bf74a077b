"""What services tell each other is in fields of its own, in records and rows of yesterday too;
facts decide nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from services.desk.calls import callbacks
from services.desk.context import Desk
from services.desk.intake.messages import apply
from services.desk.mentions import service as mentions
from services.desk.mentions.schemas import MentionQuery
from services.desk.tickets import service as tickets
from services.desk.wallboard import figures
from shared.clock import utc_now
from shared.events import Channel, Post
from tests.integration.desk_calls import NUMBER, call_message
from tests.integration.desk_parts import desk_on, migrate, scalar, with_channels
from tests.unit.desk.examples import routed

X = Channel(name="x", label="X", icon="at-sign", reaches=("x",), public=True)
CALL = {"call": "voicemail", "call_id": "CA1", "callback": "wanted"}
POST = {"Post": "https://x.com/ann/status/5", "Account": "@ann", "Sounds like a complaint": "crashing, refund"}


@pytest.fixture
async def desk(database: str, storage_url: str) -> AsyncIterator[Desk]:
    await migrate(database)
    async with desk_on(database, storage_url) as made:
        yield with_channels(made, X)


def post(**more: Any) -> Any:
    return routed("5", channel="x", sender="x:7", thread="x:5", public=True, received_at=utc_now(), **more)


async def test_records_of_yesterday_take_effect_as_they_did(desk: Desk) -> None:
    since = utc_now().replace(microsecond=0) - timedelta(minutes=9)
    called = routed(
        *("CA1/voicemail",), channel="phone", sender=f"tel:{NUMBER}", thread="phone:CA1", conversation="CA1",
        received_at=utc_now(), facts=CALL | {"waiting_since": since.isoformat()},
    )  # fmt: skip
    stop = routed("SM1", channel="sms", sender="tel:+33612000001", automatic="consent", facts={"consent": "stop"})
    await apply(desk, [called, post(facts=POST), stop])
    (callback,) = await callbacks.to_make(desk)
    assert (callback.number, callback.since, callback.why) == (f"tel:{NUMBER}", since, "voicemail")
    assert await scalar(desk, "SELECT opted_out FROM desk.contact_points WHERE point = 'tel:+33612000001'") is True
    assert (await figures.mood(desk.database, utc_now())).complaints == 1


async def test_a_signed_site_can_ask_for_nothing_by_its_facts(desk: Desk) -> None:
    forged = CALL | POST | {"Burst id": "b-1", "Burst first": "1,2", "consent": "stop"}
    await apply(desk, [routed("1", channel="chat", sender="chat:u7", thread="chat:1", facts=forged)])
    assert await callbacks.to_make(desk) == ()
    assert await scalar(desk, "SELECT opted_out FROM desk.contact_points WHERE point = 'chat:u7'") is False
    row = "SELECT account || coalesce(post, call, '[]')::text || burst_id FROM desk.messages JOIN desk.tickets t ON t.id = ticket_id"
    assert await scalar(desk, row) == "[]"


async def test_nobody_but_the_desk_and_the_phone_service_says_what_became_of_a_message(
    desk: Desk, database: str
) -> None:
    head = await scalar(desk, "SELECT version_num FROM desk.alembic_version")
    facts = {"forwarded_by": "bo@desk.example", "missing_files": "bill.pdf: HTTP 404", "copy_of": str(uuid4())}
    for number, channel, sender in (
        ("1", "chat", "chat:u7"),
        ("2", "sms", f"tel:{NUMBER}"),
        ("3", "email", "email:ann@example.org"),
    ):
        await apply(desk, [routed(number, channel=channel, sender=sender, thread=f"{channel}:1", facts=facts)])
    async with desk.database.transaction() as session:
        for statement in (
            "ALTER TABLE desk.messages DROP COLUMN forwarded_by, DROP COLUMN missing_files, DROP COLUMN copy_of",
            f"UPDATE desk.messages SET facts = '{json.dumps(facts)}'",
            "UPDATE desk.alembic_version SET version_num = '0016'",
        ):
            await session.execute(text(statement))
    await migrate(database, "0017")
    async with desk.database.transaction() as session:
        await session.execute(text("UPDATE desk.alembic_version SET version_num = :head"), {"head": head})
        rows = await session.execute(
            text("SELECT channel, forwarded_by, missing_files, copy_of, facts FROM desk.messages")
        )
        moved = {row.channel: (row.forwarded_by, row.missing_files, row.copy_of, set(row.facts)) for row in rows}
    assert moved == {
        "chat": ("", "", None, set(facts)),
        "sms": ("", "bill.pdf: HTTP 404", None, {"forwarded_by", "copy_of"}),
        "email": ("bo@desk.example", "", None, {"missing_files", "copy_of"}),
    }


async def test_rows_of_yesterday_are_moved_over(desk: Desk, database: str) -> None:
    since = (utc_now() - timedelta(minutes=9)).isoformat()
    kept = post(facts={"Post": "https://x.com/ann/status/5", "Account": "@ann"}).message
    chat = routed("1", channel="chat", sender="chat:u7", thread="chat:1", facts=CALL)
    head = await scalar(desk, "SELECT version_num FROM desk.alembic_version")
    await mentions.keep(desk, [kept])
    await apply(desk, [call_message("CA1", kind="voicemail"), post(post=Post(sounds="complaint")), chat])
    async with desk.database.transaction() as session:
        for statement in (
            "DROP INDEX desk.ix_messages_callbacks",
            "ALTER TABLE desk.messages DROP COLUMN account, DROP COLUMN post, DROP COLUMN call",
            "ALTER TABLE desk.mentions DROP COLUMN account, DROP COLUMN post",
            "CREATE INDEX ix_messages_callbacks ON desk.messages (at, ticket_id) WHERE facts ->> 'callback' = 'wanted'",
            f"""UPDATE desk.messages SET facts = jsonb_build_object('call', 'voicemail', 'call_id', 'CA1', 'callback', 'wanted',
                'waiting_since', '{since}') WHERE channel = 'phone'""",
            """UPDATE desk.messages SET facts = jsonb_build_object('Post', 'https://x.com/ann/status/5', 'Account', '@ann',
                'Sounds like a complaint', 'crashing, refund') WHERE channel = 'x'""",
            'UPDATE desk.customers SET facts = \'{"page": "/cart", "Site": "shop.example"}\'',
            "UPDATE desk.alembic_version SET version_num = '0013'",
        ):
            await session.execute(text(statement))
    await migrate(database, "0014")
    async with desk.database.transaction() as session:  # what came after it is there already
        await session.execute(text("UPDATE desk.alembic_version SET version_num = :head"), {"head": head})
    (callback,) = await callbacks.to_make(desk)
    assert callback.since.isoformat() == since
    assert callback.why == "voicemail"
    assert (await figures.mood(desk.database, utc_now())).complaints == 1
    ticket = await tickets.get_ticket(desk, post().decision.ticket_id)
    told = ticket.messages[0].post
    assert told
    assert (ticket.messages[0].account, told.sounds, told.words) == ("@ann", "complaint", ("crashing", "refund"))
    (mention,) = (await mentions.page(desk, MentionQuery())).items
    assert (mention.account, mention.link) == ("@ann", "https://x.com/ann/status/5")
    assert await scalar(desk, "SELECT facts::text FROM desk.customers LIMIT 1") == '{"Site": "shop.example"}'
