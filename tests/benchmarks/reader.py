"""What reading one mail takes, by its size and kind: seconds of work and memory above rest, of the
service's part and of the process that reads together. A pair of processes for each measurement, so
that no mail is measured with another's leavings.

`python -m tests.benchmarks.reader` prints the table; `… FILE` measures one mail.
"""

from __future__ import annotations

import asyncio
import base64
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from services.email.adapters.reader import LARGE, Reader
from services.email.domain.incoming import Context, Envelope
from services.email.domain.mailboxes import Mailboxes
from shared.clock import utc_now

ROOT = Path(__file__).parents[2]
SIZES = {"10 KB": 10_000, "100 KB": 100_000, "1 MB": 1_000_000, "5 MB": 5_000_000, "25 MB": 25_000_000}
_HEAD = b"From: Ann <ann@example.com>\r\nSubject: Lamp\r\nMessage-ID: <one@example.com>\r\nMIME-Version: 1.0\r\n"
_ROW = b"<tr><td><p style='margin:0'>Lamp &amp; shade</p></td><td>2</td><td><b>12,50</b></td></tr>\r\n"
_REPLY = b"On Mon, 2 Mar 2026 at 10:00, Ann <ann@example.com> wrote:\r\n> Is it on?\r\nYes, it is.\r\n"
_FILE = b"--b\r\nContent-Type: text/plain; name=note.txt\r\nContent-Disposition: attachment\r\n\r\n%s\r\n"


def _file(size: int) -> bytes:
    return _multipart(
        b"--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(bytes(range(256)) * (size * 74 // 100 // 256)).replace(b"\n", b"\r\n")
    )


def _parts(size: int) -> bytes:
    return _multipart(_FILE % (b"word " * (size // 4_500)) * 900)


def _multipart(parts: bytes) -> bytes:
    return b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee the files.\r\n" + parts + b"--b--\r\n"


KINDS: dict[str, Callable[[int], bytes]] = {
    "one file": _file,
    "short words": lambda size: b"\r\n" + b"a b\r\n" * (size // 5),
    "an HTML table": lambda size: b"Content-Type: text/html\r\n\r\n<table>" + _ROW * (size // len(_ROW)) + b"</table>",
    "answers between quotes": lambda size: b"\r\n" + _REPLY * (size // len(_REPLY)),
    "900 files": _parts,
    "tags that never end": lambda size: b"Content-Type: text/html\r\n\r\n" + b"<div><b " * (size // 8),
}


def mail(kind: str, size: int) -> bytes:
    """A mail of about this size, in bytes."""
    return _HEAD + KINDS[kind](size)


def measured(kind: str, size: int) -> tuple[float, float]:
    """Seconds of work, and megabytes at the most, of a pair of processes that read this mail."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(mail(kind, size))
        file.flush()
        command = [sys.executable, "-m", "tests.benchmarks.reader", file.name]
        out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout
    seconds, megabytes = out.split()
    return float(seconds), float(megabytes)


def table() -> str:
    """Everything, as Markdown."""
    lines = ["| | " + " | ".join(SIZES) + " |", "|---|" + "---|" * len(SIZES)]
    for kind in KINDS:
        found = [measured(kind, size) for size in SIZES.values()]
        lines.append(f"| {kind} | " + " | ".join(f"{each[0]:.3f} s, {each[1]:.0f} MB" for each in found) + " |")
        print(lines[-1], flush=True, file=sys.stderr)
    return "\n".join(lines)


@dataclass
class _Taken:
    seconds: float = 0
    memory: int = 0

    @classmethod
    def now(cls, pid: int) -> _Taken:
        """Of this process and that one: all work so far, and memory at the most."""
        pair = [psutil.Process(), psutil.Process(pid)]
        return cls(sum(sum(each.cpu_times()[:2]) for each in pair), sum(_most(each.pid) for each in pair))


class _Watched(Reader):
    """Looks at its process once more before that ends, as it does after a large mail."""

    last = _Taken()

    def look(self) -> _Taken:
        """What was taken until now, or until the process ended."""
        if self._process is not None and self._process.returncode is None:
            self.last = _Taken.now(self._process.pid)
        return self.last

    async def close(self) -> None:
        self.look()
        await super().close()


def _most(pid: int) -> int:
    """`getrusage` would begin with what the parent took."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:"))


async def _read(file: Path) -> tuple[float, float]:
    reader = _Watched(Context(Mailboxes.parse("support@example.org"), "x" * 32, ()))

    async def read(raw: bytes) -> None:
        _, message, _ = await reader.read(raw, Envelope("ann@example.com", ("support@example.org",)), "raw", utc_now())
        assert message.subject == "Lamp"

    await read(mail("an HTML table", 1_000))
    rest, raw = reader.look(), file.read_bytes()
    times = max(1, LARGE // len(raw))
    for _ in range(times):
        await read(raw)
    taken = reader.look()
    await reader.close()
    return (taken.seconds - rest.seconds) / times, (taken.memory - rest.memory) / 1e6


def main(arguments: Sequence[str] = ()) -> int:
    """Print the table, or one measurement."""
    if arguments:
        print(*asyncio.run(_read(Path(arguments[0]))))
    else:
        print(table())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
