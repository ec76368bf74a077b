"""One running system for all stories."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import stack
from tests.conftest import engine_folder


@pytest.fixture(scope="package")
def system() -> Iterator[stack.Stack]:
    # The stories come from one address, faster than one person would write.
    unlimited = {"DASHBOARD_RATE_PER_ADDRESS": "0", "DASHBOARD_RATE_PER_VISITOR": "0"}
    with engine_folder() as folder, stack.running(folder / "home", unlimited) as running:
        yield running
