"""The import contracts hold for what does not exist yet: a bad import planted into a new service
turns each of them red."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
PLANTED = {
    "Services never import each other": ("services/pigeon/adapters.py", "services.email.domain"),
    "What is shared knows no service": ("shared/planted.py", "services.router"),
    "No circles: not in what is shared, and not in a service": (
        "services/pigeon/receiving.py",
        "services.pigeon.flock",
    ),
    "Inside shared: kits, plumbing, topics, events, the kernel": ("shared/kernel.py", "shared.topics"),
    "A domain decides on values and does no I/O": ("services/pigeon/domain/__init__.py", "sqlalchemy"),
    "Rooms of a service: wiring, doors, work, adapters, ports, settings, domain": (
        "services/pigeon/settings.py",
        "services.pigeon.api",
    ),
    "Floors of the desk": ("services/desk/cursors.py", "services.desk.tickets"),
}
"""Contract → the file of a new service, or of what is shared, and the import in it that breaks this
contract."""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What `lint-imports` says of a copy in which every contract is broken once."""
    copy = tmp_path_factory.mktemp("planted")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for folder in ("services", "shared"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=lambda where, names: _no_python(Path(where), names))
    pigeon = copy / "services" / "pigeon"
    (pigeon / "domain").mkdir(parents=True)
    for name in ("__init__", "adapters", "api", "receiving", "settings"):
        (pigeon / f"{name}.py").touch()
    (pigeon / "flock.py").write_text("import services.pigeon.receiving\n")
    for path, module in PLANTED.values():
        with (copy / path).open("a") as file:
            file.write(f"\nimport {module}\n")
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    return subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False, timeout=120).stdout


def without_a_layer(services: Path) -> set[str]:
    """Lists the files and folders of services that no contract of layers names. Nothing imports
    migrations."""
    layers: dict[str, set[str]] = {}
    for contract in CONTRACTS:
        for container in contract.get("containers", ()):
            layers.setdefault(container, set()).update(re.findall(r"\w+", " ".join(contract["layers"])))
    rooms = {path.relative_to(services).parts[:2] for path in services.glob("*/**/*.py")}
    return {
        f"{service}/{room}"
        for service, room in rooms
        if room.removesuffix(".py")
        not in {"__init__", "migrations"} | layers["services.*"] | layers.get(f"services.{service}", set())
    }


def _no_python(where: Path, names: list[str]) -> list[str]:
    return [name for name in names if not name.endswith(".py") and not (where / name).is_dir()]


@pytest.mark.parametrize("name", [contract["name"] for contract in CONTRACTS])
def test_a_bad_import_in_a_new_service_breaks_its_contract(report: str, name: str) -> None:
    assert f"{name} BROKEN" in report, report
    chapter = report.partition(f"\n{name}\n{'-' * len(name)}\n")[2].partition("\n---")[0]
    path, _ = PLANTED[name]
    importer = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    assert f"{importer} -> " in chapter or f"- .{importer.rpartition('.')[2]} -> " in chapter, report


def test_every_file_of_a_service_has_a_room_that_a_layer_names(tmp_path: Path) -> None:
    services = ROOT / "services"
    assert without_a_layer(services) == set()
    there = {path.stem for path in services.glob("*/*")}
    named = {
        room
        for contract in CONTRACTS
        for layer in contract.get("layers", ())
        for room in re.findall(r"\((\w+)\)", layer)
    }
    assert named <= there, "a layer names a room that no service has any more"
    for path in ("pigeon/api.py", "pigeon/loft.py", "pigeon/flock/__init__.py", "pigeon/migrations/versions/0001.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    assert without_a_layer(tmp_path) == {"pigeon/loft.py", "pigeon/flock"}
