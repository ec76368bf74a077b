"""Examples from fragments that people wrote: whole sentences about many trades, with what surrounds
them in real posts.

`data/fragments/<language>.txt` has sections: `[complaint]`, `[sarcasm]`, `[question]`, `[praise]`,
`[news]`, `[noise]` hold cores, a whole post or its main sentence each; `[complaint+]`,
`[question+]`, `[praise+]` hold what people add before or after; `{a|b|c}` is a choice; `60x` before
a core with many choices asks for so many examples of it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

from services.social.training.examples import DATA, LABELS, Example, write

FRAGMENTS = DATA / "fragments"
PER_CORE = {"complaint": 9, "sarcasm": 9, "question": 9, "praise": 9, "news": 6, "noise": 6}
"""Examples composed around each core: enough to see it with and without what surrounds it."""
_HANDLES = (
    "@acme",
    "@acme_help",
    "@AcmeSupport",
    "@nordwind",
    "@lumio",
    "@brightcart",
    "@heliotel",
    "@veloxpay",
    "@kurashi_jp",
    "@tteok_official",
)
_SAD, _GLAD, _ANY = (
    ("😡", "🤬", "😤", "🙄", "😒", "😭", "👎", "🤦"),
    ("❤️", "🙏", "😍", "👏", "🎉", "😊", "👍", "🥰"),
    ("😂", "🤔", "👀", "✨", "🔥"),
)
_FACES = {
    "complaint": _SAD,
    "sarcasm": ("👏", "🙄", "😂", "🙃", "👍"),
    "question": ("🤔", "🙏", "👀"),
    "praise": _GLAD,
    "news": ("👀", "🔥"),
    "noise": _ANY,
}
_TAGS = ("#fail", "#customerservice", "#delivery", "#app", "#travel", "#news", "#tech", "#shopping", "#acme", "#monday")
_TIMES = re.compile(r"(\d+)x ")
_CHOICE = re.compile(r"\{([^{}]*)\}")
_NO_SPACES = {"ja"}


def sections(path: Path) -> dict[str, list[str]]:
    """Reads fragments by section. Raises ValueError for a line outside a section."""
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in map(str.strip, path.read_text("utf-8").splitlines()):
        if line.startswith("[") and line.endswith("]"):
            current = found.setdefault(line[1:-1], [])
        elif line and not line.startswith("#"):
            if current is None:
                raise ValueError(f"{path.name}: {line!r} stands outside a section")
            current.append(line)
    return found


def compose(language: str, parts: dict[str, list[str]]) -> Iterator[Example]:
    """Composes examples, the same on every run."""
    chance = random.Random(f"switchboard {language}")
    seen: set[str] = set()
    for label in LABELS:
        extras = parts.get(f"{'complaint' if label == 'sarcasm' else label}+", [])
        for index, fragment in enumerate(parts.get(label, [])):
            times, core = _times(fragment, PER_CORE[label])
            for _ in range(times):
                text = _surrounded(core, label, extras, chance, "" if language in _NO_SPACES else " ")
                if text.casefold() not in seen:
                    seen.add(text.casefold())
                    yield Example(text, label, language, f"{language}.{label}.{index}")


def _times(core: str, usual: int) -> tuple[int, str]:
    found = _TIMES.match(core)
    return (int(found[1]), core[found.end() :]) if found else (usual, core)


def _surrounded(core: str, label: str, extras: list[str], chance: random.Random, space: str) -> str:
    pieces = [_chosen(core, chance)]
    if extras and label != "sarcasm" and chance.random() < 0.55:
        pieces.insert(chance.choice((0, 1)), _chosen(chance.choice(extras), chance))
    text = space.join(pieces) if space else "".join(p if p[-1] in "。！？!?…" else p + "。" for p in pieces)
    text = _hasty(text, chance)
    if chance.random() < 0.5:
        handle = chance.choice(_HANDLES)
        text = f"{handle} {text}" if chance.random() < 0.75 else f"{text} {handle}"
    if chance.random() < 0.22:
        text += " " + chance.choice(_FACES[label]) * chance.choice((1, 1, 2, 3))
    if chance.random() < 0.12:
        text += " " + chance.choice(_TAGS)
    if chance.random() < (0.35 if label in ("news", "noise") else 0.05):
        text += " https://t.co/" + "".join(chance.choices("abcdefghkmnpqrstuvwxyz0123456789", k=10))
    return text


def _chosen(fragment: str, chance: random.Random) -> str:
    while match := _CHOICE.search(fragment):
        fragment = fragment[: match.start()] + chance.choice(match[1].split("|")) + fragment[match.end() :]
    return " ".join(fragment.split())


def _hasty(text: str, chance: random.Random) -> str:
    """Makes a text look as people type on a phone."""
    dice = chance.random()
    if dice < 0.25:
        text = text.lower()
    elif dice < 0.29:
        text = text.upper()
    if chance.random() < 0.3:
        text = text.rstrip(".。")
    if chance.random() < 0.12:
        text = text.replace("'", "").replace("’", "")
    if chance.random() < 0.08 and len(text) > 20:
        place = chance.randrange(5, len(text) - 5)
        text = text[:place] + text[place + 1 :]
    return text


def main() -> int:
    """Writes `data/examples.<language>.jsonl` anew."""
    for path in sorted(FRAGMENTS.glob("*.txt")):
        examples = list(compose(path.stem, sections(path)))
        write(DATA / f"examples.{path.stem}.jsonl", examples)
        print(f"{path.stem}: {len(examples)} examples")
    return 0
