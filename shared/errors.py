"""Errors, sorted by what the reader should do.

SwitchboardError
├── Unavailable     something we need is away: try again later, acknowledge nothing
├── Malformed       this record can never be handled: set it aside in `dead-letters`
├── Rejected        the sender did something wrong: tell them what, with an HTTP status
└── Misconfigured   an operator has to change a setting: say which, and stop
"""

from __future__ import annotations


class SwitchboardError(Exception):
    """Base of all errors that we raise on purpose."""


class Unavailable(SwitchboardError):
    """Something we need is away. Try again later; acknowledge nothing until then."""


class Malformed(SwitchboardError):
    """This record can never be handled. Set it aside where a person sees it."""


class Misconfigured(SwitchboardError):
    """A setting is missing or wrong. The message says which one and what would be right."""


class Rejected(SwitchboardError):
    """The sender did something wrong. Shown to them as an RFC 9457 problem.

    status: HTTP status; code: stable, for programs; message: for people, says what to do.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
