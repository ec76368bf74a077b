"""The AsyncAPI 3.0 document, made from topics and events. `python -m shared.asyncapi [channel ...]`
prints it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import msgspec

from shared.events.desk import CHANGES, kind_of
from shared.topics import DEAD_LETTERS, all_topics

_REF = "#/components/schemas/{name}"


def document(channels: Sequence[str]) -> dict[str, Any]:
    """Returns a dict in the shape of AsyncAPI 3.0.0. Channels there are our topics; `channels`
    are ours, such as `email`."""
    topics = all_topics(channels)
    kinds = {topic.value.__name__: topic.value for topic in topics if topic is not DEAD_LETTERS}
    _, schemas = msgspec.json.schema_components([*kinds.values(), *CHANGES], ref_template=_REF)
    for name, schema in schemas.items():
        if name in kinds:
            schema["description"] = (kinds[name].__doc__ or "").strip()
    _tell_changes(schemas)
    addressed: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for topic in topics:
        message = "DeadLetter" if topic is DEAD_LETTERS else topic.value.__name__
        addressed[topic.name] = {
            "address": topic.name,
            "description": topic.why,
            "messages": {message: {"$ref": f"#/components/messages/{message}"}},
            "bindings": {"kafka": {"partitions": topic.partitions, "topicConfiguration": _configuration(topic.config)}},
        }
        for action, who in (("send", topic.writers), ("receive", topic.readers)):
            operations[f"{action}-{topic.name}"] = {
                "action": action,
                "channel": {"$ref": f"#/channels/{topic.name}"},
                "summary": f"{', '.join(who)}; keyed by {topic.key}",
            }
    messages: dict[str, Any] = {
        name: {"contentType": "application/json", "payload": {"$ref": _REF.format(name=name)}} for name in sorted(kinds)
    }
    messages["DeadLetter"] = {
        "contentType": "application/octet-stream",
        "description": "The raw record",
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Switchboard",
            "version": "1",
            "description": "Record headers follow the CloudEvents Kafka binding in binary mode (ce_id, ce_type, ce_source, ce_time). "
            "What the router writes also has taken_time: the ce_time of what it read.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": addressed,
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas},
    }


def _tell_changes(schemas: dict[str, Any]) -> None:
    """Ties `DeskEvent.kind` in the schema to the fields that `data` has for that kind: the tag
    is beside them, not among them."""
    for change in CHANGES:
        schema = schemas[change.__name__]
        del schema["properties"]["kind"]
        schema["required"].remove("kind")
        schema["description"] = (change.__doc__ or "").strip()
    schemas["DeskEvent"]["oneOf"] = [
        {"properties": {"kind": {"const": kind_of(change)}, "data": {"$ref": _REF.format(name=change.__name__)}}}
        for change in CHANGES
    ]


def _configuration(config: dict[str, str]) -> dict[str, Any]:
    """Returns a topic's configuration as the Kafka binding 0.5.0 spells it: lists and numbers."""
    return {name: [value] if name == "cleanup.policy" else int(value) for name, value in config.items()}


if __name__ == "__main__":
    print(json.dumps(document(sys.argv[1:]), indent=2))
