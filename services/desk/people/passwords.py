"""Passwords: argon2id, in a thread, a few at a time. Never on the way of a message."""

from __future__ import annotations

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from shared.errors import Rejected

SHORTEST = 10
"""Characters; length is what counts (NIST SP 800-63B, 5.1.1.1)."""
LONGEST = 1000
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""OWASP's password storage cheat sheet: argon2id with 19 MiB, 2 rounds, 1 lane."""
_THREADS = ThreadPoolExecutor(2, "password")
"""Few, so that a burst of sign-ins does not take all cores and memory from the messages."""
_NOBODY = _hasher.hash(secrets.token_hex())
"""Checked where the address is unknown, so that the answer takes as long as for a known one."""


def hash_password(password: str) -> str:
    """Rejected 422 where it is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise Rejected(422, "password", f"A password has {SHORTEST} to {LONGEST} characters.")
    return _hasher.hash(password)


async def matches(password: str, stored: str | None) -> bool:
    """Whether this is the password; always False, and as slow, where nothing is stored."""
    right = await asyncio.get_running_loop().run_in_executor(_THREADS, _verify, stored or _NOBODY, password[:LONGEST])
    return right and stored is not None


def _verify(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
