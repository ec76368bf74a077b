"""A server on loopback that says what a test writes, for what no good server does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


class HangUp(Exception):
    """Sends its bytes, then ends the connection."""


Answer = Callable[[str, str], bytes | None]
"""Gets tag and command; returns what is sent, or None to hang up."""
CAPABILITIES = "IMAP4rev1 IDLE UIDPLUS MOVE"


@contextmanager
def serving(answer: Answer, greeting: bytes = b"* OK ready\r\n") -> Iterator[int]:
    """Runs the server; yields its port. What `answer` leaves empty is answered as a server would
    whose folder has one mail, with UID 1."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)
    ended = threading.Event()

    def run() -> None:
        while not ended.is_set():
            with suppress(TimeoutError, OSError):
                connection, _ = listener.accept()
                connection.settimeout(10)
                with connection, suppress(OSError, ValueError):
                    _speak(connection, answer, greeting)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        ended.set()
        thread.join(12)
        listener.close()


def _speak(connection: socket.socket, answer: Answer, greeting: bytes) -> None:
    connection.sendall(greeting)
    with connection.makefile("rb") as lines:
        for line in lines:
            tag, _, command = line.decode().strip().partition(" ")
            try:
                said = answer(tag, command)
            except HangUp as last:
                connection.sendall(last.args[0])
                return
            if said is None:
                return
            connection.sendall(said or _usual(tag, command))


def _usual(tag: str, command: str) -> bytes:
    done = f"{tag} OK done\r\n"
    usual = {
        "CAPABILITY": f"* CAPABILITY {CAPABILITIES}\r\n",
        "SELECT": "* 1 EXISTS\r\n* OK [UIDVALIDITY 5] x\r\n* OK [UIDNEXT 2] x\r\n",
        "EXAMINE": "* 1 EXISTS\r\n* OK [UIDVALIDITY 5] x\r\n* OK [UIDNEXT 2] x\r\n",
        "UID SEARCH": "* SEARCH 1\r\n",
        "LIST": '* LIST (\\HasNoChildren) "/" INBOX\r\n',
        "LOGOUT": "* BYE bye\r\n",
    }
    return (next((text for name, text in usual.items() if command.upper().startswith(name)), "") + done).encode()


def mail(tag: str, raw: bytes, size: int | None = None) -> bytes:
    """A FETCH answer with UID 1, which may say a size that is not its own."""
    return b"* 1 FETCH (UID 1 BODY[] {%d}\r\n%s)\r\n%s OK done\r\n" % (
        len(raw) if size is None else size,
        raw,
        tag.encode(),
    )
