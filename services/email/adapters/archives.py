"""Archives of mail on disk: mbox files, Maildir and folders of EML files. They are read once, front
to back, with one mail in memory, and never changed.

`mailbox.mbox` of the standard library looks for every mail's place before it hands out the first,
ends a mail at any line that begins with "From ", leaves ">From " as it is, and does not know what
Content-Length says.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Protocol

from services.email.domain.archives import (
    Kind,
    content_length,
    date_of_separator,
    folder_of,
    is_separator,
    kind_of_folder,
    maildir_name,
    unquoted,
)
from shared.errors import Rejected

_LINE = 64 << 10
"""Bytes of a line that are looked at at a time; a longer one comes in pieces."""
_BUFFER = 1 << 20
_LONGEST_HEADER = 512 << 10
_AFTER = 600
"""Bytes behind the end of a mail of a told length in which the next one has to begin."""
_MAILDIR = ("cur", "new")


@dataclass(frozen=True, slots=True)
class Folder:
    """A part of an archive with a place of its own to go on from. `size`: bytes, or mails where
    these are not known; `identity`: another one is another content, which is read from its
    beginning."""

    name: str
    kind: Kind
    size: int
    identity: str
    path: Path = Path()
    counted: bool = True
    """`size` are mails."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A mail as it lies there. `place`: where to go on after it; `done`: of the folder's size, up
    to here; `raw`: None where it is larger than is taken or cannot be read, as `why` says."""

    where: str
    place: str
    done: int
    raw: bytes | None
    size: int
    told: tuple[datetime | None, ...] = ()
    marks: str = ""
    why: str = ""


class Archive(Protocol):
    """What can be imported. Every method blocks. Raises Rejected where it cannot be read."""

    @property
    def name(self) -> str:
        """Names it, the same each time: its kind, and each of its places on a line of its own."""

    def folders(self) -> Sequence[Folder]:
        """Lists its folders."""

    def pieces(self, folder: Folder, after: str) -> Iterator[Piece]:
        """Reads the mails of a folder after a place; an empty one is its beginning."""


@dataclass(frozen=True, slots=True)
class MboxFiles:
    """Files in any of the mbox formats. `paths`: files, or folders with such files below them, as
    Thunderbird and Google Takeout leave them. `largest`: bytes of a mail that is handed out."""

    paths: tuple[Path, ...]
    largest: int

    @property
    def name(self) -> str:
        return "mbox " + "\n".join(str(path.resolve()) for path in self.paths)

    def folders(self) -> list[Folder]:
        found = [file for path in self.paths for file in _files(path) if _is_mbox(file)]
        folders = [_of_file(file, name) for file, name in _names(found, self.paths).items()]
        if not folders:
            raise Rejected(422, "no-mbox", f"There is no mbox file at {', '.join(map(str, self.paths))}.")
        return folders

    def pieces(self, folder: Folder, after: str) -> Iterator[Piece]:
        try:
            with folder.path.open("rb", buffering=_BUFFER) as file:
                yield from mbox(file, self.largest, folder.name, int(after or 0), folder.size)
                _unchanged(os.fstat(file.fileno()), folder)
        except OSError as error:
            raise _unreadable(folder.path, error) from error


@dataclass(frozen=True, slots=True)
class Maildir:
    """A Maildir with its subfolders, as Dovecot, Courier and Postfix write it (Maildir++: `.Sent`
    beside `cur`; or plain folders below)."""

    path: Path
    largest: int

    @property
    def name(self) -> str:
        return f"maildir {self.path.resolve()}"

    def folders(self) -> list[Folder]:
        found = []
        parts = (part for name in _MAILDIR for part in self.path.rglob(name) if part.is_dir())
        for folder in sorted({self.path, *(part.parent for part in parts)}):
            if any((folder / part).is_dir() for part in _MAILDIR):
                name = folder_of(folder.relative_to(self.path).parts)
                count = sum(sum(1 for _ in (folder / part).iterdir()) for part in _MAILDIR if (folder / part).is_dir())
                found.append(Folder(name, kind_of_folder(name), count, "maildir", folder))
        if not found:
            raise Rejected(422, "no-maildir", f"{self.path} is no Maildir: it has no folder `cur` or `new`.")
        return found

    def pieces(self, folder: Folder, after: str) -> Iterator[Piece]:
        names = sorted(
            (*maildir_name(entry.name), entry.path)
            for part in _MAILDIR
            if (folder.path / part).is_dir()
            for entry in os.scandir(folder.path / part)
            if not entry.name.startswith(".") and entry.is_file()
        )
        for number, (base, marks, path) in enumerate(names, 1):
            if base > after:
                found = Path(path) if os.path.exists(path) else _renamed(folder.path, base)  # noqa: PTH110 - of each of a million
                yield _file(found or Path(path), f"{folder.name}: {base}", base, number, self.largest, marks)


@dataclass(frozen=True, slots=True)
class EmlFiles:
    """A folder of files with a mail each, `.eml`, and folders below it."""

    path: Path
    largest: int

    @property
    def name(self) -> str:
        return f"eml {self.path.resolve()}"

    def folders(self) -> list[Folder]:
        counts: dict[Path, int] = {}
        for file in _files(self.path):
            if file.suffix.lower() == ".eml":
                counts[file.parent] = counts.get(file.parent, 0) + 1
        if not counts:
            raise Rejected(
                422, "no-eml", f"There is no .eml file at {self.path}. Outlook's .msg and .pst have to be converted."
            )
        return [_of_folder(folder, self.path, count) for folder, count in sorted(counts.items())]

    def pieces(self, folder: Folder, after: str) -> Iterator[Piece]:
        names = sorted(
            entry.name
            for entry in os.scandir(folder.path)
            if entry.name.lower().endswith(".eml") and not entry.name.startswith(".")
        )
        for number, name in enumerate(names, 1):
            if name > after:
                yield _file(folder.path / name, f"{folder.name}: {name}", name, number, self.largest)


def mbox(file: BinaryIO, largest: int, name: str, start: int = 0, size: int | None = None) -> Iterator[Piece]:
    """Reads the mails of an mbox file from a place on that an earlier piece told; nothing beyond
    `size`, as which it was when it was opened.

    A mail ends where the next one begins (`is_separator`), or where its Content-Length says, if
    just there the next one begins: so a mail that has "From " lines, or a whole mbox in its body,
    stays whole.
    """
    lines = _Lines(file, start, file.seek(0, os.SEEK_END) if size is None else size)
    lines.next()
    is_quoted = True
    while lines.line:
        first, separator = lines.at, b""
        if lines.separates(b""):  # or it is the beginning of a file whose first line was lost
            separator = lines.line
            lines.next()
        kept, length, has_separators = _mail(lines, largest)
        is_quoted = is_quoted and not has_separators
        if kept is None:
            raw, why = None, f"larger than {largest:,} bytes"
        else:
            raw, why = kept.getvalue(), ""
            if raw.endswith((b"\n\n", b"\n\r\n")):  # the empty line before the next mail
                raw = raw.removesuffix(b"\n").removesuffix(b"\r")
            if not raw.strip():
                continue
            raw = unquoted(raw) if is_quoted else raw
        yield Piece(
            f"{name}: byte {first}", str(lines.at), lines.at, raw, length, (date_of_separator(separator),), why=why
        )


def _mail(lines: _Lines, largest: int) -> tuple[BytesIO | None, int, bool]:
    """Reads up to where the next mail begins. Returns the bytes, None where there are too many;
    how many; and whether there are lines in it that would have been quoted anywhere else."""
    kept: BytesIO | None = BytesIO()
    length, until, in_header, has_separators, before = 0, 0, True, False, b""
    while lines.line:
        if lines.at >= until:
            if lines.separates(before):
                break
        elif lines.line.startswith(b"From "):
            has_separators = True
        length += len(lines.line)
        if kept is not None:
            kept.write(lines.line)
            kept = kept if length <= largest else None
        if in_header and (not lines.line.strip() or length > _LONGEST_HEADER):
            in_header = False
            told = content_length(kept.getvalue()) if kept else None
            if told is not None and lines.ends_at(lines.following + told):
                until = lines.following + told
        before = lines.line
        lines.next()
    return kept, length, has_separators


class _Lines:
    """The lines of a file up to `end`, with the place of each and one ahead. A line that is too
    long comes in pieces. Nothing is `whole` that does not begin where a line does."""

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        self._file, self._read_to, self._end = file, start, end
        self.at, self.line, self.following, self.whole = start, b"", start, True
        file.seek(start)
        self._ahead = self._read()

    def next(self) -> None:
        """Goes on to the next line; an empty one is the end."""
        self.whole = not self.line or self.line.endswith(b"\n")
        self.at, self.line = self.following, self._ahead
        self.following += len(self.line)
        self._ahead = self._read()

    def separates(self, before: bytes) -> bool:
        """Whether this line begins a mail."""
        return self.whole and self.line.startswith(b"From ") and is_separator(self.line, before, self._ahead)

    def ends_at(self, place: int) -> bool:
        """Whether the next mail begins at a place, but for empty lines, or the file ends there."""
        if place > self._end:
            return False
        self._file.seek(place)
        rest = self._file.read(min(_AFTER, self._end - place))
        self._file.seek(self._read_to)
        first, _, more = rest.lstrip(b"\r\n").partition(b"\n")
        return not first or is_separator(first + b"\n", b"", more)

    def _read(self) -> bytes:
        line = self._file.readline(max(0, min(_LINE, self._end - self._read_to)))
        self._read_to += len(line)
        return line


def _file(path: Path, where: str, place: str, done: int, largest: int, marks: str = "") -> Piece:
    try:
        status = path.stat()
        size, told = status.st_size, (datetime.fromtimestamp(status.st_mtime, UTC),)
        if size > largest:
            return Piece(where, place, done, None, size, told, marks, f"larger than {largest:,} bytes")
        return Piece(where, place, done, path.read_bytes(), size, told, marks)
    except OSError as error:
        return Piece(where, place, done, None, 0, (), marks, f"it cannot be read: {error.strerror or error}")


def _renamed(folder: Path, base: str) -> Path | None:
    """Finds a mail whose flags changed since the folder was listed."""
    return next((path for part in _MAILDIR for path in (folder / part).glob(f"{_glob_safe(base)}*")), None)


def _glob_safe(name: str) -> str:
    """Returns a name in which nothing stands for anything else."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in name)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.is_file())
    if not path.exists():
        raise Rejected(404, "no-such-file", f"{path} does not exist.")
    return [path]


def _is_mbox(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(5) == b"From "
    except OSError as error:
        raise _unreadable(path, error) from error


def _of_file(path: Path, name: str) -> Folder:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise Rejected(422, "no-file", f"{path} is no file.")
    return Folder(name, kind_of_folder(name), status.st_size, _identity(status), path, counted=False)


def _of_folder(path: Path, root: Path, count: int) -> Folder:
    name = str(path.relative_to(root)) if path != root else path.resolve().name
    return Folder(name, kind_of_folder(name), count, "eml", path)


def _names(files: Sequence[Path], roots: Sequence[Path]) -> dict[Path, str]:
    """Returns a name of its own for each file: where two would have the same, what tells their
    paths apart."""
    whole = {file.resolve(): _name(file, roots) for file in files}
    times = Counter(whole.values())
    common = os.path.commonpath(whole) if whole else ""
    return {file: name if times[name] == 1 else str(file.relative_to(common)) for file, name in whole.items()}


def _name(path: Path, roots: Sequence[Path]) -> str:
    root = next((root for root in roots if root.is_dir() and path.is_relative_to(root)), path.parent)
    return str(path.relative_to(root))


def _identity(status: os.stat_result) -> str:
    return f"{status.st_size} {status.st_mtime_ns}"


def _unchanged(status: os.stat_result, folder: Folder) -> None:
    if _identity(status) != folder.identity:
        raise Rejected(
            409,
            "changed",
            f"{folder.path} was changed while it was read. Stop what writes to it, or copy it, and import it again: "
            "what was taken is not taken twice.",
        )


def _unreadable(path: Path, error: OSError) -> Rejected:
    return Rejected(422, "unreadable", f"{path} cannot be read: {error.strerror or error}.")
