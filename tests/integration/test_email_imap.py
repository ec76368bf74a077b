"""The IMAP adapter on real Dovecot, without the rest of us."""

from __future__ import annotations

import imaplib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from services.email.adapters.imap import Credentials, ImapConnection, ImapTrouble, Server
from services.email.domain.imap import Trouble
from tests.dovecot import Dovecot, password, running

ANN = "ann@example.org"
MAIL = b"Subject: Lamp\r\n\r\nBroken\r\n"


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with running() as found:
        yield found


def at(
    dovecot: Dovecot, security: Literal["tls", "starttls", "none"] = "none", ca: Path | None = None
) -> ImapConnection:
    port = dovecot.tls_port if security == "tls" else dovecot.port
    return ImapConnection(Server(host="127.0.0.1", port=port, security=security, ca=ca), 1_000_000)


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_mailbox_is_read_over_tls_of_an_authority_that_is_named_and_of_no_other(
    dovecot: Dovecot, security: Literal["tls", "starttls"]
) -> None:
    user = f"{security}@example.org"
    dovecot.deliver(user, MAIL)
    credentials = Credentials(user=user, password=password())
    connection = at(dovecot, security, dovecot.certificate)
    connection.open(credentials)
    connection.select("INBOX", change=False)
    assert connection.fetch(1) == MAIL
    threading.Timer(0.3, dovecot.deliver, (user, MAIL)).start()
    connection.idle(60)
    assert connection.search([("UID", "2:*")]) == [2]
    connection.close()
    stranger = at(dovecot, security)
    with pytest.raises(ImapTrouble, match="its certificate is not to be trusted") as caught:
        stranger.open(credentials)
    stranger.close()
    assert caught.value.trouble is Trouble.UNREACHABLE


def test_what_waits_for_news_can_be_cut_from_elsewhere(dovecot: Dovecot) -> None:
    connection = at(dovecot)
    connection.open(Credentials(user=ANN, password=password()))
    connection.select("INBOX", change=False)
    threading.Timer(0.3, connection.abort).start()
    begun = time.monotonic()
    with pytest.raises(ImapTrouble):
        connection.idle(60)
    assert time.monotonic() - begun < 50
    connection.close()


def test_folders_in_any_language_are_read(dovecot: Dovecot) -> None:
    connection = at(dovecot)
    connection.open(Credentials(user=ANN, password=password()))
    client = dovecot.client(ANN)
    client.create('"&x0TGqQ-"')  # 읽기 in the encoding of RFC 3501, 5.1.3
    client.logout()
    names = [name for _, _, name in connection.folders()]
    [korean] = [name for name in names if not name.isascii()]
    assert connection.select(korean, change=False).next == 1
    connection.close()


def test_the_tests_server_refuses_a_wrong_password(dovecot: Dovecot) -> None:
    client = imaplib.IMAP4("127.0.0.1", dovecot.port)
    with pytest.raises(imaplib.IMAP4.error):
        client.login(ANN, "wrong")
    client.shutdown()
