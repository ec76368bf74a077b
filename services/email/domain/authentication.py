"""What our own mail server found out about a sender, as it writes it into `Authentication-Results`
(RFC 8601). Never raises."""

from __future__ import annotations

import re
from collections.abc import Collection

from services.email.domain.headers import Headers

NAMELESS = "none"
"""Stands for the form without a server's name, as Exchange Online writes it."""
_DMARC = re.compile(r"\s*dmarc\s*(?:/\s*\d{1,9}\s*)?=\s*([a-z]{1,20})")


def fails_dmarc(headers: Headers, trusted: Collection[str]) -> bool:
    """Whether the topmost field says so and is by one of these servers. Whatever stands below came
    with the mail, and anybody may have written it; a field by nobody whom we trust says nothing,
    whatever it says."""
    if "authentication-results" not in headers:
        return False
    first, *rest = _bare(headers.raw("authentication-results")).lower().split(";")
    name = first.split()[0] if first.split() else ""
    if "=" in first:
        name, rest = NAMELESS, [first, *rest]
    found = [match[1] for part in rest if (match := _DMARC.match(part))]
    return name in trusted and "fail" in found


def _bare(value: str) -> str:
    """Returns the value without comments, which nest, and without quoted strings."""
    out, depth, quoted, escaped = list[str](), 0, False, False
    for character in value:
        if escaped:
            escaped = False
        elif character == "\\" and (depth or quoted):
            escaped = True
        elif character == '"' and not depth:
            quoted = not quoted
        elif character == "(" and not quoted:
            depth += 1
        elif character == ")" and depth:
            depth -= 1
        elif not depth and not quoted:
            out.append(character)
    return "".join(out)
