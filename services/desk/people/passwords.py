"""Passwords: argon2id, in a thread, a few at a time. Never on the way of a message."""

from __future__ import annotations

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from shared.errors import Rejected

SHORTEST = 10
"""Characters; length is what counts (NIST SP 800-63B, 5.1.1.1)."""
LONGEST = 1000
_GUESSES = 10**6
"""A password that is guessed sooner, by lists of passwords that got out, names and patterns, is
refused: whoever tries ten an hour from each of a thousand addresses needs a week for these."""
_RATED = 72
"""Characters that are looked at: the time that the estimate takes grows faster than the length."""
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""OWASP's password storage cheat sheet: argon2id with 19 MiB, 2 rounds, 1 lane."""
_THREADS = ThreadPoolExecutor(2, "password")
"""Few, so that a burst of sign-ins does not take all cores and memory from the messages."""
_NOBODY = _hasher.hash(secrets.token_hex())
"""Checked where the address is unknown, so that the answer takes as long as for a known one."""
_rating = Lock()
"""zxcvbn keeps what is said of the person in a variable of its module."""


async def hash_new(password: str, *about: str) -> str:
    """Hashes a new password. `about`: what anybody would try first, such as the person's name.
    Raises Rejected 422 if it is too short, too long or easily guessed."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, hash_password, password, *about)


def hash_password(password: str, *about: str) -> str:
    """Hashes a new password like `hash_new`, in this thread."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise Rejected(422, "password", f"A password has {SHORTEST} to {LONGEST} characters.")
    if _guesses(password, about) < _GUESSES:
        raise Rejected(422, "common-password", "This password is too common. Choose another.")
    return _hasher.hash(password)


async def matches(password: str, stored: str | None) -> bool:
    """Whether this is the password; always False, and as slow, where nothing is stored."""
    right = await asyncio.get_running_loop().run_in_executor(_THREADS, _verify, stored or _NOBODY, password[:LONGEST])
    return right and bool(stored)


def _guesses(password: str, about: tuple[str, ...]) -> int:
    from zxcvbn import zxcvbn  # its lists take a moment to read, and only a new password needs them

    words = [word for text in ("switchboard", *about) for word in (text, *text.replace("@", " ").split()) if word]
    with _rating:
        return int(zxcvbn(password[:_RATED], words)["guesses"])


def _verify(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
