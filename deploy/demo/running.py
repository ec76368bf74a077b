"""Where the running system is, from its `run.json`."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class Problem(Exception):
    """One line for the person at the terminal: what is wrong, and what to do about it."""


@dataclass(frozen=True, slots=True)
class System:
    """What the demonstration needs to reach."""

    desk: str
    dashboard: str
    smtp: tuple[str, int]
    token: str
    site: Mapping[str, str]
    """`site`, `key`, `secret` and `kid`, as `create-site` printed them."""
    password_file: str


def find(environment: Mapping[str, str]) -> System:
    """Raises Problem where nothing runs."""
    home = Path(environment.get("SWITCHBOARD_HOME") or "var").expanduser()
    start = f"start it with `make run` in another terminal (looked in {home}; SWITCHBOARD_HOME chooses another folder)"
    try:
        run = json.loads((home / "run.json").read_text())
        os.kill(int(run["supervisor_pid"]), 0)
    except PermissionError:
        pass
    except (FileNotFoundError, NotADirectoryError, ProcessLookupError) as error:
        raise Problem(f"Switchboard is not running: {start}") from error
    except (OSError, ValueError, KeyError) as error:
        raise Problem(f"{home / 'run.json'} cannot be read ({error}): {start}") from error
    try:
        return System(
            desk=run["services"]["desk"]["url"],
            dashboard=run["services"]["dashboard"]["url"],
            smtp=(run["smtp"]["host"], int(run["smtp"]["port"])),
            token=Path(run["api_token_file"]).read_text().strip(),
            site=json.loads(Path(run["site_file"]).read_text()),
            password_file=run.get("admin", {}).get("password_file", ""),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Problem(f"the running system lacks something that the demonstration needs ({error}): {start}") from error


def call(url: str, body: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None) -> Any:
    """A JSON request: POST with a body, else GET. Raises Problem with what the service said."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **(headers or {})})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - the address is run.json's
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise Problem(f"{url} answered {error.code}: {error.read(500).decode(errors='replace')}") from error
    except (OSError, ValueError) as error:
        raise Problem(f"{url} does not answer ({error}): is Switchboard still running?") from error
