"""`make demo` as a newcomer has it, in a home of its own; Ctrl-C at the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil

from deploy.demo.practice import choose
from tests.stack import ROOT, free_ports
from tests.waiting import eventually

READY = "Ctrl-C stops everything"


@dataclass
class Practice:
    home: Path
    process: subprocess.Popen[bytes]
    log: Path
    street: str
    run: dict[str, Any]

    @property
    def said(self) -> str:
        return self.log.read_text()

    def desk(self, method: str, path: str, body: object = None) -> Any:
        token = Path(self.run["api_token_file"]).read_text().strip()
        url = f"{self.run['services']['desk']['url']}/api/v1{path}"
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex}
        answer = httpx.request(method, url, json=body, headers=headers, timeout=20)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def stop(self) -> int:
        """Ctrl-C; the exit code, once nothing of it is left."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(90)
        _, alive = psutil.wait_procs(children, 15)
        assert not alive, [process.cmdline() for process in alive if process.is_running()]
        return code


@contextmanager
def practising(folder: Path, *arguments: str, **environment: str) -> Iterator[Practice]:
    """Up, with everything that the cast wrote at the desk."""
    base = choose({"SWITCHBOARD_HOME": str(folder), "SWITCHBOARD_PORT": str(free_ports())}).port
    variables = {
        **os.environ,
        "SWITCHBOARD_HOME": str(folder),
        "SWITCHBOARD_PORT": str(base),
        "NO_COLOR": "1",
        **environment,
    }
    log = folder / "demo.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.demo", *arguments],
            cwd=ROOT,
            env=variables,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    home = folder / "demo"
    try:

        def up() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"the demonstration did not start:\n{log.read_text()[-4000:]}")
            return READY in log.read_text()

        eventually(up, f"the demonstration to be up, see {log}", 200)
        run = json.loads((home / "run.json").read_text())
        practice = Practice(home, process, log, json.loads((home / "street.json").read_text())["street"], run)
        yield practice
        if process.poll() is None:
            assert practice.stop() == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)
