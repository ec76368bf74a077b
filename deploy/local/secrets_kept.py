"""Secrets that are made once and kept in files that only their owner reads."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from deploy.local.problem import Problem


def write_private(path: Path, text: str) -> None:
    """Writes a file that only its owner can read (0600), whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def kept_secret(path: Path, length: int = 32, needed_by: Path | None = None) -> str:
    """Returns the secret in this file, made on first use: `length` random bytes in url-safe
    letters. Raises Problem where it is missing though the folder `needed_by`, whose data is of
    no use without it, has something in it."""
    if not path.is_file() or not path.read_text().strip():
        if needed_by is not None and has_something(needed_by):
            raise Problem(
                f"the secret {path} is missing, though there is data that was made with it in {needed_by}: restore this file "
                f"from a backup, or, to start empty with a new secret, move {needed_by} away"
            )
        write_private(path, secrets.token_urlsafe(length) + "\n")
    return path.read_text().strip()


def has_something(folder: Path) -> bool:
    """Whether this folder is there and not empty."""
    return folder.is_dir() and any(folder.iterdir())
