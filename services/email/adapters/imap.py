"""A mailbox at an IMAP server, by IMAPClient: blocking, so each has a thread of its own.

IMAPClient reads whatever the server announces, takes the end of a connection for silence while it
idles, and stumbles over news before the server's `+`; these are put right here.
"""

from __future__ import annotations

import asyncio
import contextlib
import imaplib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal, TypeVar

from imapclient import IMAPClient, SocketTimeout, imap_utf7
from imapclient.exceptions import CapabilityError, LoginError, ProtocolError

from services.email.domain.imap import Criteria, Folder, Trouble, trouble_of
from services.email.domain.oauth import xoauth2

Security = Literal["tls", "starttls", "none"]
T = TypeVar("T")
_CONNECT, _ANSWER = 15.0, 60.0
"""Seconds for a connection, and until the next bytes of an answer. Searching a large mailbox whose
index is cold takes most of a minute."""
_LINE = 16 << 20
"""Bytes of one line: a SEARCH that finds two million mails. imaplib gives up at 1,000,000, which
are 125,000."""
imaplib._MAXLINE = _LINE  # type: ignore[attr-defined]  # noqa: SLF001 - it has no other place for it
_PIECE = 1 << 20
_DRAIN = 4
"""How many times the largest size we read of a mail, and drop what is beyond it: the connection
goes on. What is announced as larger still ends it."""


class ImapTrouble(Exception):
    """The connection is of no use any more; its reader backs off by `trouble`. The message is for
    an operator."""

    def __init__(self, trouble: Trouble, words: str) -> None:
        super().__init__(words)
        self.trouble = trouble


class MailTrouble(Exception):
    """The server refuses one thing about these mails; the connection goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where a mailbox is. `ca`: PEM file of the authority that signed its certificate, where that
    is not one that the system trusts."""

    host: str
    port: int
    security: Security = "tls"
    ca: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """How to sign in: with a password, or where `bearer` is set with that OAuth2 access token."""

    user: str
    password: str = ""
    bearer: str = ""


class ImapConnection:
    """One connection. Every method blocks and raises ImapTrouble; `abort` may be called from
    another thread, and ends whatever waits for the server."""

    def __init__(self, server: Server, largest: int) -> None:
        self._server, self._largest = server, largest
        self._client: _Client | None = None
        self._aborted = False

    def open(self, credentials: Credentials) -> None:
        """Connects and signs in."""
        with _told(signing_in=False):
            self._client = client = _Client(self._server, self._largest)
            if self._server.security == "starttls":
                client.starttls(_context(self._server))
        if self._aborted:
            self.close()
        with _told(signing_in=True):
            if credentials.bearer:
                client.sasl_login("XOAUTH2", _answers(xoauth2(credentials.user, credentials.bearer)))
            elif f"{credentials.user}{credentials.password}".isascii():
                client.login(_quoted(credentials.user), credentials.password)
            else:  # LOGIN takes no other letters (RFC 9051, 9, userid)
                client.plain_login(credentials.user, credentials.password)

    def idles(self) -> bool:
        """Whether the server tells of new mail by itself (RFC 2177)."""
        return self._has("IDLE")

    def folders(self) -> list[tuple[Sequence[bytes], bytes | None, str]]:
        """Returns flags, separator and name of each folder that can be opened."""
        with _told():
            listed = self._open.list_raw()
            return [(flags, mark, _decoded(name)) for flags, mark, name in listed if rb"\Noselect" not in flags]

    def counts(self, folders: Sequence[str]) -> dict[str, int]:
        """Returns how many mails are in each of these folders, as far as the server says so."""
        with _told():
            return {name: count for name in folders if (count := self._count(name)) is not None}

    def select(self, folder: str, *, change: bool) -> Folder:
        """Opens a folder; where we are to `change` nothing, so that nothing can be changed."""
        with _told(f"the folder {folder} cannot be opened"):
            found = self._open.select_folder(folder, readonly=not change)
            validity = int(found.get(b"UIDVALIDITY", 0))
            following = found.get(b"UIDNEXT")
            if following is None:  # RFC 3501, 6.3.1 asks for it; servers of before need not know it
                following = max(self._open.search(["ALL"]), default=0) + 1
        if not validity:
            raise ImapTrouble(Trouble.BROKEN, f"the folder {folder} has no UIDVALIDITY: its mails cannot be told apart")
        return Folder(validity, int(following))

    def search(self, criteria: Sequence[Criteria]) -> list[int]:
        """Returns the UIDs that any of these criteria finds."""
        with _told():
            return [int(uid) for each in criteria for uid in self._open.search(list(each))]

    def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """Returns what the server says of the bytes of these mails, as far as it does."""
        with _told():
            found = self._some(uids, "RFC822.SIZE")
            return {uid: parts[b"RFC822.SIZE"] for uid, parts in found.items() if b"RFC822.SIZE" in parts}

    def fetch_all(self, uids: Sequence[int], most: int) -> dict[int, bytes]:
        """Returns those of these mails that come whole in one answer of at most so many bytes,
        whatever the server said of their sizes; any other has to be fetched by itself. Marks
        nothing."""
        with _told():
            client = self._open
            client.room = most
            try:
                found = self._some(uids, "BODY.PEEK[]")
            finally:
                client.room = None
            bodies = {uid: _body(found.get(uid, {})) for uid in uids}
            return {uid: raw for uid, raw in bodies.items() if raw is not None}

    def fetch(self, uid: int, *, by_part: bool = False) -> bytes | None:
        """Returns a mail, or None where it is there no more. Marks nothing. Raises MailTrouble
        where it is there and the server does not hand it out.

        Of one that is too large comes the beginning. `by_part`: let the server cut it, which not
        all do rightly.
        """
        with _told():
            try:
                found = self._open.fetch([uid], [f"BODY.PEEK[]<0.{self._largest}>" if by_part else "BODY.PEEK[]"])
            except ProtocolError as error:
                if self._open.cut and not by_part:
                    return self.fetch(uid, by_part=True)
                raise ImapTrouble(Trouble.BROKEN, f"mail {uid} came in a form that cannot be read: {error}") from error
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error as error:
                if self._is_there(uid):
                    raise MailTrouble(f"it cannot be fetched: {_words(error)}") from error
                return None
            if (raw := _body(found.get(uid, {}))) is not None:
                return raw
            if self._is_there(uid):
                raise MailTrouble("it cannot be fetched: the server answers without the mail")
            return None

    def mark_seen(self, uids: Sequence[int]) -> None:
        """Marks mails read. Raises MailTrouble."""
        with _told(), _refused("it cannot be marked read"):
            self._open.add_flags(uids, [rb"\Seen"], silent=True)

    def move(self, uids: Sequence[int], folder: str) -> str:
        """Moves mails; returns what the server tells of where they are now (COPYUID, RFC 4315, 3).
        Raises MailTrouble: some of them may have been moved.

        Without MOVE (RFC 6851) they are copied and deleted; without UIDPLUS they are left marked as
        deleted, because EXPUNGE would remove what others have marked so.
        """
        with _told(), _refused(f"it cannot be moved to {folder}"):
            client = self._open
            client.forget_copied()
            if self._has("MOVE"):
                client.move(uids, folder)
                return client.copied()
            client.copy(uids, folder)
            where = client.copied()
            client.add_flags(uids, [rb"\Deleted"], silent=True)
            if self._has("UIDPLUS"):
                client.uid_expunge(uids)
            return where

    def idle(self, seconds: float) -> None:
        """Waits until there is new mail in the open folder, at most so long; not at all where it
        was told since the folder was opened."""
        until = time.monotonic() + seconds
        with _told():
            client = self._open
            if client.grew():
                return
            news = client.begin_idle()
            while not news and (left := until - time.monotonic()) > 0:
                told = client.idle_check(timeout=left)
                news = not told or any(b"EXISTS" in one for one in told)  # nothing: the time is over, or the connection
            client.idle_done()

    def close(self) -> None:
        """Leaves in good order where the server still answers."""
        client, self._client = self._client, None
        if client is not None:
            if not self._aborted:
                with contextlib.suppress(Exception):
                    client.socket().settimeout(2)
                    client.logout()
            with contextlib.suppress(Exception):
                client.shutdown()

    def abort(self) -> None:
        """Cuts the connection."""
        self._aborted = True
        if self._client is not None:
            with contextlib.suppress(OSError):
                self._client.socket().shutdown(socket.SHUT_RDWR)

    @property
    def _open(self) -> _Client:
        if self._client is None or self._aborted:
            raise ImapTrouble(Trouble.UNREACHABLE, "the connection was closed")
        return self._client

    def _has(self, capability: str) -> bool:
        with _told():
            return bool(self._open.has_capability(capability))

    def _some(self, uids: Sequence[int], what: str) -> dict[int, dict[bytes, Any]]:
        """Fetches something of many mails; nothing where the server refuses, or half of its answer
        cannot be read: asked for one by one they tell which it is."""
        try:
            return dict(self._open.fetch(uids, [what]))
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error:
            return {}

    def _count(self, folder: str) -> int | None:
        try:
            return int(self._open.folder_status(folder, ["MESSAGES"])[b"MESSAGES"])
        except imaplib.IMAP4.abort:
            raise
        except (imaplib.IMAP4.error, LookupError, ValueError):
            return None

    def _is_there(self, uid: int) -> bool:
        return uid in self._open.search(["UID", str(uid)])


class _Client(IMAPClient):  # type: ignore[misc]  # it says nothing of its types
    """IMAPClient with bounds on what a server may announce."""

    def __init__(self, server: Server, largest: int) -> None:
        tls = server.security == "tls"
        context = _context(server) if tls else None
        super().__init__(
            server.host, server.port, ssl=tls, ssl_context=context, timeout=SocketTimeout(_CONNECT, _ANSWER)
        )
        self.cut = False
        """Whether the last literal was too large and is not whole."""
        self.room: int | None = None
        """Bytes that all literals of one answer may still have together, where there is a bound."""
        self._imap.debug = 0  # it keeps and formats every line for a log that nobody reads
        self._imap.read = partial(self._bounded, self._imap.read, largest)

    def _bounded(self, read: Callable[[int], bytes], largest: int, size: int) -> bytes:
        if size > largest * _DRAIN:
            raise self.AbortError(f"the server announces {size:,} bytes; at most {largest:,} are taken")
        most = largest if self.room is None else min(largest, self.room)
        self.cut = size > most
        data, missing = read(min(size, most)), size - most
        if self.room is not None:
            self.room -= len(data)
        whole = len(data) == min(size, most)
        while whole and missing > 0:
            dropped = len(read(min(missing, _PIECE)))
            whole, missing = dropped == min(missing, _PIECE), missing - dropped
        if not whole:
            raise self.AbortError(f"the connection broke off in the middle of {size:,} bytes")
        return data

    def list_raw(self) -> list[tuple[Sequence[bytes], bytes | None, bytes | str]]:
        """Lists folders with their names as they came: IMAPClient gives up over one that is not
        encoded rightly."""
        self.folder_encode = False
        try:
            return list(self.list_folders())
        finally:
            self.folder_encode = True

    def begin_idle(self) -> bool:
        """Sends IDLE; whether there were news already. IMAPClient takes news before the server's
        `+` for an error, and does not see what came in one packet with it."""
        self.capabilities()  # or `idle_check` asks for them while the server idles, and gets no answer
        self._idle_tag, news = self._imap._command("IDLE"), False  # noqa: SLF001 - as IMAPClient does
        while (line := self._imap._get_response()) is not None:  # noqa: SLF001
            if self._imap.tagged_commands[self._idle_tag]:
                raise self.Error(f"IDLE was refused: {line!r}")
            news = True
        return news or self._waits()

    def _waits(self) -> bool:
        connection = self.socket()
        connection.setblocking(False)
        try:
            return bool(self._imap.file.peek(1))
        except OSError:
            return False
        finally:
            connection.setblocking(True)
            self._set_read_timeout()

    def grew(self) -> bool:
        """Whether the folder has more mails than when it was opened: told in passing, with the
        answer to something else, and told only once (RFC 9051, 7)."""
        told = [int(count) for count in self._imap.untagged_responses.get("EXISTS", ())]
        return bool(told) and told[-1] > told[0]

    def forget_copied(self) -> None:
        self._imap.untagged_responses.pop("COPYUID", None)

    def copied(self) -> str:
        """Returns the last COPYUID, which IMAPClient drops; empty where there was none."""
        told: Any = self._imap.response("COPYUID")[1][-1]
        return told.decode(errors="replace") if isinstance(told, bytes) else ""


def _body(parts: dict[bytes, Any]) -> bytes | None:
    found = (value for name, value in parts.items() if name.startswith(b"BODY[]"))
    return next((value for value in found if isinstance(value, bytes)), None)


def _quoted(text: str) -> str:
    """Returns a quoted string (RFC 9051, 9): imaplib makes one of a password only."""
    escaped = text.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'


def _decoded(name: bytes | str) -> str:
    """Reads a folder's name (RFC 3501, 5.1.3); one that is written otherwise, as it is."""
    try:
        return str(imap_utf7.decode(name))
    except UnicodeDecodeError:
        return bytes(name).decode(errors="replace") if isinstance(name, bytes) else name


def _answers(words: str) -> Callable[[bytes], str]:
    """Returns what answers a server's challenges: `words`, then nothing. A refusal comes as a
    second challenge, and IMAPClient's own would send the token again."""
    left = [words]
    return lambda _: left.pop() if left else ""


def _context(server: Server) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(server.ca) if server.ca else None)


class _told(contextlib.AbstractContextManager[None]):  # noqa: N801 - reads as a word
    """Turns whatever IMAPClient, imaplib and sockets raise into ImapTrouble. `words`: what could
    not be done."""

    def __init__(self, words: str = "", *, signing_in: bool = False) -> None:
        self._words, self._signing_in = words, signing_in

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is None or isinstance(error, (ImapTrouble, MailTrouble)) or not isinstance(error, Exception):
            return
        words = f"{self._words}: {_words(error)}" if self._words else _words(error)
        raise ImapTrouble(self._kind(error, words), words) from error

    def _kind(self, error: Exception, words: str) -> Trouble:
        if isinstance(error, LoginError):
            return trouble_of(words, signing_in=True)
        if isinstance(error, (imaplib.IMAP4.abort, OSError, EOFError)):
            return Trouble.BUSY if trouble_of(words, signing_in=False) is Trouble.BUSY else Trouble.UNREACHABLE
        if isinstance(error, CapabilityError):
            return Trouble.BROKEN
        if isinstance(error, imaplib.IMAP4.error):
            return trouble_of(words, signing_in=self._signing_in)
        return Trouble.BROKEN


@contextlib.contextmanager
def _refused(words: str) -> Any:
    try:
        yield
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        raise MailTrouble(f"{words}: {_words(error)}") from error


def _words(error: Exception) -> str:
    text = str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not to be trusted: {error.verify_message}"
    if text.startswith("b'") and text.endswith("'"):
        text = text[2:-1]
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:500] or type(error).__name__


class Thread:
    """Makes blocking calls one after the other in a thread that does not keep the process from
    ending: a connection attempt may hang for longer than we have."""

    def __init__(self, name: str) -> None:
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    async def call(self, work: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Returns what `work` returns, and raises what it raises."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def settle(result: T | None, error: BaseException | None) -> None:
            if answer.done():
                return
            if error is None:
                answer.set_result(result)  # type: ignore[arg-type]
            else:
                answer.set_exception(error)

        def make() -> None:
            try:
                outcome: tuple[T | None, BaseException | None] = work(*arguments, **named), None
            except Exception as error:  # noqa: BLE001 - handed over to whoever called
                outcome = None, error
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(settle, *outcome)

        self._calls.put(make)
        return await answer

    def end(self, last: Callable[[], None] | None = None) -> None:
        """Ends the thread after what it is doing, and after `last`."""
        if last:
            self._calls.put(last)
        self._calls.put(None)

    def _run(self) -> None:
        while (make := self._calls.get()) is not None:
            make()
