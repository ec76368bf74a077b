"""The house keeps its shape: rooms, names, settings, generated pages, and nothing that ties it to
one machine."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from deploy import reference
from services.__main__ import names
from shared.events import Channel

ROOT = Path(__file__).parent.parent.parent
TRACKED = [
    ROOT / name for name in subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).split("\n") if name
]
STANDARD = set(sys.stdlib_module_names)


@pytest.mark.parametrize("name", names())
def test_every_service_has_the_rooms_that_an_engineer_expects(name: str) -> None:
    folder = ROOT / "services" / name
    for room in ("__init__.py", "app.py", "settings.py", "README.md"):
        assert (folder / room).is_file(), f"services/{name} has no {room}"
    assert callable(importlib.import_module(f"services.{name}.app").main)
    assert (importlib.import_module(f"services.{name}").__doc__ or "").strip(), (
        f"services/{name}/__init__.py says nothing"
    )


@pytest.mark.parametrize("path", sorted((ROOT / "services").glob("*/channel.py")), ids=lambda path: path.parent.name)
def test_a_channel_describes_itself(path: Path) -> None:
    module = importlib.import_module(f"services.{path.parent.name}.channel")
    for channel in getattr(module, "CHANNELS", (module.CHANNEL,)):
        assert isinstance(channel, Channel)
        assert channel.reaches


def test_no_module_hides_one_of_the_standard_library() -> None:
    allowed = {"email"}  # tried: it does not clash while code runs from the root
    for path in TRACKED:
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in {"services", "shared", "deploy"}:
            stem = path.parent.name if path.name == "__init__.py" else path.stem
            assert stem not in STANDARD - allowed or stem.startswith("__"), path


def test_the_settings_example_lists_every_setting_and_no_other() -> None:
    listed = set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    own = {
        "SWITCHBOARD_HOME",
        "SWITCHBOARD_PORT",
        "SWITCHBOARD_CACHE",
        "SWITCHBOARD_MAVEN",
    } | set(
        re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text())
    )  # read by the embedded run itself, or by Compose
    known = {
        (str(kind.model_config.get("env_prefix", "")) + name).upper()
        for kind in reference.settings_classes()
        for name in kind.model_fields
    }
    assert listed - (own - known) == known


@pytest.mark.parametrize("page", sorted(reference.pages()))
def test_the_reference_is_up_to_date(page: str) -> None:
    assert (reference.FOLDER / page).read_text() == reference.pages()[page], "run `make docs`"


def test_nothing_names_a_registry_or_a_machine() -> None:
    hosts = [
        ".".join(parts)
        for parts in (
            ("files", "pythonhosted", "org"),
            ("pypi", "org"),
            ("registry", "npmjs", "org"),
            ("repo1", "maven", "org"),
            ("repo", "maven", "apache", "org"),
        )
    ]
    for path in TRACKED:
        if path.is_file() and path.stat().st_size < 3_000_000:
            text = path.read_text(encoding="utf-8", errors="ignore")
            for host in hosts:
                assert host not in text, f"{path} names {host}"


def test_links_between_pages_lead_somewhere() -> None:
    for path in TRACKED:
        if path.suffix != ".md" or not path.is_file():
            continue
        for target in re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.relative_to(ROOT)} links to {target}"


def test_decisions_are_numbered_one_after_the_other() -> None:
    numbers = sorted(path.name[:4] for path in (ROOT / "docs/decisions").glob("*.md"))
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
