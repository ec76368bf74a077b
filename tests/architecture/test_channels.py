"""The desk asks what a channel can do, and not what it is called."""

from __future__ import annotations

import re
from pathlib import Path

DESK = Path(__file__).parents[2] / "services/desk"
_NAMED = re.compile(
    r"""channels?(?:\W{1,6}(?:==|!=|=|<>)\s*|\.get\(|\[)["'](?:email|chat|phone|sms|whatsapp|x)["']""", re.IGNORECASE
)
_CALLS = {"calls/callbacks.py", "calls/domain.py", "tickets/models.py"}
"""The room of calls is the desk's half of the phone service: it looks for the phone among the
router's choices, and so does its index (decision 16)."""


def test_the_desk_compares_no_channel_with_a_name() -> None:
    files = (path for path in DESK.rglob("*.py") if "migrations" not in path.parts)
    found = {str(path.relative_to(DESK)) for path in files if _NAMED.search(path.read_text(encoding="utf-8"))}
    assert found == _CALLS
