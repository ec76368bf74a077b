"""What is to run, where, and with which environment. Pure: values in, values out."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local.ports import HOST
from deploy.local.problem import Problem

_OFFSETS = ("desk", "dashboard", "email", "router", "phone", "social", "helpscout", "knowledge", "feedback")
"""A service's port is the first port plus its place here; others follow from the tenth on, by
name."""
SMTP, POSTGRES, KAFKA = 25, 32, 92
PROMETHEUS, ALERTMANAGER = 90, 91


@dataclass(frozen=True)
class Plan:
    """One run: the services found in `root`/services, the ports that follow `first_port`, data in
    `home`."""

    root: Path
    home: Path
    first_port: int
    services: tuple[str, ...]
    with_schema: tuple[str, ...]

    @property
    def smtp_port(self) -> int:
        """Where mail comes in."""
        return self.first_port + SMTP

    @property
    def postgres_port(self) -> int:
        """Where PostgreSQL listens."""
        return self.first_port + POSTGRES

    @property
    def kafka_port(self) -> int:
        """Where Kafka listens; its controller is on the next one."""
        return self.first_port + KAFKA

    @property
    def outgoing_mail(self) -> Path:
        """Where mail is kept while no relay is configured."""
        return self.home / "outgoing-mail"

    def port(self, service: str) -> int:
        """Returns a service's HTTP port."""
        if service in _OFFSETS:
            return self.first_port + _OFFSETS.index(service)
        return self.first_port + 10 + [name for name in self.services if name not in _OFFSETS].index(service)

    def url(self, service: str) -> str:
        """Returns the URL of a service."""
        return f"http://{HOST}:{self.port(service)}"

    def ports(self) -> dict[int, str]:
        """Returns every port that must be free, and what needs it."""
        wanted = {self.port(service): service for service in self.services}
        if "email" in self.services:
            wanted[self.smtp_port] = "incoming mail (SMTP)"
        return wanted | {
            self.postgres_port: "PostgreSQL",
            self.kafka_port: "Kafka",
            self.kafka_port + 1: "Kafka's controller",
        }

    def environment(
        self, user: Mapping[str, str], databases: Mapping[str, str], secret: str, kafka: str
    ) -> dict[str, str]:
        """Returns the environment with which the services are started. The user's own settings
        win, except for what is where in this run. `kafka`: the operator's address of it; each
        service is given its own."""
        wiring = {
            "SWITCHBOARD_KAFKA": kafka,
            "SWITCHBOARD_HOST": HOST,
            "EMAIL_SMTP_PORT": str(self.smtp_port),
            "DESK_ROUTER_URL": self.url("router"),
            "DESK_EMAIL_URL": self.url("email"),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PYTHONUNBUFFERED": "1",
        }
        for service in self.services:
            wiring[f"{service.upper()}_PORT"] = str(self.port(service))
        for service, dsn in databases.items():
            wiring[f"{service.upper()}_DATABASE"] = dsn
        defaults = {
            "SWITCHBOARD_STORAGE": f"file://{self.home / 'storage'}",
            "SWITCHBOARD_SECRET": secret,
            "SWITCHBOARD_PUBLIC_URL": self.url("desk"),
            "SWITCHBOARD_LOG_FORMAT": "console",
            "EMAIL_OUTBOX_FOLDER": str(self.outgoing_mail),
            "EMAIL_TLS_FOLDER": str(self.home / "tls"),
        }
        return defaults | {name: value for name, value in user.items() if value} | wiring


def misspelt(names: Iterable[str], services: Iterable[str], example: str) -> dict[str, str]:
    """Settings that nothing reads, each with what may be meant, or nothing. `example`: the text of
    `.env.example`, which has all."""
    known = set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", example, re.MULTILINE))
    ours = ("SWITCHBOARD_", *(f"{service.upper()}_" for service in services))
    return {
        name: next(iter(difflib.get_close_matches(name, known, 1, 0.8)), "")
        for name in names
        if known and name.startswith(ours) and name not in known
    }


def find_services(root: Path) -> tuple[str, ...]:
    """Returns the names of the services: every folder with an `app.py` is one."""
    return tuple(sorted(path.parent.name for path in (root / "services").glob("*/app.py")))


def make_plan(root: Path, home: Path, first_port: str) -> Plan:
    """Raises Problem for a first port that cannot be one."""
    if not first_port.isdecimal() or not 1024 <= int(first_port) <= 65_400:
        raise Problem(
            f"SWITCHBOARD_PORT is {first_port!r}: it must be a number from 1024 to 65400, the first of 100 free ports"
        )
    services = find_services(root)
    schemas: Sequence[str] = [name for name in services if (root / "services" / name / "migrations").is_dir()]
    return Plan(root, home, int(first_port), services, tuple(schemas))
