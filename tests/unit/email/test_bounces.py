"""A returned mail tells which answer did not arrive, for good or for now, in the other side's
words, whatever program wrote it."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.email.domain.automatic import automatic
from services.email.domain.bounces import Fate, Returned, returned
from services.email.domain.mailboxes import Mailboxes, with_token
from services.email.domain.mime import parse
from services.email.domain.references import answer_named, our_message_id, reply_token

SECRET = "a secret that is long enough for anybody"
OURS = Mailboxes.parse("support@helpdesk.test")
TICKET, ANSWER = str(uuid4()), str(uuid4())
ID = our_message_id(SECRET, TICKET, ANSWER, "helpdesk.test")
OLDER = our_message_id(SECRET, TICKET, str(uuid4()), "helpdesk.test")
ADDRESS = with_token("support@helpdesk.test", reply_token(SECRET, TICKET))
COPY = f"From: Support <support@helpdesk.test>\nReply-To: {ADDRESS}\nReferences: <first@customer.test>\n {OLDER}\nSubject: Re: Lamp\nMessage-ID: {ID}\n"


def report(fields: str, copy: str = "", kind: str = "message/rfc822") -> str:
    returned_part = f"--b\nContent-Type: {kind}\n\n{copy}\nPlease restart it.\n" if copy else ""
    return (
        "From: Mail Delivery System <MAILER-DAEMON@mx.customer.test>\nTo: support@helpdesk.test\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        "--b\n\nYour message could not be delivered.\n"
        f"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.customer.test\n\n{fields}\n{returned_part}--b--\n"
    )


POSTFIX = "Final-Recipient: rfc822; kim@customer.test\nOriginal-Recipient: rfc822;Kim@customer.test\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 unknown user\n"
EXCHANGE = "Final-Recipient: rfc822;kim@customer.test\nAction: failed\nStatus: 5.1.10\nDiagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound;\n Recipient not found by SMTP address lookup\n"
FULL = "Final-Recipient: rfc822; kim@customer.test\nAction: failed\nStatus: 4.4.7\n"
DELAYED = "Final-Recipient: rfc822; kim@customer.test\nAction: delayed\nStatus: 4.4.1\nDiagnostic-Code: X-Postfix; connect to mx.customer.test[192.0.2.1]:25: timed out\nWill-Retry-Until: Sat, 5 Dec 2026 04:00:00 +0000\n"
NO_ACTION = "Final-Recipient: rfc822; kim@customer.test\nStatus: 5.2.2 (mailbox full)\n"
GOOD = "Final-Recipient: rfc822; kim@customer.test\nAction: relayed (to non-DSN-aware mailer)\nStatus: 2.0.0\n"
TWO = f"Final-Recipient: rfc822; lee@customer.test\nAction: delivered\nStatus: 2.0.0\n\n{POSTFIX}"

QMAIL = f"""From: MAILER-DAEMON@mx.customer.test
To: {ADDRESS}
Subject: failure notice

Hi. This is the qmail-send program at mx.customer.test.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<kim@customer.test>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

Return-Path: <{ADDRESS}>
{COPY}
Please restart it.
"""
EXIM = f"""From: Mail Delivery System <Mailer-Daemon@mx.customer.test>
Auto-Submitted: auto-replied
X-Failed-Recipients: kim@customer.test
To: {ADDRESS}
Subject: Mail delivery failed: returning message to sender

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  kim@customer.test
    host mx.customer.test [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<kim@customer.test>:
    550 5.1.1 unknown user

------ This is a copy of the message, including all the headers. ------

{COPY}
"""
EXIM_WARNING = f"""From: Mail Delivery System <Mailer-Daemon@mx.customer.test>
Auto-Submitted: auto-replied
To: {ADDRESS}
Subject: Warning: message 1abc-00 delayed 24 hours

This message was created automatically by mail delivery software.
A message that you sent has not yet been delivered to one or more of its
recipients after more than 24 hours on the queue on mx.customer.test.

  kim@customer.test
    Delay reason: SMTP error from remote mail server: 451 4.3.0 try again later
"""
KOREAN = f"""From: 메일 관리자 <noreply@mail.customer.test>
To: {ADDRESS}
Subject: =?utf-8?B?66mU7J28IOuwnOyGoSDsi6TtjKg=?=

받는 사람을 찾을 수 없습니다: kim@customer.test
원인: 550 5.1.1 No such user

Message-ID: {ID}
"""
LETTER = f"""From: MAILER-DAEMON@mx.customer.test
To: {ADDRESS}
Subject: Mail delivery failed: returning message to sender

A message that you sent could not be delivered. The following address failed:

kim@customer.test

For the following reason:

Mail size limit exceeded. For explanation visit
http://postmaster.customer.test/errors

--- The header of the original message is following. ---

Received: from relay (192.0.2.1) by mx.customer.test; Mon, 30 Nov 2026 04:00:00 +0000
{COPY}
"""
JAPANESE = f"""From: postmaster@mx.customer.test
To: {ADDRESS}
Subject: Undeliverable message

------- Failure Reasons  --------

ディレクトリのリストにありません
kim@customer.test

------- Returned Message --------
Received: from relay (192.0.2.1) by mx.customer.test; Mon, 30 Nov 2026 04:00:00 +0000
{COPY}
"""
SENDMAIL = f"""From: Mail Delivery Subsystem <MAILER-DAEMON@mx.customer.test>
To: {ADDRESS}
Subject: Returned mail: Cannot send message for 4 days

   ----- Transcript of session follows -----
421 kim@customer.test (smtp)... Deferred: Connection timed out with mx.customer.test

   ----- Unsent message follows -----
{COPY}
"""
MIXED = report(
    "Original-Recipient: <kim@customer.test>\nAction: failed\nDiagnostic-Code: smtp; 550 Unknown user\n", COPY
).replace("multipart/report; report-type=delivery-status;", "multipart/mixed;")


@pytest.mark.parametrize(
    ("raw", "fate", "detail", "first_id"),
    [
        (report(POSTFIX, COPY), Fate.FAILED, "550 5.1.1 unknown user", ID),
        (report(POSTFIX, COPY, "text/rfc822-headers"), Fate.FAILED, "550 5.1.1 unknown user", ID),
        (
            report(EXCHANGE, COPY),
            Fate.FAILED,
            "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
            ID,
        ),
        (report(FULL, COPY), Fate.FAILED, "4.4.7", ID),
        (report(DELAYED, COPY), Fate.DELAYED, "4.4.1 connect to mx.customer.test[192.0.2.1]:25: timed out", ID),
        (report(NO_ACTION, COPY), Fate.FAILED, "5.2.2", ID),
        (report(TWO, COPY), Fate.FAILED, "550 5.1.1 unknown user", ID),
        (report(GOOD, COPY), Fate.OTHER, "2.0.0", ID),
        (report(POSTFIX).replace("To: s", f"In-Reply-To: {ID}\nTo: s"), Fate.FAILED, "550 5.1.1 unknown user", ID),
        (report(POSTFIX), Fate.FAILED, "550 5.1.1 unknown user", ""),
        (QMAIL, Fate.FAILED, "Sorry, no mailbox here by that name. (#5.1.1)", ID),
        (EXIM, Fate.FAILED, "550 5.1.1 unknown user", ID),
        (EXIM_WARNING, Fate.DELAYED, "Delay reason: SMTP error from remote mail server: 451 4.3.0 try again later", ""),
        (KOREAN, Fate.FAILED, "원인: 550 5.1.1 No such user", ID),
        (LETTER, Fate.FAILED, "Mail size limit exceeded. For explanation visit", ID),
        (JAPANESE, Fate.FAILED, "ディレクトリのリストにありません", ID),
        (
            SENDMAIL,
            Fate.FAILED,
            "421 kim@customer.test (smtp)... Deferred: Connection timed out with mx.customer.test",
            ID,
        ),
        (MIXED, Fate.FAILED, "550 Unknown user", ID),
    ],
    ids=[
        *(
            "postfix",
            "headers only",
            "exchange",
            "given up",
            "delayed",
            "no action",
            "one of two",
            "relayed",
            "in-reply-to",
        ),
        *("bare", "qmail", "exim", "exim warning", "korean", "letter", "japanese", "sendmail", "mixed"),
    ],
)
def test_a_returned_mail_names_the_answer_its_fate_and_its_code(
    raw: str, fate: Fate, detail: str, first_id: str
) -> None:
    mail = parse(raw.encode())
    assert automatic(mail, "", OURS) == "bounce"
    if "MAILER-DAEMON@" in raw:  # some programs name themselves in MAIL FROM
        assert automatic(mail, "MAILER-DAEMON@mx.customer.test", OURS) == "bounce"
    told = returned(mail, [ADDRESS])
    assert told is not None
    assert (told.fate, told.detail, (*told.message_ids, "")[0]) == (fate, detail, first_id)
    assert told.recipients[0] == "kim@customer.test"
    assert told.tokens[0] == reply_token(SECRET, TICKET)
    if first_id:
        assert answer_named(told.message_ids[0], SECRET) == (TICKET, ANSWER)


@pytest.mark.parametrize(
    "raw",
    [
        "From: postmaster@mx.customer.test\nSubject: Your quota\n\nYour mailbox is nearly full.",
        "From: MAILER-DAEMON@mx.customer.test\nSubject: Hello\n\nWe moved to 5.1.1.2, call 555 1234.",
    ],
)
def test_what_says_nothing_of_a_mail_is_no_returned_mail(raw: str) -> None:
    assert returned(parse(raw.encode()), []) is None


def test_words_quoted_in_an_out_of_office_reply_do_not_make_it_a_returned_mail() -> None:
    raw = f"From: kim@customer.test\nIn-Reply-To: {ID}\nSubject: Away\n\nI am away.\n\n> Message-ID: {ID}\n> Please restart it."
    assert automatic(parse(raw.encode()), "", OURS) == "reply"


@given(st.text(max_size=300), st.binary(max_size=300))
def test_no_report_breaks_the_reader(text: str, data: bytes) -> None:
    for raw in (
        report(text).encode("utf-8", "replace"),
        report("@@").encode().replace(b"@@", data),
        QMAIL.encode() + data,
    ):
        told = returned(parse(raw), [text])
        assert told is None or isinstance(told, Returned)
