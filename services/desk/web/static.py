"""The console's own and vendored files: read once, compressed once, kept by browsers for a year
under a name that changes."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request, Response

from shared.logs import log

FOLDER = Path(__file__).parent / "static"
VENDORED = ("htmx.js", "idiomorph.js", "inter-latin.woff2", "inter-latin-ext.woff2", "uplot.css", "uplot.js")
"""What `package.json` names under `switchboard.vendor`."""
_YEAR = "public, max-age=31536000, immutable"
_WORKER = "default-src 'none'; script-src 'self'; connect-src 'self'"
"""A worker obeys the policy of its own file: it may import its modules and follow the stream (CSP
3, 4.2)."""
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class File:
    """One file, plain and (where it helps) compressed."""

    data: bytes
    packed: bytes | None
    media_type: str


@cache
def files() -> dict[str, File]:
    """Reads all files by their path below `static/`."""
    found = {}
    for path in sorted(FOLDER.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            data = path.read_bytes()
            packed = gzip.compress(data, 9, mtime=0) if path.suffix != ".woff2" else None
            media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            found[path.relative_to(FOLDER).as_posix()] = File(data, packed, media_type)
    missing = [name for name in VENDORED if f"vendor/{name}" not in found]
    if missing:
        log.error("front-end files are missing; `make assets` gets them", missing=missing)
    return found


@cache
def build() -> str:
    """Returns the name of this set of files. Modules import each other by relative paths, so all
    of them change their names together."""
    digest = hashlib.sha256()
    for name, file in files().items():
        digest.update(name.encode() + b"\x00" + file.data)
    return digest.hexdigest()[:12]


def url(path: str) -> str:
    """Returns the address at which a page finds a file."""
    return f"/static/{build()}/{path}"


@router.get("/static/{name}/{path:path}")
async def static_file(name: str, path: str, request: Request) -> Response:
    """Serves a file. A page from before an update still gets today's file, but does not store
    it."""
    file = files().get(path)
    if file is None:
        raise HTTPException(404)
    policy = {"Content-Security-Policy": _WORKER} if path.endswith(".js") else {}
    headers = policy | {"Cache-Control": _YEAR if name == build() else "no-cache", "Vary": "Accept-Encoding"}
    if file.packed and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.packed, media_type=file.media_type, headers=headers | {"Content-Encoding": "gzip"})
    return Response(file.data, media_type=file.media_type, headers=headers)
