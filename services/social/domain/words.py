"""A post's words, written in haste: case, accents, long vowels and handles do not count."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

HANDLE, LINK, NUMBER = "<@>", "<link>", "<0>"
LONGEST = 1_000
"""Characters that are read: a complaint says so before that, and a score stays within its time."""
_LINKS = re.compile(r"https?://\S+|www\.\S+")
_HANDLES = re.compile(r"(?<!\w)@\w+")
_NUMBERS = re.compile(r"\d+(?:[.,:]\d+)*")
_LONG = re.compile(r"(\D)\1{2,}")
_JAPANESE = "\u3041-\u309f\u30a0-\u30ff\u3400-\u9fff\u3005\u30fc"
_TOKENS = re.compile(
    rf"<@>|<link>|<0>|[{_JAPANESE}]+|[^\W\d_{_JAPANESE}]+(?:['’][^\W\d_{_JAPANESE}]+)*|[!?]+|\.\.+|…|[\u2190-\u2bff\U0001f000-\U0001faff]"
)
_SEGMENTS = re.compile("[\u3400-\u9fff\u3005]+[\u3041-\u309f]{0,3}|[\u30a0-\u30ff\u30fc]+|[\u3041-\u309f]+")
_IS_JAPANESE = re.compile(f"[{_JAPANESE}]")
_IS_KOREAN = re.compile("[\uac00-\ud7a3]")
_STEM, _KOREAN_STEM = 6, 2


def tokens(text: str) -> list[str]:
    """Returns words, punctuation that carries feeling, emoji; Japanese runs stay whole."""
    return _TOKENS.findall(normal(text))


def normal(text: str) -> str:
    """Returns one form for what means the same."""
    text = unicodedata.normalize("NFKC", text[:LONGEST])
    text = _HANDLES.sub(HANDLE, _LINKS.sub(LINK, text))
    text = _NUMBERS.sub(NUMBER, text)
    text = "".join(map(_plain, text.casefold())).replace("’", "'")
    return _LONG.sub(r"\1\1", text)


def segments(run: str) -> list[str]:
    """Returns the pieces of a Japanese run that a person would call words, roughly: they are cut
    where the script changes."""
    return _SEGMENTS.findall(run)


def is_japanese(token: str) -> bool:
    """Returns whether this is a run that has no spaces between words."""
    return bool(_IS_JAPANESE.match(token))


def is_korean(token: str) -> bool:
    """Returns whether particles are glued to this word."""
    return bool(_IS_KOREAN.match(token))


def content(text: str) -> list[str]:
    """Returns the stems of the words that can name a cause, in order, each once."""
    found: dict[str, None] = {}
    for token in tokens(text):
        for word in segments(token) if is_japanese(token) else [token]:
            if word[0] != "<" and word[0].isalpha() and (stem := _stemmed(word)):
                found[stem] = None
    return list(found)


def _stemmed(word: str) -> str:
    if is_japanese(word):
        kept = word.rstrip("".join(map(chr, range(0x3041, 0x309F))))
        return kept if len(kept) > 1 else ""
    if is_korean(word):
        return word[:_KOREAN_STEM] if len(word) > 1 else ""
    return word[:_STEM] if len(word) > 3 else ""


@lru_cache(maxsize=4096)
def _plain(character: str) -> str:
    """Strips a Latin letter of its accents; in other scripts the marks are letters."""
    if ord(character) < 0xC0 or ord(character) > 0x24F:
        return character
    return unicodedata.normalize("NFD", character)[0]
