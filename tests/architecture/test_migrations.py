"""Each service's database has one history."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

SERVICES = Path(__file__).parents[2] / "services"
FOLDERS = sorted(SERVICES.glob("*/migrations/versions"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parents[1].name)
def test_migrations_follow_one_another_by_number(folder: Path) -> None:
    """Two branches that each add the next number make two heads, and no home can be migrated."""
    texts = [path.read_text() for path in sorted(folder.glob("[0-9]*.py"))]
    revisions = [re.findall(r'^revision = "(?:\w+_)?(\d+)"', text, re.MULTILINE)[0] for text in texts]
    before = [re.findall(r'^down_revision = "(?:\w+_)?(\d+)"', text, re.MULTILINE) for text in texts]
    assert revisions == [f"{number:04d}" for number in range(1, len(texts) + 1)], "renumber the newer one"
    assert before == [[], *([earlier] for earlier, _ in pairwise(revisions))]
