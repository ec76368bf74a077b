"""A person agrees in a browser, which is sent back to this machine with a code (RFC 8252, 7.3)."""

from __future__ import annotations

import asyncio
import secrets
import sys

from services.email.adapters.imap import Thread
from services.email.adapters.oauth import Google
from services.email.domain.oauth import Tokens, code_in, page

_PATIENCE = 600.0
"""Seconds for a person to find their password and their second step."""
_DONE = b"You can close this window; the command goes on.\n"
_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
    % (len(_DONE), _DONE)
)


async def agreed(google: Google, user: str) -> Tokens:
    """Prints the address of Google's page and waits until the browser comes back, or until its last
    address is pasted, where it runs on another machine. Raises Refused, TimeoutError."""
    state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    back: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def came(address: str) -> None:
        if not back.done() and "state=" in address:
            back.set_result(address)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            words = (await reader.readline()).decode(errors="replace").split()
            writer.write(_ANSWER)
            await writer.drain()
        finally:
            writer.close()
        came(words[1] if len(words) > 1 else "")

    async def pasted(thread: Thread) -> None:
        while line := await thread.call(sys.stdin.readline):
            came(line.strip())

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    redirect = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    thread = Thread("pasted")
    listening = asyncio.create_task(pasted(thread))
    try:
        print(
            f"Open this in a browser and agree:\n\n{page(google.page, google.client, redirect, state, verifier, user)}\n"
        )
        print("Where the browser runs on another machine: paste here the address at which it ends.", flush=True)
        async with asyncio.timeout(_PATIENCE):
            address = await back
    finally:
        listening.cancel()
        thread.end()
        server.close()
    return await google.exchange(code_in(address, state), redirect, verifier)
