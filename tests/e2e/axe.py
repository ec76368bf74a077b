"""What axe-core finds on a page, by WCAG 2.0 to 2.2, levels A and AA."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Page

_AXE = Path("node_modules/axe-core/axe.min.js")
_RUN = """async () => {
  const found = await axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], resultTypes: ["violations"],
  });
  return found.violations.map((v) => `${v.id} (${v.impact}): ${v.nodes.map((n) => n.target.join(" ")).join(", ")}`);
}"""


@cache
def _source() -> str:
    if not _AXE.exists():
        pytest.fail("axe-core is missing: make assets, or npm ci")
    return _AXE.read_text("utf-8")


def findings(page: Page) -> list[str]:
    """Findings of any level; none is the aim."""
    page.evaluate(_source() + "; undefined")
    found: list[str] = page.evaluate(_RUN)
    return found
