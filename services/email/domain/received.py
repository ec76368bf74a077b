"""Who handed a mail to the server that took it in for us, as that server wrote it: its `Received`
field (RFC 5321, 4.4). Never raises.

A stranger chooses the name in HELO, and wrote whatever stands below the fields of our servers. So
fields are read from the top, and one that can be read in two ways ends the search.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from services.email.domain.checking import Client

_FIELD = re.compile(r"(?:from (?P<helo>[^\s()]{1,255})(?P<told> [^;]*?)? )?by (?P<by>[^\s();]{1,255})")
_LMTP = re.compile(r"(?: \([^()]*\))* with lmtp", re.IGNORECASE)
"""Behind the server's name: all else that has no address was handed in by a program on that server,
such as a neighbour's at a shared host, which may have written whatever stands below."""
_BY = re.compile(r"(?<!\S)by(?!\S)", re.IGNORECASE)
_ADDRESS = re.compile(r"[\[(](?:IPv6:)?([0-9a-f.:]{3,45})[\])]", re.IGNORECASE)
_HELO = re.compile(r"\bhelo=([^\s()]{1,255})", re.IGNORECASE)
"""As Exim writes it, where the name before it is the address's."""
_MOST, _LONGEST = 20, 2_000
FRESH = timedelta(days=7)
"""What a domain says of its servers and keys today tells little of mail that came before."""
_AHEAD = timedelta(days=1)
_INSIDE = tuple(
    map(
        ip_network,
        [
            "127.0.0.0/8",
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",
            "169.254.0.0/16",
            "::1",
            "fc00::/7",
            "fe80::/10",
        ],
    )
)


@dataclass(frozen=True, slots=True)
class Receivers:
    """Servers of ours: their names, as they write them behind `by`, in lower case; and networks
    that no stranger's server is in."""

    names: Collection[str]
    networks: Sequence[IPv4Network | IPv6Network] = ()

    def client(self, fields: Sequence[tuple[str, str]], sender: str | None, now: datetime) -> Client | None:
        """Returns who handed the mail over; None where no server of ours tells, or it was too long
        ago. `fields`: names and values from the top; `sender`: of the envelope, or None where only
        Return-Path tells it, which counts above that server's field."""
        paths, left = list[str](), _MOST
        for name, value in fields:
            match name.lower():
                case "return-path":
                    paths.append(value.strip().strip("<>"))
                case "received" if left:
                    left -= 1
                    address, helo, at = self._read(" ".join(value[:_LONGEST].split()))
                    if not at:
                        return None
                    if not address:
                        continue
                    if sender is None and len(paths) != 1:
                        return None
                    fresh = now - FRESH <= at <= now + _AHEAD
                    return Client(address, helo, paths[0] if sender is None else sender.strip("<>")) if fresh else None
        return None

    def _read(self, field: str) -> tuple[str, str, datetime | None]:
        """Returns a stranger's address, empty where another server of ours handed it on, what it
        said in HELO, and when; no time where the field is not of a server of ours, or not plain."""
        told, _, date = field.rpartition(";")
        match = _FIELD.match(told)
        if match is None or match["by"].lower().rstrip(".") not in self.names or len(_BY.findall(told)) != 1:
            return "", "", None
        named = f"{match['helo'] or ''}{match['told'] or ''}"
        addresses = {_address(text) for text in _ADDRESS.findall(named)}
        if len(addresses) > 1 or None in addresses:
            return "", "", None
        address = next(iter(addresses), None)
        if address is None and not _LMTP.match(told, match.end()):
            return "", "", None
        helo = _HELO.search(named)
        stranger = address is not None and not any(address in network for network in (*_INSIDE, *self.networks))
        return str(address) if stranger else "", helo[1] if helo else match["helo"] or "", _time(date)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def _time(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text.strip()[:100])
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
