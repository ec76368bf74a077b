"""What goes wrong on a person's machine, told in one line."""

from __future__ import annotations


class Problem(Exception):
    """One line for the person at the terminal: what is wrong, and what to do about it."""
