"""Calls and chats while 50,000 posts come in: how long from a call's first webhook to the agent's
offer, and from a chat's frame to the agent's timeline, beside the same without the posts.

Twilio's stand-in signs and sends the webhooks, its callers press 0 at once. The posts are written
to `messages-received` as the social service writes them, as fast as Kafka takes them, so that
router and desk are busy all the while.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from websockets.sync.client import ClientConnection, connect

from shared.bus.kafka import KafkaBus
from shared.clock import utc_now
from shared.events import InboundMessage, ThreadClues
from shared.kernel import ContactPoint, message_id
from shared.topics import MESSAGES_RECEIVED
from tests.benchmarks.end_to_end import Latency, Watcher, applied
from tests.exchange import Exchange, exchange
from tests.providers.twilio_calls import Person
from tests.stack import Stack, free_ports, running
from tests.waiting import eventually

POSTS = 50_000
AUTHORS = 5_000
CALLS = CHATS = 20
AGENT, AGENTS_PHONE = "admin@example.org", "+33199001201"
_TALKS = 100_000.0
_TOGETHER = 500


@dataclass(frozen=True)
class Flood:
    """The first two are of calls. `behind`: posts that the desk had not applied yet when the last
    chat message stood in its timeline."""

    quiet: Latency
    flooded: Latency
    chat_quiet: Latency
    chat_flooded: Latency
    behind: int


def calls(tree: Path) -> Flood:
    """One round with a system of this checkout, in a new home."""
    base = free_ports()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, exchange(base + 98) as telephones:
        Path(folder).chmod(0o755)
        with running(Path(folder) / "home", telephones.settings, base=base, tree=tree) as system:
            return measure(system, telephones)


def measure(system: Stack, telephones: Exchange) -> Flood:
    """The running system needs `telephones.settings`."""
    telephones.network.webhooks = system.url("phone")
    system.api.put(f"/agents/{AGENT}/phone", json={"number": AGENTS_PHONE}).raise_for_status()
    offers = Watcher(system, "call.offered", "call_id")
    offers.start()
    assert offers.connected.wait(20)
    quiet, chat_quiet = _calls(system, telephones, offers), _chats(system)
    flood = threading.Thread(target=lambda: asyncio.run(_posts(str(system.run["kafka"]))), daemon=True)
    before = applied(system)
    flood.start()
    eventually(lambda: applied(system) > before + 100, "the flood at the desk", 120)
    flooded, chat_flooded = _calls(system, telephones, offers), _chats(system)
    behind = POSTS - (applied(system) - before)
    flood.join()
    assert behind > 0, "the flood was over before the chats were: they were not measured in it"
    return Flood(quiet, flooded, chat_quiet, chat_flooded, int(behind))


def _calls(system: Stack, telephones: Exchange, offers: Watcher) -> Latency:
    taken = []
    for number in range(CALLS):
        system.api.put(f"/agents/{AGENT}/presence", json={"presence": "ready"}).raise_for_status()
        began = time.time()
        line = telephones.call(
            f"+3361{number:03d}{int(uuid4().hex[:4], 16) % 10000:04d}", Person(keys=_zero, talks=_TALKS)
        )
        eventually(lambda line=line: line.sid in offers.seen, "the offer", 120)
        taken.append(offers.seen[line.sid] - began)
        telephones.hang_up(line)
        eventually(lambda: not system.api.get("/calls").json()["waiting"], "the line to be empty", 120)
    return Latency.of(taken)


def _chats(system: Stack) -> Latency:
    """One message after the other of a visitor whose chat is open, each until an agent's client
    hears of it."""
    shown = Watcher(system, "message.added", "message_id")
    shown.start()
    assert shown.connected.wait(20)
    visitor = httpx.post(f"{system.url('dashboard')}/api/v1/sessions", json={"site": system.site["key"]}, timeout=20)
    taken = []
    with connect(f"{system.url('dashboard').replace('http', 'ws')}/api/v1/live", open_timeout=20) as socket:
        socket.send(json.dumps({"type": "hello", "site": system.site["key"], "token": visitor.json()["token"]}))
        _frame(socket, "ready")
        for number in range(CHATS):
            began = time.time()
            socket.send(json.dumps({"type": "send", "id": uuid4().hex, "text": f"Is anybody there? {number}"}))
            message = _frame(socket, "ack")["message"]
            eventually(lambda message=message: message in shown.seen, "the chat's message at the desk", 120)
            taken.append(shown.seen[message] - began)
    return Latency.of(taken)


def _frame(socket: ClientConnection, kind: str) -> dict[str, Any]:
    """Returns the next frame of this kind; replies and pings in between are passed over."""
    while (frame := json.loads(socket.recv(20)))["type"] != kind:
        assert frame["type"] != "error", frame
    return dict(frame)


def _zero(heard: str) -> str:
    return "0" if "press 0" in heard.lower() else ""


async def _posts(servers: str) -> None:
    bus, run = KafkaBus(servers, "flood"), uuid4().hex[:8]
    await bus.start()
    try:
        for first in range(0, POSTS, _TOGETHER):
            posts = [_post(run, number) for number in range(first, first + _TOGETHER)]
            await bus.publish_all([(MESSAGES_RECEIVED, post.sender, post) for post in posts])
    finally:
        await bus.stop()


def _post(run: str, number: int) -> InboundMessage:
    own = f"{run}{number}"
    return InboundMessage(
        id=message_id("x", own),
        channel="x",
        provider_id=own,
        sender=ContactPoint(f"x:{int(run, 16) * 10 + number % AUTHORS}"),
        received_at=utc_now(),
        text=f"@acme your app is down again, since an hour nothing loads here. Number {number}.",
        language="en",
        thread=ThreadClues(conversation=f"{own}"),
        public=True,
        reach=number % 1000,
        complaint=0.9,
    )
