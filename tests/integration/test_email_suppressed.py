"""Nobody is written to again at an address where nobody is; the agent hears it at once, with what
to do, and whoever writes in again is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

import httpx
import pytest

from services.email import suppressions
from services.email.app import create
from services.email.commands.suppressions import run as suppressed
from services.email.domain.bounces import Fate
from services.email.domain.incoming import Context, Envelope
from services.email.domain.outgoing import message_id_of
from services.email.domain.reasons import Reason
from services.email.domain.suppression import Why
from services.email.history import History
from services.email.models import OUTBOX
from services.email.receiving import Receiver
from services.email.returning import Returns
from services.email.settings import EmailSettings
from shared.db import Database
from shared.errors import Rejected
from shared.outbox import Outbox
from shared.settings import Settings
from tests.integration.test_email_delivering import IDENTITY, Stage, answer, stage
from tests.integration.test_email_returning import returns, sent, told
from tests.waiting import until

__all__ = ["stage"]
ANN = "ann@example.com"
TOKEN = "a token of the operator"


async def listed(stage: Stage) -> dict[str, tuple[str, str, str]]:
    async with stage.database.transaction() as session:
        return {one.address: (one.reason, one.detail, one.source) for one in await suppressions.every(session)}


def ended(stage: Stage, outbound_id: str) -> bool:
    return outbound_id in [report.outbound_id for report in stage.reports()]


async def suppress(stage: Stage, address: str, reason: Why = Why.HARD_BOUNCE, detail: str = "550 gone") -> None:
    async with stage.database.transaction() as session:
        await suppressions.add(session, address, reason, detail, "test")


async def test_after_the_relay_says_that_nobody_is_there_the_next_answer_fails_at_once(stage: Stage) -> None:
    stage.start()
    for words in ("552 5.2.2 mailbox full", "550 5.7.1 policy", "550 5.1.1 no such user"):
        assert await listed(stage) == {}
        stage.relay.to_recipient = words
        request = answer()
        await stage.ask(request)
        await until(partial(ended, stage, request.id))
    assert [report.reason for report in stage.reports()] == ["full", "refused", "no-such-address"]
    assert await listed(stage) == {ANN: ("hard-bounce", "550 5.1.1 no such user", "relay")}

    stage.relay.to_recipient = "250 OK"
    connections = stage.relay.connections
    other = answer(to="email:lee@example.net", cc=("Ann@Example.com", "kim@example.net"))
    await stage.ask(answer(), other)
    await until(lambda: len(stage.reports()) == 5)
    ends = {report.state: (report.reason, report.detail) for report in stage.reports()[3:]}
    assert ends["failed"] == ("suppressed-hard-bounce", "550 5.1.1 no such user")
    assert ends["sent"][1].endswith(f"; no copy to {ANN}: it is on the list of suppressed addresses")
    assert stage.relay.recipients == [["lee@example.net", "kim@example.net"]]
    assert stage.relay.connections == connections
    assert ANN.encode() not in stage.relay.taken[0].lower()


async def test_a_returned_mail_puts_an_address_on_the_list_only_with_proof_that_it_saw_our_answer(stage: Stage) -> None:
    request = answer()
    await sent(stage, request)
    forged = told(Fate.FAILED, Reason.NO_SUCH_ADDRESS, recipients=(ANN,))
    assert await returns(stage).note(forged, "forged")
    assert await listed(stage) == {}
    proven = told(
        Fate.FAILED, Reason.NO_SUCH_ADDRESS, recipients=(ANN,), message_ids=(message_id_of(request, IDENTITY),)
    )
    assert await returns(stage).note(proven, "proven")
    assert await listed(stage) == {ANN: ("hard-bounce", "550 5.1.1 unknown user", "returned mail")}


async def test_a_complaint_outlasts_a_bounce_and_a_later_bounce(stage: Stage) -> None:
    await suppress(stage, ANN)
    await suppress(stage, "Ann@Example.com ", Why.COMPLAINT, "reported as spam")
    await suppress(stage, ANN, Why.HARD_BOUNCE)
    assert await listed(stage) == {ANN: ("complaint", "reported as spam", "test")}


@pytest.fixture
async def receiver(stage: Stage) -> AsyncIterator[Receiver]:
    found = receiving(stage, stage.database)
    yield found
    await found.reader.close()


def receiving(stage: Stage, database: Database) -> Receiver:
    context = Context(IDENTITY.mailboxes, IDENTITY.secret, ("en",))
    ours = Returns(stage.database, Outbox(OUTBOX, stage.database, stage.bus), IDENTITY.secret)
    return Receiver(
        stage.bus, stage.storage, context, ours, history=History(database, IDENTITY.secret), database=database
    )


def mail(address: str, headers: str = "") -> bytes:
    return f"From: <{address}>\nMessage-ID: <{address}>\nSubject: Lamp\n{headers}\nIt blinks.".encode()


async def test_who_writes_in_again_is_answered_again_but_not_who_complained(stage: Stage, receiver: Receiver) -> None:
    for address, why in (
        (ANN, Why.HARD_BOUNCE),
        ("kim@example.com", Why.COMPLAINT),
        ("lee@example.com", Why.HARD_BOUNCE),
    ):
        await suppress(stage, address, why)
        headers = "Auto-Submitted: auto-replied\n" if address.startswith("lee") else ""
        await receiver.receive(mail(address, headers), Envelope(address, ("support@example.org",)))
    assert sorted(await listed(stage)) == ["kim@example.com", "lee@example.com"]


async def test_a_mail_is_taken_while_the_list_cannot_be_reached(stage: Stage) -> None:
    away = Database("postgresql://nobody@127.0.0.1:9/none", "email")
    receiver = receiving(stage, away)
    try:
        assert await receiver.receive(mail(ANN), Envelope(ANN, ("support@example.org",)))
    finally:
        await receiver.reader.close()
        await away.dispose()


async def test_an_operator_sees_and_changes_the_list_by_the_api(stage: Stage) -> None:
    settings = EmailSettings(database=stage.database.dsn, api_token=TOKEN, smtp_port=0)  # type: ignore[arg-type]
    common = Settings(secret=IDENTITY.secret, storage=stage.storage_url)  # type: ignore[arg-type]
    service = create(common, settings, bus=stage.bus)
    transport = httpx.ASGITransport(app=service.api)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://email/api/v1") as http:
        assert (await http.get("/suppressions")).status_code == 401
        http.headers["Authorization"] = f"Bearer {TOKEN}"
        for address in ("Kim@Example.com", ANN, "lee@example.com"):
            given = {"address": address, "detail": "asked by phone"}
            assert (await http.post("/suppressions", json=given)).status_code == 204
        assert (await http.post("/suppressions", json={"address": "Ann <x@y.example>, z@y.example"})).status_code == 422
        page = (await http.get("/suppressions", params={"limit": 2})).json()
        assert [one["address"] for one in page["suppressions"]] == [ANN, "kim@example.com"]
        assert {key: page["suppressions"][0][key] for key in ("reason", "detail", "source")} == {
            "reason": "by-hand",
            "detail": "asked by phone",
            "source": "API",
        }
        rest = (await http.get("/suppressions", params={"after": page["next"]})).json()
        assert ([one["address"] for one in rest["suppressions"]], rest["next"]) == (["lee@example.com"], "")
        assert (await http.delete(f"/suppressions/{ANN}")).status_code == 204
        assert (await http.delete(f"/suppressions/{ANN}")).status_code == 404


async def test_an_operator_sees_and_changes_the_list_by_command(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = EmailSettings(database=stage.database.dsn)  # type: ignore[arg-type]
    await suppress(stage, "kim@example.com", Why.COMPLAINT, "reported as spam")
    await suppressed(settings, "add", "Ann@Example.com", "--detail", "asked by phone")
    await suppressed(settings, "list")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{ANN} is not written to any more."
    assert [line.split("  ")[:2] for line in lines[1:]] == [[ANN, "by-hand"], ["kim@example.com", "complaint"]]
    await suppressed(settings, "remove", ANN)
    assert sorted(await listed(stage)) == ["kim@example.com"]
    for wrong in (("remove", ANN), ("add", "not an address")):
        with pytest.raises(Rejected):
            await suppressed(settings, *wrong)
