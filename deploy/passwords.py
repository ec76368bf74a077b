"""`python3 -m deploy.passwords [file]`: the secrets that Compose needs, made once and kept in
`.env`.

Only what is missing is added, so run it again after an update; a secret that is there is never
changed. Needs Python alone.
"""

from __future__ import annotations

import re
import secrets
import sys
from pathlib import Path

from deploy.local.secrets_kept import write_private

_ROOT = Path(__file__).parent.parent


def names(root: Path = _ROOT) -> list[str]:
    """Returns the variables that must have a value: one of each service's database, of each user
    of Kafka, and those of the engines."""
    services = sorted(file.parent.name for file in (root / "services").glob("*/app.py"))
    databases = [
        f"{name.upper()}_DATABASE_PASSWORD" for name in services if (root / "services" / name / "migrations").is_dir()
    ]
    users = [f"KAFKA_{name.upper()}_PASSWORD" for name in ("broker", "operator", *services)]
    return ["SWITCHBOARD_SECRET", "POSTGRES_PASSWORD", *databases, *users, "GRAFANA_PASSWORD"]


def completed(text: str, wanted: list[str]) -> tuple[str, list[str]]:
    """Returns `text`, an environment file, with a value for each variable that has none; and
    which those are."""
    missing = [name for name in wanted if not re.search(rf"^(export )?{name}=.*\S", text, re.MULTILINE)]
    kept = [
        line for line in text.splitlines() if line.removeprefix("export ").rstrip() not in {f"{m}=" for m in missing}
    ]
    # Letters, digits, - and _: they stand in addresses, JSON and shells as they are.
    made = [f"{name}={secrets.token_urlsafe(32)}" for name in missing]
    return "".join(f"{line}\n" for line in [*kept, *made]), missing


def main(arguments: list[str]) -> int:
    """Writes the secrets that are missing. Exit code 0."""
    file = Path(arguments[0]) if arguments else _ROOT / ".env"
    text, missing = completed(file.read_text() if file.exists() else "", names())
    if missing:
        write_private(file, text)
    print(f"{file}: {'made ' + ', '.join(missing) if missing else 'every secret is there'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
