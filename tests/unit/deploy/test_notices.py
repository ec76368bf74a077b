"""Whoever ships Switchboard can say what is in it, and under which licences."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from deploy import notices
from deploy.local import jars

ROOT = Path(__file__).parents[3]


def test_everything_locked_is_in_the_bill_of_materials_and_the_bill_is_valid(tmp_path: Path) -> None:
    assert notices.main([str(tmp_path)]) == 0
    text = (tmp_path / "sbom.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    purls = {component["purl"] for component in json.loads(text)["components"]}
    locked = re.findall(r"^([\w.-]+)==([\w.]+) \\$", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert len(locked) > 80
    assert not {f"pkg:pypi/{name}@{version}" for name, version in locked} - purls
    assert "pkg:npm/htmx.org@2.0.10" in purls
    assert sum(purl.startswith("pkg:maven/") for purl in purls) == len(jars.LOCK.read_text().splitlines())


@pytest.mark.slow
def test_the_licence_of_each_package_is_there_in_full(tmp_path: Path) -> None:
    notices.main([str(tmp_path)])
    text = (tmp_path / "THIRD-PARTY-NOTICES.txt").read_text()
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in text.upper()  # tnefparse
    assert "SIL OPEN FONT LICENSE" in text.upper()
    silent = [part.name for part in notices.python_packages(ROOT / "requirements.lock") if not part.texts]
    assert not silent, "these bring no licence text: add it by hand"
