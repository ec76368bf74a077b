"""Secrets that are made once and kept in files that only their owner reads."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Write a file for its owner's eyes only (0600), whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def kept_secret(path: Path, length: int = 32) -> str:
    """The secret in this file, made on first use: `length` random bytes in url-safe letters."""
    if not path.is_file() or not path.read_text().strip():
        write_private(path, secrets.token_urlsafe(length) + "\n")
    return path.read_text().strip()
