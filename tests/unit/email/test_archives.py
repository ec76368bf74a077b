"""A shop's old mail is read as it was written, whatever program kept it."""

from __future__ import annotations

import mailbox
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.email.adapters.archives import EmlFiles, Maildir, MboxFiles, mbox
from services.email.domain.archives import (
    Kind,
    content_length,
    date_of_separator,
    dated,
    folder_of,
    head_of,
    is_separator,
    kind_of_folder,
    kind_of_mail,
    maildir_name,
    unquoted,
)
from services.email.import_commands import line
from services.email.import_rows import Import
from shared.errors import Rejected

NOW = datetime(2026, 12, 1, tzinfo=UTC)
FROM = b"From ann@example.com Mon Mar  1 10:00:00 2021\n"
LARGEST = 100_000


def mail(number: int, body: bytes = b"Hello\n") -> bytes:
    return b"Message-ID: <%d@example.com>\nSubject: Lamp\n\n%s" % (number, body)


def read(data: bytes, start: int = 0, largest: int = LARGEST) -> list[bytes | None]:
    return [piece.raw for piece in mbox(BytesIO(data), largest, "Inbox", start)]


def test_a_line_that_only_sounds_like_a_beginning_stays_in_its_mail() -> None:
    """mboxo that forgot to quote: the standard library makes two mails of it."""
    body = (
        b"Hello,\n\nFrom what I know it is broken.\nFrom: the shop\n\nFrom Paris Mon Mar 1 10:00:00 2021\nwith love\n"
    )
    assert read(FROM + mail(1, body) + b"\n" + FROM + mail(2)) == [mail(1, body), mail(2)]


@pytest.mark.parametrize(
    "line",
    [
        b"From ann@example.com Mon Mar  1 10:00:00 2021",
        b"From - Mon Mar 01 10:00:00 2021",  # Thunderbird
        b"From 1692573826710437381@xxx Mon Mar 01 10:00:00 +0000 2021",  # Google Takeout
        b"From ann@example.com Mon Mar  1 10:00:00 2021 +0100",  # Dovecot with a zone
        b"From MAILER-DAEMON Mon Mar  1 10:00 2021 remote from mx",  # UUCP
        b"From ???@??? Mon Mar 01 10:00:00 2021",  # Eudora
        b"From ann@example.com  Mon, 1 Mar 2021 10:00:00 +0000",
    ],
)
def test_a_mail_begins_as_programs_write_it(line: bytes) -> None:
    found = list(mbox(BytesIO(line + b"\n" + mail(1)), LARGEST, "Inbox"))
    assert [piece.raw for piece in found] == [mail(1)]
    (at,) = found[0].told
    assert at is not None
    assert f"{at:%Y-%m-%d}" == "2021-03-01"


def test_newer_thunderbirds_begin_a_mail_without_a_date() -> None:
    data = b"From \n" + mail(1, b"He said\nFrom \nSubject: x\n") + b"\n" + b"From - \n" + mail(2)
    assert read(data) == [mail(1, b"He said\nFrom \nSubject: x\n"), mail(2)]


def test_what_was_quoted_for_the_format_is_as_it_was_written() -> None:
    """mboxrd quotes what is quoted once more, so one mark goes from each."""
    body = b">From here on\n>>From there on\n> From the left\n"
    assert read(FROM + mail(1, body)) == [mail(1, b"From here on\n>From there on\n> From the left\n")]


def test_a_mail_of_a_told_length_may_have_a_whole_mbox_in_it() -> None:
    """mboxcl2: the length tells where it ends, and nothing is quoted."""
    inner = FROM + mail(7) + b"\n" + FROM + mail(8, b">From a quotation of hers\n")
    first = b"Content-Length: %d\n%s" % (len(inner), mail(1, inner))
    assert read(FROM + first + b"\n" + FROM + mail(2)) == [first, mail(2)]
    assert read(FROM + first) == [first]


@pytest.mark.parametrize("told", [0, 3, 10_000, 10**11])
def test_a_length_that_is_wrong_is_not_believed(told: int) -> None:
    first = b"Content-Length: %d\n%s" % (told, mail(1))
    assert read(FROM + first + b"\n" + FROM + mail(2)) == [first, mail(2)]


def test_a_mail_cannot_hide_the_one_after_it_behind_a_length() -> None:
    """Its length ends in the middle of another mail: so it ends where that one begins."""
    first = b"Content-Length: 60\n" + mail(1)
    assert read(FROM + first + b"\n" + FROM + mail(2)) == [first, mail(2)]


def test_a_file_from_windows_is_read() -> None:
    first, second = mail(1).replace(b"\n", b"\r\n"), mail(2).replace(b"\n", b"\r\n")
    start = FROM.replace(b"\n", b"\r\n")
    assert read(start + first + b"\r\n" + start + second) == [first, second]


def test_a_file_that_breaks_off_gives_all_that_is_there() -> None:
    data = FROM + mail(1) + b"\n" + FROM + mail(2)
    assert read(data[:-3]) == [mail(1), mail(2)[:-3]]
    assert read(data[5:])[1:] == [mail(2)], "and one whose beginning was lost"
    assert read(b"") == read(b"\n\n") == read(FROM) == []


def test_one_mail_that_is_too_large_is_told_and_the_others_come() -> None:
    data = FROM + mail(1) + b"\n" + FROM + mail(2, b"x" * 70 + b"\n") * 3_000 + b"\n" + FROM + mail(3)
    pieces = list(mbox(BytesIO(data), LARGEST, "Inbox"))
    assert [piece.raw for piece in pieces] == [mail(1), None, mail(3)]
    assert pieces[1].where == f"Inbox: byte {len(FROM + mail(1)) + 1}"
    assert pieces[1].why == "larger than 100,000 bytes"


def test_a_line_without_end_is_no_mail_of_its_own() -> None:
    body = b"x" * (64 << 10) + FROM + b"Subject: y\n"
    assert read(FROM + mail(1, body), largest=1_000_000) == [mail(1, body)]


def test_reading_goes_on_at_every_place_where_it_was_stopped() -> None:
    data = b"".join(FROM + mail(number) + b"\n" for number in range(9))
    pieces = list(mbox(BytesIO(data), LARGEST, "Inbox"))
    for number, piece in enumerate(pieces, 1):
        assert read(data, int(piece.place)) == [one.raw for one in pieces[number:]]


BODIES = st.lists(
    st.sampled_from([b"From ", b">From ", FROM.strip(), b"Subject: x", b"", b">", b"Hello", b"Content-Length: 3"]),
    max_size=8,
).map(lambda lines: b"".join(line + b"\n" for line in lines))


@given(st.lists(BODIES, min_size=1, max_size=4))
@example([b"From \n", b"\n"])
def test_what_is_written_as_mboxrd_is_read_the_same(bodies: list[bytes]) -> None:
    quoted = [
        b"".join(b">" * line.lstrip(b">").startswith(b"From ") + line for line in body.splitlines(True))
        for body in bodies
    ]
    data = b"".join(FROM + mail(number, body) + b"\n" for number, body in enumerate(quoted))
    assert read(data) == [mail(number, body) for number, body in enumerate(bodies)]


def test_the_standard_library_and_we_agree_where_it_is_right(tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "box")
    for number in range(5):
        box.add(mail(number, b"From here\nx\n"))
    box.close()
    assert len(read((tmp_path / "box").read_bytes())) == 5
    assert read((tmp_path / "box").read_bytes())[0] == mail(0, b"From here\nx\n"), "it leaves `>From here`"


def test_folders_of_mbox_files_are_found_by_what_is_in_them(tmp_path: Path) -> None:
    (tmp_path / "Inbox.sbd").mkdir()
    (tmp_path / "Inbox").write_bytes(FROM + mail(1))
    (tmp_path / "Inbox.msf").write_bytes(b"// an index")
    (tmp_path / "Inbox.sbd" / "Sent").write_bytes(FROM + mail(2))
    archive = MboxFiles((tmp_path,), LARGEST)
    assert [(one.name, one.kind) for one in archive.folders()] == [
        ("Inbox", Kind.RECEIVED),
        ("Inbox.sbd/Sent", Kind.SENT),
    ]
    with pytest.raises(Rejected, match="no mbox file"):
        MboxFiles((tmp_path / "Inbox.msf",), LARGEST).folders()
    with pytest.raises(Rejected, match="does not exist"):
        MboxFiles((tmp_path / "nothing",), LARGEST).folders()


def test_an_archive_of_several_files_is_told_file_by_file(tmp_path: Path) -> None:
    for year in ("2020", "2021"):
        (tmp_path / year).mkdir()
        (tmp_path / year / "My Inbox").write_bytes(FROM + mail(1))
    archive = MboxFiles(tuple(tmp_path / year / "My Inbox" for year in ("2020", "2021")), LARGEST)
    told = Import("id", archive.name, "done", "", {}, [], 1, 1, NOW, NOW)
    assert line(told, killed=False).splitlines() == [
        f"mbox {tmp_path}/2020/My Inbox",
        f"     {tmp_path}/2021/My Inbox  done 100% at 2026-12-01 00:00 UTC",
    ]
    assert len({folder.name for folder in archive.folders()}) == 2


def test_a_file_that_somebody_writes_to_is_told(tmp_path: Path) -> None:
    file = tmp_path / "Inbox"
    file.write_bytes(FROM + mail(1))
    (folder,) = MboxFiles((file,), LARGEST).folders()
    with file.open("ab") as more:
        more.write(b"\n" + FROM + mail(2))
    with pytest.raises(Rejected, match="was changed while it was read"):
        list(MboxFiles((file,), LARGEST).pieces(folder, ""))


def test_a_maildir_is_read_with_folders_and_flags(tmp_path: Path) -> None:
    for part in ("cur", "new", "tmp", ".Sent.2019/cur", ".Brouillons/new"):
        (tmp_path / part).mkdir(parents=True)
    (tmp_path / "cur" / "2.host:2,RS").write_bytes(mail(2))
    (tmp_path / "cur" / "3.host;2,T").write_bytes(mail(3))
    (tmp_path / "new" / "1.host").write_bytes(mail(1))
    (tmp_path / "tmp" / "9.host").write_bytes(mail(9))
    (tmp_path / ".Sent.2019" / "cur" / "4.host:2,").write_bytes(mail(4))
    archive = Maildir(tmp_path, LARGEST)
    folders = archive.folders()
    assert {(one.name, one.kind, one.size) for one in folders} == {
        ("INBOX", Kind.RECEIVED, 3),
        ("Sent/2019", Kind.SENT, 1),
        ("Brouillons", Kind.DRAFTS, 0),
    }
    inbox = next(one for one in folders if one.name == "INBOX")
    pieces = list(archive.pieces(inbox, ""))
    assert [(piece.raw, piece.marks) for piece in pieces] == [(mail(1), ""), (mail(2), "RS"), (mail(3), "T")]
    assert [piece.raw for piece in archive.pieces(inbox, pieces[0].place)] == [mail(2), mail(3)]


def test_a_mail_whose_flags_change_meanwhile_is_still_found(tmp_path: Path) -> None:
    (tmp_path / "cur").mkdir()
    for number in (1, 2):
        (tmp_path / "cur" / f"{number}.host:2,").write_bytes(mail(number))
    archive = Maildir(tmp_path, LARGEST)
    pieces = archive.pieces(archive.folders()[0], "")
    assert next(pieces).raw == mail(1)
    (tmp_path / "cur" / "2.host:2,").rename(tmp_path / "cur" / "2.host:2,S")
    assert next(pieces).raw == mail(2)


def test_a_folder_without_mails_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="no Maildir"):
        Maildir(tmp_path, LARGEST).folders()
    with pytest.raises(Rejected, match=r"\.msg and \.pst have to be converted"):
        EmlFiles(tmp_path, LARGEST).folders()


def test_eml_files_are_read_by_name_and_a_bad_one_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "Sent Items").mkdir()
    (tmp_path / "b.eml").write_bytes(mail(2))
    (tmp_path / "a.EML").write_bytes(mail(1))
    (tmp_path / "c.eml").write_bytes(b"x" * (LARGEST + 1))
    (tmp_path / "note.txt").write_bytes(b"x")
    (tmp_path / "Sent Items" / "d.eml").write_bytes(mail(3))
    archive = EmlFiles(tmp_path, LARGEST)
    first, second = archive.folders()
    assert [piece.raw for piece in archive.pieces(first, "")] == [mail(1), mail(2), None]
    assert second.kind is Kind.SENT
    assert [piece.raw for piece in archive.pieces(first, "a.EML")] == [mail(2), None]


@pytest.mark.parametrize(
    ("headers", "told", "expected"),
    [
        ("Date: Mon, 1 Mar 2021 11:00:00 +0100", [], "2021-03-01T10:00"),
        (
            "Date: Thu, 1 Jan 1970 00:00:00 +0000\nReceived: by mx; Mon, 1 Mar 2021 10:00:00 +0000",
            [],
            "2021-03-01T10:00",
        ),
        (
            "Date: Fri, 1 Jan 2099 00:00:00 +0000\nReceived: by mx; whenever\nReceived: by mx; Mon, 1 Mar 2021 10:00:00 +0000",
            [],
            "2021-03-01T10:00",
        ),
        ("Date: yesterday", [None, datetime(2020, 1, 2, tzinfo=UTC)], "2020-01-02T00:00"),
        ("Date: Mon, 1 Mar 99999999999999 11:00:00 +0100", [datetime(2020, 1, 2, tzinfo=UTC)], "2020-01-02T00:00"),
        ("Subject: x", [], "2026-12-01T00:00"),
        ("Date: 1 Mar 2021 10:00:00 -0000", [], "2021-03-01T10:00"),
    ],
)
def test_a_mail_is_of_the_first_date_that_can_be(headers: str, told: list[datetime | None], expected: str) -> None:
    assert dated(head_of(headers.encode() + b"\n\nDate: x"), told, NOW).isoformat()[:16] == expected


def test_a_clock_that_is_a_little_ahead_is_believed() -> None:
    assert dated(head_of(b"Date: Wed, 2 Dec 2026 10:00:00 +0000\n\n"), [], NOW) == NOW + timedelta(hours=34)


@pytest.mark.parametrize(
    ("name", "flags", "kind"),
    [
        ("INBOX", (), Kind.RECEIVED),
        ("[Gmail]/Messages envoyés", (), Kind.SENT),
        ("INBOX.Sent.2019", (), Kind.SENT),
        ("보낸메일함", (), Kind.SENT),
        ("휴지통", (), Kind.TRASH),
        ("Entwürfe.mbox", (), Kind.DRAFTS),
        ("Anything", (rb"\HasNoChildren", rb"\Junk"), Kind.SPAM),
        ("Sent to the moon", (), Kind.RECEIVED),
        (".Trash", (), Kind.TRASH),
    ],
)
def test_a_folder_is_for_what_it_is_called(name: str, flags: tuple[bytes, ...], kind: Kind) -> None:
    assert kind_of_folder(name, flags) is kind


@pytest.mark.parametrize(
    ("headers", "marks", "kind"),
    [
        ("X-Gmail-Labels: Inbox,Opened", "", Kind.RECEIVED),
        ('X-Gmail-Labels: "Sent",Opened', "", Kind.SENT),
        ("X-Gmail-Labels: =?UTF-8?Q?Corbeille,Messages_envoy=C3=A9s?=", "", Kind.TRASH),
        ("X-Status: D", "", Kind.TRASH),
        ("X-Status: T", "", Kind.DRAFTS),
        ("X-Mozilla-Status: 0009", "", Kind.TRASH),
        ("X-Mozilla-Status: 0001", "", Kind.RECEIVED),
        ("X-Mozilla-Status: zzzz", "", Kind.RECEIVED),
        ("Subject: x", "DS", Kind.DRAFTS),
        ("Subject: x", "T", Kind.TRASH),
    ],
)
def test_a_mail_is_what_its_program_marked_it_as(headers: str, marks: str, kind: Kind) -> None:
    assert kind_of_mail(Kind.RECEIVED, head_of(headers.encode() + b"\n\n"), marks) is kind
    assert kind_of_mail(Kind.SENT, head_of(b"Subject: x\n\n")) is Kind.SENT


def test_small_things_of_the_formats() -> None:
    assert maildir_name("1.M2P3.host:2,RS") == ("1.M2P3.host", "RS")
    assert maildir_name("1.M2P3.host!2,ST") == ("1.M2P3.host", "ST")
    assert maildir_name("1.host,S=20:2,Sab") == ("1.host,S=20", "S"), "small letters are Dovecot's keywords"
    assert folder_of(()) == "INBOX"
    assert folder_of((".Sent.2019",)) == "Sent/2019"
    assert content_length(b"Subject: x\nContent-Length: 12\r\n") == 12
    assert content_length(b"Subject: Content-Length: 12\n") is None
    assert unquoted(b">From a\nb >From c\n") == b"From a\nb >From c\n"
    assert date_of_separator(b"From someone\n") is None
    assert date_of_separator(b"From a@b Mon Feb 31 10:00:00 2021\n") is None
    assert not is_separator(b"From " + b"a" * 2_000 + b" Mon Mar  1 10:00:00 2021\n", b"", b"A: b\n")
    assert not is_separator(FROM, b"", b"no header\n")
    assert is_separator(FROM, b"text\n", b">From ann Mon Mar  1 10:00:00 2021\n")
    assert is_separator(FROM, b"", b"")
