"""The embedded run: one command starts everything on one machine, keeps it running, and leaves
nothing behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local import ports
from shared.bus.client import options, parsed
from tests.stack import free_ports

_ROOT = Path(__file__).parents[2]
_DEADLINE = 90.0

# Two services that do nothing but be healthy, so that these tests are about the run and not about
# what is run.
_SERVICES = """
import http.server, os, sys
name, *command = sys.argv[1:]
if name in ("topics", "migrate") or command:
    sys.exit(0)
if os.environ.get("WRONG") == name:
    print(f"{name}: {name.upper()}_COLOUR is missing")
    sys.exit(78)

class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        ready = os.environ.get("WAITS") != name
        self.send_response(200 if ready else 503)
        self.end_headers()
        part = b'{"ok": true, "detail": ""}' if ready else b'{"ok": false, "detail": "no answer"}'
        self.wfile.write(b'{"parts": {"twilio": ' + part + b'}}')
    def log_message(self, *_):
        pass

print(f"{name} says hello")
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ[f"{name.upper()}_PORT"])), Healthy).serve_forever()
"""


class Run:
    """`python -m deploy.local` as a person has it, with what it says and what it leaves."""

    def __init__(self, root: Path, home: Path, port: int, *arguments: str, **environment: str) -> None:
        self.home, self.port = home, port
        self._output = home.parent / f"output-{time.monotonic_ns()}"
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "deploy.local", "--root", str(root), *arguments],
                cwd=_ROOT,
                env={**os.environ, "SWITCHBOARD_HOME": str(home), "SWITCHBOARD_PORT": str(port), **environment},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self._output.read_text()

    @property
    def facts(self) -> dict[str, Any]:
        return dict(json.loads((self.home / "run.json").read_text()))

    def until(self, condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + _DEADLINE
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain until {what}; it said:\n{self.said}"
            time.sleep(0.05)

    def until_up(self) -> dict[str, Any]:
        self.until(lambda: self._is_up() or self.process.poll() is not None, "run.json is there")
        assert self.process.poll() is None, self.said
        return self.facts

    def _is_up(self) -> bool:
        """run.json is of this run: one that was killed leaves its own behind."""
        return (self.home / "run.json").exists() and self.facts["supervisor_pid"] == self.process.pid

    def pid_of(self, service: str) -> int | None:
        pid = self.facts["services"][service]["pid"]
        return int(pid) if pid else None

    def interrupt(self) -> int:
        """Ctrl-C; returns the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(_DEADLINE)

    def refusal(self) -> str:
        """What it says when it does not start: one line on standard error, no traceback."""
        assert self.process.wait(_DEADLINE) == 1, self.said
        assert "Traceback" not in self.said
        lines = [line for line in self.said.splitlines() if line.startswith("switchboard: ")]
        assert len(lines) == 1, self.said
        return lines[0]

    def left(self) -> list[str]:
        """Processes that belong to this home and are not yet gone."""
        found = []
        for process in psutil.process_iter(["cmdline", "environ", "status"]):
            mine = str(self.home) in " ".join(process.info["cmdline"] or []) or (process.info["environ"] or {}).get(
                "SWITCHBOARD_HOME"
            ) == str(self.home)
            if mine and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(f"{process.pid} (of {process.ppid()}): {' '.join(process.cmdline())}")
        return found

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


Start = Callable[..., Run]


def _kept(run: Run, name: str) -> str:
    return (run.home / name).read_text().strip()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    package = tmp_path / "root" / "services"
    for name in ("greeter", "router"):
        (package / name).mkdir(parents=True)
        (package / name / "app.py").touch()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(_SERVICES)
    (package / "greeter" / "migrations").mkdir()
    return package.parent


@pytest.fixture
def start(root: Path, tmp_path: Path) -> Iterator[Start]:
    runs: list[Run] = []
    home, port = tmp_path / "home", free_ports()

    def begin(*arguments: str, **environment: str) -> Run:
        runs.append(Run(root, home, port, *arguments, **environment))
        return runs[-1]

    yield begin
    for run in runs:
        run.kill()
    for run in runs:
        run.until(lambda run=run: not run.left(), "the guardian has taken down the rest")


@contextmanager
def _listening(port: int) -> Iterator[None]:
    import socket

    with socket.create_server((ports.HOST, port)):
        yield


def test_everything_is_up_and_other_programs_are_told_where(start: Start) -> None:
    run = start()
    facts = run.until_up()
    assert set(facts["services"]) == {"greeter", "router"}
    assert all(psutil.pid_exists(service["pid"]) for service in facts["services"].values())
    assert ports.answers(run.port + 3)
    assert parsed(facts["kafka"]) == (
        "127.0.0.1:" + str(run.port + 92),
        "operator",
        _kept(run, "kafka-password-operator"),
    )
    assert facts["smtp"] == {"host": "127.0.0.1", "port": run.port + 25}
    assert facts["supervisor_pid"] == run.process.pid
    run.until(lambda: "Switchboard is up" in run.said, "the table is shown")
    assert "router  │ router says hello" in run.said or "greeter │ greeter says hello" in run.said


def test_nobody_else_on_the_machine_reads_anything_of_a_run_not_even_of_an_older_version(start: Start) -> None:
    old = start()
    old.until_up()
    old.interrupt()
    for path in (old.home, old.home / "kafka", *(old.home / "kafka").rglob("*"), old.home / "secret"):
        path.chmod(path.stat().st_mode | 0o055)
    run = start()
    asyncio.run(_write(run.until_up()))
    for name in ("run.json", "secret", "database-password-greeter", "postgres/superuser-password"):
        assert stat.S_IMODE((run.home / name).stat().st_mode) == 0o600, name
    passed_through = {run.home, run.home / "postgres"} if os.geteuid() == 0 else set()
    for path in (run.home, *run.home.rglob("*")):
        others = stat.S_IMODE(path.stat().st_mode) & 0o077
        assert others == (0o010 if path in passed_through else 0), path


def test_ctrl_c_leaves_no_process_and_a_second_start_keeps_all_data(start: Start) -> None:
    run = start()
    asyncio.run(_write(run.until_up()))
    assert run.interrupt() == 0
    assert run.left() == []
    assert not (run.home / "run.json").exists()
    again = start()
    assert asyncio.run(_read(again.until_up())) == ("a row", b"a record")


async def _write(facts: dict[str, Any]) -> None:
    database = await asyncpg.connect(facts["databases"]["greeter"])
    await database.execute("CREATE TABLE kept (value text)")
    await database.execute("INSERT INTO kept VALUES ('a row')")
    await database.close()
    admin = AIOKafkaAdminClient(**options(facts["kafka"]))
    await admin.start()
    await admin.create_topics([NewTopic("kept", 1, 1)])
    await admin.close()
    async with AIOKafkaProducer(**options(facts["kafka"]), acks="all") as producer:
        await producer.send_and_wait("kept", b"a record")


async def _read(facts: dict[str, Any]) -> tuple[str, bytes]:
    database = await asyncpg.connect(facts["databases"]["greeter"])
    value = await database.fetchval("SELECT value FROM kept")
    await database.close()
    async with AIOKafkaConsumer("kept", **options(facts["kafka"]), auto_offset_reset="earliest") as consumer:
        record = await asyncio.wait_for(consumer.getone(), 30)
    return value, record.value


def test_a_service_sees_no_other_schema(start: Start) -> None:
    facts = start().until_up()

    async def look() -> None:
        admin = await asyncpg.connect(facts["postgres"])
        await admin.execute("CREATE SCHEMA other CREATE TABLE secrets (value text)")
        await admin.close()
        service = await asyncpg.connect(facts["databases"]["greeter"])
        try:
            assert await service.fetchval("SELECT current_schema()") == "greeter"
            for forbidden in ("SELECT * FROM other.secrets", "CREATE TABLE public.x (y int)", "CREATE SCHEMA mine"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await service.execute(forbidden)
        finally:
            await service.close()

    asyncio.run(look())


def test_a_service_that_is_killed_comes_back_under_a_new_number(start: Start) -> None:
    run = start()
    run.until_up()
    before = run.pid_of("router")
    assert before
    os.kill(before, signal.SIGKILL)
    run.until(lambda: run.pid_of("router") not in (None, before), "the router has a new process")
    run.until(lambda: "router is back" in run.said, "it is said that the router is back")
    assert ports.answers(run.port + 3)
    assert "router ended (killed by SIGKILL); starting it again in 1 s" in run.said
    assert "greeter is back" not in run.said
    assert "in the clear" not in run.said, "nobody need worry about a password that stays on this machine"


def test_kafka_that_is_killed_comes_back_with_its_data(start: Start) -> None:
    run = start()
    asyncio.run(_write(run.until_up()))
    (broker,) = [line for line in run.left() if "kafka.Kafka" in line]
    os.kill(int(broker.split()[0]), signal.SIGKILL)
    run.until(lambda: "Kafka is back" in run.said, "Kafka is back")
    assert asyncio.run(_read(run.facts)) == ("a row", b"a record")


def test_wrong_settings_are_said_and_the_others_run(start: Start) -> None:
    run = start(WRONG="greeter")
    assert run.until_up()["services"]["greeter"]["pid"] is None
    assert "GREETER_COLOUR is missing" in run.said
    assert run.said.count("greeter stays off") == 1


def test_a_service_whose_provider_is_away_holds_nobody_up(start: Start) -> None:
    run = start("--patience", "1", WAITS="greeter")
    assert run.until_up()["services"]["greeter"]["pid"]
    assert "greeter is not ready yet and goes on trying; the others run. twilio: no answer" in run.said
    assert run.interrupt() == 0


def test_nothing_outlives_a_supervisor_that_is_killed_and_the_next_start_works(start: Start) -> None:
    run = start()
    asyncio.run(_write(run.until_up()))
    run.process.kill()
    run.process.wait()
    again = start()  # at once, while the guardian is still stopping the rest
    assert asyncio.run(_read(again.until_up())) == ("a row", b"a record")
    again.interrupt()
    assert again.left() == []


def test_a_second_run_on_the_same_home_is_refused(start: Start) -> None:
    first = start()
    first.until_up()
    second = start()
    assert f"already runs on {first.home} (process {first.process.pid})" in second.refusal()
    assert first.process.poll() is None
    assert first.facts["supervisor_pid"] == first.process.pid


def test_a_taken_port_is_named(start: Start) -> None:
    ready = start(SWITCHBOARD_PORT="7")
    assert "SWITCHBOARD_PORT is '7'" in ready.refusal()
    with _listening(ready.port + 92):
        assert f"port {ready.port + 92} on 127.0.0.1, needed for Kafka, is taken" in start().refusal()


def test_a_home_that_cannot_be_written_is_named(start: Start, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("not a folder")
    refusal = start().refusal()
    assert f"cannot write to the home folder {tmp_path / 'home'}" in refusal
    assert "SWITCHBOARD_HOME" in refusal


@pytest.mark.parametrize("lost", ["initialised", "PG_VERSION"])
def test_a_database_is_never_deleted_whatever_is_missing_beside_it(start: Start, lost: str) -> None:
    run = start()
    asyncio.run(_write(run.until_up()))
    run.interrupt()
    missing = run.home / "postgres" / "data" / lost
    kept = missing.read_bytes()
    missing.unlink()
    before = sorted((run.home / "postgres" / "data").rglob("*"))
    refusal = start().refusal()
    assert f"{run.home / 'postgres' / 'data'} may hold a database" in refusal
    assert "backup" in refusal
    assert "move the folder away" in refusal
    assert sorted((run.home / "postgres" / "data").rglob("*")) == before
    missing.write_bytes(kept)
    assert asyncio.run(_read(start().until_up())) == ("a row", b"a record")


@pytest.mark.parametrize("secret", ["secret", "postgres/superuser-password"])
def test_data_whose_secret_is_missing_is_not_started_with_another_one(start: Start, secret: str) -> None:
    run = start()
    asyncio.run(_write(run.until_up()))
    run.interrupt()
    kept = (run.home / secret).read_text()
    (run.home / secret).unlink()
    refusal = start().refusal()
    assert f"the secret {run.home / secret} is missing" in refusal
    assert "restore this file from a backup" in refusal
    assert not (run.home / secret).exists()
    (run.home / secret).write_text("")  # as a full disk leaves it
    assert f"the secret {run.home / secret} is missing" in start().refusal()
    (run.home / secret).write_text(kept)
    assert asyncio.run(_read(start().until_up())) == ("a row", b"a record")


def test_a_first_start_that_was_interrupted_is_begun_again(start: Start, tmp_path: Path) -> None:
    half = tmp_path / "home" / "postgres" / "data.part"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    start().until_up()
    assert not half.exists()


def test_a_half_formatted_kafka_folder_without_records_is_formatted_again(start: Start, tmp_path: Path) -> None:
    data = tmp_path / "home" / "kafka" / "node-1" / "data"
    data.mkdir(parents=True)
    (data / "meta.properties").touch()
    start().until_up()


def test_a_half_written_kafka_folder_with_records_is_never_overwritten(start: Start, tmp_path: Path) -> None:
    log = tmp_path / "home" / "kafka" / "node-1" / "data" / "messages-received-0" / "00000000000000000000.log"
    log.parent.mkdir(parents=True)
    log.write_bytes(b"somebody's message")
    refusal = start().refusal()
    assert "half-written" in refusal
    assert "backup" in refusal
    assert log.read_bytes() == b"somebody's message"


def test_a_registry_that_is_away_is_said(start: Start, tmp_path: Path) -> None:
    run = start(SWITCHBOARD_CACHE=str(tmp_path / "empty"), SWITCHBOARD_MAVEN="http://127.0.0.1:9")
    assert "cannot download Kafka" in run.refusal()
    assert run.left() == []
