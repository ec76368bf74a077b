"""A docstring begins with what the function does."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_PROPERTIES = {"property", "cached_property"}
_VERB = re.compile(r"[A-Z][a-z]+(s|es)")
_NO_VERB = {"Always", "As", "Its", "Perhaps", "Plus", "Seconds", "This", "Those", "Towards", "Words", "Yes"}


def begins_with_a_verb(text: str) -> bool:
    """Whether the first word is a verb in the third person, or `Whether`."""
    first = text.split(maxsplit=1)[0].strip(".,:;`")
    return first == "Whether" or bool(_VERB.fullmatch(first) and first not in _NO_VERB)


def documented(folder: str) -> Iterator[tuple[str, str]]:
    """Yields the place and docstring of each function but properties."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        if "migrations" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or not (text := ast.get_docstring(node)):
                continue
            if not any(getattr(each, "id", getattr(each, "attr", "")) in _PROPERTIES for each in node.decorator_list):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", text.splitlines()[0]


@pytest.mark.parametrize("folder", ["shared", "services", "deploy"])
def test_every_docstring_of_a_function_begins_with_a_verb(folder: str) -> None:
    assert [f"{place}: {text}" for place, text in documented(folder) if not begins_with_a_verb(text)] == []


def test_a_noun_is_found_out() -> None:
    assert not begins_with_a_verb("The open tickets of a customer.")
    assert not begins_with_a_verb("Seconds until it is due.")
    assert begins_with_a_verb("Returns the open tickets of a customer.")
    assert begins_with_a_verb("Whether it is due.")
