"""Each provider is answered so that it does the right thing next: it comes again where that helps,
and gives up only where nothing could get better."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from aiohttp import web
from pydantic import SecretStr

from services.email.adapters import sns as amazon_adapter
from services.email.adapters.sns import Certificates, fetch
from services.email.app import create
from services.email.domain.references import our_message_id
from services.email.settings import EmailSettings
from services.email.webhooks import most
from shared.bus.memory import MemoryBus
from shared.clock import utc_now
from shared.errors import Unavailable
from shared.events import InboundMessage, UnreadableMail
from shared.events.codec import decode
from shared.settings import Settings
from shared.storage import Storage
from tests.providers.mail_webhooks import (
    CLOUDFLARE_SECRET,
    MAILGUN_KEY,
    PASSWORD,
    TOPIC,
    Amazon,
    Cloudflare,
    Mailgun,
    Post,
    Postmark,
    SendGrid,
    basic,
)

OURS = our_message_id("s" * 32, "ticket-1", "out-1", "example.org")
MAILGUN, POSTMARK, SENDGRID, AMAZON, CLOUDFLARE = Mailgun(), Postmark(), SendGrid(), Amazon(), Cloudflare()
pytestmark = pytest.mark.asyncio(loop_scope="module")
ALL_ON = {
    "mailgun_signing_key": MAILGUN_KEY,
    "postmark_password": PASSWORD,
    "sendgrid_password": PASSWORD,
    "sendgrid_public_key": SENDGRID.public_key,
    "ses_topics": TOPIC,
    "cloudflare_secret": CLOUDFLARE_SECRET,
}
MAILS: dict[str, Callable[..., Post]] = {
    "mailgun": MAILGUN.inbound,
    "postmark": POSTMARK.inbound,
    "sendgrid": SENDGRID.inbound,
    "ses": lambda raw, **how: AMAZON.notify(AMAZON.received(raw, **how)),
    "cloudflare": CLOUDFLARE.inbound,
}
"""How each tells of a mail that came in."""
EVENTS: dict[str, Callable[[], Post]] = {
    "mailgun": lambda: MAILGUN.event("delivered", OURS),
    "postmark": lambda: POSTMARK.event("Delivery", "out-1"),
    "sendgrid": lambda: SENDGRID.events(SENDGRID.event("delivered", OURS)),
    "ses": lambda: AMAZON.notify(AMAZON.event("Delivery", OURS, {"recipients": ["ann@example.com"]})),
}
NEVER = {"mailgun": 406, "postmark": 403, "sendgrid": 400, "ses": 400, "cloudflare": 422}
"""After which each does not try again."""
UNTRUSTED = {"mailgun": 401, "postmark": 401, "sendgrid": 503, "ses": 503, "cloudflare": 401}


def mail(identity: str, to: str = "support@example.org", body: str = "My lamp is broken.") -> bytes:
    return f"From: Ann <ann@example.com>\r\nTo: {to}\r\nSubject: Lamp\r\nMessage-ID: <{identity}@x>\r\n\r\n{body}\r\n".encode()


@dataclass
class Doors:
    """The service's HTTP side, with its bus in memory."""

    http: httpx.AsyncClient
    bus: MemoryBus
    storage: Storage
    clock: list[datetime]

    async def post(self, post: Post) -> httpx.Response:
        return await post.to(self.http)

    def messages(self) -> list[InboundMessage]:
        return [decode(InboundMessage, record.value or b"") for record in self.bus.logs["messages-received"]]


@asynccontextmanager
async def doors(tmp_path: Path, **settings: Any) -> AsyncIterator[Doors]:
    bus, now = MemoryBus(), [utc_now()]
    common = Settings(secret=SecretStr("s" * 32), storage=f"file://{tmp_path}")
    own = EmailSettings(database=SecretStr("postgresql://nobody@127.0.0.1:9/none"), smtp_port=0, **settings)
    service = create(common, own, bus=bus, get=AMAZON.fetch, clock=lambda: now[-1])
    async with (
        service.resources(),
        httpx.AsyncClient(transport=httpx.ASGITransport(service.api), base_url="http://email.test") as http,
    ):
        yield Doors(http, bus, Storage(common.storage), now)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Doors]:
    """One process for all: its reader takes a second to start."""
    async with doors(tmp_path_factory.mktemp("doors"), max_size=20_000, **ALL_ON) as found:
        yield found


@pytest.fixture
def on(house: Doors) -> Doors:
    """All webhooks on, and nothing sent yet."""
    house.bus.logs.clear()
    house.bus.dead.clear()
    house.bus.down = False
    house.clock.append(utc_now())
    return house


async def test_a_mail_is_taken_once_it_is_in_kafka_and_a_retry_is_the_same_message(on: Doors) -> None:
    for name, inbound in MAILS.items():
        raw = mail(name)
        post = inbound(raw)
        first, second = await on.post(post), await on.post(post)
        assert (first.status_code, second.status_code) == (200, 200), (name, first.text)
        assert first.json() == second.json() == {"message": on.messages()[-1].id}
        assert await on.storage.get(on.messages()[-1].raw_uri) == raw
    assert [message.provider_id for message in on.messages()] == [f"<{name}@x>" for name in MAILS for _ in range(2)]


async def test_while_kafka_is_away_every_provider_is_asked_to_come_again(on: Doors) -> None:
    on.bus.down = True
    for name, inbound in MAILS.items():
        answer = await on.post(inbound(mail(name)))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2"), name
    on.bus.down = False
    assert (await on.post(MAILS["mailgun"](mail("later")))).status_code == 200


async def test_while_the_ledger_is_away_events_come_again(on: Doors) -> None:
    for name, event in EVENTS.items():
        assert (await on.post(event())).status_code == 503, name


async def test_a_provider_without_its_secret_is_off_and_the_rest_runs(tmp_path: Path) -> None:
    async with doors(tmp_path, mailgun_signing_key=MAILGUN_KEY) as found:
        assert (await found.post(MAILS["mailgun"](mail("one")))).status_code == 200
        for name, post in [*MAILS.items(), *EVENTS.items()]:
            if name != "mailgun":
                answer = await found.post(post(mail("one")) if name in MAILS and post is MAILS[name] else post())
                assert (answer.status_code, answer.json()["title"]) == (404, "off"), name
        told = (await found.http.get("/health/ready")).json()["parts"]["webhooks"]
    assert told["ok"]
    assert told["detail"].startswith("on by EMAIL_MAILGUN_SIGNING_KEY; off without EMAIL_POSTMARK_PASSWORD")


async def test_what_is_not_signed_as_ours_changes_nothing_and_may_come_again(on: Doors) -> None:
    wrong = {
        "mailgun": [Mailgun("x").inbound(mail("a")), Mailgun("x").event("delivered", OURS), MAILGUN.form({"body-mime": "x"})],
        "postmark": [POSTMARK.inbound(mail("a"), authorization=basic("x")), POSTMARK.event("Delivery", authorization=basic("x"))],
        "sendgrid": [SENDGRID.inbound(mail("a"), authorization="Basic x"), SendGrid().events(), Post("/webhooks/sendgrid/events", b"[]")],
        "ses": [AMAZON.notify(AMAZON.received(mail("a")), TopicArn=TOPIC + "2"), Amazon().notify({}, SigningCertURL=AMAZON.certificate_url)],
        "cloudflare": [Cloudflare("x").inbound(mail("a")), Post("/webhooks/cloudflare", mail("a"))],
    }  # fmt: skip
    for name, posts in wrong.items():
        for post in posts:
            answer = await on.post(post)
            assert (answer.status_code, answer.json()["title"]) == (UNTRUSTED[name], "unsigned"), (name, post.path)
    assert on.messages() == []


async def test_a_request_that_was_recorded_is_refused_when_it_is_old(on: Doors) -> None:
    kept = {
        "mailgun": [MAILGUN.inbound(mail("a")), MAILGUN.event("delivered", OURS)],
        "sendgrid": [SENDGRID.events(SENDGRID.event("delivered", OURS))],
        "ses": [AMAZON.notify(AMAZON.received(mail("a"))), AMAZON.confirmation()],
        "cloudflare": [CLOUDFLARE.inbound(mail("a"))],
    }
    on.clock.append(utc_now() + timedelta(hours=26))
    for name, posts in kept.items():
        for post in posts:
            answer = await on.post(post)
            assert (answer.status_code, answer.json()["title"]) == (UNTRUSTED[name], "replayed"), (name, post.path)
    assert on.messages() == []


async def test_a_signature_of_mailgun_s_serves_one_content_only(on: Doors) -> None:
    at, token = utc_now(), "t" * 50
    assert (await on.post(MAILGUN.inbound(mail("a"), at=at, token=token))).status_code == 200
    assert (await on.post(MAILGUN.inbound(mail("a"), at=at, token=token))).status_code == 200
    for other in (
        MAILGUN.inbound(mail("b"), at=at, token=token),
        MAILGUN.inbound(mail("a"), to="help@example.org", at=at, token=token),
        MAILGUN.event("delivered", OURS, at=at, token=token),
    ):
        answer = await on.post(other)
        assert (answer.status_code, answer.json()["title"]) == (401, "replayed")
    assert len(on.messages()) == 2


async def test_mail_to_another_address_of_our_domain_is_refused_for_good_as_by_smtp(on: Doors) -> None:
    for name, inbound in MAILS.items():
        answer = await on.post(inbound(mail(name), to="boss@example.org"))
        assert (answer.status_code, answer.json()["title"]) == (NEVER[name], "not our mailbox"), name
    assert on.messages() == []


async def test_mail_that_was_forwarded_to_the_provider_s_own_address_is_ours(on: Doors) -> None:
    hidden = "451d9b70cf9364d23ff6f9d51d870251@inbound.postmarkapp.com"
    assert (await on.post(POSTMARK.inbound(mail("a", to="help@example.org"), to=hidden))).status_code == 200
    assert on.messages()[0].recipient == "help@example.org"


async def test_a_setup_without_the_raw_mail_is_named_and_the_provider_keeps_the_mail(on: Doors) -> None:
    parsed = MAILGUN.form({"recipient": "support@example.org", "body-plain": "x"} | MAILGUN.signature())
    for post, words in (
        (parsed, "/mime"),
        (POSTMARK.inbound(None), "Include raw"),
        (SENDGRID.inbound(None), "full MIME"),
    ):
        answer = await on.post(post)
        assert (answer.status_code, words in answer.json()["detail"]) == (503, True)


async def test_a_mail_that_lies_in_s3_is_set_aside_for_a_person(on: Doors) -> None:
    assert (await on.post(AMAZON.notify(AMAZON.received(None)))).status_code == 200
    [letter] = on.bus.dead
    assert "s3://mails/d6iitobk75ur" in letter.error
    assert decode(UnreadableMail, letter.value or b"").recipients == ("support@example.org",)


async def test_a_mail_over_our_limit_is_taken_as_far_as_it_goes(on: Doors) -> None:
    for name, inbound in MAILS.items():
        raw = mail(name, body="x" * 25_000)
        answer = await on.post(inbound(raw))
        if name == "cloudflare":  # its sender hears of it
            assert (answer.status_code, answer.json()["title"]) == (413, "too large")
            continue
        assert answer.status_code == 200, name
        message = on.messages()[-1]
        assert "could not be read completely" in message.text
        assert await on.storage.get(message.raw_uri) == raw[:20_000]


async def test_a_request_without_end_is_not_read_to_its_end(on: Doors) -> None:
    largest = most(EmailSettings(max_size=20_000))
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 100_000
            yield b"x" * 100_000

    for path in ("mailgun/mime", "ses", "cloudflare"):
        sent = 0
        answer = await on.http.post(f"/webhooks/{path}", content=endless())
        assert answer.status_code == 413
        assert sent < 2 * largest
    answer = await on.http.post("/api/v1/mailboxes", content=b"x" * 1_000_001)
    assert answer.status_code == 413, "the rest of the service reads no more than before"


async def test_large_requests_of_strangers_leave_room_for_ordinary_mail(on: Doors) -> None:
    gates = [asyncio.Event() for _ in range(2)]

    async def slow(gate: asyncio.Event) -> AsyncIterator[bytes]:
        yield b"x"
        await gate.wait()

    waiting = [asyncio.create_task(on.http.post("/webhooks/mailgun/mime", content=slow(gate))) for gate in gates]
    await asyncio.sleep(0.05)
    large = await on.http.post("/webhooks/mailgun/mime", content=slow(gates[0]))
    assert large.status_code == 503
    assert (await on.post(MAILS["mailgun"](mail("small")))).status_code == 200
    for gate in gates:
        gate.set()
    assert {answer.status_code for answer in await asyncio.gather(*waiting)} == {406}
    assert (await on.post(MAILS["ses"](mail("again")))).status_code == 200


async def test_a_stranger_s_request_takes_little_more_memory_than_its_bytes(on: Doors) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    form = Post("/webhooks/mailgun/mime", b"body-mime=" + b"%41" * 300_000, kind)
    event = Post("/webhooks/mailgun/events", b'{"event-data": [' + b"[]," * 360_000 + b"1]}")
    tracemalloc.start()
    try:
        assert [(await on.post(post)).status_code for post in (form, event)] == [401, 413]
        assert tracemalloc.get_traced_memory()[1] < 8 * len(event.content)
    finally:
        tracemalloc.stop()


async def test_a_large_mail_takes_its_seat_until_it_is_answered(on: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    let, put = asyncio.Event(), Storage.put

    async def patient(self: Storage, *told: Any, **named: Any) -> Any:
        await let.wait()
        return await put(self, *told, **named)

    async def large(name: str) -> httpx.Response:
        post = MAILGUN.inbound(mail(name))

        async def piece() -> AsyncIterator[bytes]:  # without a length, it may be any
            yield post.content

        return await on.http.post(post.path, content=piece(), headers=post.headers)

    monkeypatch.setattr(Storage, "put", patient)
    waiting = [asyncio.create_task(large(name)) for name in ("one", "two", "three")]
    done, _ = await asyncio.wait(waiting, timeout=5, return_when=asyncio.FIRST_COMPLETED)
    let.set()
    assert [task.result().status_code for task in done] == [503]
    assert sorted([answer.status_code for answer in await asyncio.gather(*waiting)]) == [200, 200, 503]


# ── Amazon SNS ──────────────────────────────────────────────────────────────────────────────────


async def test_a_topic_of_ours_is_subscribed_to_at_amazon_s_own_address(on: Doors) -> None:
    AMAZON.visited.clear()
    assert (await on.post(AMAZON.confirmation())).status_code == 200
    assert AMAZON.visited[-1].startswith("https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription")
    AMAZON.visited.clear()
    bad = AMAZON.confirmation(SubscribeURL="https://evil.example/?Action=ConfirmSubscription")
    assert (await on.post(bad)).status_code == 503
    elsewhere = AMAZON.confirmation(SigningCertURL="https://evil.example/SimpleNotificationService-0.pem")
    assert (await on.post(elsewhere)).status_code == 503
    assert AMAZON.visited == []


async def test_words_of_sns_itself_are_acknowledged(on: Doors) -> None:
    for message in (
        AMAZON.message("Notification", "Successfully validated SNS topic for Amazon SES event publishing."),
        AMAZON.message("UnsubscribeConfirmation", "You have chosen to deactivate"),
    ):
        assert (await on.post(AMAZON.post(message))).status_code == 200
    assert (await on.post(Post("/webhooks/ses", b'{"notificationType": "Bounce"}'))).status_code == 400
    assert "Raw message delivery" in (await on.post(Post("/webhooks/ses", b"{}"))).json()["detail"]


async def test_a_certificate_is_fetched_once_and_strangers_cannot_make_us_ask_all_day() -> None:
    now, amazon = datetime.now(UTC), Amazon()
    certificates = Certificates(amazon.fetch, lambda: now)
    for _ in range(3):
        await certificates.key(amazon.certificate_url)
    assert amazon.visited == [amazon.certificate_url]
    for number in range(20):
        with pytest.raises(Unavailable):
            await certificates.key(f"{amazon.host}/SimpleNotificationService-{number}.pem")
    assert len(amazon.visited) == 10
    await certificates.key(amazon.certificate_url)
    now += timedelta(days=400)
    with pytest.raises(Unavailable, match="valid now"):
        await certificates.key(amazon.certificate_url)


async def test_only_the_newest_certificates_are_kept() -> None:
    amazon = Amazon()

    async def every(_url: str) -> bytes:
        return amazon.pem()

    certificates = Certificates(every, lambda: datetime.now(UTC))
    for number in range(10):
        await certificates.key(str(number))
    assert len(certificates._kept) == amazon_adapter._KEPT


async def test_amazon_s_answers_are_read_within_bounds_and_never_followed_elsewhere() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        match request.path:
            case "/elsewhere":
                raise web.HTTPFound("/pem")
            case "/endless":
                return web.Response(body=b"x" * 100_000)
            case "/pem":
                return web.Response(body=b"pem" * 20_000)
        raise web.HTTPNotFound

    server = web.AppRunner(web.Application())
    server.app.router.add_get("/{path:.*}", answer)
    await server.setup()
    site = web.TCPSite(server, "127.0.0.1", 0)
    await site.start()
    base = f"http://127.0.0.1:{server.addresses[0][1]}"
    try:
        assert await fetch(f"{base}/pem") == b"pem" * 20_000
        for path in ("elsewhere", "endless", "missing"):
            with pytest.raises(Unavailable):
                await fetch(f"{base}/{path}")
    finally:
        await server.cleanup()
    with pytest.raises(Unavailable):
        await fetch(f"{base}/pem")


POISON = [
    b"", b"\x00", b"null", b"[]", b"{}", b"[" * 20_000, b'"\\ud800"', b"9" * 5_000, b"1e999", b"\xff\xfe", b"--b--", b"a=%00",
    b'{"signature": {"timestamp": 1, "token": "\\u0000", "signature": "\\u00e9"}}', b'{"Message": "{", "Type": {}}', b'{"RawEmail": []}',
]  # fmt: skip


async def test_whatever_is_sent_to_a_webhook_the_answer_is_no_fault_of_ours(on: Doors) -> None:
    paths = [
        post.path for post in (*(make(mail("x")) for make in MAILS.values()), *(make() for make in EVENTS.values()))
    ]
    heads: list[dict[str, str]] = [
        {},
        {"Authorization": basic()},
        {"Content-Type": "multipart/form-data; boundary=b"},
        {"Content-Type": "application/x-www-form-urlencoded", "X-Switchboard-Timestamp": "9" * 400},
        {"Content-Type": "application/json", "Authorization": "Basic \x7f", "X-Switchboard-Sender": "%ff%00"},
    ]
    for path in dict.fromkeys(paths):
        for head in heads:
            for body in POISON:
                answer = await on.http.post(path, content=body, headers=head)
                assert answer.status_code < 500 or answer.json()["title"] in ("unsigned", "no raw mail"), (path, body)
    assert (await on.http.get("/webhooks/ses")).status_code == 405
    assert on.messages() == []


async def test_signed_poison_is_no_fault_of_ours_either(on: Doors) -> None:
    for body in POISON:
        text = body.decode("latin-1")
        for post in (
            SENDGRID.events(json.loads('{"event": "bounce", "email": {"a": [1]}}'), {"event": text}),
            AMAZON.post(AMAZON.message("Notification", text)),
            AMAZON.post(AMAZON.message("Notification", "{" + text)),
            MAILGUN.event("x", text),
            MAILGUN.form({"body-mime": body, "recipient": text, "sender": text} | MAILGUN.signature()),
            CLOUDFLARE.inbound(body, to=f"{text[:20]}@elsewhere.example"),
            POSTMARK.event(text[:50], "\x00"),
        ):
            answer = await on.post(post)
            assert answer.status_code < 500 or answer.json()["title"] in ("no raw mail", "unavailable"), (post, body)
