"""Nobody has us look around inside our own network by typing an address."""

from __future__ import annotations

import pytest

from shared.errors import Rejected
from shared.security.outgoing import checked, get, is_public


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("192.168.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:93.184.215.14", True),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_only_addresses_of_the_internet_are_asked(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    "url",
    ["", "days.ics", "ftp://example.org/x", "file:///etc/passwd", "https://", "https://ann:secret@example.org/", "https://example.org:99999/", "https://[::1/", "https://example.org/" + "x" * 2000],
)  # fmt: skip
def test_what_is_no_plain_address_of_the_web_is_refused(url: str) -> None:
    with pytest.raises(Rejected) as refused:
        checked(url)
    assert refused.value.code == "feed-address"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost", "0x7f.1", "①②⑦.0.0.1", "127。0。0。1"]
)
async def test_what_is_in_a_private_network_is_not_asked_however_it_is_written(host: str) -> None:
    with pytest.raises(Rejected) as refused:
        await get(f"http://{host}:9/", most=1, seconds=5)
    assert refused.value.code == "feed-private"
