"""Starts everything in order, keeps it running, and stops it in the opposite order."""

from __future__ import annotations

import asyncio
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

from deploy.local import ports
from deploy.local.child import Child, pause_after
from deploy.local.commands import LOCAL_SITE, first_time, forget, run_command
from deploy.local.console import Console
from deploy.local.fork_server import Forks
from deploy.local.home import Home
from deploy.local.kafka import BROKER, OPERATOR, Kafka
from deploy.local.plan import Plan
from deploy.local.postgres import Postgres
from deploy.local.problem import Problem
from deploy.local.secrets_kept import kept_secret

PATIENCE = 90.0
"""Seconds until whoever is not ready is left to go on trying. 5 on two quiet cores; a laptop on
battery has taken ten times that."""


class Stopped(Exception):
    """The person asked us to stop while we were still starting."""


class Supervisor:
    """One run of everything. `stopping` is set by a signal."""

    def __init__(
        self, plan: Plan, home: Home, user: Mapping[str, str], console: Console, patience: float = PATIENCE
    ) -> None:
        self._plan, self._home, self._user, self._console, self._patience = plan, home, user, console, patience
        self.stopping = asyncio.Event()
        # Rights and topics outlive these passwords, which every start hands out anew: one that is
        # lost is made again.
        users = (OPERATOR, BROKER, *plan.services)
        self._kafka = Kafka(
            home / "kafka",
            plan.kafka_port,
            passwords={user: kept_secret(home / f"kafka-password-{user}") for user in users},
        )
        self._postgres = Postgres(home / "postgres", plan.postgres_port)
        self._forks = Forks(plan.root)
        self._children = [Child(name, self._forks, console, self._until_ready, self._tell) for name in plan.services]
        self._databases: dict[str, str] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._threads: list[asyncio.Future[None]] = []
        self._up = False
        self._untold = False
        """Whether run.json is older than what it tells."""

    async def run(self) -> None:
        """Runs everything and returns after an orderly stop. Raises Problem when something could
        not be started; everything is stopped then too."""
        stop = asyncio.create_task(self.stopping.wait())
        start = asyncio.create_task(self._start())
        try:
            await asyncio.wait({start, stop}, return_when=asyncio.FIRST_COMPLETED)
            if start.done():
                start.result()
                await stop
            self._console.say("stopping: first the services, then Kafka and PostgreSQL")
        finally:
            self.stopping.set()
            await self._stop(start)
            stop.cancel()

    def kill(self) -> None:
        """Kills everything at once, for a person who is in a hurry."""
        for child in self._children:
            child.kill()
        self._kafka.nodes[0].kill()
        self._postgres.kill()

    async def _start(self) -> None:
        began = time.monotonic()
        for port, who in self._plan.ports().items():
            ports.require_free(port, who)
        self._console.say(f"starting Kafka and PostgreSQL; everything is kept in {self._home.folder}")
        secret = self._user.get("SWITCHBOARD_SECRET") or kept_secret(
            self._home / "secret", needed_by=self._postgres.data
        )
        passwords = {name: kept_secret(self._home / f"database-password-{name}") for name in self._plan.with_schema}
        self._databases = {name: self._postgres.dsn_of(name, password) for name, password in passwords.items()}
        environment = self._plan.environment(self._user, self._databases, secret, self._kafka.address(OPERATOR))
        self._forks.start(environment)
        async with asyncio.TaskGroup() as together:
            together.create_task(self._prepare_kafka(environment))
            together.create_task(self._prepare_postgres(passwords, environment))
        self._tasks += [
            asyncio.create_task(self._keep("Kafka", lambda: self._kafka.nodes[0].pid, self._kafka.start)),
            asyncio.create_task(self._keep("PostgreSQL", lambda: self._postgres.pid, self._postgres.start)),
            *(
                asyncio.create_task(child.run({**environment, "SWITCHBOARD_KAFKA": self._kafka.address(child.name)}))
                for child in self._children
            ),
        ]
        self._console.say(f"starting {', '.join(self._plan.services) or 'no service: there is none in services/'}")
        async with asyncio.TaskGroup() as together:
            together.create_task(first_time(self._plan, self._home, self._forks, environment))
            for child in self._children:
                together.create_task(self._until_ready(child))
        self._up = True
        self._tell()
        self._console.table(f"Switchboard is up, {time.monotonic() - began:.0f} s after the start.", self._rows())

    async def _prepare_kafka(self, environment: Mapping[str, str]) -> None:
        def progress(done: int, total: int) -> None:
            if self.stopping.is_set():
                raise Stopped
            self._console.progress("downloading Kafka", done, total)

        await self._in_thread(lambda: self._kafka.start(progress))
        await run_command(self._plan, self._forks, environment, "topics")

    async def _prepare_postgres(self, passwords: Mapping[str, str], environment: Mapping[str, str]) -> None:
        await self._in_thread(self._postgres.start)
        if self._postgres.was_new:
            forget(self._home)
        if passwords:
            await self._in_thread(lambda: self._postgres.create_roles(passwords))
            await run_command(self._plan, self._forks, environment, "migrate")

    async def _until_ready(self, child: Child) -> bool:
        """Waits until its /health/ready says 200; returns False where it never will, or not
        soon. Where it waits for something outside, such as a provider, nothing else waits with
        it."""
        deadline = time.monotonic() + self._patience
        while not child.misconfigured:
            ready, detail = await asyncio.to_thread(_ask, f"{self._plan.url(child.name)}/health/ready")
            if ready:
                return True
            if time.monotonic() > deadline:
                self._console.warn(f"{child.name} is not ready yet and goes on trying; the others run. {detail}")
                return False
            await asyncio.sleep(0.1)
        return False

    async def _keep(self, name: str, pid: Callable[[], int | None], start: Callable[[], None]) -> None:
        """Restarts an engine when it ended. The services wait for it meanwhile: they lose
        nothing."""
        crashes = 0
        while not self.stopping.is_set():
            if self._untold:
                self._tell()
            if pid() is None:
                crashes += 1
                pause = pause_after(crashes)
                self._console.warn(f"{name} ended; starting it again in {pause:.0f} s")
                await asyncio.sleep(pause)
                try:
                    await self._in_thread(start)
                except Exception as error:  # noqa: BLE001 - whatever it trips over, such as a full disk, it is tried again
                    self._console.warn(
                        str(error) if isinstance(error, Problem) else f"{name} cannot be started: {error!r}"
                    )
                else:
                    self._console.say(f"{name} is back")
            await asyncio.sleep(0.5)

    async def _in_thread(self, work: Callable[[], None]) -> None:
        """Runs what blocks in a thread. A thread cannot be cancelled, so `_stop` waits for it."""
        future = asyncio.get_running_loop().run_in_executor(None, work)
        self._threads.append(future)
        await asyncio.shield(future)

    async def _stop_engines(self) -> None:
        await asyncio.gather(asyncio.to_thread(self._kafka.stop), asyncio.to_thread(self._postgres.stop))

    async def _stop(self, start: asyncio.Task[None]) -> None:
        """Services first, so that they can still write what they have; then what they write to."""
        for task in (start, *self._tasks[:2]):
            task.cancel()
        await asyncio.gather(*(child.stop() for child in self._children))
        await self._forks.stop()
        await self._stop_engines()
        await asyncio.gather(start, *self._tasks, *self._threads, return_exceptions=True)
        await self._stop_engines()  # again, for one that a thread was just about to start
        self._home.remove_run()

    def _tell(self) -> None:
        """Updates run.json, or leaves that for later where it cannot be written: keeping the
        system running matters more than describing it."""
        if not self._up or self.stopping.is_set():
            return
        facts = {
            "services": {child.name: {"url": self._plan.url(child.name), "pid": child.pid} for child in self._children},
            "kafka": self._kafka.address(OPERATOR),
            "postgres": self._postgres.dsn,
            "databases": self._databases,
            "smtp": {"host": ports.HOST, "port": self._plan.smtp_port},
            "api_token_file": str(self._home / "api-token"),
            "site_file": str(self._home / "site.json"),
            "outgoing_mail": str(self._plan.outgoing_mail),
            "admin": {"email": "admin@example.org", "password_file": str(self._home / "admin-password")},
            "supervisor_pid": os.getpid(),
        }
        try:
            self._home.write_run(facts)
        except OSError as error:
            if not self._untold:
                self._console.warn(f"run.json is out of date, it cannot be written: {error.strerror}")
            self._untold = True
        else:
            self._untold = False

    def _rows(self) -> list[tuple[str, str, str]]:
        """Returns the short table at the end: what runs, where, how to sign in, what to try."""
        plan, home = self._plan, self._home
        off = {child.name for child in self._children if child.misconfigured}
        rows = []
        if "desk" in plan.services:
            rows.append(
                ("desk", plan.url("desk"), f"sign in: admin@example.org, password {_read(home / 'admin-password')}")
            )
            rows.append(("API", f"{plan.url('desk')}/openapi.json", f"bearer token in {_short(home / 'api-token')}"))
        if "dashboard" in plan.services:
            page = f"{plan.url('dashboard')}/contact/{LOCAL_SITE}"
            rows.append(("dashboard", page, f"the contact page; a site's keys in {_short(home / 'site.json')}"))
        if "email" in plan.services:
            mailbox = self._user.get("EMAIL_MAILBOXES", "support@example.org").split(",")[0].strip()
            rows.append(("mail in", f"{ports.HOST}:{plan.smtp_port}", f"SMTP: send a mail to {mailbox}"))
            relay = self._user.get("EMAIL_PROVIDER") or self._user.get("EMAIL_RELAY_HOST")
            rows.append(
                (
                    "mail out",
                    relay or _short(plan.outgoing_mail),
                    "" if relay else "kept in this folder until EMAIL_RELAY_HOST is set",
                )
            )
        rows += [(name, plan.url(name), "") for name in plan.services if name not in ("desk", "dashboard")]
        rows = [
            (name, where, "off: its settings are wrong, see above" if name in off else note)
            for name, where, note in rows
        ]
        return [
            *rows,
            ("Kafka", self._kafka.bootstrap, ""),
            ("PostgreSQL", f"{ports.HOST}:{plan.postgres_port}", f"addresses and passwords in {_short(home.run_file)}"),
            ("try", "make demo", "a practice system of its own, with customers on all channels and a telephone"),
            ("stop", "Ctrl-C", "all data is kept for the next start"),
        ]


def _ask(url: str) -> tuple[bool, str]:
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:  # noqa: S310 - our own http:// address
            return answer.status == 200, ""
    except urllib.error.HTTPError as error:
        with error:
            return False, _missing(error.read(100_000))
    except OSError as error:
        return False, str(error)


def _missing(report: bytes) -> str:
    """Returns which parts a service waits for, according to its /health/ready."""
    try:
        parts = json.loads(report)["parts"]
        return "; ".join(f"{name}: {part['detail']}" for name, part in parts.items() if not part["ok"])
    except (ValueError, LookupError, TypeError):
        return report[:200].decode(errors="replace")


def _read(path: Path) -> str:
    return path.read_text().strip() if path.is_file() else "?"


def _short(path: Path) -> str:
    """Returns the path relative to the working directory, where it is inside it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
