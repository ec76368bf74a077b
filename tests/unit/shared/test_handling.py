"""A batch over partitions: each record is handled or set aside, whatever else is in the batch."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from shared.bus import DeadLetter, Record
from shared.bus.handling import BatchHandler
from shared.bus.memory import MemoryRecord
from shared.clock import utc_now
from shared.events import DeskEvent
from shared.events.codec import encode
from shared.topics import TICKETS_CHANGED

KINDS = st.sampled_from(["good", "bad", "unreadable"])


def raw(partition: int, offset: int, kind: str) -> MemoryRecord:
    event = DeskEvent(id=f"{partition}:{offset}", ticket_id=kind, kind="note.added", at=utc_now())
    value = b"?" if kind == "unreadable" else encode(event)
    return MemoryRecord(TICKETS_CHANGED.name, partition, offset, b"", value)


@given(st.lists(st.lists(KINDS, max_size=4), max_size=4))
def test_of_any_batch_the_good_are_handled_once_in_order_and_the_bad_are_set_aside_as_they_were(
    partitions: list[list[str]],
) -> None:
    raws = [raw(partition, n, kind) for partition, kinds in enumerate(partitions) for n, kind in enumerate(kinds)]
    handled: list[tuple[int, int]] = []
    letters: list[DeadLetter] = []

    async def handle(records: Sequence[Record[DeskEvent]]) -> None:
        if any(record.event.ticket_id == "bad" for record in records):
            raise ValueError
        handled.extend((record.partition, record.offset) for record in records)

    async def set_aside(letter: DeadLetter) -> None:
        letters.append(letter)

    assert asyncio.run(BatchHandler([TICKETS_CHANGED], "g", handle, set_aside)(raws, asyncio.Event()))
    good = [
        (partition, n) for partition, kinds in enumerate(partitions) for n, kind in enumerate(kinds) if kind == "good"
    ]
    assert handled == good
    assert {(letter.partition, letter.offset, letter.value) for letter in letters} == {
        (each.partition, each.offset, each.value) for each in raws if (each.partition, each.offset) not in good
    }
    assert len(letters) == len(raws) - len(good)
