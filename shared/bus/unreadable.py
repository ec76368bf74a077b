"""A batch that nobody can read stands for itself: one record with its raw bytes, which goes to the
dead letters while the rest flows.

What goes wrong without it: aiokafka raises where a batch is damaged, or packed in a way that no
codec reads, and stays there. The process ends, starts again at the same offset, and nothing behind
it is ever handled.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from aiokafka import ConsumerRecord
from aiokafka.consumer import fetcher
from aiokafka.record.memory_records import _MemoryRecordsPy

from shared.events.codec import MalformedEvent
from shared.logs import log

UNREADABLE = "unreadable-batch"
"""Header of a record that stands for a batch: why that one cannot be read."""
_LAST, _COUNT = (struct.Struct(">23xi"), struct.Struct(">57xi"))
"""Of a batch's header: the last offset, counted from the first, and how many records there are
(Kafka's protocol guide, "Record Batch")."""


def readable(record: Any) -> bytes | None:
    """Returns the record's value. Raises MalformedEvent for one that stands for an unreadable
    batch."""
    if record.headers and record.headers[0][0] == UNREADABLE:
        raise MalformedEvent(f"nobody can read this: {record.headers[0][1].decode(errors='replace')}")
    return record.value  # type: ignore[no-any-return]


class _One:
    """A single batch, as aiokafka's iterator over batches."""

    def __init__(self, batch: Any) -> None:
        self._left = [batch]

    def has_next(self) -> bool:
        return bool(self._left)

    def next_batch(self) -> Any:
        return self._left.pop()


class _Records(fetcher.PartitionRecords):  # type: ignore[misc]
    """aiokafka's, batch by batch, so that the next one is read whatever became of this one."""

    _records: Any
    next_fetch_offset: int

    def _unpack_records(self) -> Iterator[ConsumerRecord]:
        batches: _MemoryRecordsPy = self._records
        while (raw := batches._next_slice) is not None:  # noqa: SLF001 - the version is pinned
            batch = batches.next_batch()
            self._records = _One(batch)
            try:
                yield from super()._unpack_records()
            except Exception as error:  # noqa: BLE001 - whatever a codec or a parser trips over
                following = batches._next_slice  # noqa: SLF001
                yield self._stand_in(bytes(raw), error, None if following is None else _offset(following))

    def _stand_in(self, raw: bytes, error: Exception, following: int | None) -> ConsumerRecord:
        """Returns a record for what is left of the batch, at its last offset: committing it
        moves past the batch. A damaged header may hold any number, so the offset of the next
        batch counts, or else what two fields of the header agree on."""
        first = max(self.next_fetch_offset, _offset(raw))
        last = first
        if following is not None:
            last = max(first, following - 1)
        elif len(raw) >= _COUNT.size:
            last = max(first, _offset(raw) + min(_LAST.unpack_from(raw)[0], _COUNT.unpack_from(raw)[0] - 1))
        self.next_fetch_offset = last + 1
        why = f"{type(error).__name__}: {error}"
        log.error(
            "a batch that nobody can read",
            topic=self._tp.topic,
            partition=self._tp.partition,
            first=first,
            last=last,
            error=why,
        )
        headers = ((UNREADABLE, f"offsets {first} to {last}: {why}".encode()),)
        return ConsumerRecord(self._tp.topic, self._tp.partition, last, -1, 0, None, raw, None, -1, len(raw), headers)


def _offset(raw: bytes | memoryview) -> int:
    return int(struct.unpack_from(">q", raw)[0])


fetcher.PartitionRecords = _Records
fetcher.MemoryRecords = _MemoryRecordsPy  # the one that shows a batch's bytes
