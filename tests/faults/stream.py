"""People who keep writing at a steady rate, whatever breaks, and what became of it on the way to
the desk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

from shared.bus.kafka import KafkaBus
from shared.clock import utc_now
from shared.errors import Unavailable
from shared.events import InboundMessage, ThreadClues
from shared.kernel import contact_point, message_id
from tests.integration.router_process import Outputs, send
from tests.waiting import until

TICK = 0.1
"""Seconds between two batches."""
_PEOPLE, _PER_TICKET, _LIVE_EVERY = 97, 5, 10


def written(run: str, number: int) -> InboundMessage:
    """The `number`-th message of a run: conversations of five, one message in ten on the live
    lane."""
    conversation = number // _PER_TICKET
    live = conversation % _LIVE_EVERY == 0
    channel, first = ("chat", "") if live else ("email", f"<{run}.{conversation * _PER_TICKET}@example.org>")
    provider_id = f"<{run}.{number}@example.org>"
    answers = ThreadClues(root=first, references=(first,)) if provider_id != first else ThreadClues()
    return InboundMessage(
        id=message_id(channel, provider_id),
        channel=channel,
        provider_id=provider_id,
        sender=contact_point(channel, f"{run}.{conversation % _PEOPLE}@example.org"),
        received_at=utc_now(),
        text=f"My order {number} has not come yet. Could you have a look?",
        language="en",
        live=live,
        thread=ThreadClues(conversation=f"{run}.{conversation}") if live else answers,
    )


@dataclass
class Stream:
    """`acknowledged`: the ids of what Kafka has acknowledged, in order."""

    bus: KafkaBus
    outputs: Outputs
    per_second: int
    run: str = field(default_factory=lambda: uuid4().hex[:8])
    acknowledged: list[str] = field(default_factory=list)
    longest_wait: float = 0.0
    """Seconds from a message's writing to its decision."""
    ending: bool = False

    async def flows(self) -> None:
        """Wait until all that is sent in a second from now has been decided on."""
        first = len(self.acknowledged)

        async def through() -> bool:
            sent = self.acknowledged[first : first + self.per_second]
            return len(sent) == self.per_second and self.outputs.times.keys() >= set(sent)

        await until(through, "the stream stands still")

    async def write(self) -> None:
        """As a channel's senders do: a message is sent again until it is acknowledged, and only
        then comes the next."""
        size, due = max(1, round(self.per_second * TICK)), time.monotonic()
        while not self.ending:
            batch = [written(self.run, len(self.acknowledged) + number) for number in range(size)]
            while True:
                try:
                    self.acknowledged += await send(self.bus, batch)
                    break
                except Unavailable:
                    await asyncio.sleep(TICK)
            due = max(due + TICK, time.monotonic() - TICK)
            await asyncio.sleep(due - time.monotonic())

    async def watch(self) -> None:
        seen = 0
        while True:
            await self.outputs.read()
            now, order = utc_now(), self.outputs.order
            if len(order) > seen:
                oldest = min(self.outputs.routed[one].message.received_at for one in order[seen:])
                self.longest_wait, seen = max(self.longest_wait, (now - oldest).total_seconds()), len(order)


@asynccontextmanager
async def steady(bus: KafkaBus, servers: str, per_second: int) -> AsyncIterator[Stream]:
    """A stream that flows already. After the block nobody writes any more, and all that was written
    is acknowledged."""
    async with Outputs(servers) as outputs, asyncio.TaskGroup() as tasks:
        stream = Stream(bus, outputs, per_second)
        watching, writing = tasks.create_task(stream.watch()), tasks.create_task(stream.write())
        await stream.flows()
        yield stream
        stream.ending = True
        await writing
        watching.cancel()
