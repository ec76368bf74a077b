"""The services' own commands that the first start needs: topics, migrations, the first
administrator, keys."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
from collections.abc import Mapping
from tempfile import TemporaryFile

from deploy.local import guardian
from deploy.local.fork_server import Forks
from deploy.local.home import Home
from deploy.local.plan import Plan
from deploy.local.problem import Problem
from deploy.local.secrets_kept import kept_secret, write_private

ADMIN = "admin@example.org"
LOCAL_SITE = "local-site"
"""The id that the dashboard makes of the name below."""


async def run_command(plan: Plan, forks: Forks, environment: Mapping[str, str], *arguments: str, text: str = "") -> str:
    """Runs `python -m services <arguments>` with `text` as its input; returns what it printed.
    Raises Problem when it fails."""
    with TemporaryFile() as given, TemporaryFile() as printed, TemporaryFile() as complained:
        given.write(text.encode())
        given.seek(0)
        process = await forks.run(arguments, environment, (given.fileno(), printed.fileno(), complained.fileno()))
        guardian.watch(process.pid, guardian.SERVICE)
        try:
            code = await process.wait()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            raise
        finally:
            guardian.release(process.pid)
        for output in (printed, complained):
            output.seek(0)
        said, complaints = printed.read(), complained.read()
    if code:
        log = plan.home / "failed-command.log"
        log.write_bytes(said + complaints)
        name = " ".join(arguments[:2])
        raise Problem(
            f"`python -m services {name}` failed: {_telling_line(complaints.decode(errors='replace'))} (all of it in {log})"
        )
    return said.decode()


def _telling_line(text: str) -> str:
    """Returns the last line that names an error, as tracebacks end with it but some libraries
    add advice below."""
    lines = text.strip().splitlines() or ["it said nothing"]
    return next(
        (line for line in reversed(lines) if re.match(r"[\w.]*(Error|Exception|Misconfigured|Unavailable)\b", line)),
        lines[-1],
    )


async def first_time(plan: Plan, home: Home, forks: Forks, environment: Mapping[str, str]) -> None:
    """Creates what a person needs to get in, once: an administrator, an API token, a site."""
    if "desk" in plan.services:
        await _admin(plan, home, forks, environment)
        if not (home / "api-token").is_file():
            token = await run_command(plan, forks, environment, "desk", "create-token", "--name", "local")
            write_private(home / "api-token", token.strip() + "\n")
    if "dashboard" in plan.services and not (home / "site.json").is_file():
        site = await run_command(
            plan,
            forks,
            environment,
            "dashboard",
            "create-site",
            "--name",
            "Local site",
            "--if-missing",
            "--origin",
            plan.url("dashboard"),
        )
        write_private(home / "site.json", json.dumps(json.loads(site), indent=2) + "\n")


def forget(home: Home) -> None:
    """Removes what belonged to an older database: it is of no use with the new one."""
    for name in ("admin-created", "api-token", "site.json"):
        (home / name).unlink(missing_ok=True)


async def _admin(plan: Plan, home: Home, forks: Forks, environment: Mapping[str, str]) -> None:
    """Creates the first administrator. The password is stored before it is used, so that no
    crash can lose it."""
    done = home / "admin-created"
    if done.is_file():
        return
    password = kept_secret(home / "admin-password", 12)
    arguments = (
        "desk",
        "create-agent",
        "--email",
        ADMIN,
        "--name",
        "Admin",
        "--password-stdin",
        "--role",
        "admin",
        "--if-missing",
    )
    await run_command(plan, forks, environment, *arguments, text=password + "\n")
    done.touch()
