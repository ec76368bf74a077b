"""What an operator does with this service on the command line."""

from __future__ import annotations

import getpass
import sys


def password_of(address: str) -> str:
    """Reads a password: from the terminal unseen, or from what is piped in."""
    if sys.stdin.isatty():
        return getpass.getpass(f"Password of {address}: ")
    return sys.stdin.readline().rstrip("\n")
