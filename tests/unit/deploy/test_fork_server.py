"""Services by fork: each as a process that was just executed, and none that outlives the server
unseen."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from tempfile import TemporaryFile

import psutil
import pytest

from deploy.local import fork_server
from deploy.local.fork_server import Forked, Forks
from tests.waiting import until

ROOT = Path(__file__).parents[3]
_SERVICES = """
import os, signal, sys, time
print(sys.argv[1:], os.environ["OWN"], os.environ["GIVEN"], getattr(sys.modules.get("services.greeter.app"), "LOADED", [os.getpid()])[0] != os.getpid(), flush=True)
match sys.argv[1]:
    case "fail":
        sys.exit(3)
    case "wait":
        print(os.getsid(0) == os.getpid(), signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, flush=True)
        time.sleep(60)
    case "copy":
        print(sys.stdin.read())
"""
_APP = "import os\nLOADED = [os.getpid()]\n"


@pytest.fixture
async def forks(tmp_path: Path) -> AsyncIterator[Forks]:
    package = tmp_path / "services"
    (package / "greeter").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(_SERVICES)
    (package / "greeter" / "app.py").write_text(_APP)
    (package / "broken").mkdir()
    (package / "broken" / "app.py").write_text("raise ValueError('not importable')\n")
    forks = Forks(tmp_path)
    yield forks
    await forks.stop()


def _environment(**more: str) -> Mapping[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OWN": "before", "GIVEN": "to all", **more}


async def _run(forks: Forks, *arguments: str, text: str = "", **more: str) -> tuple[int, str]:
    with TemporaryFile() as given, TemporaryFile() as said:
        given.write(text.encode())
        given.seek(0)
        process = await forks.run(arguments, _environment(**more), (given.fileno(), said.fileno(), said.fileno()))
        code = await process.wait()
        assert process.returncode == code
        said.seek(0)
        return code, said.read().decode()


async def _waiting(forks: Forks) -> Forked:
    """One that says something and waits."""
    reading, writing = os.pipe()
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123
        process = await forks.run(["wait"], _environment(), (nothing.fileno(), writing, writing))
    os.close(writing)
    with open(reading) as said:  # noqa: PTH123
        assert said.readline()
        assert said.readline().split() == ["True", "True"], "it leads its session, and can be asked to end"
    return process


def _runs(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


async def test_each_has_its_own_arguments_environment_streams_and_exit_code(forks: Forks) -> None:
    forks.start(_environment())
    assert await _run(forks, "fail", "fast", OWN="its own") == (3, "['fail', 'fast'] its own to all True\n")
    assert await _run(forks, "copy", text="what was given") == (0, "['copy'] before to all True\nwhat was given\n")


async def test_who_is_killed_is_known_by_the_signal(forks: Forks) -> None:
    process = await _waiting(forks)
    assert process.returncode is None
    os.kill(process.pid, signal.SIGTERM)
    assert await process.wait() == -signal.SIGTERM


async def test_where_the_server_is_killed_its_children_count_as_killed_and_the_next_one_starts_it_again(
    forks: Forks,
) -> None:
    process = await _waiting(forks)
    server = psutil.Process(process.pid).parent()
    assert server is not None
    server.kill()
    assert await process.wait() == -signal.SIGKILL
    await until(lambda: not _runs(process.pid))
    assert (await _run(forks, "fail"))[0] == 3


async def test_where_forks_are_not_safe_each_is_executed(forks: Forks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fork_server, "FORKS", False)
    forks.start(_environment())
    assert await _run(forks, "fail", "fast", OWN="its own") == (3, "['fail', 'fast'] its own to all False\n")
    assert await _run(forks, "copy", text="what was given") == (0, "['copy'] before to all False\nwhat was given\n")
    process = await _waiting(forks)
    os.kill(process.pid, signal.SIGTERM)
    assert await process.wait() == -signal.SIGTERM


async def test_the_server_ends_with_whoever_started_it(forks: Forks) -> None:
    process = await _waiting(forks)
    server = psutil.Process(process.pid).parent()
    assert server is not None
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    await forks.stop()
    assert not server.is_running()
