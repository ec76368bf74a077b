"""Ports on this machine."""

from __future__ import annotations

import contextlib
import random
import socket

from deploy.local.problem import Problem

HOST = "127.0.0.1"
# Below the range from which the kernel takes ports for outgoing connections (32768 on Linux): a
# client that keeps calling a stopped broker could otherwise be given the broker's own port, and be
# connected to itself.
_QUIET = range(20_000, 32_000)


def is_free(port: int) -> bool:
    """Whether a server could listen on it now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def answers(port: int) -> bool:
    """Whether something accepts connections on it now."""
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=0.5):
        return True
    return False


def free(count: int = 1) -> list[int]:
    """Returns `count` different ports that nothing listens on. Nothing keeps them reserved."""
    found: set[int] = set()
    while len(found) < count:
        port = random.choice(_QUIET)
        if is_free(port):
            found.add(port)
    return sorted(found)


def require_free(port: int, who: str) -> None:
    """Raises Problem if `port`, which `who` needs, is taken."""
    if not is_free(port):
        raise Problem(
            f"port {port} on {HOST}, needed for {who}, is taken: stop the program that listens on it, "
            f"or set SWITCHBOARD_PORT to the first of 100 free ports, as in SWITCHBOARD_PORT=9000 make run"
        )
