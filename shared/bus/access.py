"""Who may do what on Kafka: each service is a principal of its own, and may what `shared/topics.py`
says of it, and no more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.admin import CreateAclsRequest

from shared.bus.client import options, shown
from shared.errors import Unavailable
from shared.topics import DEAD_LETTERS_REPLAYED, Topic

_ALLOW = 3
_SECURITY_DISABLED = 54
_EVERY = "*"


class Kind(IntEnum):
    """Of a resource, as Kafka's protocol numbers them; so are the others."""

    TOPIC, GROUP = 2, 3


class Pattern(IntEnum):
    """How a resource's name is meant."""

    LITERAL, PREFIXED = 3, 4


class Operation(IntEnum):
    """READ and WRITE include DESCRIBE."""

    READ, WRITE, DESCRIBE = 3, 4, 8


class Right(NamedTuple):
    """A service may do this."""

    service: str
    operation: Operation
    kind: Kind
    name: str
    pattern: Pattern = Pattern.LITERAL


def rights(topics: Iterable[Topic[Any]], channels: Mapping[str, str], services: Sequence[str]) -> set[Right]:
    """Returns every right of every service. `channels`: which service each channel belongs to.

    Beside what topics say: a service's groups begin with its name. Who replays dead letters (the
    router by command, the desk for admins) puts them back on any topic that takes them. Both look
    at how far everybody is, and the router's commands keep the books of all topics.
    """

    def meant(names: Iterable[str]) -> set[str]:
        found: set[str] = set()
        for name in names:
            found |= {"channels": set(channels.values()), "all": set(services)}.get(name, {channels.get(name, name)})
        return found & set(services)

    operators = meant(DEAD_LETTERS_REPLAYED.writers)
    found = {Right(service, Operation.READ, Kind.GROUP, service, Pattern.PREFIXED) for service in services}
    for topic in topics:
        writers = meant(topic.writers) | (operators if topic.retention_days is not None else set())
        found |= {Right(service, Operation.WRITE, Kind.TOPIC, topic.name) for service in writers}
        found |= {Right(service, Operation.READ, Kind.TOPIC, topic.name) for service in meant(topic.readers)}
    for service in operators:
        found |= {Right(service, Operation.DESCRIBE, kind, _EVERY) for kind in Kind}
    return found | {Right(service, Operation.READ, Kind.TOPIC, _EVERY) for service in operators & {"router"}}


async def grant(address: str, wanted: Iterable[Right]) -> None:
    """Grants these rights in Kafka, with an address that is allowed to. Does nothing where Kafka
    does not authenticate its clients. Raises Unavailable."""
    admin = AIOKafkaAdminClient(**options(address))
    try:
        await admin.start()
        for service, operation, kind, name, pattern in sorted(wanted):
            request = CreateAclsRequest(kind, name, pattern, f"User:{service}", _EVERY, operation, _ALLOW)
            answer = await admin._send_request(request)  # noqa: SLF001 - aiokafka has the request, but no method for it
            for code, message in answer.creation_responses:
                if code == _SECURITY_DISABLED:
                    return
                if code:
                    raise Unavailable(
                        f"Kafka refuses to give {service} its rights: {message or for_code(code).__name__}"
                    )
    except (KafkaError, OSError) as error:
        raise Unavailable(f"Kafka at {shown(address)} is unavailable: {error}") from error
    finally:
        await admin.close()
