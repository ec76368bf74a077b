"""Attachments and raw mail: files named by their content, in a folder or any other place that
fsspec reaches."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

import fsspec

from shared.errors import Malformed, Unavailable
from shared.events import Attachment

_URI = re.compile(r"sha256/[0-9a-f]{2}/[0-9a-f]{64}")


class Storage:
    """`url`: an fsspec URL such as `file:///var/lib/switchboard` or `s3://bucket/prefix`."""

    def __init__(self, url: str) -> None:
        self._fs: Any
        self._fs, self._root = fsspec.url_to_fs(url)
        self._local = url.startswith("file://")

    async def put(self, data: bytes, *, name: str, media_type: str, content_id: str = "") -> Attachment:
        """Stores the bytes; returns when they are on disk. The same bytes are stored once.
        Raises Unavailable."""
        digest = hashlib.sha256(data).hexdigest()
        uri = f"sha256/{digest[:2]}/{digest}"
        try:
            if self._local:
                await asyncio.to_thread(write_durably, Path(self._root) / uri, data)
            else:
                await asyncio.to_thread(self._fs.pipe_file, f"{self._root}/{uri}", data)
        except OSError as error:
            raise Unavailable(f"the attachment storage cannot be written: {error.strerror or error}") from error
        return Attachment(
            uri=uri, name=name, media_type=media_type, size=len(data), sha256=digest, content_id=content_id
        )

    async def get(self, uri: str) -> bytes:
        """Returns the bytes behind a uri that `put` returned. Raises Malformed for any other,
        Unavailable if it cannot be read."""
        if not _URI.fullmatch(uri):
            raise Malformed(f"not a uri of the attachment storage: {uri[:100]!r}")
        try:
            return bytes(await asyncio.to_thread(self._fs.cat_file, f"{self._root}/{uri}"))
        except OSError as error:
            raise Unavailable(f"{uri} cannot be read from the attachment storage: {error.strerror or error}") from error

    async def free(self) -> float | None:
        """Returns the share of the disk that is free; None where the storage is not on a local
        disk."""
        if not self._local:
            return None
        folder = next((path for path in (Path(self._root), *Path(self._root).parents) if path.is_dir()), Path("/"))
        try:
            usage = await asyncio.to_thread(shutil.disk_usage, folder)
        except OSError:
            return None
        return usage.free / usage.total


def write_durably(path: Path, data: bytes) -> None:
    """Blocks. A reader sees the whole file or none, and after a power cut it is still there. What
    is there stays."""
    if path.exists():
        return
    part = path.with_name(f"{path.name}.{uuid4().hex}.part")
    try:
        with _new(part) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)  # each new try would leave another part on a full disk
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _new(path: Path) -> BinaryIO:
    """Opens a new file. The folder is there nearly always: it is made where it turns out to be
    missing."""
    try:
        return path.open("xb")
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("xb")
