"""The table of tickets has one writer."""

from __future__ import annotations

import re
from pathlib import Path

import services.desk

WRITES = re.compile(
    r"\b(insert|update|delete|insert_all|update_all)\([^()]*\bTICKETS\b|(UPDATE|INTO|DELETE FROM) desk\.tickets\b"
)


def test_only_the_store_writes_tickets() -> None:
    room = Path(services.desk.__file__).parent
    writers = [
        str(path.relative_to(room))
        for path in room.rglob("*.py")
        if "migrations" not in path.parts and WRITES.search(path.read_text())
    ]
    assert writers == ["tickets/store.py"]
