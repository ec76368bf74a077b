"""How long a public answer is known to be: never longer than its network counts it."""

from __future__ import annotations

import pytest

from services.desk.tickets.lengths import weigh
from shared.events import Length

X = Length(longest=280, link=23, light=((0, 0x10FF), (0x2000, 0x200D), (0x2010, 0x201F), (0x2032, 0x2037)))


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("x" * 281, 281),
        ("\u1112\u1161\u11ab" * 10, 20),  # decomposed Hangul is composed first
        ("안녕하세요", 10),
        ("see https://example.org/a-very-long/way?to=the#answer", 4 + 23),
        ("http://t.co/a", 23),
        ("http://localhost/a", 18),
        ("http://10.0.0.1/a", 17),
        ("👩‍👩‍👧", 2),
        ("👍🏽", 2),
        ("🇰🇷", 2),
        ("é" * 10, 10),
    ],
)
def test_a_text_weighs_what_its_network_counts_for_it(text: str, counted: int) -> None:
    assert weigh(text, X) == counted


def test_without_rules_each_character_is_one() -> None:
    assert weigh("안녕 https://example.org", Length(longest=500)) == 22
