"""A limit on tries, in memory: each desk process counts for itself, which only makes an attacker's
life a little easier."""

from __future__ import annotations

from collections import OrderedDict
from ipaddress import ip_address, ip_network

WINDOW = 15 * 60.0
"""Seconds after which a failed try is forgotten."""
WIDER = 10
"""Times as many tries as for one account come from one network address: an office behind one
address has many people."""
_MOST_KEYS = 50_000
"""Bounds memory under an attack from many addresses; the oldest are forgotten first."""
_HOME = 64
"""Bits of an IPv6 address that name a home or an office; the rest is free to whoever is there (RFC
6177)."""


class Limiter:
    """Counts failures per key. `now`: monotonic seconds."""

    def __init__(self, tries: int) -> None:
        self._tries = tries
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    def wait(self, key: str, now: float, *, times: int = 1) -> float:
        """Returns the seconds until this key may try again; 0 if it may now. `times` as many
        tries as usual are allowed."""
        recent = [at for at in self._failures.get(key, ()) if at > now - WINDOW]
        tries = self._tries * times
        return 0.0 if len(recent) < tries else recent[-tries] + WINDOW - now

    def fail(self, key: str, now: float) -> None:
        """Records a failure of this key."""
        recent = [at for at in self._failures.pop(key, ()) if at > now - WINDOW]
        self._failures[key] = [*recent, now][-self._tries * WIDER :]
        while len(self._failures) > _MOST_KEYS:
            self._failures.popitem(last=False)

    def take_back(self, key: str, at: float) -> None:
        """Removes the failure recorded at `at`: that try did not fail."""
        self._failures[key] = [other for other in self._failures.get(key, ()) if other != at]

    def forget(self, key: str) -> None:
        """Clears the failures of this key, after a success."""
        self._failures.pop(key, None)


def network(ip: str) -> str:
    """Returns what one person cannot change at will: an IPv4 address, or the network of an IPv6
    one."""
    try:
        address = ip_address(ip)
    except ValueError:
        return ip[:100]
    return str(ip_network((address, _HOME), strict=False)) if address.version == 6 else str(address)
