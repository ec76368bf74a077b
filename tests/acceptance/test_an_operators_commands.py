"""An operator runs the services' own commands on a running system, without knowing its
passwords."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.stack import ROOT, Stack
from tests.waiting import eventually


def command(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "deploy.local.inside", *arguments]
    environment = os.environ | {"SWITCHBOARD_HOME": str(home)}
    return subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_an_origin_is_added_and_the_audit_log_has_it(system: Stack) -> None:
    added = command(system.home, "dashboard", "add-origin", "--site", system.site["site"], "https://blog.example")
    assert added.returncode == 0, added.stderr
    assert "https://blog.example" in json.loads(added.stdout)["origins"]

    def logged() -> bool:
        told = command(system.home, "desk", "audit", "--kind", "site")
        return any(
            "https://blog.example" in json.loads(line)["data"].get("after", "") for line in told.stdout.splitlines()
        )

    eventually(logged, "the audit log to have it")


def test_the_policy_in_force_is_shown(system: Stack) -> None:
    shown = command(system.home, "router", "policy", "show")
    assert shown.returncode == 0, shown.stderr
    assert "name: default" in shown.stdout


def test_where_nothing_runs_it_says_what_to_do(tmp_path: Path) -> None:
    refused = command(tmp_path, "router", "policy", "show")
    assert refused.returncode == 1
    assert f"nothing runs in {tmp_path}: start it with `make run`" in refused.stderr
