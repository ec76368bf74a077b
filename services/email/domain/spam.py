"""What our own spam filter says of a mail, as it writes it into the headers. Never raises.

Only that a mail is spam is believed, and of any of its fields: anybody may write such a field, but
a sender who calls their own mail spam harms nobody else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from services.email.domain.headers import Headers

_SCORE = r"(?:[^=]{0,80}\b(?:score|hits) ?= ?(-?\d{1,4}(?:\.\d{1,4})?))?"
_ASSASSIN = (("x-spam-status", rf"^yes\b{_SCORE}"), ("x-spam-flag", r"^(?:yes|true)\b"), ("x-spam", r"^yes\b"))
FILTERS = {
    # Mail::SpamAssassin::Conf, "add_header"
    "spamassassin": _ASSASSIN,
    # https://rspamd.com/doc/modules/milter_headers.html
    "rspamd": (
        ("x-spamd-result", r"^default: true\b(?: \[(-?\d{1,4}(?:\.\d{1,4})?))?"),
        ("x-rspamd-action", r"^(?:add header|rewrite subject|soft reject|reject)\b"),
        *_ASSASSIN,
    ),
    # https://learn.microsoft.com/defender-office-365/message-headers-eop-mdo: 5 and above is spam
    "microsoft": (
        ("x-forefront-antispam-report", r"(?:^|;) ?scl:([5-9])(?:;|$)"),
        ("x-ms-exchange-organization-scl", r"^([5-9])$"),
    ),
    # Spam Firewall, "Scoring"
    "barracuda": (("x-barracuda-spam-status", rf"^yes\b{_SCORE}"), ("x-barracuda-spam-flag", r"^yes\b")),
    # Protection Server: the rule that matched, and a score of 0 to 100
    "proofpoint": (
        (
            "x-proofpoint-spam-details",
            r"^rule=(?![a-z_]*notspam)[a-z_]*spam\b(?: policy=\S{0,100})?(?: score=(\d{1,3})\b)?",
        ),
    ),
}
"""By the filter's name: its fields, and what each says where the mail is spam, in lower case; the
score is a group, where there is one."""
_PATTERNS = {name: tuple((field, re.compile(rule)) for field, rule in rules) for name, rules in FILTERS.items()}


class Spam(NamedTuple):
    """Which filter calls a mail spam; its score as it writes it, or empty."""

    by: str
    score: str


def spam(headers: Headers, filters: Iterable[str]) -> Spam | None:
    """Returns what these filters of our own, names in `FILTERS`, say; None where none calls it
    spam."""
    for name in filters:
        for field, pattern in _PATTERNS[name]:
            for value in headers.every(field):
                if match := pattern.search(value.lower()):
                    return Spam(name, (match[1] or "") if pattern.groups else "")
    return None
