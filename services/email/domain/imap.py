"""What is decided about a mailbox at an IMAP server: which mails of a folder are still to be taken,
what a server's refusal means, and when to come back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from shared.attempts import delay


class After(StrEnum):
    """What becomes of a mail in its folder once we have it."""

    LEAVE = "leave"
    SEEN = "seen"
    """It is marked read."""
    MOVE = "move"


class Trouble(StrEnum):
    """Why a mailbox is not read just now."""

    UNREACHABLE = "unreachable"
    """No connection, or one that broke off."""
    REFUSED = "refused"
    """User name or password are wrong: for a person to put right."""
    SIGN_IN = "sign-in"
    """The provider no longer takes our token: a person has to sign in again."""
    BUSY = "busy"
    """The server asks for patience: too many connections, a quota, maintenance."""
    NO_FOLDER = "no-folder"
    BROKEN = "broken"
    """The server says what no IMAP server may."""


_PAUSES = {
    Trouble.UNREACHABLE: (5, 300),
    Trouble.BUSY: (60, 1800),  # Google blocks an account for up to an hour; asking more often makes it longer
    Trouble.REFUSED: (60, 1800),  # many wrong passwords in a row lock an account
    Trouble.SIGN_IN: (60, 900),
    Trouble.NO_FOLDER: (60, 900),
    Trouble.BROKEN: (15, 600),
}
"""Seconds before the first and between later attempts. A change of the mailbox's settings ends the
pause."""
_CODE = re.compile(r"\[([A-Z-]+)[^\]]*\]")
_BUSY_CODES = frozenset({"UNAVAILABLE", "INUSE", "LIMIT", "OVERQUOTA", "THROTTLED", "SERVERBUG", "CONTACTADMIN"})
"""RFC 5530, 3, and THROTTLED, which Google and Yahoo write."""
_REFUSED_CODES = frozenset({"AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED"})
"""RFC 5530, 3: plain, whatever the words beside it ("Please try again") sound like."""
_BUSY_WORDS = re.compile(
    r"too many|simultaneous|try again|temporar|throttl|bandwidth|quota|rate.?limit|not connected|server (?:is )?busy",
    re.IGNORECASE,
)
"""Google: "Account exceeded command or bandwidth limits", "Too many simultaneous connections";
Exchange Online: "User is authenticated but not connected", while its store is away."""


def trouble_of(words: str, *, signing_in: bool) -> Trouble:
    """Reads what a server says with NO, BAD or BYE."""
    codes = set(_CODE.findall(words.upper()))
    if codes & _REFUSED_CODES:
        return Trouble.REFUSED
    if codes & _BUSY_CODES or _BUSY_WORDS.search(words):
        return Trouble.BUSY
    if signing_in:
        return Trouble.REFUSED
    if codes & {"NONEXISTENT", "TRYCREATE"} or re.search(
        r"doesn't exist|unknown mailbox|no such", words, re.IGNORECASE
    ):
        return Trouble.NO_FOLDER
    return Trouble.BROKEN


def pause(trouble: Trouble, attempt: int, random: float) -> float:
    """Returns the seconds before attempt number `attempt` + 1, as `shared.attempts.delay`."""
    first, longest = _PAUSES[trouble]
    return delay(attempt, random, first, longest)


def retry_after(attempts: int) -> timedelta:
    """Returns how long a single mail that could not be fetched, marked or moved is left alone: 5
    minutes, doubling to a day."""
    return timedelta(minutes=min(5 * 2 ** min(attempts - 1, 10), 24 * 60))


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder as the server describes it when it is opened. `validity`: UIDVALIDITY; `next`:
    UIDNEXT, the UID that the next mail will get at the least (RFC 9051, 2.3.1.1)."""

    validity: int
    next: int


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a folder has been taken: every mail up to `uid`. `begun`: the folder's UIDNEXT when
    UIDs of this validity were first seen; of the mails below it only those from a certain day on
    are ours to take."""

    validity: int
    uid: int
    begun: int


def begin(known: Cursor | None, folder: Folder, since: date | None) -> Cursor:
    """Returns where to go on. A folder that is new to us begins with what comes from now on, or
    where `since` is given with all of its mails. Where the server changed UIDVALIDITY no UID that
    we know means anything any more (RFC 9051, 2.3.1.1): all are looked at again, and what we have
    is told by its content."""
    if known is not None and known.validity == folder.validity:
        return known
    new = known is None and since is None
    return Cursor(folder.validity, folder.next - 1 if new else 0, folder.next)


Criteria = Sequence[str | date]
_WANTED = ("UNDELETED", "UNDRAFT")


def searches(cursor: Cursor, since: date) -> list[Criteria]:
    """Returns the SEARCHes that find what is to be taken. `since`: the day from which on mails
    that were there before count, by the server's clock (RFC 9051, 6.4.4)."""
    first, found = cursor.uid + 1, []
    if first < cursor.begun:
        found.append(("UID", f"{first}:{cursor.begun - 1}", "SINCE", since, *_WANTED))
    return [*found, ("UID", f"{max(first, cursor.begun)}:*", *_WANTED)]


def day_before(since: date | None, added: date) -> date:
    """Returns the day from which on mails count that lay in the folder before. SINCE knows neither
    hours nor zones, so without a day of the operator's own it is the one before the mailbox was
    added."""
    return since or added - timedelta(days=1)


def later(uids: Iterable[int], cursor: Cursor) -> list[int]:
    """Returns the UIDs after the cursor, in order: a search for `n:*` always finds the last mail,
    whatever its UID (RFC 9051, 9, seq-range)."""
    return sorted({uid for uid in uids if uid > cursor.uid})


def groups(uids: Iterable[int], sizes: Mapping[int, int], mails: int, most: int) -> Iterator[list[int]]:
    """Yields in order what is fetched together: at most so many mails and bytes. A mail whose size
    is not known, or larger than all of a group may be, is alone."""
    group, room = list[int](), most
    for uid in uids:
        size = sizes.get(uid, most + 1)
        if group and (size > room or len(group) == mails):
            yield group
            group, room = [], most
        group.append(uid)
        room -= size
    if group:
        yield group


JUNK_AUTO, JUNK_OFF = "auto", "off"
_JUNK_NAMES = ("junk", "spam", "junk email", "junk e-mail", "bulk mail", "[gmail]/spam", "inbox/junk", "inbox/spam")
"""Of servers without SPECIAL-USE; Exchange Online has `Junk Email` and does not flag it for all."""


def junk_folder(listed: Iterable[tuple[Sequence[bytes], bytes | None, str]], wanted: str) -> str:
    """Returns the junk folder of a list of (flags, separator, name), or an empty string: the one
    that an operator named, the one flagged as such (RFC 6154), or one of the usual names."""
    if wanted == JUNK_OFF:
        return ""
    if wanted != JUNK_AUTO:
        return wanted
    folders = list(listed)
    for flags, _, name in folders:
        if any(flag.lower() == rb"\junk" for flag in flags):
            return name
    usual = {name.replace((separator or b"/").decode(), "/").lower(): name for _, separator, name in folders}
    return next((usual[name] for name in _JUNK_NAMES if name in usual), "")


def progress(done: int, total: int) -> str:
    """Says how far the mails are taken that waited."""
    return f"{done:,} of {total:,} mails that waited are taken"


def progress_in(words: str) -> tuple[int, int] | None:
    """Reads what `progress` says: mails that are taken, and all."""
    match = re.search(r"([\d,]+) of ([\d,]+) mails that waited are taken$", words)
    return (int(match[1].replace(",", "")), int(match[2].replace(",", ""))) if match else None
