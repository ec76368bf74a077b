"""Where the practice system is, from its `run.json`, and how to ask it."""

from __future__ import annotations

import fcntl
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.problem import Problem


@dataclass(frozen=True, slots=True)
class System:
    """What the demonstration needs to reach."""

    desk: str
    dashboard: str
    smtp: tuple[str, int]
    exchange: str
    """Twilio's stand-in."""
    network: str
    """X's stand-in."""
    line: str
    """The number that customers call."""
    token: str
    site: Mapping[str, str]
    """`site`, `key`, `secret` and `kid`, as `create-site` printed them."""
    password: str
    outgoing_mail: Path

    @property
    def contact(self) -> str:
        """The contact page."""
        return f"{self.dashboard}/contact/{self.site['site']}"


def describe(run: Mapping[str, Any], exchange: str, network: str, line: str) -> System:
    """Builds the system's description from run.json. Raises Problem where it lacks something."""
    try:
        return System(
            desk=run["services"]["desk"]["url"],
            dashboard=run["services"]["dashboard"]["url"],
            smtp=(run["smtp"]["host"], int(run["smtp"]["port"])),
            exchange=exchange,
            network=network,
            line=line,
            token=Path(run["api_token_file"]).read_text().strip(),
            site=json.loads(Path(run["site_file"]).read_text()),
            password=Path(run["admin"]["password_file"]).read_text().strip(),
            outgoing_mail=Path(run["outgoing_mail"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Problem(f"the practice system lacks something that the demonstration needs ({error})") from error


def runs_at(home: Path) -> bool:
    """Whether a system holds this home now: its lock says so, whatever a crash left in run.json."""
    try:
        with (home / "lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def call(
    url: str, body: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None, method: str | None = None
) -> Any:
    """Sends a JSON request: POST with a body, else GET. Raises Problem with what the service
    said."""
    data = None if body is None else json.dumps(body).encode()
    given = {"Content-Type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, data, given, method=method)  # noqa: S310 - run.json's own address
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - the address is run.json's
            text = answer.read()
            return json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        raise Problem(f"{url} answered {error.code}: {error.read(500).decode(errors='replace')}") from error
    except (OSError, ValueError) as error:
        raise Problem(f"{url} does not answer ({error}): is the demonstration still running?") from error
