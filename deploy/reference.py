"""`make docs`: the pages of docs/reference that are made from the code. A test fails when they are
out of date."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

from pydantic_settings import BaseSettings

from services.__main__ import channels, names
from shared import asyncapi, metrics, topics
from shared.settings import Settings

FOLDER = Path(__file__).parent.parent / "docs" / "reference"
_MADE = "<!-- Made by `make docs`; change the code instead. -->\n\n"


def pages() -> dict[str, str]:
    """Returns the pages: file name → text."""
    every = [*channels()]
    return {
        "topics.md": f"# Topics\n\n{_MADE}{topics.table(every)}\n",
        "metrics.md": f"# Metrics\n\n{_MADE}{metrics.reference()}\n",
        "settings.md": f"# Settings\n\n{_MADE}" + "\n".join(map(_settings, settings_classes())),
        "asyncapi.json": json.dumps(asyncapi.document(every), indent=2) + "\n",
    }


def settings_classes() -> list[type[BaseSettings]]:
    """Returns the common settings class and that of each service."""
    found: list[type[BaseSettings]] = [Settings]
    for name in names():
        module = importlib.import_module(f"services.{name}.settings")
        found.extend(
            kind
            for kind in vars(module).values()
            if isinstance(kind, type) and issubclass(kind, BaseSettings) and kind.__module__ == module.__name__
        )
    return found


def _settings(kind: type[BaseSettings]) -> str:
    prefix = str(kind.model_config.get("env_prefix", ""))
    rows = [f"## {kind.__name__}\n", "| variable | default | meaning |", "|---|---|---|"]
    for name, field in kind.model_fields.items():
        value = field.get_default(call_default_factory=True)
        default = (
            "**required**" if field.is_required() else f"`{','.join(value) if isinstance(value, tuple) else value}`"
        )
        rows.append(f"| `{(prefix + name).upper()}` | {default} | {field.description} |")
    return "\n".join(rows) + "\n"


def main() -> None:
    """Writes all pages."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
