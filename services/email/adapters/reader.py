"""Mails are read in a process of their own, which may take so much time and memory and is killed
beyond it: whatever a stranger writes into a mail, the service and the other mails go on.

The two processes speak in frames, each with its length before it: a mail and its envelope in, an
answer and its files out.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import struct
import sys
import traceback
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from io import BytesIO
from math import ceil
from pathlib import Path
from typing import IO, cast

import msgspec

from services.email.domain import checking, incoming, mime
from services.email.domain.bounces import Returned
from services.email.domain.checking import Evidence
from services.email.domain.files import File
from services.email.domain.incoming import Context, Envelope
from services.email.domain.loops import Kept
from services.email.domain.sent import Sent
from shared.errors import Malformed, Unavailable
from shared.events import InboundMessage
from shared.logs import log

MEMORY = 160 << 20
"""Bytes above what the process takes at rest. The largest mail that we take needs half of it."""
CPU = 10
"""Seconds of work on one mail. The largest needs one."""
PATIENCE = 120.0
"""Seconds until an answer: the machine may be busy, and a mail server waits for ten minutes (RFC
5321, 4.5.3.2.6)."""
LARGE = 1 << 20
"""Bytes. After a larger mail a new process takes over: this one would keep some of the memory."""
SMALL = 1 << 16
"""Bytes. Larger mails are read with no other before the process."""
AHEAD = 4
"""Small mails that may lie before the process: it goes on with the next one while its answer is
taken."""
_LENGTH = struct.Struct("!Q")
_PIECE = 1 << 18


class Request(msgspec.Struct, frozen=True):
    """What comes before a mail. `sent`: the replies that it may quote, the newest first;
    `evidence`: what is known to check its sender by; `brief`: its headers and first words will
    do."""

    envelope: Envelope
    raw_uri: str
    received_at: datetime
    sent: tuple[str, ...] = ()
    evidence: Evidence | None = None
    brief: bool = False


class FileAhead(msgspec.Struct, frozen=True):
    """A file whose bytes follow the answer."""

    name: str
    media_type: str
    content_id: str


class Answer(msgspec.Struct, frozen=True):
    """`message`: without its attachments and language; None, with the reason in `refused`, for what
    is no mail at all. `kept`: why it is no message; `returned`: what a returned mail tells;
    `preset`: languages that the sender's program is set to. `tripped`: where our reading raised,
    for the log."""

    message: InboundMessage | None
    kept: Kept | None = None
    returned: Returned | None = None
    files: tuple[FileAhead, ...] = ()
    whole: bool = True
    preset: tuple[str, ...] = ()
    refused: str = ""
    tripped: str = ""


class Lost(Exception):
    """The process ended before it had read the mail: it took too long, or too much memory.
    `killed`: by somebody else, such as a system that is short of memory, perhaps for no fault of
    this mail."""

    def __init__(self, words: str, *, killed: bool = False) -> None:
        super().__init__(words)
        self.killed = killed


class Reader:
    """Reads mails in one warm process, one after the other. Where that ends, it may be for any of
    those that lay before it: each of them is read again alone."""

    program: Sequence[str] = ("-m", __name__)

    def __init__(self, context: Context) -> None:
        self._context = context
        self._places, self._clearing = asyncio.Semaphore(AHEAD), asyncio.Lock()
        self._telling, self._listening = asyncio.Lock(), asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None

    async def read(
        self,
        raw: bytes,
        envelope: Envelope,
        raw_uri: str,
        received_at: datetime,
        sent: tuple[str, ...] = (),
        evidence: Evidence | None = None,
    ) -> tuple[Answer, InboundMessage, list[File]]:
        """Reads a mail; returns the answer, its message and its files. `sent`, `evidence`: as in
        `Request`. Raises Malformed for what is not a mail at all, and Unavailable where no process
        can be started."""
        request = Request(envelope, raw_uri, received_at, sent, evidence)
        answer, files = await self._beside_others(raw, request) or await self._alone(raw, request)
        if answer.tripped:
            log.error("the parser raised an unexpected error", raw_uri=raw_uri, error=answer.tripped)
        if answer.message is None:
            raise Malformed(answer.refused)
        return answer, answer.message, files

    async def start(self) -> None:
        """Starts the process before the first mail comes."""
        async with self._telling:
            await self._running()

    async def close(self) -> None:
        """Ends the process."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001 - or its pipes are left to the collector

    async def _beside_others(self, raw: bytes, request: Request) -> tuple[Answer, list[File]] | None:
        """Returns None for a mail that has to be read alone."""
        if len(raw) > SMALL:
            return None
        async with self._places:
            try:
                return await self._asked(request, raw)
            except Lost as error:
                log.warning("a mail is read again", raw_uri=request.raw_uri, error=str(error))
                return None

    async def _alone(self, raw: bytes, request: Request) -> tuple[Answer, list[File]]:
        """Returns the answer to the mail or, where no process survives that, to its beginning."""
        async with self._no_others():
            innocent = True
            for asked in (request, msgspec.structs.replace(request, brief=True)):
                while True:
                    try:
                        return await self._asked(asked, raw)
                    except Lost as error:
                        log.error("a mail was not read", raw_uri=asked.raw_uri, size=len(raw), error=str(error))
                        if not (error.killed and innocent):
                            break
                        innocent = False
        raise Malformed("it is too much for our reader, and so is its beginning")

    @contextlib.asynccontextmanager
    async def _no_others(self) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as places, self._clearing:
            for _ in range(AHEAD):
                await places.enter_async_context(self._places)
            yield

    async def _asked(self, request: Request, raw: bytes) -> tuple[Answer, list[File]]:
        """Locks are fair: whoever told first listens first, and hears the first answer."""
        process, answered = None, False
        try:
            async with self._telling, asyncio.timeout(PATIENCE):
                process = await self._running()
                await self._tell(process, msgspec.json.encode(request), raw)
            async with self._listening, asyncio.timeout(PATIENCE):
                if process is not self._process:
                    raise Lost("its process ended before it came to this one")
                output = cast("asyncio.StreamReader", process.stdout)
                answer = msgspec.json.decode(await _frame(output), type=Answer)
                files = [
                    File(file.name, file.media_type, await _frame(output), file.content_id) for file in answer.files
                ]
            answered = True
        except TimeoutError:
            raise Lost(f"no answer within {PATIENCE:.0f} s") from None
        except (OSError, asyncio.IncompleteReadError):
            if process is None:
                raise
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await process.wait()
            killed = process.returncode in {-signal.SIGKILL, -signal.SIGTERM}
            raise Lost(f"its process ended with {process.returncode}", killed=killed) from None
        finally:
            if process is self._process and (not answered or len(raw) > LARGE):
                await self.close()
        return answer, files

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        await self.close()
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, *self.program, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
            )
            await self._tell(self._process, msgspec.json.encode(self._context))
        except OSError as error:
            raise Unavailable(f"mails cannot be read: {error}") from error
        return self._process

    async def _tell(self, process: asyncio.subprocess.Process, *frames: bytes) -> None:
        """Writes what is small at once, as each write wakes the other process; the rest piece by
        piece, as the transport would copy it."""
        stdin = cast("asyncio.StreamWriter", process.stdin)
        waiting = b""
        for frame in frames:
            waiting += _LENGTH.pack(len(frame))
            if len(frame) <= _PIECE:
                waiting += frame
                continue
            stdin.write(waiting)
            waiting = b""
            for start in range(0, len(frame), _PIECE):
                stdin.write(frame[start : start + _PIECE])
                await stdin.drain()
        stdin.write(waiting)
        await stdin.drain()


async def _frame(stream: asyncio.StreamReader) -> bytes:
    left = _LENGTH.unpack(await stream.readexactly(_LENGTH.size))[0]
    whole = BytesIO()
    while left:
        piece = await stream.read(min(left, _PIECE))
        if not piece:
            raise asyncio.IncompleteReadError(b"", left)
        whole.write(piece)
        left -= len(piece)
    return whole.getvalue()


# ── in the process that reads
# ────────────────────────────────────────────────────────────────────────────────────────


def main() -> None:
    """Answers requests until the input ends."""
    source, channel = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the service ends us, once it has answered its senders
    context = msgspec.json.decode(next(_frames(source)), type=Context)
    _limit(resource.RLIMIT_CORE, 0)  # a core file would have customers' words in it
    _limit(resource.RLIMIT_DATA, _taken() + MEMORY)
    frames = _frames(source)
    for head in frames:
        used = resource.getrusage(resource.RUSAGE_SELF)
        _limit(resource.RLIMIT_CPU, ceil(used.ru_utime + used.ru_stime) + CPU)
        answer, files = _answer(msgspec.json.decode(head, type=Request), next(frames), context)
        for data in (msgspec.json.encode(answer), *(file.data for file in files)):
            channel.write(_LENGTH.pack(len(data)))
            channel.write(data)
        channel.flush()
        del files, data


def _answer(request: Request, raw: bytes, context: Context) -> tuple[Answer, tuple[File, ...]]:
    """Reads one mail, or only its beginning where that fails: a fault of ours in reading one odd
    mail must neither bounce nor block it."""
    tripped = ""
    try:
        if not request.brief:
            return _read(request, raw, mime.parse(raw), context)
    except Malformed as error:
        return Answer(None, refused=str(error)), ()
    except Exception:  # noqa: BLE001 - MemoryError too
        tripped = traceback.format_exc(limit=-8)[-4_000:]
    try:
        answer, files = _read(request, b"", mime.parse_beginning(raw), context)
        return msgspec.structs.replace(answer, tripped=tripped), files
    except Malformed as error:
        return Answer(None, refused=str(error)), ()
    except Exception as error:  # noqa: BLE001
        return Answer(None, refused=f"the parser raised an unexpected error: {error!r}", tripped=tripped), ()


def _read(request: Request, raw: bytes, mail: mime.Mail, context: Context) -> tuple[Answer, tuple[File, ...]]:
    """Reads and checks one mail. `raw`: empty where only the beginning is read: no
    signature was made over that."""
    checked = None
    if request.evidence:
        whole = b"" if request.envelope.cut else raw
        checked = checking.check(whole, mail.headers, request.evidence, context.sealers)
    sent = Sent(request.sent)
    found = incoming.read(mail, request.envelope, context, request.raw_uri, request.received_at, sent, checked)
    ahead = tuple(FileAhead(file.name, file.media_type, file.content_id) for file in found.files)
    return Answer(found.message, found.kept, found.returned, ahead, found.whole, found.preset), found.files


def _frames(source: IO[bytes]) -> Iterator[bytes]:
    while len(length := source.read(_LENGTH.size)) == _LENGTH.size:
        yield source.read(_LENGTH.unpack(length)[0])


def _limit(what: int, most: int) -> None:
    """Sets a resource limit that is never above the present one; some systems do not know every
    limit."""
    with contextlib.suppress(ValueError, OSError):
        hard = resource.getrlimit(what)[1]
        resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _taken() -> int:
    """Bytes of data that this process has now, where the system tells (Linux)."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
    except OSError:
        return 0


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        main()
