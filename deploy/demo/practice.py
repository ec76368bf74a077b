"""A practice system: a home of its own, free ports, and stand-ins for Twilio and X in place of any
real account. Pure where it decides."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local import ports
from deploy.local.problem import Problem
from deploy.local.secrets_kept import write_private

COMPANY = "Acme"
_SERVICES = ("EMAIL_", "PHONE_", "SOCIAL_", "DASHBOARD_", "ROUTER_", "DESK_", "HELPSCOUT_", "KNOWLEDGE_", "FEEDBACK_")
_OURS = ("SWITCHBOARD_HOME", "SWITCHBOARD_PORT", "SWITCHBOARD_KAFKA", "SWITCHBOARD_STORAGE", "SWITCHBOARD_PUBLIC_URL")
_OFFSETS = (0, 1, 2, 3, 4, 5, 25, 32, 50, 51, 52, 92, 93)
"""What the embedded run takes of its hundred ports, and the three of the street."""
_MARK = "practice"
_FORGOTTEN = ("kafka", "postgres", "storage", "outgoing-mail", "run.json")


@dataclass(frozen=True, slots=True)
class Practice:
    """Where one demonstration keeps its data and listens."""

    home: Path
    port: int

    @property
    def street(self) -> int:
        """The port of the page on which customers live."""
        return self.port + 50

    @property
    def exchange(self) -> int:
        """The port of Twilio's stand-in."""
        return self.port + 51

    @property
    def network(self) -> int:
        """The port of X's stand-in."""
        return self.port + 52

    @property
    def phone_service(self) -> str:
        """Where the exchange sends its webhooks."""
        return f"http://{ports.HOST}:{self.port + 4}"


def choose(environment: Mapping[str, str], is_free: Callable[[int], bool] = ports.is_free) -> Practice:
    """Chooses home and ports: the home is a folder `demo` in the usual one; ports are as asked
    for, else the first free hundred from 8000 on. Raises Problem."""
    home = Path(environment.get("SWITCHBOARD_HOME") or "var").expanduser().absolute() / "demo"
    asked = environment.get("SWITCHBOARD_PORT", "")
    if asked and (not asked.isdecimal() or not 1024 <= int(asked) <= 65_400):
        raise Problem(f"SWITCHBOARD_PORT is {asked!r}: it must be a number from 1024 to 65400")
    candidates = [int(asked)] if asked else list(range(8000, 9000, 100))
    for first in candidates:
        if all(is_free(first + offset) for offset in _OFFSETS):
            return Practice(home, first)
    taken = next(candidates[0] + offset for offset in _OFFSETS if not is_free(candidates[0] + offset))
    raise Problem(
        f"port {taken} is taken: set SWITCHBOARD_PORT to the first of 100 free ports, as in SWITCHBOARD_PORT=9000 make demo"
    )


def begin_anew(home: Path) -> None:
    """Removes the data of the last practice. Only a folder that an earlier practice has marked
    as its own is touched. Raises Problem."""
    mark = home / _MARK
    if home.is_dir() and any(home.iterdir()) and not mark.is_file():
        raise Problem(f"{home} is no practice folder: move it away, or choose another home with SWITCHBOARD_HOME")
    try:
        home.mkdir(parents=True, exist_ok=True)
        write_private(mark, "All data in this folder is practice, and is removed when `make demo` starts.\n")
        for name in _FORGOTTEN:
            path = home / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise Problem(
            f"{home} cannot be written ({error.strerror or error}): choose another home with SWITCHBOARD_HOME"
        ) from error


def settings(
    practice: Practice,
    inherited: Mapping[str, str],
    file: Mapping[str, str | None],
    account: Mapping[str, str],
    network: Mapping[str, str],
) -> dict[str, str]:
    """Returns the environment of the practice system. No setting of a real one gets in, neither
    from the environment nor from `.env`.

    `account`: what the exchange said of itself: `url`, `account_sid`, `auth_token`, `number`.
    `network`: the settings with which X's stand-in lets us in.
    """
    names = [*inherited, *file]
    silenced = {name: "" for name in names if name.startswith(_SERVICES) or name in _OURS}
    return {
        **inherited,
        **silenced,
        "SWITCHBOARD_HOME": str(practice.home),
        "SWITCHBOARD_PORT": str(practice.port),
        "PHONE_ACCOUNT_SID": account["account_sid"],
        "PHONE_AUTH_TOKEN": account["auth_token"],
        "PHONE_NUMBER": account["number"],
        "PHONE_PUBLIC_URL": practice.phone_service,
        "PHONE_API_URL": account["url"],
        "PHONE_COMPANY": COMPANY,
        **network,
        "SOCIAL_X_NAMES": COMPANY,
        "SOCIAL_X_WEB_URL": f"http://{ports.HOST}:{practice.street}",
        "SOCIAL_X_EVERY": "3",
        "SOCIAL_X_ANSWERS": "all",
        "SOCIAL_X_MESSAGES_EVERY": "5",
    }
