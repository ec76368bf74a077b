"""What a view holds: the newest event of each key, as it came, so that a million of them fit into
one process."""

from __future__ import annotations

from functools import lru_cache, partial
from sys import getsizeof
from typing import Generic, TypeVar

from shared.events.base import Event
from shared.events.codec import MalformedEvent, decode
from shared.logs import log
from shared.topics import Topic

E = TypeVar("E", bound=Event)
RECENT = 5000
"""Events kept decoded, some 10 MB: who wrote lately writes again, and the few channels are asked
for with every batch."""


class Entries(Generic[E]):
    """Events of one topic by key. An event in use takes several times the memory of its bytes, and
    every collection of garbage looks at all of its parts; so the bytes are kept, and decoded when
    they are asked for."""

    def __init__(self, topic: Topic[E]) -> None:
        self._topic = topic
        self._values: dict[str, bytes] = {}
        self._size = 0
        self._event = lru_cache(RECENT)(partial(decode, topic.value))

    def take(self, key: bytes | None, value: bytes | None) -> None:
        """Applies a record of the topic: a newer event, or the end of the key. One that is
        unreadable, or older than what is known, is skipped and logged."""
        name = (key or b"").decode(errors="replace")
        if value is None:
            self._size -= self._cost(name)
            self._values.pop(name, None)
            return
        try:
            event = decode(self._topic.value, value)  # now, and not in the middle of a decision
        except MalformedEvent as error:
            log.error("unreadable entry of a view skipped", topic=self._topic.name, error=str(error))
            return
        known = self.get(name)
        if known is not None and not event.supersedes(known):
            log.warning("an entry of a view came late: the newer one stays", topic=self._topic.name)
            return
        self._size += getsizeof(name) + getsizeof(value) - self._cost(name)
        self._values[name] = value

    def get(self, key: str) -> E | None:
        """Returns the newest event of this key, or None."""
        value = self._values.get(key)
        return None if value is None else self._event(value)

    def values(self) -> list[E]:
        return [self._event(value) for value in self._values.values()]

    def __len__(self) -> int:
        return len(self._values)

    @property
    def held(self) -> int:
        """Bytes of memory that they take."""
        return self._size + getsizeof(self._values)

    def _cost(self, name: str) -> int:
        value = self._values.get(name)
        return 0 if value is None else getsizeof(name) + getsizeof(value)
