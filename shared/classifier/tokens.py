"""Cuts a text into sentences and words: case, accents, long vowels, links and addresses do not
count."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 4_000
"""Characters of a text that are judged: who has a problem says so before, and a pasted log goes on
for ever."""
SENTENCES = 60
"""Of a text."""
_WORDS = 60
"""Of a sentence: a longer one is no sentence."""
_PIECE = re.compile("(?<=[.!?])(?= )")
_SENTENCE = re.compile("[^.!?…。！？\r\n|•·–—]+[.!?…。！？]*")
_LINKS = re.compile(r"https?://\S+|www\.\S+|\S+@\S+\.\w+")
_MARKS = re.compile("[\u0300-\u036f]")
_APOSTROPHES = "’ʼ`´"
_JAPANESE = "\u3041-\u309f\u30a0-\u30ff\u3400-\u9fff\u3005\u30fc"
_TOKENS = re.compile(
    "[\u3400-\u9fff\u3005]+[\u3041-\u309f]{0,2}|[\u30a0-\u30ff\u30fc]+|[\u3041-\u309f]+"
    rf"|[^\W\d_{_JAPANESE}]+|\d+|[!?！？]|[\u2190-\u2bff\U0001f000-\U0001faff]"
)
_LONG = re.compile(r"(\D)\1{2,}")
_NUMBER = 2
"""Digits up to which a number is a word ("charged 2 times"); longer ones are all alike."""


def sentences(text: str) -> list[str]:
    """Returns the text's sentences in one form for what means the same, each once, in order."""
    return list(dict.fromkeys(each for piece in pieces(text) for each in cut(piece)))[:SENTENCES]


def pieces(text: str) -> list[str]:
    """Cuts a text where a sentence ends however it is folded, so that pieces may be remembered as
    they were written: links are gone, and what is judged of each is `cut`."""
    text = text[:LONGEST]
    if "@" in text or "://" in text or "www." in text:
        text = _LINKS.sub(" link ", text)
    return _PIECE.split(text)


def cut(piece: str) -> list[str]:
    """Returns the sentences of one of `pieces`."""
    found = (each.strip(" .。,;:\"'*_>-") for each in _SENTENCE.findall(_folded(piece)))
    return [each for each in found if each]


def tokens(sentence: str) -> list[str]:
    """Returns the words of one of `sentences`, each once: an alarm that is repeated is one
    alarm."""
    words = _TOKENS.findall(_LONG.sub(r"\1\1", sentence))
    return list(dict.fromkeys("000" if len(word) > _NUMBER and word.isdecimal() else word for word in words))[:_WORDS]


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower().replace("`", "'")
    for apostrophe in _APOSTROPHES:
        text = text.replace(apostrophe, "'")
    # Accents go and syllables of Hangul come together again; what is no Latin letter keeps its
    # marks.
    return unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFKD", text.casefold())))


def is_spaced(token: str) -> bool:
    """Returns whether the token is of a script that puts blanks between words and has letters for
    sounds."""
    return token[0] < "\u1100"
