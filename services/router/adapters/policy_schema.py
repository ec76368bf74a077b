"""The JSON schema of policies, for editors. It is made by asking the reader what it asks for, so
the two cannot drift apart."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import yaml

from services.router.adapters.policy_yaml import SHIPPED, build
from shared.yaml_sections import Problems, Section

_ANY = "*"
"""Stands for names of the author's own."""
_TEXT = {"type": ["string", "number", "boolean"], "pattern": r"\S"}
"""A name may look like a number, or like yes and no."""

Schema = dict[str, Any]


def schema() -> Schema:
    """Returns the JSON schema, draft 2020-12. A key is described by its comment in the policy
    that comes with the router."""
    root = _Asked()
    build(root)
    _describe(root.schema, SHIPPED.read_text(encoding="utf-8"))
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Switchboard routing policy"}
    return head | root.schema


class _Asked(Section):
    """A document in which everything is there and harmless. Keeps what was asked for, as a
    schema."""

    def __init__(self) -> None:
        super().__init__(Problems("schema"), line=0)
        self._optional: set[str] = set()
        self.schema: Schema = {"type": "object", "additionalProperties": False, "properties": {}, "required": []}

    def _keep(self, key: str, part: Schema, *, required: bool = False) -> None:
        if key == _ANY:
            self.schema["additionalProperties"] = part
            return
        self.schema["properties"][str(key)] = part
        if required and key not in self._optional:
            self.schema["required"].append(str(key))

    def has(self, key: str) -> bool:
        self._optional.add(key)
        return True

    def section(self, key: str) -> Section:
        inner = _Asked()
        self._keep(key, inner.schema, required=True)
        return inner

    def sections(self, key: str) -> list[Section]:
        inner = _Asked()
        self._keep(key, {"type": "array", "items": inner.schema})
        return [inner]

    def subsections(self) -> Iterator[tuple[str, Section]]:
        yield _ANY, self.section(_ANY)

    def keys(self) -> Iterator[str]:
        yield _ANY

    def text(self, key: str, default: str | None = None, one_of: Collection[str] = ()) -> str:  # noqa: ARG002 - names that stand elsewhere in the document
        self._keep(key, dict(_TEXT), required=default is None)
        return default or key

    def lines(self, key: str, one_of: Collection[str] = (), *, some: bool = False) -> list[tuple[int, str]]:  # noqa: ARG002
        self._keep(key, {"type": "array", "items": dict(_TEXT)} | ({"minItems": 1} if some else {}))
        return []

    def number(self, key: str, low: float, high: float, default: float | None = None) -> float:
        self._keep(key, {"type": "number", "minimum": low, "maximum": high}, required=default is None)
        return low if default is None else default

    def flag(self, key: str) -> bool | None:
        self._keep(key, {"type": "boolean"})
        return None

    def some(self, wish: str) -> None:
        self.schema |= {"minProperties": 1, "description": f"needs {wish}"}

    def either(self, *keys: str) -> None:
        filled = {"type": ["string", "number", "boolean", "array"], "minItems": 1}
        self.schema["anyOf"] = [{"required": [key], "properties": {key: filled}} for key in keys]

    def only(self, names: Collection[str]) -> None:
        """Accepts any names: which ones there are is defined elsewhere in the document."""

    def end(self) -> None:
        """Does nothing: a key that was not asked for is refused by `additionalProperties`."""


def _describe(root: Schema, text: str) -> None:
    """Adds the text's comments as descriptions to the keys that they belong to, in the same line
    or right above."""
    lines = text.splitlines()
    for path, line in _keys(yaml.compose(text, Loader=yaml.SafeLoader), ()):
        part: Schema | None = root
        for name in path:
            part = part["properties"].get(name) if part and "properties" in part else None
        if part is not None and (comment := _comment(lines, line)):
            part["description"] = comment


def _keys(node: yaml.Node | None, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yields the path of every key that begins a line, with the line's number from 0."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style:
        for key, value in node.value:
            name = (*path, str(key.value))
            yield name, key.start_mark.line
            yield from _keys(value, name)


def _comment(lines: list[str], line: int) -> str:
    _, _, beside = lines[line].partition(" # ")
    above: list[str] = []
    while not beside and line > 0 and lines[line - 1].lstrip().startswith("# "):
        line -= 1
        above.insert(0, lines[line].lstrip()[2:].strip())
    return beside.strip() or " ".join(above)
