"""The folder of one run: data, secrets, and `run.json`, which tells other programs where everything
is."""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path

from deploy.local import guardian
from deploy.local.problem import Problem
from deploy.local.secrets_kept import write_private

_PATIENCE = 30.0
"""Seconds to wait for the guardian of a run that was killed to stop what was left."""


class Home:
    """`SWITCHBOARD_HOME`. One run at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.run_file = self.folder / "run.json"

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    def claim(self) -> None:
        """Makes the folder and locks it until this process, and all that it started, are gone.
        Raises Problem."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _make_private(self.folder)
            descriptor = os.open(self / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise Problem(
                f"cannot write to the home folder {self.folder} ({error.strerror}): "
                f"make it writable, or choose another one with SWITCHBOARD_HOME"
            ) from error
        deadline = time.monotonic() + _PATIENCE
        while not _locked(descriptor):
            holder = int(os.pread(descriptor, 20, 0) or b"0")
            if _is_alive(holder) or time.monotonic() > deadline:
                raise Problem(
                    f"Switchboard already runs on {self.folder} (process {holder}): stop it with Ctrl-C where it runs, "
                    f"or give this one another home and port (SWITCHBOARD_HOME, SWITCHBOARD_PORT)"
                )
            time.sleep(0.1)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        guardian.keep(descriptor)
        self.run_file.unlink(missing_ok=True)

    def write_run(self, facts: dict[str, object]) -> None:
        """Writes the run file for other programs. Only its owner can read it: it has the
        database's passwords."""
        write_private(self.run_file, json.dumps(facts, indent=2) + "\n")

    def remove_run(self) -> None:
        """Removes the run file: nothing runs any more."""
        self.run_file.unlink(missing_ok=True)


def _make_private(folder: Path) -> None:
    """Makes the folder inaccessible to others. One that others could look into is of an older
    version: so is all that is in it. PostgreSQL protects its own data."""
    if not folder.stat().st_mode & 0o007:
        return
    for path in [
        folder,
        *(path for path in folder.rglob("*") if "postgres" not in path.relative_to(folder).parts[:-1]),
    ]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o700)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0
