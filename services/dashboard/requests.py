"""Reads what came over HTTP or a socket, within its limits. Whatever is wrong becomes a `Rejected`
that says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request

from services.dashboard.context import Dashboard
from services.dashboard.domain.drafts import MAX_SUBJECT, Draft, clean, draft
from services.dashboard.domain.refusal import Refusal
from services.dashboard.domain.sites import Site
from shared.errors import Rejected
from shared.events import Attachment
from shared.metrics import METRICS

MAX_JSON = 64 << 10
"""Bytes of a JSON body: 20,000 characters in any script, and the facts."""
MAX_FIELDS = 50
_MAX_FILE_NAME = 150

S = TypeVar("S", bound=msgspec.Struct)
Scalar = str | int | float | bool


class NewMessage(msgspec.Struct, frozen=True):
    """Body of `POST /api/v1/messages`, and part of a socket's `send`."""

    text: str = ""
    subject: str = ""
    facts: dict[str, Scalar] = {}
    page: str = ""

    def draft(self, *, has_files: bool = False) -> Draft:
        """Checks the message. Raises Refusal."""
        return draft(self.text, self.subject, self.facts, self.page, has_files=has_files)


class NewSession(msgspec.Struct, frozen=True):
    """Body of `POST /api/v1/sessions`."""

    site: str = ""
    identity: str = ""


@contextmanager
def refusals(status: int) -> Iterator[None]:
    """Turns what the domain refuses into an HTTP problem, and counts it."""
    try:
        yield
    except Refusal as refusal:
        METRICS.refused.labels(channel="chat", reason=refusal.code).inc()
        raise Rejected(status, refusal.code, str(refusal)) from refusal


def credential(connection: HTTPConnection) -> str:
    """Returns the bearer token, or an empty string. Never taken from the address: addresses end up
    in logs."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def address(connection: HTTPConnection) -> str:
    """Returns the caller's IP address, as uvicorn tells it: behind a proxy set
    FORWARDED_ALLOW_IPS."""
    return connection.client.host if connection.client else ""


def check_origin(connection: HTTPConnection, site: Site) -> None:
    """Refuses a page of another origin. Raises Rejected 403."""
    origin = connection.headers.get("origin", "")
    if urlsplit(origin).netloc != connection.headers.get("host"):
        with refusals(403):
            site.check_origin(origin)


async def body(request: Request, limit: int = MAX_JSON) -> bytes:
    """Reads the body. Raises Rejected 413 as soon as there is too much of it."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > limit:
            raise Rejected(
                413, "too-large", f"a message has at most {limit >> 10} KB: send files as multipart/form-data"
            )
    return bytes(data)


def parse(kind: type[S], data: bytes | str) -> S:
    """Decodes JSON as a struct. Raises Rejected 400 with the place of the first error."""
    try:
        value: S = _decoder(kind).decode(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        METRICS.refused.labels(channel="chat", reason="json-wrong").inc()
        raise Rejected(400, "json-wrong", f"the body is not the JSON that is expected here: {error}") from error
    return value


async def parts(dashboard: Dashboard, request: Request) -> tuple[NewMessage, list[UploadFile]]:
    """Reads a multipart body: the same fields as text, with `facts` as JSON, and any number of
    `file` parts."""
    limits = dashboard.settings
    try:
        form = await request.form(max_files=limits.max_files, max_fields=MAX_FIELDS, max_part_size=MAX_JSON)
    except HTTPException as error:
        if error.status_code == 413:
            raise
        raise Rejected(
            400,
            "multipart-wrong",
            f"the multipart body cannot be read, or has more than {limits.max_files} files: {error.detail}",
        ) from error
    files = [value for value in form.getlist("file") if isinstance(value, UploadFile)]
    texts = {name: value for name, value in form.items() if isinstance(value, str)}
    facts = parse(_Facts, b'{"facts":' + texts.get("facts", "{}").encode("utf-8", "replace") + b"}").facts
    return NewMessage(texts.get("text", ""), texts.get("subject", ""), facts, texts.get("page", "")), files


class _Facts(msgspec.Struct, frozen=True):
    facts: dict[str, Scalar]


async def keep(dashboard: Dashboard, files: list[UploadFile]) -> tuple[Attachment, ...]:
    """Stores the files; all are checked before the first is stored. Raises Rejected 413 or 415."""
    limits = dashboard.settings
    allowed = {kind.strip().lower() for kind in limits.file_types.split(",")}
    for file in files:
        if (file.size or 0) > limits.max_file_bytes:
            raise Rejected(
                413, "file-too-large", f"{_name(file)}: a file may have at most {limits.max_file_bytes:,} bytes"
            )
        if _media_type(file) not in allowed:
            raise Rejected(
                415,
                "file-type",
                f"{_name(file)}: {_media_type(file) or 'this type'} is not taken; send one of {', '.join(sorted(allowed))}",
            )
    return tuple(
        [
            await dashboard.storage.put(await file.read(), name=_name(file), media_type=_media_type(file))
            for file in files
        ]
    )


def _name(file: UploadFile) -> str:
    """Returns the last part of whatever path came along."""
    tidy = " ".join(clean(file.filename or "").replace("\\", "/").rpartition("/")[2].split())
    return tidy[-_MAX_FILE_NAME:] or "file"


def _media_type(file: UploadFile) -> str:
    return (file.content_type or "").partition(";")[0].strip().lower()[:MAX_SUBJECT]


@cache
def _decoder(kind: type[msgspec.Struct]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)
