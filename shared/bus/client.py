"""How every client gets to Kafka: an address is `host:port,…`, or `user:password@host:port,…` where
Kafka asks who is there."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import unquote


class Address(NamedTuple):
    """The parts of SWITCHBOARD_KAFKA. `user` is empty where Kafka asks nobody."""

    servers: str
    user: str = ""
    password: str = ""


def parsed(address: str) -> Address:
    """Returns the parts of an address: servers, user and password."""
    login, at, servers = address.rpartition("@")
    user, _, password = login.partition(":")
    return Address(servers, unquote(user), unquote(password)) if at else Address(address)


def options(address: str) -> dict[str, Any]:
    """Returns the connection options of aiokafka's clients for an address."""
    found = parsed(address)
    if not found.user:
        return {"bootstrap_servers": found.servers}
    return {
        "bootstrap_servers": found.servers,
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": found.user,
        "sasl_plain_password": found.password,
    }


def shown(address: str) -> str:
    """Returns an address without its password, for people and logs."""
    return parsed(address).servers
