"""What a pigeon brings becomes a message, and what it takes along can be found again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from services.pigeon.app import create
from services.pigeon.domain import letters
from services.pigeon.receiving import Inbox
from services.pigeon.sender import PigeonSender
from services.pigeon.settings import PigeonSettings
from shared.bus.memory import MemoryBus
from shared.delivery import Attempt, NotSent, Sent
from shared.errors import Malformed, Unavailable
from shared.events import InboundMessage, OutboundMessage
from shared.events.codec import decode
from shared.kernel import contact_point
from shared.settings import Settings
from shared.storage import Storage

NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)


def answer(to: str = "loft:trafalgar square") -> Attempt:
    request = OutboundMessage(
        id="a1",
        ticket_id="t1",
        channel="pigeon",
        to=contact_point(*to.split(":")),
        text="It is on its way.",
        requested_at=NOW,
    )
    return Attempt(request, 1, NOW)


def test_a_letter_says_who_wrote_it() -> None:
    message = letters.read("1.txt", b"From: Trafalgar Square\n\nWhere is my corn?\n", "", NOW)
    assert (message.sender, message.text) == ("loft:trafalgar square", "Where is my corn?")
    assert message.id == letters.read("1.txt", b"From: Trafalgar Square\n\nWhere is my corn?\n", "", NOW).id
    with pytest.raises(Malformed, match="where it comes from"):
        letters.read("2.txt", b"Hello", "", NOW)


async def test_a_letter_leaves_the_inbox_once_it_is_in_kafka(tmp_path: Path) -> None:
    bus, letter = MemoryBus(), tmp_path / "inbox" / "1.txt"
    letter.parent.mkdir()
    letter.write_text("From: Trafalgar Square\nWhere is my corn?")
    (tmp_path / "inbox" / "2.txt").write_text("no sender")
    inbox = Inbox(letter.parent, bus, Storage(f"file://{tmp_path}/storage"), lambda: NOW)
    bus.down = True
    with pytest.raises(Unavailable):
        await inbox.look()
    assert letter.exists()
    bus.down = False
    await inbox.look()
    assert not [*letter.parent.iterdir()]
    (record,) = bus.logs["messages-received"]
    assert record.value
    assert decode(InboundMessage, record.value).text == "Where is my corn?"
    assert len(bus.dead) == 1


async def test_an_answer_is_found_again_after_a_crash(tmp_path: Path) -> None:
    sender = PigeonSender(tmp_path)
    assert await sender.find(answer()) == NotSent()
    assert (await sender.send(answer())).provider_id == "a1.txt"
    assert await sender.find(answer()) == Sent(["a1.txt"])
    assert (tmp_path / "a1.txt").read_text() == "To: trafalgar square\n\nIt is on its way.\n"
    with pytest.raises(Malformed):
        await sender.send(answer("email:ann@example.org"))


async def test_without_its_folders_the_channel_is_off_and_the_service_runs() -> None:
    common = Settings(secret=SecretStr("s" * 32), storage="file:///tmp/none")
    off = create(common, PigeonSettings(), bus=MemoryBus())
    on = create(common, PigeonSettings(inbox="in", outbox="out"), bus=MemoryBus())
    assert off.tasks.keys() == on.tasks.keys() - {"letters"}
