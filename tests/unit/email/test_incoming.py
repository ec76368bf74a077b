"""Who wrote, to which of our mailboxes, in which conversation, and whether a person wrote at
all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.email.domain.automatic import automatic
from services.email.domain.incoming import Context, Envelope, read
from services.email.domain.mailboxes import Mailboxes, tokens_in, with_token, without_plus
from services.email.domain.mime import parse
from services.email.domain.references import our_message_id, reply_token
from shared.events import InboundMessage

SECRET = "a secret that is long enough for anybody"
CONTEXT = Context(Mailboxes.parse("support@example.org, help@example.org, shop.example"), SECRET, ("en", "fr", "ko"))
NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
TICKET = str(uuid4())


def received(
    headers: str,
    body: str = "My lamp is broken, please help me.",
    sender: str = "ann@example.com",
    to: str = "support@example.org",
    context: Context = CONTEXT,
) -> InboundMessage:
    mail = parse(f"{headers.strip()}\n\n{body}".encode())
    return read(mail, Envelope(sender, (to,) if to else ()), context, "sha256/raw", NOW).message


def test_a_plain_mail_becomes_a_message() -> None:
    message = received("From: Ann Smith <Ann@Example.com>\nTo: support@example.org\nSubject: Lamp\nMessage-ID: <1@x>")
    assert (message.sender, message.sender_name, message.recipient) == (
        "email:ann@example.com",
        "Ann Smith",
        "support@example.org",
    )
    assert (message.subject, message.text, message.language) == ("Lamp", "My lamp is broken, please help me.", "en")
    assert (message.provider_id, message.thread.root, message.raw_uri) == ("<1@x>", "<1@x>", "sha256/raw")
    assert message.received_at == message.written_at == NOW


@pytest.mark.parametrize(
    ("fields", "hours"),
    [
        ("Date: Sun, 1 Mar 2026 10:00:00 +0000", 24),
        ("Date: sometime\nReceived: from a by b; Mon, 2 Mar 2026 09:00:00 +0000", 1),
        ("Date: Mon, 1 Mar 2027 10:00:00 +0000", 0),
    ],
)
def test_a_mail_that_lay_in_a_mailbox_says_how_old_it_is(fields: str, hours: int) -> None:
    message = received(f"From: ann@example.com\nMessage-ID: <1@x>\n{fields}")
    assert (message.received_at, message.written_at) == (NOW, NOW - timedelta(hours=hours))


@pytest.mark.parametrize(
    ("fields", "text", "language"),
    [
        ("Content-Language: da-DK", "Tak", "da"),
        ("Accept-Language: pl, en-US;q=0.7", "Tak", "pl"),
        ("Content-Language: de-DE", "Tak", ""),
        ("Content-Language: da-DK", "Thanks, my lamp works again", "en"),
        ("Content-Language: nonsense", "Tak", ""),
    ],
)
def test_a_word_of_two_languages_is_read_in_the_one_that_the_mail_program_speaks(
    fields: str, text: str, language: str
) -> None:
    assert received(f"From: ann@example.com\n{fields}", text).language == language


def test_whom_else_a_mail_went_to_is_kept_without_our_own_mailboxes_and_the_sender() -> None:
    message = received(
        "From: ann@example.com\nTo: Support <support+tabcdefghijklmnop@example.org>, Lee <LEE@example.com>\n"
        'Cc: "Kim, Bo" <bo@example.net>, ann@example.com, any@shop.example, not-an-address'
    )
    assert (message.also_to, message.cc) == (("lee@example.com",), ("bo@example.net",))
    many = ", ".join(f"p{number}@example.com" for number in range(150))
    assert len(received(f"From: ann@example.com\nCc: {many}").cc) == 48


def test_the_senders_retry_and_the_copy_to_another_mailbox_are_the_same_message() -> None:
    first = received("From: a@x.example\nMessage-ID: <1@x>")
    assert received("Received: by another\nFrom: a@x.example\nMessage-ID: <1@x>", to="help@example.org").id == first.id


def test_the_same_message_id_over_another_body_is_another_message() -> None:
    assert (
        received("From: a@x.example\nMessage-ID: <1@x>").id
        != received("From: a@x.example\nMessage-ID: <1@x>", "Other words").id
    )


def test_a_mail_without_message_id_gets_the_same_one_on_each_retry() -> None:
    first = received("From: a@x.example\nSubject: s")
    assert first.provider_id.startswith("<derived.")
    assert received("Received: again\nFrom: a@x.example\nSubject: s").provider_id == first.provider_id
    assert received("From: a@x.example\nSubject: other").provider_id != first.provider_id
    assert received("From: a@x.example\nSubject: s", to="help@example.org").provider_id != first.provider_id


@pytest.mark.parametrize(
    ("headers", "sender", "facts"),
    [
        (
            "From: Shop <noreply@forms.example>\nReply-To: Ann <ann@home.example>",
            "ann@home.example",
            {"from": "noreply@forms.example"},
        ),
        (
            "From: wordpress@blog.example\nReply-To: ann@home.example",
            "ann@home.example",
            {"from": "wordpress@blog.example"},
        ),
        ("From: support@example.org\nReply-To: ann@home.example", "ann@home.example", {"from": "support@example.org"}),
        (
            "From: website@shop.example\nReply-To: ann@home.example",
            "ann@home.example",
            {"from": "website@shop.example"},
        ),
        (
            "From: ann@work.example\nReply-To: victim@home.example",
            "ann@work.example",
            {"reply_to": "victim@home.example"},
        ),
        ("From: noreply@list.example\nReply-To: list@list.example\nList-Id: <x>", "noreply@list.example", {}),
        ("From: noreply@x.example\nReply-To: support@example.org", "noreply@x.example", {}),
        ("From: ann@work.example\nReply-To: ann@work.example", "ann@work.example", {}),
        ("Subject: no From at all", "ann@example.com", {}),
        ("From: nobody knows", "ann@example.com", {}),
    ],
)
def test_the_person_is_found_behind_a_contact_form_and_nobody_else_is(
    headers: str, sender: str, facts: dict[str, str]
) -> None:
    message = received(headers)
    assert (message.sender, message.facts) == (f"email:{sender}", facts)


def test_two_mails_that_name_nobody_are_two_strangers() -> None:
    one, two = received("Subject: a", "one", sender=""), received("Subject: a", "two", sender="<>")
    assert one.sender != two.sender
    assert one.sender.endswith("@nowhere.invalid")


@pytest.mark.parametrize(
    ("headers", "root", "references"),
    [
        ("References: <a@x> <b@x>\n <c@x>\nIn-Reply-To: <c@x>", "<a@x>", ("<a@x>", "<b@x>", "<c@x>")),
        ("In-Reply-To: Your message of Monday <b@x>", "<b@x>", ("<b@x>",)),
        ("References: <other@x>\nIn-Reply-To: <b@x>", "<other@x>", ("<other@x>", "<b@x>")),
        ("References: nonsense", "<own@x>", ()),
        ("References: <a@x><a@x><b@x>", "<a@x>", ("<a@x>", "<b@x>")),
    ],
)
def test_a_reply_names_what_it_answers(headers: str, root: str, references: tuple[str, ...]) -> None:
    thread = received(f"From: a@x.example\nMessage-ID: <own@x>\n{headers}").thread
    assert (thread.root, thread.references) == (root, references)


def test_a_very_long_thread_keeps_its_root_and_its_end() -> None:
    many = "\n ".join(f"<{number}@x>" for number in range(400))
    references = received(f"From: a@x.example\nReferences: {many}").thread.references
    assert (len(references), references[0], references[-1]) == (100, "<0@x>", "<399@x>")


@pytest.mark.parametrize("header", ["To", "Cc", "Delivered-To", "X-Original-To"])
def test_our_token_in_an_address_names_the_ticket(header: str) -> None:
    address = with_token("support@example.org", reply_token(SECRET, TICKET))
    assert received(f"From: a@x.example\n{header}: Support <{address.upper()}>").thread.ticket_id == TICKET


def test_our_token_in_the_envelope_or_in_our_message_id_names_the_ticket() -> None:
    address = with_token("support@example.org", reply_token(SECRET, TICKET))
    message = received("From: a@x.example\nTo: undisclosed:;", to=address)
    assert (message.thread.ticket_id, message.recipient) == (TICKET, "support@example.org")
    ours = our_message_id(SECRET, TICKET, "reply-1", "example.org")
    for header in ("References", "In-Reply-To"):
        assert received(f"From: a@x.example\n{header}: {ours}").thread.ticket_id == TICKET


def test_the_newest_of_our_mails_in_the_references_counts() -> None:
    other = str(uuid4())
    ours = [our_message_id(SECRET, ticket, "r", "example.org") for ticket in (other, TICKET)]
    assert received(f"From: a@x.example\nReferences: {' '.join(ours)}").thread.ticket_id == TICKET


@given(st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=16, max_size=80))
def test_a_token_cannot_be_guessed(guess: str) -> None:
    assert (
        received(
            f"From: a@x.example\nTo: support+t{guess}@example.org\nReferences: <t.{guess}.x@example.org>"
        ).thread.ticket_id
        == ""
    )


@given(st.integers(0, 51), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_a_token_cannot_be_changed(position: int, letter: str) -> None:
    token = reply_token(SECRET, TICKET)
    changed = token[:position] + letter + token[position + 1 :]
    found = received(f"From: a@x.example\nTo: support+t{changed}@example.org").thread.ticket_id
    assert found == (TICKET if changed == token else "")


def test_a_token_of_another_installation_means_nothing() -> None:
    theirs = reply_token("another secret that is also long enough", TICKET)
    assert received(f"From: a@x.example\nTo: support+t{theirs}@example.org").thread.ticket_id == ""


@pytest.mark.parametrize(
    ("headers", "envelope", "kind"),
    [
        ("From: a@x.example\nSubject: Lamp", "a@x.example", ""),
        ("From: a@x.example\nAuto-Submitted: no", "a@x.example", ""),
        ("From: a@x.example\nAuto-Submitted: auto-replied (vacation)", "a@x.example", "reply"),
        ("From: a@x.example\nX-Autoreply: yes", "a@x.example", "reply"),
        ("From: a@x.example\nX-Autorespond: x", "a@x.example", "reply"),
        ("From: a@x.example\nPrecedence: AUTO_REPLY", "a@x.example", "reply"),
        ("From: a@x.example\nSubject: Automatic reply: Lamp\nX-Auto-Response-Suppress: All", "a@x.example", "reply"),
        ("From: a@x.example\nSubject: 부재중: 램프", "", "reply"),
        ("From: a@x.example\nPrecedence: Bulk", "a@x.example", "list"),
        ("From: a@x.example\nList-Unsubscribe: <http://x>", "a@x.example", "list"),
        ("From: a@x.example\nX-Loop: us", "a@x.example", "list"),
        ("From: a@x.example\nAuto-Submitted: auto-generated", "a@x.example", "list"),
        ("From: MAILER-DAEMON@mx.example\nSubject: Undelivered", "", "bounce"),
        (
            "From: postmaster@mx.example\nContent-Type: multipart/report; report-type=delivery-status; boundary=b",
            "<>",
            "bounce",
        ),
        ("From: a@x.example\nX-Failed-Recipients: b@x.example", "a@x.example", "bounce"),
        (
            "From: a@x.example\nContent-Type: multipart/report; report-type=disposition-notification; boundary=b",
            "a@x.example",
            "reply",
        ),
        ("From: a@x.example\nSubject: Out of office chairs?", "a@x.example", ""),
    ],
)
def test_automatic_mail_is_told_from_a_persons(headers: str, envelope: str, kind: str) -> None:
    assert automatic(parse(f"{headers}\n\nwords".encode()), envelope, CONTEXT.mailboxes) == kind


def test_only_our_mailboxes_are_ours() -> None:
    ours = CONTEXT.mailboxes
    assert all(
        map(ours.owns, ["support@example.org", "SUPPORT@EXAMPLE.ORG", "help+tabc@example.org", "anybody@shop.example"])
    )
    assert not any(
        map(
            ours.owns,
            [
                "other@example.org",
                "support@example.com",
                "support@sub.example.org",
                "support",
                "",
                "support@example.org@evil.example",
            ],
        )
    )
    assert without_plus("a+b+c@x.example") == "a@x.example"
    assert tokens_in(["support+t" + "a" * 52 + "@example.org", "support+tiny@example.org", "plain@x"]) == ["a" * 52]


@pytest.mark.parametrize("text", ["", "example.org", "support@", "a b@example.org", "@,"])
def test_a_list_of_mailboxes_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"address"):
        Mailboxes.parse(text)


def test_a_mailbox_with_a_long_name_goes_without_the_token_in_its_address() -> None:
    token = reply_token(SECRET, TICKET)
    assert len(with_token("support@example.org", token).partition("@")[0]) <= 64
    assert with_token("customer-care-department@example.org", token) == "customer-care-department@example.org"


def test_a_message_id_without_its_brackets_is_taken_all_the_same() -> None:
    assert received("From: a@x.example\nMessage-ID: 1@x").provider_id == "<1@x>"


GMAIL = "---------- Forwarded message ---------\nFrom: Kim Doe <kim@customer.example>\nDate: Mon, 2 Mar 2026\nSubject: Lamp\nTo: <bea@example.com>\n\nIt is broken."
OUTLOOK = "See below.\n\nVon: Kim Doe [mailto:kim@customer.example]\nGesendet: Montag, 2. März 2026\nAn: Bea\nBetreff: Lampe\n\nKaputt."
ATTACHED = "--b\n\nSee the mail.\n--b\nContent-Type: message/rfc822\n\nFrom: Kim Doe <kim@customer.example>\nSubject: Lamp\n\nBroken.\n--b--"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ("Subject: Fwd: Lamp", GMAIL),
        ("Subject: Lamp", GMAIL),
        ("Subject: WG: Lampe", OUTLOOK),
        ("Subject: Lamp\nContent-Type: multipart/mixed; boundary=b", ATTACHED),
    ],
)
def test_who_wrote_a_forwarded_mail_is_told(headers: str, body: str) -> None:
    message = received(f"From: bea@example.com\n{headers}", body)
    assert (message.forwarded_from, message.forwarded_name.split(" [")[0]) == ("email:kim@customer.example", "Kim Doe")
    assert message.sender == "email:bea@example.com"


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("Re: Lampe", OUTLOOK),
        ("Fwd: Lamp", GMAIL.replace("kim@customer.example", "support@example.org")),
        ("Fwd: Lamp", "See https://news.example"),
        ("Lamp", "My lamp is broken."),
    ],
    ids=["an answer", "our own", "no block", "no forward"],
)
def test_what_is_no_forward_of_anybody_s_mail_claims_no_author(subject: str, body: str) -> None:
    assert received(f"From: bea@example.com\nSubject: {subject}", body).forwarded_from == ""


def test_a_receipt_names_the_mail_it_is_about_in_its_body() -> None:
    ours = our_message_id(SECRET, TICKET, "reply-1", "example.org")
    body = f"--b\n\nRead.\n--b\nContent-Type: message/disposition-notification\n\nOriginal-Message-ID: {ours}\nDisposition: displayed\n--b--"
    kind = "Content-Type: multipart/report; report-type=disposition-notification; boundary=b"
    message = received(f"From: ann@x.example\n{kind}", body, sender="")
    assert (message.thread.ticket_id, message.automatic) == (TICKET, "reply")


def test_two_senders_with_one_message_id_are_two_messages() -> None:
    assert received("From: va@x.example\nMessage-ID: <1@x>").id != received("From: vb@x.example\nMessage-ID: <1@x>").id


@pytest.mark.parametrize(
    ("headers", "address", "name"),
    [
        (
            'From: "Kim via Team" <team@lists.example>\nReply-To: Kim <kim@x.example>, team@lists.example',
            "kim@x.example",
            "Kim",
        ),
        ("From: 'Kim' via Team <team@x.example>\nX-Original-From: Kim <kim@x.example>", "kim@x.example", "Kim"),
        ('From: "Kim via Team" <team@x.example>\nX-Original-Sender: kim@x.example', "kim@x.example", "Kim"),
        (
            "From: Kim <kim@x.example>\nReply-To: team@lists.example\nList-Post: <mailto:team@lists.example>",
            "kim@x.example",
            "Kim",
        ),
    ],
)
def test_the_person_is_found_behind_a_list_that_put_itself_into_from(headers: str, address: str, name: str) -> None:
    message = received(f"{headers}\nTo: team@lists.example\nList-Id: <team.lists.example>")
    assert (message.sender, message.sender_name, message.automatic) == (f"email:{address}", name, "list")


TRUSTING = replace(CONTEXT, trusted=frozenset({"mx.example.org", "none"}))
MICROSOFT = (
    "spf=fail (sender IP is 192.0.2.1) smtp.mailfrom=bank.example; dkim=none (message not signed)"
    " header.d=none;dmarc=fail action=oreject header.from=bank.example;compauth=fail reason=000"
)


@pytest.mark.parametrize(
    ("fields", "doubt"),
    [
        (
            "Authentication-Results: mx.example.org; spf=pass; dmarc=fail (p=reject dis=none) header.from=a.example",
            "dmarc",
        ),
        (
            "Authentication-Results: MX.Example.org 1;\n dkim=pass\n (x;dmarc=pass;\\)) header.d=b.example;\n DMARC / 1 = FAIL",
            "dmarc",
        ),
        (f"Authentication-Results: {MICROSOFT}", "dmarc"),
        ("Authentication-Results: mx.example.org; dmarc=pass header.from=a.example", ""),
        ("Authentication-Results: mx.example.org; dmarc=none", ""),
        ("Authentication-Results: mx.example.org; none", ""),
        ('Authentication-Results: mx.example.org; spf=pass reason="x; dmarc=fail"', ""),
        ("Authentication-Results: mx.evil.example; dmarc=fail", ""),
        ("Authentication-Results: mx.example.org; dmarc=pass\nAuthentication-Results: mx.example.org; dmarc=fail", ""),
        ("Authentication-Results: mx.evil.example; x=y\nAuthentication-Results: mx.example.org; dmarc=fail", ""),
        (
            "Authentication-Results: mx.example.org; dmarc=fail\nAuthentication-Results: mx.example.org; dmarc=pass",
            "dmarc",
        ),
        ("Authentication-Results:", ""),
        ("Authentication-Results: ;;;=((((", ""),
        ("Subject: none", ""),
    ],
)
def test_only_the_word_of_our_own_mail_server_casts_doubt_on_a_sender(fields: str, doubt: str) -> None:
    assert received(f"{fields}\nFrom: ann@a.example", context=TRUSTING).doubt == doubt
    assert received(f"{fields}\nFrom: ann@a.example").doubt == ""
