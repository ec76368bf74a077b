"""However large a record is, the router routes it or sets it aside: none is tried again and again
for ever, with all others behind it."""

from __future__ import annotations

from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError
from msgspec.structs import replace

from shared.bus import DeadLetter
from shared.bus.dead_letters import DeadLetters, NoWayBack
from shared.bus.kafka import CUT, KEPT, MAX_EVENT, KafkaBus
from shared.errors import Malformed
from shared.events import InboundMessage
from shared.events.codec import encode
from shared.events.inbound import ThreadClues
from shared.kernel import ContactPoint
from shared.topics import MESSAGES_RECEIVED, MESSAGES_RECEIVED_LIVE
from tests.integration.router_process import Outputs, RouterProcess, mails, send

ROOMY = 3 * MAX_EVENT
"""What a stranger's producer may send."""


def just_below(message: InboundMessage) -> InboundMessage:
    """With so long a text that it is as large as a door lets through."""
    return replace(message, text="é" * ((MAX_EVENT - len(encode(message))) // 2))


def absurd(message: InboundMessage) -> list[InboundMessage]:
    """Below the limit of the door, and each with something that goes into the decision as well,
    often more than once."""
    long = "x" * (MAX_EVENT - 100_000)
    return [
        replace(message, thread=ThreadClues(root=long)),
        replace(message, thread=ThreadClues(ticket_id=long)),
        replace(message, thread=ThreadClues(references=(long, "<b@example.org>"))),
        replace(message, thread=ThreadClues(conversation=long)),
        replace(message, provider_id=long),
        replace(message, sender=ContactPoint(f"email:{long}")),
        replace(message, also=(ContactPoint(f"tel:{long}"),)),
        replace(message, channel=long),
        replace(message, language=long),
        replace(message, automatic=long),
    ]


async def test_the_largest_message_that_a_door_lets_through_is_routed_and_an_absurd_one_is_set_aside_alone(
    router: RouterProcess, outputs: Outputs, bus: KafkaBus
) -> None:
    first, template, *later = mails(32)
    wild = absurd(template)
    point = first.sender
    async with AIOKafkaProducer(bootstrap_servers=bus.servers, max_request_size=ROOMY) as producer:
        for message in (just_below(first), *wild, *later):
            await producer.send_and_wait(MESSAGES_RECEIVED.name, encode(message), key=point.encode())
    await router.start(ready=False)
    await outputs.wait_for([first.id, *(message.id for message in later)])
    await outputs.wait(
        lambda: sum(headers["source_key"] == point.encode() for _, headers in outputs.dead) == len(wild),
        "some were not set aside",
    )
    letters = [letter for letter in outputs.dead if letter[1]["source_key"] == point.encode()]
    assert [value for value, _ in letters] == [encode(message) for message in wild], "whole, to be looked at"
    assert router.process
    assert router.process.poll() is None, "the router never ended"


async def test_what_is_larger_than_a_door_lets_through_is_refused_by_kafka_itself(bus: KafkaBus) -> None:
    message = mails(1)[0]
    too_large = replace(message, text="x" * (MAX_EVENT + 100_000))
    with pytest.raises(Malformed, match="too large"):
        await send(bus, [too_large])
    async with AIOKafkaProducer(bootstrap_servers=bus.servers, max_request_size=ROOMY) as producer:
        for topic in (MESSAGES_RECEIVED, MESSAGES_RECEIVED_LIVE):
            with pytest.raises(MessageSizeTooLargeError):
                await producer.send_and_wait(topic.name, encode(too_large))


async def test_a_record_that_no_topic_could_hold_together_with_its_error_is_set_aside_by_its_beginning(
    bus: KafkaBus, outputs: Outputs
) -> None:
    topic, group = MESSAGES_RECEIVED.name, f"router-{uuid4().hex}"
    value, key, headers = b"v" * (2 * MAX_EVENT - 500), b"key", [("trace", b"t" * 400)]
    await bus.set_aside(DeadLetter(topic, 0, 7, key, value, "E" * 1000, group, "S" * 4000, headers))
    await bus.set_aside(DeadLetter(topic, 0, 8, b"k" * (2 * MAX_EVENT), None, "E", group))
    async with DeadLetters(bus.servers, "test") as dead:
        by_value, by_key = [letter for letter in await dead.all() if letter.group == group]
        assert (by_value.cut, by_value.size) == (len(value) + len(key) + len("original:trace") + 400, KEPT)
        assert (by_key.cut, by_key.size) == (2 * MAX_EVENT, 0)
        for letter in (by_value, by_key):
            with pytest.raises(NoWayBack, match=f"in partition 0 at offset {letter.offset}"):
                await dead.replay(letter, "test")
    await outputs.wait(lambda: sum(CUT in headers for _, headers in outputs.dead) == 2, "not cut")
