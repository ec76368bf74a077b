"""From raw records to what is to be sent: a decision for each message, a dead letter for what
cannot be decided on."""

from __future__ import annotations

import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from services.router.domain.decide import decide, is_judged, wording
from services.router.domain.policy import Policy
from services.router.ports import Headers, Lookup, Output
from shared.bus import TAKEN, WRITTEN, DeadLetter
from shared.bus.api import Raw
from shared.bus.handling import FloodGauge
from shared.bus.kafka import dead_letter_record
from shared.bus.unreadable import readable
from shared.clock import utc_now
from shared.events import Channel, InboundMessage, Profile, RoutedMessage
from shared.events.codec import decode, encode
from shared.logs import log
from shared.metrics import METRICS
from shared.topics import DEAD_LETTERS, MESSAGES_RECEIVED, MESSAGES_RECEIVED_LIVE, MESSAGES_ROUTED, MESSAGES_ROUTED_LIVE

_STACK = 4000
"""Characters of a dead letter's stack: its end, where the cause is."""
_HEADERS: Headers = [
    ("ce_specversion", b"1.0"),
    ("ce_type", RoutedMessage.__name__.encode()),
    ("ce_source", b"router"),
    ("content-type", b"application/json"),
]
"""CloudEvents Kafka binding 1.0.2, binary mode."""
_PASSED_ON = {"traceparent": "traceparent", WRITTEN: TAKEN}
"""Headers of what was read, by the name that they go on with. Times go beside the decision and not
in it: it must come out the same again."""


class Router:
    """Decides with what is known now. `group` names the consumer group in dead letters."""

    def __init__(
        self,
        profiles: Lookup[Profile],
        channels: Callable[[], Iterable[Channel]],
        policy: Callable[[], Policy],
        group: str,
    ) -> None:
        self._profiles, self._channels, self._policy, self._group = profiles, channels, policy, group
        self._flood = FloodGauge()
        METRICS.handling_seconds.labels(stage="router")
        for topic in (MESSAGES_RECEIVED_LIVE, MESSAGES_RECEIVED):
            METRICS.dead_lettered.labels(topic=topic.name)

    def handle(self, records: Sequence[Raw]) -> list[Output]:
        """Returns an output for each record, in order. Raises TooManyDeadLetters where too many
        of the ones before were bad."""
        self._flood.check()
        started = time.perf_counter()
        policy = self._policy()
        channels = {channel.name: channel for channel in sorted(self._channels(), key=lambda channel: channel.name)}
        now = utc_now().isoformat().encode()
        outputs: list[Output] = []
        counts: Counter[tuple[str, str, str]] = Counter()
        for record, message in zip(records, self._read(records, policy), strict=True):
            try:
                if isinstance(message, Exception):
                    raise message
                output, routed = self._routed(record, message, policy, channels, now)
                counts[routed.message.channel, routed.decision.level, routed.decision.team] += 1
            except Exception as error:  # noqa: BLE001 - whatever a message trips over, it is kept and the rest flows
                output = self._set_aside(record, error)
            outputs.append(output)
        for (channel, level, team), count in counts.items():
            METRICS.routed.labels(channel=channel, level=level, team=team).inc(count)
        METRICS.handling_seconds.labels(stage="router").observe(time.perf_counter() - started)
        log.debug("batch decided", topic=records[0].topic, partition=records[0].partition, size=len(records))
        return outputs

    def _read(self, records: Sequence[Raw], policy: Policy) -> list[InboundMessage | Exception]:
        """Decodes each record, or returns why that cannot be done; the model sees all texts at
        once."""
        messages: list[InboundMessage | Exception] = []
        for record in records:
            try:
                messages.append(decode(InboundMessage, readable(record)))
            except Exception as error:  # noqa: BLE001 - whatever a record trips over, it is kept and the rest flows
                messages.append(error)
        if model := policy.priority.model:
            read = (message for message in messages if isinstance(message, InboundMessage))
            with suppress(Exception):  # whose text it was is found out when that one is decided on, alone
                model.prepare([wording(message) for message in read if is_judged(message)])
        return messages

    def _routed(
        self, record: Raw, message: InboundMessage, policy: Policy, channels: Mapping[str, Channel], now: bytes
    ) -> tuple[Output, RoutedMessage]:
        decision = decide(message, self._profile(message), policy, channels, message.received_at)
        routed = RoutedMessage(message=message, decision=decision)
        headers = [*_HEADERS, ("ce_id", message.id.encode()), (WRITTEN, now)]
        headers += [(_PASSED_ON[name], value) for name, value in record.headers if value and name in _PASSED_ON]
        lane = MESSAGES_ROUTED_LIVE if record.topic == MESSAGES_RECEIVED_LIVE.name else MESSAGES_ROUTED
        return Output(lane.name, decision.ticket_id.encode(), encode(routed), headers), routed

    def _profile(self, message: InboundMessage) -> Profile | None:
        """Returns the profile of the customer who wrote. A sender's other addresses in a message
        count only if they are proven."""
        points = (message.sender, *message.also) if message.sender_verified else (message.sender,)
        return next((found for point in points if (found := self._profiles.get(point))), None)

    def _set_aside(self, record: Raw, error: Exception) -> Output:
        self._flood.add(time.monotonic())
        METRICS.dead_lettered.labels(topic=record.topic).inc()
        stack = "".join(traceback.format_exception(error))[-_STACK:]
        letter = DeadLetter.of(record, error, self._group, stack)
        log.error(
            "record set aside", topic=record.topic, partition=record.partition, offset=record.offset, error=letter.error
        )
        return Output(DEAD_LETTERS.name, *dead_letter_record(letter))
