"""The urgency models: the one that comes with the router, and those that were learned from
agents."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from itertools import chain
from pathlib import Path

from services.router.domain.judging import Judgement, Sentence, judgement, sentence
from services.router.ports import Lookup
from shared.classifier.changes import unpack
from shared.classifier.model import Classifier, load
from shared.classifier.tokens import SENTENCES, cut, pieces
from shared.events import ModelLearned
from shared.events.learning import in_use
from shared.logs import log

_KNOWN = 20_000
"""Pieces of texts whose judgement is kept, about 1 KB each: a business' customers use the same
sentences again and again."""
_KEPT = 3
"""Learned models that are kept beside the shipped one, each with what it knows, up to 25 MB: those
that were asked for last. A policy holds its own."""
SHIPPED = Path(__file__).parent.parent / "data" / "urgency.bin"
_CARD = SHIPPED.with_name("MODEL_CARD.md")


class UrgencyModel:
    """Judges messages. The same text has the same judgement on every machine."""

    def __init__(self, classifier: Classifier) -> None:
        self.classifier, self._classes = classifier, classifier.classes
        self.version = str(classifier.about["version"])
        self._pieces: dict[str, list[str]] = {}
        self._known: dict[str, list[Sentence]] = {}
        self._words: dict[tuple[str, str], str] = {}

    def prepare(self, texts: Sequence[str]) -> None:
        """Reads messages that are to be judged next."""
        self._pieces = {text: pieces(text) for text in texts}
        self._learn({piece for own in self._pieces.values() for piece in own})

    def judge(self, text: str) -> Judgement:
        """Judges a message by its first `tokens.LONGEST` characters."""
        found, told = judgement(self.version, self.read(text))
        return found if told is None else found._replace(words=self._spoke(told.text, found.kind))

    def read(self, text: str) -> list[Sentence]:
        """Returns its sentences with what each may be."""
        own = self._pieces.get(text) or pieces(text)
        self._learn(own)
        found = {each.text: each for piece in own for each in self._known[piece]}
        return list(found.values())[:SENTENCES]

    def _learn(self, own: Collection[str]) -> None:
        new = {piece: cut(piece) for piece in own if piece not in self._known}
        if new and len(self._known) > _KNOWN:
            self._known.clear()
            self._words.clear()
            self._learn(own)
        elif new:
            parts = list(dict.fromkeys(chain.from_iterable(new.values())))
            judged = {
                part: sentence(part, {self._classes[number]: share for number, share in shares})
                for part, shares in zip(parts, self.classifier.judge(parts), strict=True)
            }
            self._known.update((piece, [judged[part] for part in found]) for piece, found in new.items())

    def _spoke(self, text: str, kind: str) -> str:
        words = self._words.get((text, kind))
        if words is None:
            words = self._words[text, kind] = " ".join(self.classifier.words(text, self._classes.index(kind)))
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


class Models:
    """The models that there are. `learned`: by version, and which is in use under `policy`. One
    that cannot be used is told in `trouble`, and the shipped one judges."""

    def __init__(self, learned: Lookup[ModelLearned] | None = None, policy: str = "default") -> None:
        self._learned, self._policy, self._base = learned, policy, shipped()
        self._made: dict[str, UrgencyModel] = {}
        self.missing: set[str] = set()
        """Versions that were asked for and are not here."""
        self.trouble = ""

    def of(self, version: str) -> UrgencyModel | None:
        """Returns the model of this version; None where it is not here, or cannot be used."""
        self.trouble = ""
        if self._base is None or version == self._base.version:
            return self._base
        if version in self._made:
            self._made[version] = self._made.pop(version)
        else:
            event = self._learned.get(version) if self._learned is not None else None
            if event is None:
                self.missing.add(version)
                self.trouble = f"{version} is not here"
            else:
                self._make(self._base, event)
        return self._made.get(version)

    def aside(self) -> Models:
        """Returns the same for a draft: what it misses and its trouble are its own."""
        return Models(self._learned, self._policy)

    def newest(self) -> UrgencyModel | None:
        """Returns the model that is in use: the newest that was taken, else the shipped one."""
        self.trouble = ""
        pointer = self._learned.get(in_use(self._policy)) if self._learned is not None else None
        return (self.of(pointer.version) if pointer else None) or self._base

    def state(self) -> object:
        """Returns what differs where another model may have to be taken."""
        if self._learned is None:
            return None
        missing = tuple(self._learned.get(version) is not None for version in sorted(self.missing))
        return self._learned.get(in_use(self._policy)), missing

    def _make(self, base: UrgencyModel, event: ModelLearned) -> None:
        if event.base != base.version:
            self.trouble = f"{event.version} was learned from {event.base}, and {base.version} comes with this version"
            return
        try:
            classifier = unpack(base.classifier, event.weights, {**base.classifier.about, "version": event.version})
        except ValueError as error:
            self.trouble = f"{event.version} cannot be read ({error})"
            log.error("a learned model cannot be read: the shipped one judges", version=event.version, error=str(error))
            return
        self._made[event.version] = UrgencyModel(classifier)
        while len(self._made) > _KEPT:
            del self._made[next(iter(self._made))]
