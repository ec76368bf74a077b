"""The urgency models that come with the router: what a message is about, by its whole wording."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import chain
from pathlib import Path

from services.router.domain.judging import Judgement, Sentence, judgement, sentence
from shared.classifier.model import Classifier, load
from shared.classifier.tokens import sentences
from shared.logs import log

_KNOWN = 20_000
"""Sentences whose judgement is kept, about 1 KB each: a business' customers use the same ones again
and again."""
SHIPPED = Path(__file__).parent.parent / "data" / "urgency.bin"
_CARD = SHIPPED.with_name("MODEL_CARD.md")


class UrgencyModel:
    """Judges messages. The same text has the same judgement on every machine."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier, self._classes = classifier, classifier.classes
        self.version = str(classifier.about["version"])
        self._cut: dict[str, list[str]] = {}
        self._known: dict[str, Sentence] = {}
        self._words: dict[tuple[str, str], str] = {}

    def prepare(self, texts: Sequence[str]) -> None:
        """Reads messages that are to be judged next."""
        self._cut = {text: sentences(text) for text in texts}
        self._read(list(dict.fromkeys(chain.from_iterable(self._cut.values()))))

    def judge(self, text: str) -> Judgement:
        """Judges a message by its first `tokens.LONGEST` characters."""
        found, told = judgement(self.version, self._read(self._cut.get(text) or sentences(text)))
        return found if told is None else found._replace(words=self._spoke(told.text, found.kind))

    def _read(self, parts: list[str]) -> list[Sentence]:
        if new := [part for part in parts if part not in self._known]:
            if len(self._known) > _KNOWN:
                self._known.clear()
                self._words.clear()
                return self._read(parts)
            for part, shares in zip(new, self._classifier.judge(new), strict=True):
                self._known[part] = sentence(part, {self._classes[number]: share for number, share in shares})
        return [self._known[part] for part in parts]

    def _spoke(self, text: str, kind: str) -> str:
        words = self._words.get((text, kind))
        if words is None:
            words = self._words[text, kind] = " ".join(self._classifier.words(text, self._classes.index(kind)))
        return words


@cache
def shipped(file: Path = SHIPPED) -> UrgencyModel | None:
    """Loads the model that comes with the router, once; None where its file is missing or damaged:
    words alone decide then."""
    try:
        return UrgencyModel(load(file.read_bytes()))
    except (OSError, ValueError, KeyError) as error:
        log.error("the urgency model cannot be read: words alone decide", file=file.name, error=str(error))
        return None


def card() -> str:
    """Reads what the shipped model was made of and how good it is, in Markdown."""
    return _CARD.read_text(encoding="utf-8")
