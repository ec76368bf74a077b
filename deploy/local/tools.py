"""Prometheus and Alertmanager: found where they are installed, or unpacked from Debian's packages
into the cache.

Unpacked and not installed: an installed package starts its server, and makes a user for it. Nothing
of that is wanted here. Only Alertmanager's templates have to be where Debian has them: for that
one, this has to be run as root once.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.local.jars import cache_folder

_PACKAGES = {
    "prometheus": ("prometheus", "promtool"),
    "prometheus-alertmanager": ("prometheus-alertmanager", "amtool"),
}
_UPSTREAM = {"prometheus-alertmanager": "alertmanager"}
"""Names outside Debian."""
_TEMPLATE = Path("/usr/share/prometheus/alertmanager/default.tmpl")
"""Debian's Alertmanager reads its messages from here, whatever its options say, and does not start
without."""
HOW = "install Prometheus and Alertmanager (Debian and Ubuntu: `python -m deploy.local.tools` unpacks them)"


def find(name: str) -> str | None:
    """Returns the path of `prometheus`, `promtool`, `prometheus-alertmanager` or `amtool`; None
    where it is not found."""
    kept = _folder() / "usr" / "bin" / name
    usable = kept.is_file() and (name != "prometheus-alertmanager" or _TEMPLATE.is_file())
    return shutil.which(name) or shutil.which(_UPSTREAM.get(name, name)) or (str(kept) if usable else None)


def missing() -> list[str]:
    """Packages with a program that is not there."""
    return [package for package, programs in _PACKAGES.items() if not all(map(find, programs))]


def main() -> int:
    """Unpacks what is missing. Always returns 0: what is unavailable is a skipped test, not a
    failure."""
    packages = missing()
    if not packages:
        return 0
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        print(f"note: without {', '.join(packages)} the tests of alerts are skipped: {HOW}")
        return 0
    print(f"unpacking {', '.join(packages)} for the tests of alerts")
    try:
        _unpack(packages)
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", "") or str(error)
        last = (said.strip().splitlines() or ["it said nothing"])[-1]
        print(f"note: that failed ({last}); tests of alerts may be skipped", file=sys.stderr)
    return 0


def _unpack(packages: list[str]) -> None:
    _folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        try:
            _run(["apt-get", "download", "-qq", *packages], folder)
        except subprocess.CalledProcessError:
            if os.geteuid() != 0:
                raise
            _run(["apt-get", "update", "-qq"], folder)  # a new machine has no lists of packages yet
            _run(["apt-get", "download", "-qq", *packages], folder)
        for package in Path(folder).glob("*.deb"):
            _run(["dpkg-deb", "-x", str(package), str(_folder())], folder)
    if not _TEMPLATE.is_file() and os.geteuid() == 0:
        shutil.copytree(_folder() / _TEMPLATE.parent.relative_to("/"), _TEMPLATE.parent, dirs_exist_ok=True)


def _run(command: list[str], folder: str) -> None:
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def _folder() -> Path:
    return cache_folder() / "debian"


if __name__ == "__main__":
    sys.exit(main())
