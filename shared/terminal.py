"""What may be written to a terminal or a log. The standard library only: `make` needs it before any
package is installed."""

from __future__ import annotations

import re

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_CONTROL_IN_LINES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def printable(text: str, *, lines: bool = False) -> str:
    """Returns the text with control characters, and those that reverse the direction of writing,
    as escapes: they could clear a terminal, type on it, or forge a line. `lines`: line breaks
    are kept."""
    return (_CONTROL_IN_LINES if lines else _CONTROL).sub(lambda match: ascii(match[0])[1:-1], text)
