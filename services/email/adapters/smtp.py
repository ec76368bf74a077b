"""The door for mail: SMTP and LMTP, by aiosmtpd, in the service's own loop.

We read DATA ourselves: aiosmtpd takes it line by line, refuses lines over 1,000 bytes, which real
mail has, and in LMTP answers once instead of once a recipient (RFC 2033, 4.2). The rest of the
protocol is aiosmtpd's.
"""

from __future__ import annotations

import asyncio
import collections
import math
import re
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import cast

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Session
from aiosmtpd.smtp import Envelope as Session_Envelope

from services.email.domain.charsets import safe
from services.email.domain.incoming import Envelope
from shared.errors import Unavailable
from shared.limits import RateLimit, origin
from shared.logs import log
from shared.metrics import METRICS

Receive = Callable[[bytes, Envelope], Awaitable[str]]
"""Keeps and publishes a mail. Raises Unavailable where the sender should try again."""
_END = b"\r\n.\r\n"
_COMMAND = 2_048
"""Bytes of a command line: RFC 5321's 512 with room for every extension."""
_DRAIN = 4
"""How many times the limit we read of a mail that is too large, so that its sender hears why; then
we hang up."""
_BACKLOG = 512
"""Connections that the system holds until we accept them: a burst from one large provider."""
_PROGRESS = 256 << 10
"""Bytes of a mail that have to come within the idle time-out: 7 kbit/s. Less is as good as
nothing."""
_FAREWELL, _GLANCE = 3.0, 0.02
"""Seconds that mails under way get to be kept at the end, and between two looks at them."""
_PLAIN = re.compile(
    r"<([A-Za-z0-9_+=-]+(?:\.[A-Za-z0-9_+=-]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)>(?: +([A-Za-z][!-~ ]*))?"
)
"""What nearly every MAIL and RCPT names, and its parameters."""
LATER = "451 4.3.0 We cannot keep your message just now; try again later"
TOO_LARGE = "552 5.3.4 Message is larger than we take"


@dataclass(frozen=True, slots=True)
class Door:
    """What one listener is made of."""

    receive: Receive
    owns: Callable[[str], bool]
    max_size: int
    max_recipients: int
    max_connections: int
    idle_timeout: float
    per_address: int = 0
    """Sessions at a time; 0 sets no limit."""
    rate: RateLimit = field(default_factory=lambda: RateLimit(0))
    """Mails."""
    trusted: Sequence[IPv4Network | IPv6Network] = ()
    """Whose sessions and mails are not counted by address, and whose mails are not checked: relays
    of our own, which speak for everybody."""
    hostname: str | None = None
    tls: ssl.SSLContext | None = None


def trusts(networks: Sequence[IPv4Network | IPv6Network], address: str) -> bool:
    """Whether this address is in one of these networks."""
    found = ip_address(address.partition("%")[0])
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return any((mapped or found) in network for network in networks)


class Hooks:
    """Answers to what aiosmtpd asks in a session."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, _envelope: Session_Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Returns our capabilities; aiosmtpd adds 8BITMIME, SMTPUTF8 and STARTTLS. AUTH is not
        offered: we relay for nobody."""
        session.host_name = hostname
        extra = [f"250-SIZE {self._door.max_size}", "250-PIPELINING", "250-ENHANCEDSTATUSCODES"]
        offered = [response for response in responses[:-1] if not response.startswith("250-AUTH")]
        return [*offered, *extra, responses[-1]]

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Session_Envelope, address: str, options: list[str]
    ) -> str:
        """Refuses at once what is announced as too large, or comes too often."""
        wait = cast("MailSession", server).wait_for_turn()
        if wait:
            METRICS.refused.labels(channel="email", reason="too-many-mails").inc()
            return f"450 4.7.1 Too many messages from your address; try again in {math.ceil(wait)} seconds"
        announced = next((option[5:] for option in options if option.startswith("SIZE=")), "0")
        if int(announced) > self._door.max_size:
            METRICS.refused.labels(channel="email", reason="too-large").inc()
            return f"{TOO_LARGE} ({self._door.max_size} bytes)"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Session_Envelope, address: str, options: list[str]
    ) -> str:
        """Accepts mail for our own mailboxes and relays nothing."""
        if len(envelope.rcpt_tos) >= self._door.max_recipients:
            return "452 4.5.3 Too many recipients; send the rest in another message"
        if not self._door.owns(address):
            METRICS.refused.labels(channel="email", reason="not-our-mailbox").inc()
            return "550 5.7.1 This is not a mailbox of ours"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_exception(self, error: Exception) -> str:
        """Answers an unexpected error so that the sender keeps the mail and tries again."""
        log.error("an SMTP session tripped", exc_info=error)
        return "451 4.3.0 Something went wrong on our side; try again later"


class MailSession(SMTP):
    """One SMTP session."""

    command_size_limit = _COMMAND
    command_size_limits = collections.defaultdict(lambda: _COMMAND)
    line_length_limit = 64 << 10
    """How much of DATA is read at a time."""
    each_recipient = False

    def __init__(self, door: Door, sessions: set[MailSession], loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            Hooks(door),
            data_size_limit=None,  # announced and checked by ourselves, with enhanced status codes
            enable_SMTPUTF8=True,
            hostname=door.hostname,
            ident="Switchboard",
            tls_context=door.tls,
            timeout=door.idle_timeout,
            loop=loop,
        )
        self._door, self._sessions, self._turned_away = door, sessions, False
        self.busy = False
        self.stranger = ""
        """The address, where it is none of a relay of ours."""
        self.origin = ""
        """Whose limits count; empty where none do."""

    def wait_for_turn(self) -> float:
        """Returns the seconds until this address may send a mail again; 0: now."""
        return self._door.rate.wait(self.origin, self.loop.time()) if self.origin else 0

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """Reads an address without the class that aiosmtpd defines, and the tree of tokens that
        it builds, for each."""
        if match := _PLAIN.fullmatch(arg):
            return match[1], match[2] or ""
        return super()._getaddr(arg)

    def _reset_timeout(self, duration: float | None = None) -> None:
        """Starts the time-out once: aiosmtpd calls this at every command, but a session that
        sends NOOP all day is idle, and only a mail extends it."""
        if self._timeout_handle is None:
            super()._reset_timeout(duration)

    def _moves_on(self) -> None:
        super()._reset_timeout()

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802 - aiosmtpd's name
        """Receives the mail and answers with what became of it."""
        if await self.check_helo_needed():
            return
        envelope = cast("Session_Envelope", self.envelope)
        if not envelope.rcpt_tos:
            await self.push("503 5.5.1 Error: need RCPT command")
            return
        if arg:
            await self.push("501 5.5.4 Syntax: DATA")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        content = await self._content()
        self._moves_on()
        recipients = tuple(map(safe, envelope.rcpt_tos))
        if content is None:
            METRICS.refused.labels(channel="email", reason="too-large").inc()
            status = f"{TOO_LARGE} ({self._door.max_size} bytes)"
        else:
            sender, helo = (
                safe((envelope.mail_from or "").strip("<>")),
                safe(cast("Session", self.session).host_name or ""),
            )
            client = "" if self.each_recipient else self.stranger  # LMTP is spoken by relays only
            status = await self._taken(content, Envelope(sender, recipients, client=client, helo=helo))
        self._set_rset_state()  # type: ignore[no-untyped-call]
        for _ in recipients if self.each_recipient else recipients[:1]:
            await self.push(status)
        self._moves_on()

    async def _taken(self, content: bytes, envelope: Envelope) -> str:
        self.busy = True
        try:
            identity = await self._door.receive(content, envelope)
        except Unavailable as error:
            METRICS.refused.labels(channel="email", reason="unavailable").inc()
            log.warning("a mail was put off", error=str(error)[:300])
            return LATER
        finally:
            self.busy = False
        return f"250 2.0.0 OK {identity or 'kept'}"

    async def _content(self) -> bytes | None:
        """Returns the mail with its dots unstuffed, or None where it is too large. Only CR LF .
        CR LF ends it: a server that takes a bare LF for a line end can be made to see two mails
        where there is one."""
        data, size = bytearray(b"\r\n"), 0
        while True:
            try:
                chunk = await self._reader.readuntil(b".\r\n")
            except asyncio.LimitOverrunError as error:
                chunk = await self._reader.readexactly(error.consumed)
            if (size + len(chunk)) // _PROGRESS > size // _PROGRESS:
                self._moves_on()
            size += len(chunk)
            data += chunk
            ended = data.endswith(_END)
            if size > self._door.max_size + len(_END):
                if ended:
                    return None
                if size > self._door.max_size * _DRAIN:
                    await self.push(f"{TOO_LARGE} ({self._door.max_size} bytes)")
                    raise asyncio.CancelledError  # aiosmtpd's way to end a session
                del data[:-8]  # the end may lie across two chunks
            elif ended:
                del data[-3:]
                if b"\r\n." in data:
                    data = data.replace(b"\r\n.", b"\r\n")
                del data[:2]
                return bytes(data)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accepts the connection, or asks the client to come back later. aiosmtpd calls this
        again once TLS is up."""
        if self not in self._sessions and (refusal := self._refusal(transport)):
            METRICS.refused.labels(channel="email", reason="too-many-sessions").inc()
            self._turned_away = True
            cast("asyncio.Transport", transport).write(refusal)
            transport.close()
            return
        self._sessions.add(self)
        super().connection_made(transport)

    def _refusal(self, transport: asyncio.BaseTransport) -> bytes:
        """Returns the reply that refuses the connection; empty where it is accepted."""
        peer = str((transport.get_extra_info("peername") or [""])[0])
        if peer and not trusts(self._door.trusted, peer):
            self.stranger, self.origin = peer.partition("%")[0], origin(peer)
        same = sum(session.origin == self.origin for session in self._sessions) if self.origin else 0
        if self._door.per_address and same >= self._door.per_address:
            return b"421 4.7.0 Too many connections from your address; try again later\r\n"
        if len(self._sessions) >= self._door.max_connections:
            return b"421 4.3.2 Too many connections; try again later\r\n"
        return b""

    def connection_lost(self, error: Exception | None) -> None:
        """Removes a session whose connection was lost."""
        self._sessions.discard(self)
        if not self._turned_away:
            super().connection_lost(error)

    def eof_received(self) -> bool | None:
        """Handles the end of the client's input; closes a connection that was refused."""
        return False if self._turned_away else super().eof_received()

    def leave(self) -> bool:
        """Closes the connection, unless a mail is just being stored: its sender deserves an
        answer. Returns whether the session is still busy."""
        if not self.busy and self.transport is not None:
            self.transport.close()
        return self.busy


class LocalMailSession(MailSession, LMTP):
    """One LMTP session: LHLO, and one answer for each recipient."""

    each_recipient = True


class Listener:
    """Listens until it is stopped, with at most so many sessions at a time."""

    def __init__(self, door: Door, host: str, port: int, session: type[MailSession] = MailSession) -> None:
        self._door, self._host, self._port, self._session = door, host, port, session
        self._sessions: set[MailSession] = set()
        self._server: asyncio.Server | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Raises OSError where the port cannot be had. Mails that are being kept when `stop` comes
        get their answer."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: self._session(self._door, self._sessions, loop), self._host, self._port, backlog=_BACKLOG
        )
        await stop.wait()
        self._server.close()
        deadline = loop.time() + _FAREWELL
        while sum(session.leave() for session in list(self._sessions)) and loop.time() < deadline:  # noqa: ASYNC110 - aiosmtpd tells no end
            await asyncio.sleep(_GLANCE)

    @property
    def listening(self) -> bool:
        """Whether mail can come in."""
        return self._server is not None and self._server.is_serving()

    @property
    def port(self) -> int:
        """Where it listens, once it does; useful where the port was left to the system (0)."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server and self._server.sockets else self._port
