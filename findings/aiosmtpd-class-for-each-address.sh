#!/usr/bin/env bash
# aiosmtpd defines a class anew for each address that a MAIL or RCPT command names: its `_getaddr` has `class AddrSpec(Protocol)` in its body.
# It is there for type checkers only, and leaves a class behind for the collector of garbage.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check aiosmtpd==1.4.6
venv/bin/python -W ignore - <<'PYTHON'
import asyncio
import gc
from importlib.metadata import version
from typing import Protocol

from aiosmtpd.smtp import SMTP


async def main() -> None:
    session = SMTP(None, loop=asyncio.get_running_loop())
    gc.collect()
    gc.disable()  # or the classes are gone before they are counted
    before = len(Protocol.__subclasses__())
    for _ in range(100):
        assert session._getaddr("<ann@example.com> SIZE=100") == ("ann@example.com", "SIZE=100")
    made = len(Protocol.__subclasses__()) - before
    print(f"aiosmtpd {version('aiosmtpd')}: 100 addresses, {made} classes")
    assert made == 100, "the behaviour has changed"


asyncio.run(main())
PYTHON
