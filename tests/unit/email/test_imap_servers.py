"""Bad servers: whatever they do, we are told what, in bounded time and memory."""

from __future__ import annotations

import socket
import threading
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from services.email.adapters import imap
from services.email.adapters.imap import Credentials, ImapConnection, ImapTrouble, MailTrouble, Server, Thread
from services.email.domain.imap import Folder, Trouble
from tests.unit.email.imap_server import Answer, HangUp, mail, serving

ANN = Credentials(user="support@example.org", password="secret")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap, "_ANSWER", 0.5)


@contextmanager
def connected(
    answer: Answer, *, folder: str = "INBOX", largest: int = 1000, credentials: Credentials = ANN
) -> Iterator[ImapConnection]:
    with serving(answer) as port:
        connection = ImapConnection(Server(host="127.0.0.1", port=port, security="none"), largest)
        try:
            connection.open(credentials)
            if folder:
                connection.select(folder, change=True)
            yield connection
        finally:
            connection.close()


def on(command: str, said: bytes | None, tagged: str = "") -> Answer:
    """Answers one command so, and the others as usual."""

    def answer(tag: str, given: str) -> bytes | None:
        if not given.upper().startswith(command):
            return b""
        return said if said is None else said + (f"{tag} {tagged}\r\n".encode() if tagged else b"")

    return answer


def fetching(raw: bytes, size: int | None = None) -> Answer:
    return lambda tag, command: mail(tag, raw, size) if command.startswith("UID FETCH") else b""


def trouble(connection: ImapConnection) -> ImapTrouble:
    with pytest.raises(ImapTrouble) as caught:
        connection.fetch(1)
    return caught.value


def test_a_mail_is_fetched_without_a_trace() -> None:
    asked: list[str] = []

    def answer(tag: str, command: str) -> bytes:
        asked.append(command)
        return mail(tag, b"Subject: x\r\n\r\n") if command.startswith("UID FETCH") else b""

    with connected(answer, folder="") as connection:
        assert connection.select("INBOX", change=False) == Folder(5, 2)
        assert connection.fetch(1) == b"Subject: x\r\n\r\n"
    assert [command for command in asked if command.startswith(("UID FETCH", "SELECT", "EXAMINE"))] == [
        'EXAMINE "INBOX"',
        "UID FETCH 1 (BODY.PEEK[])",
    ]


def test_a_server_that_hangs_up_in_the_middle_of_a_mail_is_unreachable() -> None:
    def answer(_tag: str, command: str) -> bytes:
        if command.startswith("UID FETCH"):
            raise HangUp(b"* 1 FETCH (UID 1 BODY[] {500}\r\nSubject: half of")
        return b""

    with connected(answer) as connection:
        told = trouble(connection)
    assert (told.trouble, "in the middle of 500 bytes" in str(told)) == (Trouble.UNREACHABLE, True)


def test_a_server_that_announces_more_than_it_has_is_not_waited_for_for_ever() -> None:
    with connected(fetching(b"Subject: x\r\n\r\n", size=600)) as connection:
        assert trouble(connection).trouble is Trouble.UNREACHABLE


def test_a_server_that_announces_less_than_it_has_is_found_out() -> None:
    with connected(fetching(b"Subject: x\r\n\r\nmore and more\r\n" * 5, size=10)) as connection:
        assert trouble(connection).trouble in (Trouble.BROKEN, Trouble.UNREACHABLE)


def test_of_a_mail_that_is_too_large_only_the_beginning_is_kept_and_the_connection_goes_on() -> None:
    def answer(tag: str, command: str) -> bytes:
        if "BODY.PEEK[]<0.1000>" in command:
            return b"* 1 FETCH (UID 1 BODY[]<0> {1000}\r\n%s)\r\n%s OK done\r\n" % (b"a" * 1000, tag.encode())
        return mail(tag, b"a" * 3000) if command.startswith("UID FETCH") else b""

    with connected(answer) as connection:
        assert [connection.fetch(1), connection.fetch(1)] == [b"a" * 1000] * 2


def several(*raws: bytes) -> Answer:
    def answer(tag: str, command: str) -> bytes:
        if not command.startswith("UID FETCH"):
            return b""
        parts = [b"* %d FETCH (UID %d BODY[] {%d}\r\n%s)\r\n" % (n, n, len(raw), raw) for n, raw in enumerate(raws, 1)]
        return b"".join(parts) + f"{tag} OK done\r\n".encode()

    return answer


def test_many_mails_come_with_one_answer() -> None:
    with connected(several(b"one", b"two", b"three")) as connection:
        assert connection.fetch_all([1, 2, 3], 2000) == {1: b"one", 2: b"two", 3: b"three"}
        assert connection.fetch_all([1, 4], 2000) == {1: b"one"}


def test_of_mails_that_are_larger_together_than_their_server_said_no_more_than_the_bound_is_kept() -> None:
    with connected(several(b"a" * 900, b"b" * 900, b"c" * 900)) as connection:
        assert connection.fetch_all([1, 2, 3], 1000) == {}, "each is asked for by itself, then"
        assert connection.fetch_all([1, 2, 3], 3000)[3] == b"c" * 900, "the connection goes on"


def test_a_server_that_refuses_many_mails_is_asked_for_each() -> None:
    with connected(on("UID FETCH", b"", "NO some of them are gone")) as connection:
        assert (connection.fetch_all([1, 2], 2000), connection.sizes([1, 2])) == ({}, {})
    with connected(on("UID FETCH", b"* 1 FETCH (UID 1 RFC822.SIZE 44)\r\n", "OK done")) as connection:
        assert connection.sizes([1, 2]) == {1: 44}


def test_a_size_beyond_all_reason_is_not_read() -> None:
    with connected(fetching(b"a", size=4_000_000_000)) as connection:
        assert "announces 4,000,000,000 bytes" in str(trouble(connection))


def test_a_mail_that_is_gone_is_no_trouble_and_one_that_is_not_handed_out_is_told() -> None:
    def gone(tag: str, command: str) -> bytes:
        return f"* SEARCH\r\n{tag} OK done\r\n".encode() if command.startswith("UID SEARCH") else b""

    with connected(gone) as connection:
        assert connection.fetch(1) is None
    with (
        connected(on("UID FETCH", b"", "NO [SERVERBUG] not this one")) as connection,
        pytest.raises(MailTrouble, match="not this one"),
    ):
        connection.fetch(1)
    with connected(on("UID FETCH", b"", "NO [EXPUNGEISSUED] gone")) as connection, pytest.raises(MailTrouble):
        connection.fetch(1)
    with (
        connected(on("UID FETCH", b"* 1 FETCH (UID 1 FLAGS ())\r\n", "OK done")) as connection,
        pytest.raises(MailTrouble, match="without the mail"),
    ):
        connection.fetch(1)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("NO [AUTHENTICATIONFAILED] Invalid credentials", Trouble.REFUSED),
        ("NO [ALERT] Too many simultaneous connections", Trouble.BUSY),
        ("NO [UNAVAILABLE] later", Trouble.BUSY),
    ],
)
def test_a_login_that_is_refused_tells_why(said: str, kind: Trouble) -> None:
    with pytest.raises(ImapTrouble) as caught, connected(on("LOGIN", b"", said)):
        pass
    assert caught.value.trouble is kind


def test_what_a_server_says_can_be_kept_and_shown() -> None:
    with pytest.raises(ImapTrouble) as caught, connected(on("SELECT", b"", "NO bad\x00 \x1b[31mwords")):
        pass
    assert str(caught.value).endswith("bad [31mwords")


def test_a_quota_that_ends_the_connection_is_told_from_a_network_that_breaks() -> None:
    with connected(on("UID FETCH", b"* BYE [OVERQUOTA] bandwidth limits exceeded\r\n")) as connection:
        assert trouble(connection).trouble is Trouble.BUSY


def test_a_password_with_other_letters_is_sent_as_utf_8() -> None:
    tags, sent = [""], [""]

    def answer(tag: str, command: str) -> bytes:
        if command == "AUTHENTICATE PLAIN":
            tags.append(tag)
            return b"+ \r\n"
        if command:
            return b""
        sent.append(tag)  # a line of one word
        return f"{tags[-1]} OK done\r\n".encode()

    with connected(answer, credentials=Credentials(user="a", password="비밀")):
        pass
    assert b64decode(sent[-1]).decode() == "\0a\0비밀"


def test_a_user_name_of_any_letters_is_sent_as_it_is() -> None:
    asked: list[str] = []

    def answer(_tag: str, command: str) -> bytes:
        asked.append(command)
        return b""

    with connected(answer, credentials=Credentials(user='SHOP\\ann (the "first")', password='a "b')):
        pass
    assert r'LOGIN "SHOP\\ann (the \"first\")" "a \"b"' in asked


def test_a_folder_with_an_odd_name_keeps_no_other_from_being_read() -> None:
    listed = [b'"R&D"', b'"&x32uMA-"', b"{5}\r\nR & D", '"Été"'.encode(), b"INBOX", b'"2026"']
    said = b"".join(b'* LIST (\\HasNoChildren) "/" %s\r\n' % name for name in listed)
    with connected(on("LIST", said, "OK done")) as connection:
        names = [name for _, _, name in connection.folders()]
        assert (names[0], names[1], names[4:]) == ("R&D", "읽기", ["INBOX", "2026"])
        assert connection.select("읽기", change=False) == Folder(5, 2)


def test_a_folder_without_uidvalidity_or_that_is_not_there_is_told() -> None:
    with (
        connected(on("EXAMINE", b"* 1 EXISTS\r\n", "OK done"), folder="") as connection,
        pytest.raises(ImapTrouble, match="UIDVALIDITY"),
    ):
        connection.select("INBOX", change=False)
    with (
        connected(on("SELECT", b"", "NO [NONEXISTENT] no such folder"), folder="") as connection,
        pytest.raises(ImapTrouble, match="Old cannot be opened") as caught,
    ):
        connection.select("Old", change=True)
    assert caught.value.trouble is Trouble.NO_FOLDER


def test_a_server_of_old_that_does_not_tell_uidnext_is_asked_for_its_last_mail() -> None:
    with connected(on("EXAMINE", b"* 1 EXISTS\r\n* OK [UIDVALIDITY 5] x\r\n", "OK done")) as connection:
        assert connection.select("INBOX", change=False) == Folder(5, 2)


def test_a_search_that_finds_very_much_fits() -> None:
    found = " ".join(map(str, range(1, 300_001)))
    with connected(on("UID SEARCH", f"* SEARCH {found}\r\n".encode(), "OK done")) as connection:
        assert len(connection.search([("UID", "1:*")])) == 300_000


@pytest.mark.parametrize("said", [b"+ idling\r\n* 2 EXISTS\r\n", b"* 2 EXISTS\r\n+ idling\r\n"], ids=["with", "before"])
def test_news_that_come_with_the_servers_word_or_before_it_end_the_waiting(said: bytes) -> None:
    tags: list[str] = []

    def answer(tag: str, command: str) -> bytes:
        if command == "IDLE":
            tags.append(tag)
            return said
        return f"{tags[-1]} OK idled\r\n".encode() if tag == "DONE" else b""

    with connected(answer) as connection:
        begun = time.monotonic()
        connection.idle(60)
        assert time.monotonic() - begun < 50
        assert connection.search([("UID", "1:*")]) == [1]


def test_news_that_come_with_the_answer_to_something_else_are_not_waited_for() -> None:
    asked: list[str] = []

    def answer(tag: str, command: str) -> bytes:
        asked.append(command)
        found = f"* SEARCH 1\r\n* 2 EXISTS\r\n{tag} OK done\r\n".encode()
        return found if command.startswith("UID SEARCH") else b""

    with connected(answer) as connection:
        assert connection.search([("UID", "1:*")]) == [1]
        connection.idle(60)
    assert "IDLE" not in asked


def test_a_connection_that_ends_while_it_idles_is_no_silence() -> None:
    closing = on("DONE", None)

    def answer(tag: str, command: str) -> bytes | None:
        return b"+ idling\r\n* BYE shutting down\r\n" if command == "IDLE" else closing(command or tag, tag)

    with connected(answer) as connection, pytest.raises(ImapTrouble):
        connection.idle(60)


def test_a_server_that_refuses_to_idle_is_told() -> None:
    with connected(on("IDLE", b"", "BAD unknown command")) as connection, pytest.raises(ImapTrouble):
        connection.idle(60)


def test_where_a_mail_went_comes_from_the_protocol() -> None:
    with connected(on("UID MOVE", b"* OK [COPYUID 9 1 33] moved\r\n* 1 EXPUNGE\r\n", "OK done")) as connection:
        assert connection.move([1], "Done") == "9 1 33"
    with (
        connected(on("UID MOVE", b"", "NO [OVERQUOTA] full")) as connection,
        pytest.raises(MailTrouble, match=r"moved to Done.*full"),
    ):
        connection.move([1], "Done")


def test_who_is_not_there_and_who_does_not_speak_are_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        connection = ImapConnection(Server(host="127.0.0.1", port=port, security="none"), 1000)
        threading.Timer(0.2, silent.close).start()
        with pytest.raises(ImapTrouble) as caught:
            connection.open(ANN)
        assert caught.value.trouble is Trouble.UNREACHABLE
    with pytest.raises(ImapTrouble):
        connection.search([("ALL",)])


def test_no_password_is_sent_to_a_server_whose_certificate_is_not_to_be_trusted() -> None:
    said: list[str] = []
    with serving(lambda _, command: said.append(command) or b"") as port:
        connection = ImapConnection(Server(host="127.0.0.1", port=port, security="tls"), 1000)
        with pytest.raises(ImapTrouble):
            connection.open(ANN)
        starttls = ImapConnection(Server(host="127.0.0.1", port=port, security="starttls"), 1000)
        with pytest.raises(ImapTrouble) as caught:
            starttls.open(ANN)
        starttls.close()
        assert caught.value.trouble is Trouble.BROKEN
    assert not [command for command in said if "secret" in command]


async def test_a_thread_hands_back_what_its_calls_return_and_raise() -> None:
    thread = Thread("test")
    assert await thread.call(lambda value, more: value + more, 1, more=2) == 3
    with pytest.raises(ZeroDivisionError):
        await thread.call(lambda: 1 // 0)
    thread.end()
