"""What a company's agents taught decides whether their model is put to use."""

from __future__ import annotations

import pytest

from services.social.domain.taking import taken


@pytest.mark.parametrize(
    ("before", "after", "put_right", "put_wrong", "use", "why"),
    [
        (0.80, 0.86, 0, 0, True, "does better"),
        (0.80, 0.86, 30, 20, True, "does better"),
        (0.80, 0.86, 20, 30, True, "does better"),
        (0.80, 0.86, 10, 40, False, "clearly worse in general"),
        (0.80, 0.80, 40, 0, False, "does not do better"),
        (0.80, 0.79, 40, 0, False, "does not do better"),
    ],
)
def test_own_corrections_decide_and_others_posts_only_stop_what_is_clearly_worse(
    before: float, after: float, put_right: int, put_wrong: int, use: bool, why: str
) -> None:
    decided, told = taken(before, after, put_right, put_wrong)
    assert decided is use
    assert why in told
