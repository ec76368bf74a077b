#!/usr/bin/env bash
# Mailgun and SendGrid post a raw mail as a field of a form. `request.form()` gives it as text: bytes that are no UTF-8 become U+FFFD in
# an encoded form and Latin-1 in a multipart one, where nothing tells them from UTF-8; and a field over 1 MB, as any mail with a picture
# is, is refused unless `max_part_size` says otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check starlette==1.10.0 python-multipart==0.0.34
venv/bin/python - <<'PYTHON'
import asyncio
from importlib.metadata import version
from urllib.parse import urlencode

from starlette.formparsers import MultiPartException
from starlette.requests import Request

MULTIPART = b"multipart/form-data; boundary=b"


async def field(body: bytes, kind: bytes) -> str:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": [(b"content-type", kind)]}
    return str((await Request(scope, receive).form())["mail"])


def part(value: bytes) -> bytes:
    return b'--b\r\nContent-Disposition: form-data; name="mail"\r\n\r\n' + value + b"\r\n--b--\r\n"


async def main() -> None:
    latin, utf_8 = "été".encode("latin-1"), "été".encode()
    seen = [
        await field(urlencode({"mail": latin}).encode(), b"application/x-www-form-urlencoded"),
        await field(part(latin), MULTIPART),
        await field(part(utf_8), MULTIPART),
    ]
    try:
        await field(part(b"x" * 1_100_000), MULTIPART)
    except MultiPartException as error:
        seen.append(error.message)
    print(f"starlette {version('starlette')}: Latin-1 encoded, Latin-1 multipart, UTF-8 multipart, 1.1 MB: {seen}")
    assert seen == ["\ufffdt\ufffd", "été", "été", "Part exceeded maximum size of 1024KB."], "the behaviour has changed"


asyncio.run(main())
PYTHON
