"""docker-compose.yml as Compose sees it: YAML with its merges, and variables filled in as its
specification says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
FILE = ROOT / "docker-compose.yml"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text())
CONTAINERS: dict[str, dict[str, Any]] = COMPOSE["services"]
JOBS = {name for name, container in CONTAINERS.items() if container["restart"] == "no"}
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?:(?P<how>:[-?])(?P<rest>(?:[^{}$]|\$\{[^{}]*\})*))?\}")


class Missing(Exception):
    """A variable without which Compose does not start."""


def filled_in(text: str, variables: Mapping[str, str]) -> str:
    """Interpolation: `${A}`, `${A:-default}`, `${A:?error}`, one within another. Raises Missing."""

    def value(found: re.Match[str]) -> str:
        if variables.get(found["name"]):
            return variables[found["name"]]
        if found["how"] == ":?":
            raise Missing(f"{found['name']}: {found['rest']}")
        return filled_in(found["rest"] or "", variables)

    assert "$" not in _VARIABLE.sub("", text), f"not understood: {text}"
    return _VARIABLE.sub(value, text)


def environment(container: str, variables: Mapping[str, str]) -> dict[str, str]:
    """What a container is started with, where `variables` are those of `.env` and the shell."""
    found: dict[str, str] = {}
    for name, value in CONTAINERS[container].get("environment", {}).items():
        if value is not None:
            found[name] = filled_in(value, variables)
        elif name in variables:
            found[name] = variables[name]
    return found
