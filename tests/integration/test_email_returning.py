"""An answer that came back is found in the ledger by the best evidence there is, once, and nobody
else's is blamed."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from services.email import repository
from services.email.domain.bounces import Fate, Returned
from services.email.domain.outgoing import message_id_of
from services.email.domain.reasons import Reason
from services.email.domain.references import our_message_id, reply_token
from services.email.models import DELIVERIES, OUTBOX, SCHEMA
from services.email.returning import Returns
from shared import db
from shared.db import Database
from shared.delivery import count
from shared.events import OutboundMessage
from shared.events.codec import encode
from shared.kernel import contact_point
from shared.outbox import Outbox
from tests.integration.test_email_delivering import IDENTITY, MIGRATIONS, Stage, answer, stage
from tests.waiting import until

__all__ = ["stage"]
SECRET = IDENTITY.secret


def told(fate: Fate = Fate.FAILED, reason: Reason = Reason.UNSAID, **evidence: tuple[str, ...]) -> Returned:
    nothing: dict[str, tuple[str, ...]] = {"message_ids": (), "tokens": (), "recipients": ()}
    return Returned(fate, "550 5.1.1 unknown user", reason=reason, **(nothing | evidence))


def returns(stage: Stage) -> Returns:
    return Returns(stage.database, Outbox(OUTBOX, stage.database, stage.bus), SECRET)


async def sent(stage: Stage, *requests: OutboundMessage) -> None:
    if not stage.running:
        stage.start()
    await stage.ask(*requests)
    await until(lambda: len(stage.reports()) == len(requests))


async def test_our_message_id_names_the_answer_our_token_its_ticket_and_an_address_the_newest_answer_to_it(
    stage: Stage,
) -> None:
    ticket = answer().ticket_id
    bob = {"to": contact_point("email", "bob@example.com")}
    first, second, other, last = answer(ticket), answer(ticket), answer(**bob), answer(**bob)
    await sent(stage, first, second, other, last)
    evidence = [
        (first, {"message_ids": (message_id_of(first, IDENTITY),), "tokens": (reply_token(SECRET, ticket),)}),
        (second, {"tokens": (reply_token(SECRET, ticket),), "recipients": ("somebody@forwarded.example",)}),
        (last, {"recipients": ("bob@example.com",)}),
    ]
    for number, (_, found) in enumerate(evidence):
        assert await returns(stage).note(told(**found), f"mail-{number}")
    await until(lambda: len(stage.reports()) == 7)
    assert [(report.outbound_id, report.state, report.detail) for report in stage.reports()[4:]] == [
        (first.id, "failed", "550 5.1.1 unknown user"),
        (second.id, "failed", "550 5.1.1 unknown user (somebody@forwarded.example)"),
        (last.id, "failed", "550 5.1.1 unknown user"),
    ]


async def test_a_returned_mail_that_comes_again_does_not_blame_the_answer_before(stage: Stage) -> None:
    first, second = answer(), answer()
    await sent(stage, first, second)
    for _ in range(2):
        assert await returns(stage).note(told(recipients=("ann@example.com",)), "the same mail")
    await until(lambda: len(stage.reports()) == 3)
    async with stage.database.transaction() as session:
        assert await count(session, DELIVERIES) == {"sent": 1, "failed": 1}


async def test_a_returned_mail_that_is_faster_than_our_own_note_stands(stage: Stage) -> None:
    request = answer()
    await stage.left_behind(request)
    assert await returns(stage).note(told(message_ids=(message_id_of(request, IDENTITY),)), "fast")
    stage.start()
    await until(lambda: len(stage.reports()) == 1)
    assert stage.reports()[0].state == "failed"


async def test_an_answer_that_is_still_tried_stays_sent_and_may_fail_later(stage: Stage) -> None:
    request = answer()
    await sent(stage, request)
    evidence = (message_id_of(request, IDENTITY),)
    for fate, name in ((Fate.DELAYED, "a"), (Fate.OTHER, "b"), (Fate.FAILED, "c")):
        assert await returns(stage).note(told(fate, Reason.FULL, message_ids=evidence), name)
    await until(lambda: len(stage.reports()) == 3)
    assert [report.reason for report in stage.reports()] == ["", "full", "full"]
    assert [report.state for report in stage.reports()] == ["sent", "delayed", "failed"]


@pytest.mark.parametrize(
    "evidence",
    [
        {"recipients": ("stranger@example.com",)},
        {"message_ids": (our_message_id("another secret that is long enough", "t", "o", "example.org"),)},
        {"tokens": ("abcdefghijklmnopqrstuvwx",)},
        {},
    ],
)
async def test_nobody_s_answer_is_blamed_for_a_stranger_s_mail(
    stage: Stage, evidence: dict[str, tuple[str, ...]]
) -> None:
    await sent(stage, answer())
    assert not await returns(stage).note(told(**evidence), "stranger")


async def test_an_address_alone_does_not_count_for_an_old_answer(stage: Stage) -> None:
    request = answer()
    await sent(stage, request)
    async with stage.database.transaction() as session:
        await session.execute(text("UPDATE email.deliveries SET changed_at = now() - interval '8 days'"))
    assert not await returns(stage).note(told(recipients=("ann@example.com",)), "old")
    assert await returns(stage).note(told(message_ids=(message_id_of(request, IDENTITY),)), "old, but named")


async def test_answers_of_before_the_update_are_found_by_their_address_too(database: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(db._MIGRATIONS))
    config.set_main_option("version_locations", str(MIGRATIONS / "versions"))
    config.set_main_option("path_separator", "newline")
    config.attributes["dsn"], config.attributes["schema"] = database, SCHEMA
    await asyncio.to_thread(command.upgrade, config, "email_0001")
    request = answer(text="odd \x00 text, and \\u0000")
    ledger = Database(database, SCHEMA)
    async with ledger.transaction() as session:
        await session.execute(
            text(
                "INSERT INTO email.deliveries (outbound_id, ticket_id, state, request, requested_at, holder, attempts, message_id, detail)"
                " VALUES (:id, :ticket, 'sent', :request, now(), 0, 1, '', '')"
            ),
            {"id": request.id, "ticket": request.ticket_id, "request": encode(request)},
        )
    await ledger.dispose()
    await asyncio.to_thread(db.migrate, database, SCHEMA, MIGRATIONS)
    async with ledger.transaction() as session:
        found = await repository.newest_sent(session, people=["email:ann@example.com"], within=timedelta(days=7))
    await ledger.dispose()
    assert found is not None
    assert found.request.id == request.id
