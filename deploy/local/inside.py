"""`python -m deploy.local.inside router policy show`: a service's own command, on the system that
runs in SWITCHBOARD_HOME."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from deploy.local.home import Home
from deploy.local.plan import make_plan
from deploy.local.problem import Problem
from deploy.local.settings import settings_of

_ROOT = Path(__file__).parents[2]


def main(arguments: list[str]) -> int:
    """Returns the command's exit code; it is given the addresses and passwords of the system.
    Raises Problem where none runs."""
    settings = settings_of(_ROOT)
    home = Home(_ROOT / settings.get("SWITCHBOARD_HOME", "var"))
    try:
        facts = json.loads(home.run_file.read_text())
    except (OSError, ValueError):
        raise Problem(
            f"nothing runs in {home.folder}: start it with `make run`, or name its folder with SWITCHBOARD_HOME"
        ) from None
    plan = make_plan(_ROOT, home.folder, settings.get("SWITCHBOARD_PORT", "8000"))
    secret = settings.get("SWITCHBOARD_SECRET") or (home / "secret").read_text().strip()
    environment = plan.environment(settings, facts["databases"], secret, facts["kafka"])
    return subprocess.run([sys.executable, "-m", "services", *arguments], env=environment, check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Problem as problem:
        print(f"switchboard: {problem}", file=sys.stderr)
        sys.exit(1)
