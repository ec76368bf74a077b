"""The page of topics is true: who writes and who reads each of them is whose code does."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from services.__main__ import channels, names
from shared import topics

ROOT = Path(__file__).parent.parent.parent
CONSTANTS = {name: value for name, value in vars(topics).items() if isinstance(value, topics.Topic)}
TOPICS = CONSTANTS | {"deliveries_requested": topics.deliveries_requested("x")}
ALIASES = {"DOORS": "MAILS_REPLAYED"}
CHANNELS = set(channels().values())
GROUPS = {"channels": CHANNELS, "x": CHANNELS, "all": set(names())}
NOBODYS = {"shared.topics", "shared.asyncapi", "shared.bus.access", "shared.bus.kafka"}
"""Modules of the bus itself: who imports them neither writes nor reads by that."""
WRITING = ("publish", "outbox", "send", "Output")
"""A topic that is handed to a call of such a name is written; what else is done with it may be
either."""


class Mention(NamedTuple):
    """A topic in a file. `writes`: handed to a call that writes; `name`: only its name is looked
    at, as by whoever counts."""

    topic: str
    writes: bool
    name: bool


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def mentions(path: Path) -> frozenset[Mention]:
    """Every topic that a file mentions, other than in its imports."""
    tree = parsed(path)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}

    def above(node: ast.AST) -> Iterator[ast.AST]:
        while node := parents.get(node):  # type: ignore[assignment]
            yield node

    return frozenset(
        Mention(
            ALIASES.get(node.id, node.id),
            any(
                isinstance(outer, ast.Call) and any(word in ast.unparse(outer.func) for word in WRITING)
                for outer in above(node)
            ),
            isinstance(parents[node], ast.Attribute) and parents[node].attr == "name",
        )
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and ALIASES.get(node.id, node.id) in TOPICS
    )


@cache
def files(service: str) -> set[Path]:
    """A service's own, and those of `shared` that it imports and that write or read on its
    behalf."""
    own = set((ROOT / "services" / service).rglob("*.py"))
    imported = {
        module
        for path in own
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ImportFrom) and node.module
        for module in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
    }
    places = [ROOT / module.replace(".", "/") for module in imported - NOBODYS if module.startswith("shared.")]
    return (
        own
        | {place.with_suffix(".py") for place in places if place.with_suffix(".py").is_file()}
        | {path for place in places if (place / "deliverer.py").is_file() for path in place.glob("*.py")}
    )


def meant(listed: tuple[str, ...]) -> set[str]:
    """The services that a row of the page speaks of."""
    return {service for name in listed for service in GROUPS.get(name, {name})}


@pytest.mark.parametrize("topic", TOPICS)
def test_the_page_of_topics_names_who_writes_and_who_reads(topic: str) -> None:
    row = TOPICS[topic]
    found = {name: {one for path in files(name) for one in mentions(path) if one.topic == topic} for name in names()}
    for writer in set(row.writers) - {"all"}:  # whatever consumes sets records aside, in `shared.bus.kafka`
        assert any(found[name] for name in meant((writer,))), f"{writer}: does not write it"
    for reader in row.readers:
        assert any(not one.writes for name in meant((reader,)) for one in found[name]), f"{reader}: does not read it"
    for service, its in found.items():
        if any(one.writes and not one.name for one in its):
            assert service in meant(row.writers), f"{service}: writes it"
        # The router's commands keep the books of all topics.
        if service != "router" and any(not one.writes and not one.name for one in its):
            assert service in meant(row.readers) | meant(row.writers), f"{service}: reads it"
