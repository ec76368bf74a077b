"""A customer's mail that a provider took in is a message, once; and an agent sees what became of an
answer, whichever provider sent it and in whatever order it tells."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from playwright._impl._driver import compute_driver_executable

from services.email.domain.mailboxes import Mailboxes
from services.email.domain.outgoing import Identity, message_id_of
from shared.bus.kafka import KafkaBus, create_topics
from shared.clock import utc_now
from shared.events import InboundMessage, OutboundMessage
from shared.kernel import contact_point
from shared.storage import Storage
from shared.topics import DELIVERIES_REPORTED, MESSAGES_RECEIVED, all_topics, deliveries_requested
from tests.integration.email_webhook_process import ROOT, SECRET, House, house
from tests.providers.mail_webhooks import CLOUDFLARE_SECRET, Cloudflare, Mailgun, Post, Postmark
from tests.topic import events_on
from tests.waiting import until

IDENTITY = Identity(Mailboxes.parse("support@example.org,help@example.org"), SECRET, "Support")
GONE = "550 5.1.1 user unknown"


@pytest.fixture(scope="module")
def home(kafka: str, postgres: str, tmp_path_factory: pytest.TempPathFactory, unused_port: int) -> Iterator[House]:
    asyncio.run(create_topics(kafka, all_topics(["email"])))
    with house(kafka, postgres, tmp_path_factory.mktemp("webhooks"), unused_port) as found:
        yield found


@pytest.fixture(scope="module")
def unused_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def mail(identity: str, to: str = "support@example.org") -> bytes:
    return f"From: Ann <ann@example.com>\r\nTo: {to}\r\nSubject: Lamp\r\nMessage-ID: <{identity}>\r\n\r\nMy lamp is broken.\r\n".encode()


async def received(kafka: str, identity: str) -> list[InboundMessage]:
    return [event for event in await events_on(kafka, MESSAGES_RECEIVED) if identity in event.provider_id]


async def sent(kafka: str, *addresses: str) -> list[OutboundMessage]:
    """Answers to these, once their provider has them."""
    asked = [
        OutboundMessage(
            id=str(uuid4()),
            ticket_id=str(uuid4()),
            channel="email",
            to=contact_point("email", address),
            text="Please restart it.",
            requested_at=utc_now(),
        )
        for address in addresses
    ]
    bus = KafkaBus(kafka, "desk")
    await bus.start()
    await bus.publish_all([(deliveries_requested("email"), one.ticket_id, one) for one in asked])
    await bus.stop()

    async def all_sent() -> bool:
        told = {report.outbound_id for report in await events_on(kafka, DELIVERIES_REPORTED)}
        return {one.id for one in asked} <= told

    await until(all_sent)
    return asked


def events(name: str, found: House, answer: OutboundMessage, kind: str) -> Post:
    """What a provider posts when this happened to an answer."""
    own, to = message_id_of(answer, IDENTITY), answer.to.partition(":")[2]
    if name == "mailgun":
        failed = {
            "severity": "permanent",
            "reason": "bounce",
            "delivery-status": {"code": 550, "message": "5.1.1 user unknown"},
        }
        later = {"severity": "temporary", "delivery-status": {"code": 452, "message": "mailbox full"}}
        more = {"bounced": ("failed", failed), "delayed": ("failed", later)}.get(kind, (kind, {}))
        return Mailgun().event(more[0], own, to, **more[1])
    if name == "postmark":
        told: dict[str, tuple[str, dict[str, Any]]] = {
            "delivered": ("Delivery", {"Details": "smtp;250 OK"}),
            "delayed": ("Bounce", {"ID": 1, "Type": "Transient", "Details": "smtp;452 mailbox full"}),
            "bounced": ("Bounce", {"ID": 2, "Type": "HardBounce", "Details": f"smtp;{GONE}"}),
            "complained": ("SpamComplaint", {"ID": 3, "Type": "SpamComplaint"}),
        }
        return Postmark().event(told[kind][0], answer.id, to, **told[kind][1])
    if name == "sendgrid":
        maker = found.sendgrid
        said: dict[str, dict[str, Any]] = {
            "delivered": maker.event("delivered", own, to, response="250 OK"),
            "delayed": maker.event("deferred", own, to, response="452 mailbox full"),
            "bounced": maker.event("bounce", own, to, type="bounce", status="5.1.1", reason=GONE),
            "complained": maker.event("spamreport", own, to),
        }
        return maker.events(said[kind])
    parts: dict[str, tuple[str, dict[str, Any]]] = {
        "delivered": ("Delivery", {"recipients": [to], "smtpResponse": "250 OK"}),
        "delayed": ("DeliveryDelay", {"delayType": "MailboxFull", "delayedRecipients": [{"emailAddress": to}]}),
        "bounced": (
            "Bounce",
            {
                "bounceType": "Permanent",
                "bounceSubType": "General",
                "feedbackId": uuid4().hex,
                "bouncedRecipients": [{"emailAddress": to, "diagnosticCode": f"smtp; {GONE}"}],
            },
        ),
        "complained": ("Complaint", {"complainedRecipients": [{"emailAddress": to}]}),
    }
    return found.amazon.notify(found.amazon.event(parts[kind][0], own, parts[kind][1], to))


async def test_a_mail_is_a_message_once_whichever_provider_took_it_in_and_however_often_it_comes(
    kafka: str, home: House
) -> None:
    run, storage = uuid4().hex, Storage(home.storage)
    makers = {
        "mailgun": Mailgun().inbound,
        "postmark": Postmark().inbound,
        "sendgrid": home.sendgrid.inbound,
        "ses": lambda raw: home.amazon.notify(home.amazon.received(raw)),
        "cloudflare": Cloudflare().inbound,
    }
    async with httpx.AsyncClient(base_url=home.url, timeout=30) as http:
        assert (await home.amazon.confirmation().to(http)).status_code == 200
        for name, make in makers.items():
            for _ in range(2):
                answer = await make(mail(f"{name}.{run}@x")).to(http)
                assert answer.status_code == 200, (name, answer.text)
    assert any("ConfirmSubscription" in url for url in home.amazon.visited)
    messages = await received(kafka, run)
    assert len(messages) == 10
    assert {message.id: message.provider_id for message in messages}.keys() == {message.id for message in messages[::1]}
    assert len({message.id for message in messages}) == 5
    for name in makers:
        [raw_uri] = {message.raw_uri for message in messages if message.provider_id == f"<{name}.{run}@x>"}
        assert await storage.get(raw_uri) == mail(f"{name}.{run}@x")


async def test_events_of_every_provider_lead_to_the_same_end_in_whatever_order_they_come(
    kafka: str, home: House
) -> None:
    names, run = ("mailgun", "postmark", "sendgrid", "ses"), uuid4().hex[:8]
    stories = {
        "late": (["delayed", "delivered"], "delivered", "full"),
        "odd": (["delivered", "delayed"], "delivered", "full"),
        "back": (["delivered", "bounced", "bounced"], "failed", "no-such-address"),
        "gone": (["bounced", "delivered"], "failed", "no-such-address"),
        "angry": (["complained"], "delivered", ""),
    }
    cases = [(name, story) for name in names for story in stories]
    answers = await sent(kafka, *(f"{story}.{name}.{run}@example.com" for name, story in cases))
    async with httpx.AsyncClient(base_url=home.url, timeout=30) as http:
        for (name, story), answer in zip(cases, answers, strict=True):
            for kind in stories[story][0]:
                taken = await events(name, home, answer, kind).to(http)
                assert (taken.status_code, taken.json()) == (200, {"noted": 1}), (name, story, kind)
    ledger = await asyncpg.connect(home.database)
    states = dict(await ledger.fetch("SELECT outbound_id, state FROM email.deliveries"))
    listed = {
        row["address"]: (row["reason"], row["source"]) for row in await ledger.fetch("SELECT * FROM email.suppressions")
    }
    await ledger.close()
    for (name, story), answer in zip(cases, answers, strict=True):
        address = answer.to.partition(":")[2]
        assert states[answer.id] == stories[story][1], (name, story)
        wanted = {"back": "hard-bounce", "gone": "hard-bounce", "angry": "complaint"}.get(story)
        assert listed.get(address) == ((wanted, name) if wanted else None), (name, story)

    async def all_told() -> bool:
        told = await events_on(kafka, DELIVERIES_REPORTED)
        return all(
            any((one.outbound_id, one.state) == (answer.id, stories[story][1]) for one in told)
            and (
                not stories[story][2]
                or stories[story][2] in {one.reason for one in told if one.outbound_id == answer.id}
            )
            for (_, story), answer in zip(cases, answers, strict=True)
        )

    await until(all_told)


async def test_a_bounce_without_our_ids_is_the_newest_answer_s_and_counts_once(kafka: str, home: House) -> None:
    address = f"{uuid4().hex}@example.com"
    first, second = await sent(kafka, address, address)
    bounce = Postmark().event("Bounce", "", address, ID=41, Type="SoftBounce", Details="smtp;552 mailbox full")
    unknown = Postmark().event("Delivery", "", address)
    async with httpx.AsyncClient(base_url=home.url, timeout=30) as http:
        assert (await unknown.to(http)).json() == {"noted": 0}
        for _ in range(2):
            assert (await bounce.to(http)).json() == {"noted": 1}
        newsletter = Mailgun().event("failed", "<august@news.example>", address, severity="permanent")
        assert (await newsletter.to(http)).json() == {"noted": 0}, "it is not about an answer"
        late = home.sendgrid.events(home.sendgrid.event("bounce", "", address))
        assert (await late.to(http)).json() == {"noted": 0}, "SendGrid names the reply, or it is about another mail"
        stranger = Postmark().event("Bounce", str(uuid4()), "nobody@example.com", ID=42, Type="HardBounce")
        assert (await stranger.to(http)).json() == {"noted": 0}
        counted = (await http.get("/metrics")).text
    ledger = await asyncpg.connect(home.database)
    rows = dict(
        await ledger.fetch("SELECT outbound_id, state FROM email.deliveries WHERE recipient = $1", f"email:{address}")
    )
    await ledger.close()
    assert sorted(rows.values()) == ["failed", "sent"]
    assert set(rows) == {first.id, second.id}
    assert 'switchboard_mail_events_total{event="unknown",provider="postmark"} 2.0' in counted


async def test_an_event_about_a_copy_says_nothing_of_the_customer_unless_it_came_back(kafka: str, home: House) -> None:
    [answer] = await sent(kafka, f"{uuid4().hex}@example.com")
    own = message_id_of(answer, IDENTITY)
    async with httpx.AsyncClient(base_url=home.url, timeout=30) as http:
        assert (await Mailgun().event("delivered", own, "boss@example.net").to(http)).json() == {"noted": 1}
        ledger = await asyncpg.connect(home.database)
        one = "SELECT state, detail FROM email.deliveries WHERE outbound_id = $1"
        assert (await ledger.fetchrow(one, answer.id))["state"] == "sent"
        assert (await Mailgun().event("failed", own, "boss@example.net").to(http)).json() == {"noted": 1}
        assert tuple(await ledger.fetchrow(one, answer.id)) == (
            "failed",
            "The provider could not deliver it. (boss@example.net)",
        )
        assert await ledger.fetchval("SELECT count(*) FROM email.suppressions WHERE address = 'boss@example.net'") == 0
        await ledger.close()


WORKER = """
import worker from "./worker.mjs";
import { readFileSync } from "node:fs";
const raw = readFileSync(0), [from, to, URL, SECRET] = process.argv.slice(2);
const told = { rejected: "", error: "" };
const message = { from, to, raw: new Blob([raw]).stream(), rawSize: raw.length, setReject: (why) => { told.rejected = why; } };
try { await worker.email(message, { URL, SECRET }); } catch (error) { told.error = String(error); }
console.log(JSON.stringify(told));
"""


async def test_the_worker_for_cloudflare_hands_a_mail_over_as_it_came(kafka: str, home: House, tmp_path: Path) -> None:
    node = compute_driver_executable()[0]
    shutil.copy(ROOT / "docs/how-to/cloudflare-email-worker.js", tmp_path / "worker.mjs")
    (tmp_path / "run.mjs").write_text(WORKER)
    raw = mail(f"{uuid4()}@x") + "Café\r\n".encode("latin-1") + b"\x00\xff"

    def run(
        to: str, secret: str = CLOUDFLARE_SECRET, sender: str = "o'ann+é@example.com", mail: bytes = raw
    ) -> dict[str, str]:
        line = [node, "run.mjs", sender, to, f"{home.url}/webhooks/cloudflare", secret]
        done = subprocess.run(line, cwd=tmp_path, input=mail, capture_output=True, timeout=60, check=True)
        return dict(json.loads(done.stdout))

    nothing = {"rejected": "", "error": ""}
    assert await asyncio.to_thread(run, "support@example.org") == nothing
    [message] = await received(kafka, raw.split(b"Message-ID: <")[1].split(b"@")[0].decode())
    assert await Storage(home.storage).get(message.raw_uri) == raw
    refused = await asyncio.to_thread(run, "boss@example.org")
    assert (refused["error"], "not a mailbox of ours" in refused["rejected"]) == ("", True)
    wrong = await asyncio.to_thread(run, "support@example.org", "another secret of enough letters")
    assert (wrong["rejected"], "401" in wrong["error"]) == ("", True)
    large = await asyncio.to_thread(run, "support@example.org", mail=b"a: b\n\n" + b"x" * 26_000_000)
    assert (large["error"], "larger" in large["rejected"]) == ("", True)
