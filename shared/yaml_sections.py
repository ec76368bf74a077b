"""Reading YAML section by section, with the line of everything that is wrong, and all of it at
once."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TypeGuard, TypeVar

import yaml

from shared.errors import Misconfigured

LARGEST = 512 << 10
"""Characters. A policy is a page that a person reads; more than this is not one."""

_SPARE = 1 << 16
"""By as many values aliases (`*name`) may make a document larger than its characters."""
_NO_MAPPING = "must be `key: value` lines"
_NOTHING = "tag:yaml.org,2002:null"

T = TypeVar("T")


class YamlErrors(Misconfigured):
    """Everything that is wrong with a document, a line each: `policy.yaml:12: signals.live: …`."""

    def __init__(self, source: str, found: Sequence[tuple[int, str]]) -> None:
        super().__init__("\n".join(f"{source}:{line}: {text}" for line, text in found))
        self.found = tuple(found)
        """Lines, from 1, and what is wrong there."""


@dataclass
class Problems:
    """Collects what is wrong, in the order of the lines."""

    source: str
    """The file's name, as a person knows it."""
    found: list[tuple[int, str]] = field(default_factory=list)

    def add(self, line: int, text: str) -> None:
        """Records a problem; lines count from 1."""
        self.found.append((line, text))

    def check(self) -> None:
        """Raises YamlErrors if there is any."""
        if self.found:
            raise YamlErrors(self.source, sorted(self.found))


@dataclass
class Section:
    """A mapping of the document. Each key is asked for once; what nobody asked for is unknown.

    Where a value is missing or wrong, the problem is noted and a harmless value returned, so that
    reading goes on.
    """

    problems: Problems
    line: int
    path: str = ""
    nodes: dict[str, tuple[int, yaml.Node]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def section(self, key: str) -> Section:
        """Returns a mapping within this one."""
        node = self._take(key)
        return _section(self.problems, node, self._name(key)) if node else self._silent(key)

    def optional(self, key: str) -> Section:
        """Returns a mapping as `section` does; empty where the key is missing."""
        if self.has(key):
            return self.section(key)
        return Section(self.problems, self.line, self._name(key))

    def sections(self, key: str) -> list[Section]:
        """Returns a list of mappings."""
        return [_section(self.problems, node, f"{self._name(key)}[{n}]") for n, node in enumerate(self._items(key), 1)]

    def subsections(self) -> Iterator[tuple[str, Section]]:
        """Yields all keys of this mapping that were not asked for by name, where the names are
        the author's own."""
        for key in [key for key in self.nodes if key not in self.asked]:
            yield key, self.section(key)

    def keys(self) -> Iterator[str]:
        """Yields keys as `subsections` does, where the values are not mappings; ask for each of
        them."""
        yield from [key for key in self.nodes if key not in self.asked]

    def text(self, key: str, default: str | None = None, one_of: Collection[str] = ()) -> str:
        """Returns a text; one of these, where they are given."""
        node = self._take(key, optional=default is not None)
        if node is None:
            return default or ""
        if not _is_text(node):
            return self._wrong(key, "must be a text", "")
        value = str(node.value)
        if one_of and value not in one_of:
            return self._wrong(key, f"{value!r} is not known{_instead(value, one_of)}", "")
        return value

    def texts(self, key: str, one_of: Collection[str] = (), *, some: bool = False) -> tuple[str, ...]:
        """Returns a list of texts, empty where the key is missing; each one of these, where they
        are given.

        some: a list that is there must not be empty.
        """
        return tuple(text for _, text in self.lines(key, one_of, some=some))

    def lines(self, key: str, one_of: Collection[str] = (), *, some: bool = False) -> list[tuple[int, str]]:
        """Returns texts as `texts` does, each with its line."""
        found = []
        items = self._items(key)
        if some and key in self.nodes and self.nodes[key][1].value == []:
            self._wrong(key, "must be a list with at least one text", ())
        for node in items:
            line = node.start_mark.line + 1
            if not _is_text(node):
                self.problems.add(line, f"{self._name(key)}: must be a list of texts")
            elif one_of and node.value not in one_of:
                self.problems.add(line, f"{self._name(key)}: {node.value!r} is not known{_instead(node.value, one_of)}")
            else:
                found.append((line, str(node.value)))
        return found

    def number(self, key: str, low: float, high: float, default: float | None = None) -> float:
        """Returns a number from `low` to `high`."""
        node = self._take(key, optional=default is not None)
        if node is None:
            return low if default is None else default
        wish = f"must be a number from {low:g} to {high:g}"
        try:
            value = float(node.value) if isinstance(node, yaml.ScalarNode) else float("nan")
        except ValueError:
            return self._wrong(key, f"{wish}, not {node.value!r}", low)
        return (
            value
            if low <= value <= high
            else self._wrong(key, f"{wish}, not {getattr(node, 'value', 'a list')!s:.40}", low)
        )

    def flag(self, key: str) -> bool | None:
        """Returns `true` or `false` as a bool, or None where the key is missing."""
        value = self.text(key, default="", one_of=("true", "false")) if self.has(key) else ""
        return value == "true" if value else None

    def some(self, wish: str) -> None:
        """Records a problem where the mapping is empty."""
        if not self.nodes:
            self.problems.add(self.line, f"{self.path}: needs {wish}")

    def either(self, *keys: str) -> None:
        """Records a problem where none of these has a value."""
        if not any(key in self.nodes and self.nodes[key][1].value for key in keys):
            self.problems.add(self.line, f"{self.path}: needs {' or '.join(keys)}")

    def end(self) -> None:
        """Records the keys that nobody asked for as problems."""
        for key, (line, _) in self.nodes.items():
            if key not in self.asked:
                self.problems.add(line, f"{self._name(key)}: unknown key{_instead(key, self.asked)}")

    def only(self, names: Collection[str]) -> None:
        """Records as problems the keys that are none of these names, which are defined elsewhere
        in the document."""
        for key, (line, _) in self.nodes.items():
            if key not in names:
                self.problems.add(line, f"{self._name(key)}: {key!r} is not known{_instead(key, names)}")

    def has(self, key: str) -> bool:
        """Whether a key is there that may be missing."""
        self.asked.append(key)
        return key in self.nodes

    def line_of(self, key: str) -> int:
        """Returns the line of the key, or of the section where the key is missing."""
        return self.nodes[key][0] if key in self.nodes else self.line

    def _name(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def _take(self, key: str, *, optional: bool = False) -> yaml.Node | None:
        self.asked.append(key)
        if key in self.nodes:
            return self.nodes[key][1]
        if not optional:
            self.problems.add(self.line, f"{self._name(key)}: is missing")
        return None

    def _silent(self, key: str) -> Section:
        """Returns a section in place of a mapping that is missing: that was reported, and each
        of its keys would only repeat it."""
        return Section(Problems(self.problems.source), self.line, self._name(key))

    def _items(self, key: str) -> list[yaml.Node]:
        node = self._take(key, optional=True)
        if node is None:
            return []
        return list(node.value) if isinstance(node, yaml.SequenceNode) else self._wrong(key, "must be a list", [])

    def _wrong(self, key: str, text: str, harmless: T) -> T:
        self.problems.add(self.line_of(key), f"{self._name(key)}: {text}")
        return harmless


def document(text: str, source: str) -> Section:
    """Parses the whole document. Raises YamlErrors where it is not YAML at all."""
    problems = Problems(source)
    if len(text) > LARGEST:
        problems.add(1, f"is longer than {LARGEST} characters")
        problems.check()
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problems.add(mark.line + 1 if mark else 1, f"is not YAML: {error.problem or error.context}")
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        problems.add(1, f"is not YAML: {str(error).splitlines()[0] if str(error) else type(error).__name__}")
    else:
        if _size(node, {}) > len(text) + _SPARE:
            problems.add(1, "repeats too much by aliases (`*name`)")
        elif isinstance(node, yaml.MappingNode):
            return _section(problems, node, "")
        else:
            problems.add(1, "is empty" if node is None else f"the document: {_NO_MAPPING}")
    problems.check()
    raise AssertionError("unreachable: check() raised")  # pragma: no cover


def _size(node: yaml.Node | None, sizes: dict[int, float]) -> float:
    """Returns how many values are read of a node, each as often as it stands or is repeated;
    infinite where it has itself within. sizes: of nodes that were counted, by identity."""
    if node is None or isinstance(node, yaml.ScalarNode):
        return 1
    if id(node) not in sizes:
        sizes[id(node)] = math.inf
        parts = chain.from_iterable(node.value) if isinstance(node, yaml.MappingNode) else node.value
        sizes[id(node)] = 1 + sum(_size(part, sizes) for part in parts)
    return sizes[id(node)]


def _section(problems: Problems, node: yaml.Node, path: str) -> Section:
    section = Section(problems, node.start_mark.line + 1, path)
    if not isinstance(node, yaml.MappingNode):
        problems.add(section.line, f"{path}: {_NO_MAPPING}")
        return Section(Problems(problems.source), section.line, path)
    for key, value in node.value:
        line = key.start_mark.line + 1
        name = str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
        if name in section.nodes:
            problems.add(line, f"{path}.{name}: stands here twice, first in line {section.nodes[name][0]}".lstrip("."))
        section.nodes[name] = line, value
    return section


def _is_text(node: yaml.Node) -> TypeGuard[yaml.ScalarNode]:
    """Whether the node is a text that is not blank and not null, whatever its type in YAML."""
    return isinstance(node, yaml.ScalarNode) and bool(node.value.strip()) and node.tag != _NOTHING


def _instead(wrong: str, right: Collection[str]) -> str:
    """Returns a hint at what would be right: the nearest, or all of them."""
    near = difflib.get_close_matches(wrong, right, n=1)
    if near:
        return f"; did you mean '{near[0]}'?"
    return f"; known are {', '.join(sorted({word for word in right if word}))}" if right else ""
