"""What the user has set: `.env`, and above it the environment."""

from __future__ import annotations

import os
from pathlib import Path

from dotenv import dotenv_values


def settings_of(root: Path) -> dict[str, str]:
    """Returns the settings by name; an empty line in `.env` sets nothing."""
    return {name: value for name, value in dotenv_values(root / ".env").items() if value} | dict(os.environ)
