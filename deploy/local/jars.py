"""Kafka's jars: which, with their checksums (`jars.lock`), and how they come into the cache.

`python -m deploy.local.jars` resolves them anew and writes the lock: for an upgrade of Kafka.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.local.problem import Problem

if TYPE_CHECKING:
    from jgo.maven import MavenContext

VERSION = "4.3.1"
_ROOTS = (
    ("org.apache.kafka", "kafka_2.13", VERSION),
    # Named so that the resolver does not settle for an older one that a dependency of a dependency
    # asks for.
    ("org.apache.kafka", "kafka-clients", VERSION),
    ("org.slf4j", "slf4j-simple", "1.7.36"),
)
LOCK = Path(__file__).with_name("jars.lock")

Say = Callable[[str], None]
Progress = Callable[[int, int], None]
"""Told after each jar: how many are there, of how many."""


def silent(_done: int, _total: int) -> None:
    """Progress for whom it does not interest."""


def cache_folder() -> Path:
    """Returns where downloads are kept for all runs on this machine."""
    if chosen := os.environ.get("SWITCHBOARD_CACHE"):
        return Path(chosen).expanduser().resolve()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "switchboard"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "switchboard"


def folder(progress: Progress = silent, locked: Path = LOCK) -> Path:
    """Returns the folder with exactly the locked jars, downloaded on first use. Raises Problem
    when they are unavailable."""
    lock = locked.read_text()
    cache = cache_folder()
    ready = cache / f"kafka-{VERSION}-{hashlib.sha256(lock.encode()).hexdigest()[:12]}"
    if ready.is_dir():
        return ready
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / ".lock").open("w") as alone:
            fcntl.flock(alone, fcntl.LOCK_EX)  # two runs that start together download once
            if not ready.is_dir():
                _fill(cache, ready, [tuple(line.split()) for line in lock.splitlines()], progress)
    except OSError as error:
        from requests import RequestException

        if isinstance(error, RequestException):
            raise _away() from error
        raise Problem(
            f"cannot keep Kafka's jars in {cache} ({error.strerror or error}): set SWITCHBOARD_CACHE to a folder that you may write to"
        ) from error
    return ready


def _fill(cache: Path, ready: Path, wanted: list[tuple[str, ...]], progress: Progress) -> None:
    part = cache / f"{ready.name}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    progress(0, len(wanted))
    with ThreadPoolExecutor(6) as pool:
        jobs = [pool.submit(_fetch, cache / "maven", part, *line) for line in wanted]
        try:
            for done, job in enumerate(as_completed(jobs), 1):
                job.result()
                progress(done, len(wanted))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    part.rename(ready)
    shutil.rmtree(cache / "maven", ignore_errors=True)


def _fetch(repository: Path, target: Path, sha256: str, coordinates: str) -> None:
    group, name, version = coordinates.split(":")
    artifact = _maven(repository).project(group, name).at_version(version).artifact()
    for _ in range(2):  # a half-written file of an interrupted download is fetched anew
        try:
            path = artifact.resolve()
        except RuntimeError as error:
            raise _away() from error
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() == sha256:
            (target / path.name).write_bytes(data)
            return
        path.unlink()
    raise Problem(
        f"{coordinates} from the Maven repository is not the file in {LOCK.name}: do not use that repository, and report it"
    )


def _maven(repository: Path) -> MavenContext:
    """Creates the Maven context: `SWITCHBOARD_MAVEN` names a mirror; without it, jgo's default
    repository is used."""
    from jgo.maven import MavenContext, PythonResolver  # 10 MB, which all but the first start do without

    mirror = os.environ.get("SWITCHBOARD_MAVEN")
    return MavenContext(
        resolver=PythonResolver(),
        repo_cache=repository,
        local_repos=[],
        remote_repos={"mirror": mirror.rstrip("/")} if mirror else None,
        timeout=30,
    )


def _away() -> Problem:
    return Problem(
        "cannot download Kafka: the Maven repository does not answer. Check the network, a proxy (HTTPS_PROXY) or a mirror "
        "(SWITCHBOARD_MAVEN), and run it again: what has arrived is kept"
    )


def write_lock() -> None:
    """Resolves everything that the roots need, and writes coordinates and checksums."""
    maven = _maven(cache_folder() / "maven")
    roots = [maven.project(group, name).at_version(version).artifact() for group, name, version in _ROOTS]
    inputs, others = maven.resolver.resolve([maven.create_dependency(str(root.component)) for root in roots])
    lines = []
    for needed in [*inputs, *(other for other in others if other.scope in ("compile", "runtime"))]:
        artifact = needed.artifact
        digest = hashlib.sha256(artifact.resolve().read_bytes()).hexdigest()
        lines.append(f"{digest} {artifact.groupId}:{artifact.artifactId}:{artifact.version}\n")
    LOCK.write_text("".join(sorted(lines, key=lambda line: line.split()[1])))


if __name__ == "__main__":
    write_lock()
