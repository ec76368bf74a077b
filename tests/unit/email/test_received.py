"""Who handed a mail to our host is believed of our host's servers, and of nobody else."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_network

import pytest

from services.email.domain.checking import Client, head_of
from services.email.domain.received import Receivers

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
DATE = "; Tue, 01 Dec 2026 10:00:00 +0000"
OURS = Receivers({"mx.example.org", "imap.example.org"}, [ip_network("203.0.113.0/24")])
ANN = Client("192.0.2.1", "mail.a.example", "ann@a.example")
POSTFIX = "from mail.a.example (mta.a.example [192.0.2.1]) (using TLSv1.3 (256/256 bits)) by mx.example.org (Postfix) with ESMTPS id 4"


def told(*received: str, path: str = "Return-Path: <ann@a.example>", sender: str | None = None) -> Client | None:
    fields = (field if ";" in field else f"{field}{DATE}" for field in received)
    head = "\r\n".join([*filter(None, [path]), *(f"Received: {field}" for field in fields), "From: x", "", ""])
    return OURS.client(head_of(head.encode()).items(), sender, NOW)


@pytest.mark.parametrize(
    "field",
    [
        POSTFIX,
        POSTFIX.replace(" (using", "\r\n\t(using").replace(" by", "\r\n\tby"),
        "from mta.a.example ([192.0.2.1]:4567 helo=mail.a.example) by MX.example.org. with esmtps (Exim 4.98) id 1",
        "from [192.0.2.1] (helo=mail.a.example) by mx.example.org with esmtp id 1",
        "from mail.a.example (192.0.2.1) by mx.example.org (10.0.0.2) with Microsoft SMTP Server id 15.2",
        "from mail.a.example (mta.a.example. [IPv6:::ffff:192.0.2.1]) by mx.example.org with SMTPS id 1",
    ],
)
def test_who_handed_the_mail_over_is_read_as_every_server_writes_it(field: str) -> None:
    assert told(field) == ANN


def test_servers_of_ours_that_hand_a_mail_on_are_looked_past() -> None:
    inside = "from mx.example.org (localhost [127.0.0.1]) by imap.example.org with LMTP id 1"
    by_relay = "from out.example.org (out.example.org [203.0.113.9]) by imap.example.org with ESMTP id 1"
    bare = "from mx.example.org by imap.example.org (Dovecot) with LMTP id 2"
    assert told(inside, bare, by_relay, POSTFIX) == ANN
    assert told(inside, bare) is None, "it began at ours"


@pytest.mark.parametrize(
    "field",
    [
        POSTFIX.replace("mx.example.org", "mx.eve.example"),
        POSTFIX.replace("mail.a.example", "[203.0.113.7]"),
        POSTFIX.replace("mta.a.example", "x by mx.example.org"),
        POSTFIX.replace("[192.0.2.1]", "[192.0.2.1.1]"),
        "(nothing that can be read)",
        "by mx.example.org (Postfix, from userid 33) id 2",
        "from www by mx.example.org with local (Exim 4.98) (envelope-from <x with LMTP@example.org>) id 2",
        f"{POSTFIX}; yesterday",
        f"{POSTFIX}; Tue, 17 Nov 2026 10:00:00 +0000",
        f"{POSTFIX}; Tue, 08 Dec 2026 10:00:00 -0000",
    ],
    ids=[
        "another server",
        "two addresses",
        "two servers",
        "no address",
        "no field",
        "a neighbour",
        "his Exim",
        "no date",
        "long ago",
        "to come",
    ],
)
def test_what_is_not_plain_or_no_server_of_ours_says_is_not_believed(field: str) -> None:
    assert told(field) is None
    assert told(field, POSTFIX) is None, "nor what stands below it"


def test_the_envelope_s_sender_is_the_provider_s_word_or_stands_above_what_our_host_wrote() -> None:
    assert told(POSTFIX, path="", sender="ann@a.example") == ANN
    assert told(POSTFIX, path="", sender="<>") == Client("192.0.2.1", "mail.a.example", "")
    assert told(POSTFIX, path="") is None
    assert told(POSTFIX, path="Return-Path: <a@b.example>\r\nReturn-Path: <ann@a.example>") is None
    below = f"Received: {POSTFIX}{DATE}\r\nReturn-Path: <ann@a.example>\r\n\r\n"
    assert OURS.client(head_of(below.encode()).items(), None, NOW) is None, "a stranger may have written it"
    assert told(POSTFIX, path="Return-Path: <>") == Client("192.0.2.1", "mail.a.example", "")


def test_a_mail_without_any_such_field_was_handed_over_by_nobody() -> None:
    assert told() is None
    assert told(*["by mx.example.org id 1"] * 30, POSTFIX) is None
    assert Receivers(()).client(head_of(f"Received: {POSTFIX}{DATE}\r\n\r\n".encode()).items(), "a@b", NOW) is None
