"""One running system for all stories."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import stack


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stack.Stack]:
    home = tmp_path_factory.mktemp("system") / "home"
    # The stories come from one address, faster than one person would write.
    with stack.running(home, {"DASHBOARD_RATE_PER_ADDRESS": "0", "DASHBOARD_RATE_PER_VISITOR": "0"}) as running:
        yield running
