#!/usr/bin/env bash
# IMAPClient's idle() raises where the server tells of news before its `+`, as it may (RFC 9051, 7), and idle_check() does not see news that
# came in one packet with the `+`: they lie in a buffer while it polls the socket. Where the connection ends it returns an empty list, as
# where there was nothing to tell. Seen in services/email/adapters/imap.py, which does it otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check IMAPClient==4.1.0
venv/bin/python -W ignore - <<'PYTHON'
import socket
import threading
from importlib.metadata import version

from imapclient import IMAPClient


def server(said: bytes, last: bool = False) -> int:
    """Answers IDLE so, and hangs up where that was the `last`; returns its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        connection, _ = listener.accept()
        connection.sendall(b"* PREAUTH [CAPABILITY IMAP4rev1 IDLE] ready\r\n")
        for line in connection.makefile("rb"):
            tag, _, command = line.decode().strip().partition(" ")
            if command == "CAPABILITY":
                connection.sendall(f"* CAPABILITY IMAP4rev1 IDLE\r\n{tag} OK done\r\n".encode())
            else:
                connection.sendall(said)
                if last:
                    connection.shutdown(socket.SHUT_RDWR)
                    return

    threading.Thread(target=run, daemon=True).start()
    return listener.getsockname()[1]


def idling(said: bytes, last: bool = False) -> object:
    client = IMAPClient("127.0.0.1", server(said, last), ssl=False, timeout=5)
    try:
        client.idle()
        return client.idle_check(timeout=1)
    except IMAPClient.Error as error:
        return str(error)


before, beside, ended = idling(b"* 2 EXISTS\r\n+ \r\n"), idling(b"+ \r\n* 2 EXISTS\r\n"), idling(b"+ \r\n", last=True)
print(f"IMAPClient {version('IMAPClient')}: news before `+`: {before!r}; beside it: {beside!r}; the end: {ended!r}")
assert "Unexpected IDLE response" in str(before), "the behaviour has changed"
assert beside == [], "the behaviour has changed"
assert ended == [], "the behaviour has changed"
PYTHON
