"""Settings as text: how files are written, and what differs between two states. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml

Values: TypeAlias = dict[str, dict[str, Any]]
"""What is set, by whom it is about: fields of texts, numbers, flags, lists and mappings. What is
usual is left out."""


REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Difference:
    """What a file changes of one team, person or rule."""

    file: str
    about: str
    kind: str
    """`added`, `changed` or `removed`."""
    fields: tuple[tuple[str, str, str], ...] = ()
    """Each with what it is before and after; empty: what is usual."""

    def __str__(self) -> str:
        """Returns it in lines, for a terminal."""
        head = f"{self.file}: {self.about}: {self.kind}"
        return "\n".join([head, *(f"    {name}: {old or '-'} → {new or '-'}" for name, old, new in self.fields)])


def differences(file: str, before: Values, after: Values) -> tuple[Difference, ...]:
    """Returns what a file changes, sorted."""
    found = []
    for about in sorted({*before, *after}):
        old, new = before.get(about), after.get(about)
        if old == new:
            continue
        kind = "added" if old is None else REMOVED if new is None else "changed"
        names = sorted({*(old or {}), *(new or {})})
        told = [(name, _told((old or {}).get(name)), _told((new or {}).get(name))) for name in names]
        found.append(Difference(file, about, kind, tuple(each for each in told if each[1] != each[2])))
    return tuple(found)


def written(values: Mapping[str, Any], about: str) -> str:
    """Writes a file: the same values give the same bytes. about: for whoever reads it, a line."""
    body = yaml.dump(values, Dumper=_Dumper, sort_keys=True, allow_unicode=True, default_flow_style=False, width=2**31)
    return f"# {about}\n{body}"


def _told(value: object) -> str:
    """Formats a value on one line."""
    match value:
        case None:
            return ""
        case dict():
            return ", ".join(f"{name}: {_told(each)}" for name, each in sorted(value.items()))
        case list() | tuple():
            return ", ".join(map(_told, value))
        case bool():
            return str(value).lower()
        case _:
            return " ".join(str(value).split())


_BREAKS = frozenset("\r\x85\u2028\u2029")
"""Ends of lines to YAML, which only quotes keep apart."""


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - nothing is ever written as a reference
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if _BREAKS & set(text) else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
