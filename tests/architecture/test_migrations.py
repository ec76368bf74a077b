"""Each service's database has one history."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

SERVICES = Path(__file__).parents[2] / "services"
FOLDERS = sorted(SERVICES.glob("*/migrations/versions"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parents[1].name)
def test_migrations_follow_one_another(folder: Path) -> None:
    """Two branches that each add one after the same make two heads, and no home can be migrated."""
    texts = [path.read_text() for path in sorted(folder.glob("[0-9]*.py"))]
    revisions = [re.findall(r'^revision = "(?:\w+_)?(\d+)"', text, re.MULTILINE)[0] for text in texts]
    before = [re.findall(r'^down_revision = "(?:\w+_)?(\d+)"', text, re.MULTILINE) for text in texts]
    assert len(set(revisions)) == len(texts), "renumber the newer one"
    follows = {earlier[0] if earlier else "": revision for revision, earlier in zip(revisions, before, strict=True)}
    line = [follows[""]]
    while line[-1] in follows:
        line.append(follows[line[-1]])
    assert sorted(line) == revisions, "let the newer one follow the newest"
