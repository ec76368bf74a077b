"""X's filtered stream on loopback: rules, newline-delimited JSON, keep-alives, one connection at a
time, disconnects."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Answer = tuple[int, dict[str, Any]]
_LONGEST_RULE = 512
_SENT = "2026-01-01T00:00:00.000Z"
_PROBLEMS = "https://api.x.com/2/problems"


@dataclass
class Streams:
    """The app's rules and who listens. Public methods may be called from a test while the server
    runs."""

    allowed: bool = False
    """Whether the plan has the filtered stream."""
    keep_alive: float = 20.0
    """Seconds between two signs of life, as at X."""
    silent: bool = False
    """Neither posts nor keep-alives come, and the connection stays: what a dead router does."""
    connections: int = 1
    """How many at a time."""
    rules: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.open: list[queue.Queue[bytes | None]] = []
        self.connected = 0
        """How often a connection was made."""
        self.lock = threading.RLock()

    def rules_for(self, method: str, body: dict[str, Any]) -> Answer:
        """`GET` and `POST /2/tweets/search/stream/rules`."""
        with self.lock:
            if method == "GET":
                data = {"data": list(self.rules.values())} if self.rules else {}
                return 200, {**data, "meta": {"sent": _SENT, "result_count": len(self.rules)}}
            if "delete" in body:
                gone = [self.rules.pop(str(one), None) for one in body["delete"].get("ids", [])]
                deleted = len([one for one in gone if one])
                summary = {"deleted": deleted, "not_deleted": len(gone) - deleted}
                return 200, {"meta": {"sent": _SENT, "summary": summary}}
            return self._add(body.get("add", []))

    def _add(self, wanted: list[dict[str, str]]) -> Answer:
        added, errors = [], []
        for rule in wanted:
            value = rule["value"]
            if any(value == known["value"] for known in self.rules.values()):
                errors.append({"value": value, "title": "DuplicateRule", "type": f"{_PROBLEMS}/duplicate-rules"})
            elif len(value) > _LONGEST_RULE:
                kind, detail = f"{_PROBLEMS}/invalid-rules", f"longer than {_LONGEST_RULE} characters"
                errors.append({"value": value, "title": "UnprocessableEntity", "type": kind, "detail": detail})
            else:
                number = str(1_700_000_000_000_000_000 + time.monotonic_ns() % 10**12 + len(self.rules))
                self.rules[number] = {"id": number, **rule}
                added.append(self.rules[number])
        summary = {"created": len(added), "not_created": len(errors), "valid": len(added), "invalid": len(errors)}
        answer: dict[str, Any] = {"meta": {"sent": _SENT, "summary": summary}}
        return 200, {**answer, **({"data": added} if added else {}), **({"errors": errors} if errors else {})}

    def full(self) -> Answer:
        """Whether one more may connect."""
        with self.lock:
            if len(self.open) < self.connections:
                return 200, {}
        return 429, {
            "title": "ConnectionException",
            "detail": "This stream is currently at the maximum allowed connection limit.",
            "connection_issue": "TooManyConnections",
            "type": f"{_PROBLEMS}/streaming-connection",
        }

    def send(self, item: dict[str, Any] | bytes) -> None:
        """To everyone who listens."""
        line = item if isinstance(item, bytes) else json.dumps(item).encode()
        with self.lock:
            for one in self.open:
                one.put(line + b"\r\n")

    def cut(self, why: str = "") -> None:
        """Hang up on everyone. `why`: said before, as X does when its own machines are the
        reason."""
        if why:
            error = {
                "title": "operational-disconnect",
                "type": f"{_PROBLEMS}/operational-disconnect",
                "disconnect_type": why,
                "detail": "This stream has been disconnected.",
            }
            self.send({"errors": [error]})
        with self.lock:
            for one in self.open:
                one.put(None)

    def connect(self) -> queue.Queue[bytes | None]:
        """From now on this connection gets what is sent, or None as its end."""
        mine: queue.Queue[bytes | None] = queue.Queue()
        with self.lock:
            self.open.append(mine)
            self.connected += 1
        return mine

    def lines(self, mine: queue.Queue[bytes | None], ended: threading.Event) -> Iterator[bytes]:
        """What one connection gets."""
        try:
            while not ended.is_set():
                try:
                    line = mine.get(timeout=self.keep_alive)
                except queue.Empty:
                    line = b"\r\n"
                if line is None:
                    return
                if not self.silent:
                    yield line
        finally:
            with self.lock:
                self.open.remove(mine)
