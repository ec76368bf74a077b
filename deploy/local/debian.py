"""What tests need from the system: a browser and an IMAP server (Dovecot) are installed where we
may (root, or on CI by sudo, on a Debian that has apt), Prometheus is unpacked.

Elsewhere nothing happens, and the tests that need it say that they are skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from deploy.local import tools


def missing() -> list[str]:
    """Lists Debian packages that are needed and missing: a browser, a font with Korean letters for
    its pictures, and Dovecot."""
    packages = []
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        packages.append("chromium")
    fonts = (
        subprocess.run(["fc-list", ":lang=ko", "family"], capture_output=True, text=True, check=False)
        if shutil.which("fc-list")
        else None
    )
    if fonts is None or not fonts.stdout.strip():
        packages += ["fontconfig", "fonts-noto-cjk"]
    if not shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"):
        packages.append("dovecot-imapd")
    return packages


def main() -> int:
    """Installs what tests need. Always returns 0: what cannot be installed is a skipped test,
    not a failure."""
    tools.main()
    packages = missing()
    if not packages:
        return 0
    root = os.geteuid() == 0
    by_sudo = not root and os.environ.get("CI") == "true" and shutil.which("sudo")
    if not (root or by_sudo) or not shutil.which("apt-get"):
        print(f"note: some tests need {', '.join(packages)}; without them they are skipped")
        return 0
    print(f"installing {', '.join(packages)} for tests")
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
    ):
        done = subprocess.run(
            ["sudo", "--non-interactive", *command] if by_sudo else command,
            env=quiet,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            print(f"note: {' '.join(command[:2])} failed ({last}); some tests may be skipped", file=sys.stderr)
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
