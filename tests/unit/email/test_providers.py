"""A provider that takes mails by HTTP gets the same mail as a relay, and what it says decides what
becomes of the reply."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from services.email import app
from services.email.adapters.providers import Mailgun, Postmark, SendGrid
from services.email.domain.handed_over import mailgun, not_before, postmark, sendgrid
from services.email.domain.outgoing import build
from services.email.settings import EmailSettings
from shared.attempts import Result
from shared.errors import Misconfigured
from tests.providers import mail_apis
from tests.providers.mail_apis import KEY, Answer, Apis
from tests.unit.email.test_outgoing import BASE, IDENTITY, LOOKS, NOW, picture

KINDS = (Mailgun, Postmark, SendGrid)
Kind = type[Mailgun | Postmark | SendGrid]
BY_POSTMARK = dataclasses.replace(IDENTITY, by_postmark=True)
REQUEST = msgspec.structs.replace(
    BASE,
    html=LOOKS,
    attachments=(picture("logo.png", "logo@x"), picture("bill.png")),
    cc=("lee@example.net",),
    bcc=("boss@example.net",),
    automatic=True,
)
MAIL = build(REQUEST, [b"logo", b"bill"], BY_POSTMARK, NOW)


@pytest.fixture
async def apis() -> AsyncIterator[Apis]:
    async with mail_apis.serving() as found:
        yield found


async def test_mailgun_gets_the_mail_as_it_is_for_all_of_its_recipients(apis: Apis) -> None:
    result = await Mailgun(apis.url, KEY, 5).send(MAIL)
    assert (result.result, result.words) == (Result.DONE, "Mailgun: 200 Queued. Thank you.")
    [taken] = apis.taken
    assert taken["content"] == MAIL.content
    assert taken["to"] == ["ann@example.com", "lee@example.net", "boss@example.net"]
    assert taken["domain"] == "example.org"
    await Mailgun(apis.url, KEY, 5, "mg.example.org").send(MAIL)
    assert apis.taken[1]["domain"] == "mg.example.org"


async def test_postmark_gets_the_parts_and_keeps_the_thread(apis: Apis) -> None:
    result = await Postmark(apis.url, KEY, 5).send(MAIL)
    assert (result.result, result.words) == (Result.DONE, "Postmark: 0 OK")
    [taken] = apis.taken
    assert (taken["From"], taken["To"]) == ("Bob via Lamp Shop <help@example.org>", "Ann Smith <ann@example.com>")
    assert (taken["Cc"], taken["Bcc"]) == ("lee@example.net", "boss@example.net")
    assert taken["Subject"] == "Re: Lamp"
    assert taken["TextBody"].splitlines()[0] == "Dear Ann,"
    assert "<b>Ann</b>" in taken["HtmlBody"]
    headers = {one["Name"]: one["Value"] for one in taken["Headers"]}
    assert headers["Message-ID"] == MAIL.message_id
    assert headers["References"] == "<1@x> <2@x>"
    assert (headers["Auto-Submitted"], headers["X-PM-KeepID"]) == ("auto-replied", "true")
    assert taken["Metadata"] == {"reply": REQUEST.id}
    logo, bill = taken["Attachments"]
    assert (logo["ContentID"], base64.b64decode(logo["Content"]), logo["ContentType"]) == (
        "cid:logo@x",
        b"logo",
        "image/png",
    )
    assert (bill["Name"], base64.b64decode(bill["Content"]), "ContentID" in bill) == ("bill.png", b"bill", False)
    assert (taken["MessageStream"], taken["TrackOpens"]) == ("outbound", False)


async def test_sendgrid_gets_the_parts_keeps_the_thread_and_gives_back_which_reply_it_is(apis: Apis) -> None:
    result = await SendGrid(apis.url, KEY, 5).send(MAIL)
    assert (result.result, result.words) == (Result.DONE, "SendGrid: 202")
    [taken] = apis.taken
    assert taken["personalizations"] == [
        {
            "to": [{"email": "ann@example.com", "name": "Ann Smith"}],
            "cc": [{"email": "lee@example.net"}],
            "bcc": [{"email": "boss@example.net"}],
        }
    ]
    assert taken["from"] == {"email": "help@example.org", "name": "Bob via Lamp Shop"}
    assert (taken["reply_to"]["email"], taken["subject"]) == (MAIL.sender, "Re: Lamp")
    text, looks = taken["content"]
    assert (text["type"], text["value"].splitlines()[0]) == ("text/plain", "Dear Ann,")
    assert (looks["type"], "<b>Ann</b>" in looks["value"]) == ("text/html", True)
    assert taken["headers"]["Message-ID"] == MAIL.message_id
    assert (taken["headers"]["References"], taken["headers"]["Auto-Submitted"]) == ("<1@x> <2@x>", "auto-replied")
    assert taken["custom_args"] == {"switchboard_reply": REQUEST.id}
    logo, bill = taken["attachments"]
    assert (logo["content_id"], logo["disposition"], base64.b64decode(logo["content"])) == ("logo@x", "inline", b"logo")
    assert (bill["filename"], bill["disposition"], base64.b64decode(bill["content"])) == (
        "bill.png",
        "attachment",
        b"bill",
    )
    assert {one["enable"] for one in taken["tracking_settings"].values()} == {False}


async def test_sendgrid_gets_a_plain_mail_to_one_person(apis: Apis) -> None:
    result = await SendGrid(apis.url, KEY, 5).send(build(BASE, [], IDENTITY, NOW))
    assert (result.result, len(apis.taken[0]["content"]), "attachments" in apis.taken[0]) == (Result.DONE, 1, False)


async def test_postmark_hands_every_copy_over_once(apis: Apis) -> None:
    request = msgspec.structs.replace(REQUEST, cc=("joann@example.net", "lee@bücher.example"), bcc=("ann@example.net",))
    await Postmark(apis.url, KEY, 5).send(build(request, [b"logo", b"bill"], BY_POSTMARK, NOW))
    assert apis.taken[0]["Bcc"] == "ann@example.net"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_provider_that_is_somewhere_else_or_behind_a_proxy_has_taken_nothing(
    kind: Kind, apis: Apis, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = kind(f"{apis.url}/moved", KEY, 5)
    assert "answers 307" in await moved.check()
    assert (await moved.send(MAIL)).result is Result.LATER
    monkeypatch.setenv("https_proxy", f"{apis.url}")
    assert (await kind("https://provider.example", KEY, 5).send(MAIL)).result is Result.LATER
    assert apis.taken == []


async def test_an_answer_in_pieces_is_read_to_its_end(apis: Apis) -> None:
    apis.in_pieces = True
    for kind in KINDS:
        assert (await kind(apis.url, KEY, 5).send(MAIL)).result is Result.DONE


@pytest.mark.parametrize("kind", KINDS)
async def test_what_cannot_be_known_is_not_guessed(kind: Kind, apis: Apis) -> None:
    ours = kind(apis.url, KEY, 5)
    apis.next = [
        Answer(200, {}, hang_up=True),
        Answer(429, {}, {"Retry-After": "120"}),
        Answer(503, {}),
        Answer(500, {}),
    ]
    assert (await ours.send(MAIL)).result is Result.UNKNOWN
    assert await ours.was_sent("x") is None
    before = datetime.now(UTC)
    patient = await ours.send(MAIL)
    assert patient.result is Result.LATER
    assert patient.not_before is not None
    assert timedelta(seconds=119) < patient.not_before - before < timedelta(seconds=130)
    assert [(await ours.send(MAIL)).result for _ in range(2)] == [Result.LATER, Result.UNKNOWN]
    assert apis.taken == []


@pytest.mark.parametrize("kind", KINDS)
async def test_an_operator_hears_of_a_wrong_key_and_of_a_provider_that_is_away(kind: Kind, apis: Apis) -> None:
    assert await kind(apis.url, KEY, 5).check() == ""
    wrong = kind(apis.url, "wrong", 5)
    assert "answers 401 to our key" in await wrong.check()
    assert (await wrong.send(MAIL)).result is Result.LATER
    away = kind("http://127.0.0.1:9", KEY, 5)
    assert "does not answer" in await away.check()
    assert (await away.send(MAIL)).result is Result.LATER
    await away.close()


@pytest.mark.parametrize(
    ("judge", "status", "body", "result", "reason"),
    [
        (mailgun, 200, '{"id": "<x>", "message": "Queued. Thank you."}', Result.DONE, ""),
        (mailgun, 200, "<html>Sign in", Result.UNKNOWN, ""),
        (mailgun, 301, "", Result.LATER, ""),
        (mailgun, 400, '{"message": "to parameter is not a valid address"}', Result.REFUSED, ""),
        (mailgun, 401, "Forbidden", Result.LATER, ""),
        (mailgun, 402, "{}", Result.LATER, ""),
        (mailgun, 404, '{"message": "Domain not found"}', Result.LATER, ""),
        (mailgun, 413, "", Result.REFUSED, "too-large"),
        (mailgun, 429, "[]", Result.LATER, ""),
        (mailgun, 502, "<html>", Result.UNKNOWN, ""),
        (mailgun, 503, "", Result.LATER, ""),
        (postmark, 200, '{"ErrorCode": 0, "Message": "OK"}', Result.DONE, ""),
        (postmark, 200, "not JSON", Result.UNKNOWN, ""),
        (postmark, 401, '{"ErrorCode": 10, "Message": "Bad token"}', Result.LATER, ""),
        (postmark, 413, "", Result.REFUSED, "too-large"),
        (postmark, 422, '{"ErrorCode": 300, "Message": "Invalid To"}', Result.REFUSED, ""),
        (postmark, 422, '{"ErrorCode": 405, "Message": "Not allowed"}', Result.LATER, ""),
        (postmark, 422, '{"ErrorCode": 406, "Message": "Inactive"}', Result.REFUSED, "suppressed-by-hand"),
        (postmark, 422, '{"ErrorCode": 411, "Message": "Forbidden file"}', Result.REFUSED, "content"),
        (postmark, 429, '{"ErrorCode": 429}', Result.LATER, ""),
        (postmark, 500, "", Result.UNKNOWN, ""),
        (sendgrid, 202, "", Result.DONE, ""),
        (sendgrid, 200, "<html>Sign in", Result.UNKNOWN, ""),
        (sendgrid, 400, '{"errors": [{"message": "Does not contain a valid address."}]}', Result.REFUSED, ""),
        (sendgrid, 401, '{"errors": [null, {}]}', Result.LATER, ""),
        (sendgrid, 403, '{"errors": "no list"}', Result.LATER, ""),
        (sendgrid, 413, "", Result.REFUSED, "too-large"),
        (sendgrid, 429, '{"errors": [{"message": "too many requests"}]}', Result.LATER, ""),
        (sendgrid, 500, "", Result.UNKNOWN, ""),
        (sendgrid, 503, "", Result.LATER, ""),
    ],
)  # fmt: skip
def test_each_answer_by_what_the_provider_s_documents_say(
    judge: object, status: int, body: str, result: Result, reason: str
) -> None:
    found = judge(status, body)  # type: ignore[operator]
    assert (found[0], found[2]) == (result, reason)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("5", 5), ("0", 0), ("999999", 3600), ("", None), ("soon", None), ("-1", None), ("9" * 30, None)],
)
def test_when_to_come_back(value: str, seconds: int | None) -> None:
    assert not_before(value, NOW) == (None if seconds is None else NOW + timedelta(seconds=seconds))


def test_an_operator_chooses_one_way_out() -> None:
    def chosen(**settings: str) -> str:
        return app.sender(EmailSettings(**settings)).name  # type: ignore[arg-type]

    assert chosen(provider="mailgun", provider_key=KEY) == "Mailgun at https://api.mailgun.net"
    assert chosen(provider="postmark", provider_key=KEY) == "Postmark at https://api.postmarkapp.com"
    assert chosen(provider="sendgrid", provider_key=KEY) == "SendGrid at https://api.sendgrid.com"
    assert (
        chosen(provider="mailgun", provider_key=KEY, provider_url="https://api.eu.mailgun.net/")
        == "Mailgun at https://api.eu.mailgun.net"
    )
    for wrong in (
        {"provider": "mailgun"},
        {"provider": "postmark", "provider_key": KEY, "relay_host": "relay.example.org"},
    ):
        with pytest.raises(Misconfigured):
            chosen(**wrong)
