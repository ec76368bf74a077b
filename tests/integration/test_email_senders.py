"""Each team's mailbox writes under its own name, by its own relay, signed, and no faster than it
may; and no mailbox waits for another."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from datetime import timedelta

import dkim
import httpx
import pytest
from sqlalchemy import select, update

from services.email import pacing
from services.email.app import create, relaying, sender
from services.email.commands.senders import run
from services.email.models import DELIVERIES, PACE, SENDERS
from services.email.settings import EmailSettings
from shared.clock import utc_now
from shared.errors import Rejected
from shared.events import OutboundMessage
from shared.settings import Settings
from tests.integration.test_email_delivering import IDENTITY, RelayServer, Stage, answer, stage
from tests.unit.email.test_dkim import PEM, dns
from tests.waiting import until

__all__ = ["stage"]
SALES, SUPPORT = "sales@example.org", "support@example.org"
BOTH = f"{SUPPORT},{SALES}"
TOKEN = "a token of the operator"


@pytest.fixture
async def api(stage: Stage) -> AsyncIterator[httpx.AsyncClient]:
    settings = EmailSettings(database=stage.database.dsn, api_token=TOKEN, smtp_port=0, mailboxes=BOTH)  # type: ignore[arg-type]
    service = create(Settings(secret=IDENTITY.secret, storage=stage.storage_url), settings, bus=stage.bus)  # type: ignore[arg-type]
    transport = httpx.ASGITransport(app=service.api)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://email/api/v1/senders") as http:
        http.headers["Authorization"] = f"Bearer {TOKEN}"
        yield http


@pytest.fixture
async def other_relay() -> AsyncIterator[RelayServer]:
    relay = RelayServer()
    await relay.start()
    yield relay
    assert relay.server
    relay.server.close()


async def ended(stage: Stage, *requests: OutboundMessage, state: str = "sent") -> None:
    await stage.ask(*requests)
    wanted = {request.id for request in requests}
    await until(lambda: wanted <= {report.outbound_id for report in stage.reports() if report.state == state})


async def test_a_mailbox_writes_under_its_own_name_by_its_own_relay_signed(
    stage: Stage, api: httpx.AsyncClient, other_relay: RelayServer
) -> None:
    own = {
        "from_name": "{agent}, sales",
        "signature": "{agent}\n{company}",
        "relay_host": "127.0.0.1",
        "relay_port": other_relay.port,
        "relay_tls": "none",
        "dkim_domain": "example.org",
        "dkim_selector": "s1",
        "dkim_key": PEM,
    }
    shown = (await api.put(f"/{SALES}", json=own)).json()
    assert (shown["keeps"], "dkim_key" in shown) == (["dkim_key"], False)
    assert (await api.post(f"/{SALES}/test")).json() == {"problem": ""}
    stage.start(mailboxes=BOTH)
    await ended(stage, answer(mailbox=SALES), answer(mailbox=SUPPORT))
    [raw] = other_relay.taken
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert mail["From"] == '"Bob, sales" <sales@example.org>'
    assert mail.get_content().splitlines() == ["Please restart it.", "", "-- ", "Bob", "Lamp Shop"]  # type: ignore[attr-defined]
    assert dkim.verify(raw, dnsfunc=dns)
    assert stage.relay.subjects() == ["Re: Lamp"]

    async with stage.database.transaction() as session:
        await session.execute(update(SENDERS).values(secrets={"dkim_key": "AAAA"}))
    waiting = answer(mailbox=SALES)
    await stage.ask(waiting)
    await ended(stage, answer(mailbox=SUPPORT))
    assert "give dkim_key again" in (await api.post(f"/{SALES}/test")).json()["problem"]
    async with stage.database.transaction() as session:
        await session.execute(update(SENDERS).values(settings={"of": "another version"}))
    assert "say anew how it sends" in (await api.post(f"/{SALES}/test")).json()["problem"]
    await api.put(f"/{SALES}", json=own)
    await ended(stage, waiting)


async def test_a_mailbox_at_its_limit_waits_for_its_turn_and_no_other_waits_with_it(
    stage: Stage, api: httpx.AsyncClient
) -> None:
    await api.put(f"/{SALES}", json={"per_minute": 10})
    stage.start(mailboxes=BOTH, senders=1, give_up_hours=1e-9)
    mine = [answer(mailbox=SALES) for _ in range(3)]
    others = [answer(mailbox=SUPPORT) for _ in range(3)]
    await stage.ask(*mine, *others)
    await until(lambda: len(stage.reports()) == 4)
    assert {report.outbound_id for report in stage.reports()} == {mine[0].id, *(one.id for one in others)}
    async with stage.database.transaction() as session:
        left = (await session.execute(select(DELIVERIES).where(DELIVERIES.c.state == "waiting"))).all()
        assert [row.attempts for row in left] == [0, 0]
        waits = sorted((row.due_at - utc_now()).total_seconds() for row in left)
        assert waits[0] < 6.1 < waits[1] < 12.1
        earlier = utc_now() - timedelta(seconds=1)
        await session.execute(
            update(DELIVERIES).where(DELIVERIES.c.state == "waiting").values(due_at=earlier, turn_at=earlier)
        )
    await until(lambda: len(stage.reports()) == 6)
    assert {report.state for report in stage.reports()} == {"sent"}


async def test_turns_are_given_once_in_order_for_all_processes_and_a_pause_lets_a_few_go_at_once(stage: Stage) -> None:
    stage.relay.to_recipient = "451 4.3.0 later"
    requests = [answer() for _ in range(8)]
    stage.start(retry_first=600)
    await stage.ask(*requests)
    await until(lambda: stage.relay.connections > 0)

    async def wait(request: OutboundMessage, **limits: int) -> float:
        async with stage.database.transaction() as session:
            return (await pacing.wait(session, request.id, limits)).total_seconds()

    waits = [await wait(request, mailbox=30, domain=0) for request in requests[:6]]
    assert waits[:3] == [0, 0, 0]
    assert waits[3:] == pytest.approx([2, 4, 6], abs=1.5)
    assert await wait(requests[5], mailbox=30) <= waits[5]
    assert await wait(requests[6], mailbox=30, domain=600) == pytest.approx(8, abs=1.5)
    async with stage.database.transaction() as session:
        assert set((await session.scalars(select(PACE.c.name))).all()) == {"mailbox", "domain"}
        await session.execute(update(PACE).values(next_at=utc_now() - timedelta(hours=2)))
    assert await wait(requests[7], mailbox=30) == 0
    async with stage.database.transaction() as session:
        assert (await session.scalars(select(PACE.c.name))).all() == ["mailbox"]


async def test_the_first_mails_after_a_pause_do_not_wait_for_each_other(stage: Stage) -> None:
    stage.relay.to_recipient = "451 4.3.0 later"
    requests = [answer() for _ in range(2)]
    stage.start(retry_first=600)
    await stage.ask(*requests)
    await until(lambda: stage.relay.connections > 0)
    old = [{"name": name, "next_at": utc_now() - timedelta(hours=9)} for name in ("sales", "support")]
    async with stage.database.transaction() as session:
        await session.execute(PACE.insert(), old)
    async with stage.database.transaction() as other:
        await other.execute(update(PACE).where(PACE.c.name == "support").values(next_at=utc_now()))
        async with asyncio.timeout(10), stage.database.transaction() as session:
            await pacing.wait(session, requests[0].id, {"sales": 60})


async def test_secrets_stay_where_they_were_given_for(api: httpx.AsyncClient) -> None:
    relay = {"relay_host": "relay.example.org", "relay_user": "sales"}
    assert (await api.put(f"/{SALES}", json=relay)).json()["title"] == "password missing"
    assert (await api.put(f"/{SALES}", json=relay | {"relay_password": "secret"})).json()["keeps"] == ["relay_password"]
    assert (await api.put(f"/{SALES}", json=relay | {"from_name": "Sales"})).json()["keeps"] == ["relay_password"]
    elsewhere = relay | {"relay_host": "evil.example.org"}
    assert (await api.put(f"/{SALES}", json=elsewhere)).json()["title"] == "password missing"
    listed = (await api.get("http://email/api/v1/senders")).json()["senders"]
    assert [(one["address"], one["relay_host"], one["from_name"]) for one in listed] == [
        (SALES, "relay.example.org", "Sales")
    ]
    assert "secret" not in str(listed)
    assert (await api.delete(f"/{SALES}")).status_code == 204
    assert (await api.get(f"/{SALES}")).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"relay_host": "relay.example.org", "relay_tls": "none"}, "everybody on the way"),
        ({"relay_host": "smtp://x"}, "relay_host"),
        ({"dkim_domain": "example.org"}, "domain and selector"),
        ({"dkim_domain": "example.org", "dkim_selector": "s"}, "DKIM key"),
        ({"dkim_domain": "example.org", "dkim_selector": "s", "dkim_key": "x"}, "RSA key"),
        ({"dkim_domain": "example.org", "dkim_selector": "s", "dkim_key_from": "EMAIL_DATABASE"}, "EMAIL_DKIM_"),
        ({"signature": "\x00"}, "lines of text"),
        ({"from_name": "a\nb"}, "from_name"),
        ({"per_minute": -1}, "per_minute"),
    ],
)
async def test_what_cannot_be_is_refused_with_what_would_be_right(
    api: httpx.AsyncClient, wrong: dict[str, object], said: str
) -> None:
    answered = await api.put(f"/{SALES}", json=wrong)
    assert (answered.status_code, said in answered.text) == (422, True), answered.text


async def test_only_a_mailbox_of_ours_sends(api: httpx.AsyncClient) -> None:
    assert (await api.put("/ann@example.com", json={})).json()["title"] == "not our address"


async def test_an_operator_does_the_same_by_command(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SWITCHBOARD_SECRET", IDENTITY.secret)
    settings = EmailSettings(
        database=stage.database.dsn,
        mailboxes=BOTH,
        relay_host="127.0.0.1",
        relay_port=stage.relay.port,
        relay_tls="none",  # type: ignore[arg-type]
    )

    async def senders(*arguments: str) -> str:
        await run(sender, relaying, settings, *arguments)
        return capsys.readouterr().out

    monkeypatch.setenv("EMAIL_DKIM_SALES", PEM.replace("\n", "\\n"))
    signing = ("--dkim-domain", "example.org", "--dkim-selector", "s1", "--dkim-key-from", "EMAIL_DKIM_SALES")
    assert await senders("set", SALES, "--from-name", "{agent}, sales", *signing) == "Mail can be sent.\n"
    assert await senders("set", SALES, "--per-minute", "30") == "Mail can be sent.\n"
    listed = await senders("list")
    assert "from_name='{agent}, sales'" in listed
    assert "per_minute=30" in listed
    monkeypatch.setenv("EMAIL_DKIM_SALES", "nothing")
    with pytest.raises(Rejected, match="EMAIL_DKIM_SALES has no DKIM key"):
        await senders("test", SALES)
    with pytest.raises(Rejected, match="EMAIL_DKIM_"):
        await senders("set", SALES, "--dkim-key-from", "PATH")
    with pytest.raises(Rejected, match="cannot be read"):
        await senders("set", SALES, "--dkim-key", "/nowhere.pem")
    assert await senders("remove", SALES) == f"{SALES} sends as all mailboxes do.\n"
    with pytest.raises(Rejected):
        await senders("remove", SALES)
