"""Requests to addresses that people typed.

What goes wrong without it: somebody types the address of a machine that only we can reach, or a
name that leads there, and has us look around inside.
"""

from __future__ import annotations

import socket
from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp import AddrInfoType
from aiohttp.resolver import ThreadedResolver

from shared.errors import Rejected, Unavailable

LONGEST_URL = 2000
_HOPS = 3
"""Redirections that are followed."""
_WITHIN = tuple(ip_network(each) for each in ("64:ff9b::/96", "2002::/16", "2001::/32"))
"""IPv6 that leads to any address of IPv4."""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet, and of nothing that only we can reach."""
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        if any(found in each for each in _WITHIN):
            return False
        found = found.ipv4_mapped or found
    return found.is_global and not found.is_multicast


def checked(url: str) -> str:
    """Returns an address that can be asked. Rejected 422 `feed-address`."""
    refused = Rejected(422, "feed-address", "Write an address that begins with https://, without a name or password.")
    try:
        parts = urlsplit(url.strip())
        plain = parts.scheme in ("http", "https") and parts.hostname and not parts.username and parts.port != 0
    except ValueError as error:
        raise refused from error
    if not plain or len(url) > LONGEST_URL or not url.strip().isprintable():
        raise refused
    return parts.geturl()


async def get(url: str, *, most: int, seconds: float, private: bool = False) -> bytes:
    """Returns what is at an address, of at most so many bytes. private: loopback and private
    addresses are asked too. What comes compressed stays so: a little of it could become a lot.
    Raises Rejected 422 where the address is refused, Unavailable for all else."""
    connector = aiohttp.TCPConnector(
        resolver=ThreadedResolver(),
        use_dns_cache=False,
        happy_eyeballs_delay=None,
        socket_factory=None if private else _public_socket,
    )
    timeout, plain = aiohttp.ClientTimeout(total=seconds), {"Accept-Encoding": "identity"}
    try:
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, headers=plain, auto_decompress=False
        ) as session:
            for _ in range(_HOPS + 1):
                answer, onward = await _asked(session, checked(url), most)
                if onward is None:
                    return answer
                url = urljoin(url, onward)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise Unavailable(f"{type(error).__name__}: {error}"[:300]) from error
    raise Unavailable("it leads from one address to the next")


async def _asked(session: aiohttp.ClientSession, url: str, most: int) -> tuple[bytes, str | None]:
    """Returns what is there, or where it leads."""
    async with session.get(url, allow_redirects=False) as answer:
        if answer.status in (301, 302, 303, 307, 308) and (onward := answer.headers.get("Location")):
            return b"", onward
        if answer.status != 200:
            raise Unavailable(f"it answers {answer.status}")
        data = bytearray()
        async for part in answer.content.iter_chunked(1 << 16):
            data += part
            if len(data) > most:
                raise Unavailable(f"it is longer than {most:,} bytes")
        return bytes(data), None


def _public_socket(where: AddrInfoType) -> socket.socket:
    """Makes the socket for an address that is about to be connected to, however its host was
    written, and whatever its name leads to a moment later. Rejected 422 `feed-private`."""
    family, kind, protocol, _, address = where
    if not is_public(str(address[0])):
        text = "This address is inside a private network. Use one of the internet."
        raise Rejected(422, "feed-private", text)
    return socket.socket(family, kind, protocol)
