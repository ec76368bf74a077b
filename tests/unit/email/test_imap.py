"""Which mails of a mailbox are still to be taken, and what its server means."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from services.email.domain.imap import (
    Cursor,
    Folder,
    Trouble,
    begin,
    day_before,
    groups,
    junk_folder,
    later,
    pause,
    progress,
    progress_in,
    retry_after,
    searches,
    trouble_of,
)
from services.email.domain.incoming import Context, Envelope, read
from services.email.domain.mailboxes import Mailboxes
from services.email.domain.mime import parse
from shared.clock import utc_now
from shared.security.sealing import seal, unseal

DAY = date(2026, 11, 30)


def test_a_folder_that_is_new_to_us_begins_with_what_comes_from_now_on() -> None:
    assert begin(None, Folder(7, 51), None) == Cursor(7, 50, 51)
    assert searches(begin(None, Folder(7, 51), None), DAY) == [("UID", "51:*", "UNDELETED", "UNDRAFT")]


def test_or_with_a_day_that_was_asked_for() -> None:
    cursor = begin(None, Folder(7, 51), DAY)
    assert cursor == Cursor(7, 0, 51)
    assert searches(cursor, DAY) == [
        ("UID", "1:50", "SINCE", DAY, "UNDELETED", "UNDRAFT"),
        ("UID", "51:*", "UNDELETED", "UNDRAFT"),
    ]


def test_an_empty_folder_has_nothing_that_was_there_before() -> None:
    assert searches(begin(None, Folder(7, 1), DAY), DAY) == [("UID", "1:*", "UNDELETED", "UNDRAFT")]


def test_a_folder_that_we_know_goes_on_where_it_was_also_in_the_middle_of_what_waited() -> None:
    known = Cursor(7, 20, 51)
    assert begin(known, Folder(7, 60), None) == known
    assert searches(known, DAY)[0][:2] == ("UID", "21:50")
    assert searches(Cursor(7, 55, 51), DAY) == [("UID", "56:*", "UNDELETED", "UNDRAFT")]


def test_where_uidvalidity_changed_everything_is_looked_at_again() -> None:
    assert begin(Cursor(7, 50, 1), Folder(8, 12), None) == Cursor(8, 0, 12)


def test_without_a_day_of_ones_own_it_is_the_one_before_the_mailbox_was_added() -> None:
    assert day_before(None, DAY) == DAY - timedelta(days=1)
    assert day_before(DAY, date(2027, 1, 1)) == DAY


def test_the_last_mail_that_every_search_finds_is_not_taken_again() -> None:
    assert later([50], Cursor(7, 50, 51)) == []
    assert later([53, 52, 53, 9], Cursor(7, 50, 51)) == [52, 53]


@pytest.mark.parametrize(
    ("words", "signing_in", "trouble"),
    [
        ("[AUTHENTICATIONFAILED] Invalid credentials (Failure)", True, Trouble.REFUSED),
        ("[AUTHENTICATIONFAILED] Wrong password. Please try again", True, Trouble.REFUSED),
        ("[EXPIRED] The password is too old: it was only temporary", True, Trouble.REFUSED),
        ("AUTHENTICATE failed.", True, Trouble.REFUSED),
        ("[UNAVAILABLE] Temporary authentication failure", True, Trouble.BUSY),
        ("[ALERT] Too many simultaneous connections. (Failure)", True, Trouble.BUSY),
        ("[OVERQUOTA] Account exceeded command or bandwidth limits.", False, Trouble.BUSY),
        ("User is authenticated but not connected.", False, Trouble.BUSY),
        ("select failed: [NONEXISTENT] Unknown Mailbox: Nope (Failure)", False, Trouble.NO_FOLDER),
        ("select failed: Mailbox doesn't exist: Nope", False, Trouble.NO_FOLDER),
        ("unexpected response: b'garbage'", False, Trouble.BROKEN),
    ],
)
def test_what_a_server_says_tells_who_has_to_do_something(words: str, signing_in: bool, trouble: Trouble) -> None:
    assert trouble_of(words, signing_in=signing_in) is trouble


@pytest.mark.parametrize("trouble", Trouble)
def test_each_trouble_has_its_patience_with_jitter_and_an_end(trouble: Trouble) -> None:
    assert pause(trouble, 1, 0.0) < pause(trouble, 1, 0.9) <= pause(trouble, 3, 0.9) <= 1800
    assert pause(trouble, 1000, 0.9) <= 1800


def test_wrong_passwords_are_not_tried_every_few_seconds() -> None:
    assert pause(Trouble.REFUSED, 1, 0.0) >= 30


def test_a_mail_that_its_server_does_not_hand_out_is_asked_for_less_and_less() -> None:
    assert [retry_after(attempts) for attempts in (1, 2, 50)] == [
        timedelta(minutes=5),
        timedelta(minutes=10),
        timedelta(days=1),
    ]


@pytest.mark.parametrize(
    ("sizes", "found"),
    [
        ({1: 10, 2: 10, 3: 10, 4: 10}, [[1, 2, 3], [4]]),
        ({1: 60, 2: 50, 3: 50, 4: 1}, [[1], [2, 3], [4]]),
        ({1: 10, 2: 500, 3: 10, 4: 10}, [[1], [2], [3, 4]]),
        ({1: 10, 3: 10}, [[1], [2], [3], [4]]),
        ({}, [[1], [2], [3], [4]]),
    ],
    ids=["by number", "by bytes", "one is large", "of some the server tells no size", "of none"],
)
def test_mails_are_fetched_together_within_bounds_and_what_may_be_large_is_alone(
    sizes: dict[int, int], found: list[list[int]]
) -> None:
    assert list(groups([1, 2, 3, 4], sizes, 3, 100)) == found
    assert list(groups([], sizes, 3, 100)) == []


@pytest.mark.parametrize(
    ("folders", "wanted", "found"),
    [
        ([((rb"\HasNoChildren", rb"\JUNK"), b"/", "Ongewenst")], "auto", "Ongewenst"),
        ([((rb"\HasNoChildren",), b".", "INBOX.Spam"), ((), b".", "Archive")], "auto", "INBOX.Spam"),
        ([((), None, "Junk Email")], "auto", "Junk Email"),
        ([((), b"/", "INBOX")], "auto", ""),
        ([((rb"\Junk",), b"/", "Junk")], "off", ""),
        ([((rb"\Junk",), b"/", "Junk")], "My spam", "My spam"),
    ],
)
def test_the_junk_folder_is_found(
    folders: list[tuple[tuple[bytes, ...], bytes | None, str]], wanted: str, found: str
) -> None:
    assert junk_folder(folders, wanted) == found


def test_progress_is_told_in_words() -> None:
    assert progress(340, 1000) == "340 of 1,000 mails that waited are taken"
    assert progress_in(f"INBOX: {progress(340, 1_000_000)}") == (340, 1_000_000)
    assert progress_in("INBOX: the server tells of new mail") is None


def test_a_mail_out_of_a_mailbox_is_for_whom_its_header_names_or_else_for_that_mailbox() -> None:
    context = Context(Mailboxes.parse("support@example.org,help@example.org"), "secret", ())
    raw = b"From: ann@example.com\r\nTo: %s\r\nSubject: Lamp\r\n\r\nBroken\r\n"

    def message(to: bytes, mailbox: str = "", *, junk: bool = False) -> tuple[str, str]:
        told = read(parse(raw % to), Envelope(None, (), mailbox, junk), context, "raw", utc_now()).message
        return told.recipient, told.doubt

    assert message(b"undisclosed-recipients:;", "help@example.org") == ("help@example.org", "")
    assert message(b"support@example.org", "help@example.org") == ("support@example.org", "")
    assert message(b"support@example.org", junk=True)[1] == "junk"
    assert not read(parse(raw), Envelope(None, (), cut=True), context, "raw", utc_now()).whole


def test_a_sealed_secret_opens_only_with_its_key_and_where_it_belongs() -> None:
    sealed = seal("a secret", "imap 1", "비밀번호")
    assert "비밀".encode() not in sealed
    assert unseal("a secret", "imap 1", sealed) == "비밀번호"
    assert unseal("another", "imap 1", sealed) is None
    assert unseal("a secret", "imap 2", sealed) is None
    assert unseal("a secret", "imap 1", b"short") is None
