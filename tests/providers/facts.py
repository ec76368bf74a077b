"""The words in which a provider's document is written down here: what a value is like, what an
operation asks for and what it answers. Each says what is wrong with a value, with its place. The
tables made of them: `twilio_facts.py` and `x_facts.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import urlsplit


class Kind(Protocol):
    """What a value is like."""

    def wrong(self, value: Any, where: str) -> Iterator[str]:
        """What is wrong with it, in sentences."""


@dataclass(frozen=True)
class Value:
    words: str
    fits: Callable[[Any], bool]

    def wrong(self, value: Any, where: str) -> Iterator[str]:
        if not self.fits(value):
            yield f"{where}: {value!r} is not {self.words}"


@dataclass(frozen=True)
class Maybe:
    """Or null."""

    kind: Kind

    def wrong(self, value: Any, where: str) -> Iterator[str]:
        if value is not None:
            yield from self.kind.wrong(value, where)


@dataclass(frozen=True)
class Many:
    """A list; empty ones are left out altogether unless `least` is 0."""

    kind: Kind
    least: int = 1

    def wrong(self, value: Any, where: str) -> Iterator[str]:
        if not isinstance(value, list) or len(value) < self.least:
            yield f"{where}: {value!r} is not a list of {self.least} or more"
            return
        for place, one in enumerate(value):
            yield from self.kind.wrong(one, f"{where}[{place}]")


@dataclass(frozen=True)
class Object:
    """Properties of a JSON object, or parameters of a query or form."""

    known: Mapping[str, Kind]
    required: Collection[str] = ()

    def wrong(self, value: Any, where: str) -> Iterator[str]:
        if not isinstance(value, Mapping):
            yield f"{where}: {value!r} is not an object"
            return
        for name in sorted(set(self.required) - value.keys()):
            yield f"{where}.{name}: missing"
        for name, one in value.items():
            if name in self.known:
                yield from self.known[name].wrong(one, f"{where}.{name}")
            else:
                yield f"{where}.{name}: unknown"

    def whole(self) -> Object:
        """Where nothing is ever left out."""
        return Object(self.known, tuple(self.known))

    def __or__(self, other: Object) -> Object:
        return Object({**self.known, **other.known}, (*self.required, *other.required))


@dataclass(frozen=True)
class Map:
    """An object with any names."""

    kind: Kind

    def wrong(self, value: Any, where: str) -> Iterator[str]:
        if not isinstance(value, Mapping):
            yield f"{where}: {value!r} is not an object"
            return
        for name, one in value.items():
            yield from self.kind.wrong(one, f"{where}.{name}")


NOTHING = Object({})


@dataclass(frozen=True)
class Operation:
    """`path`: a regular expression. `body`: of a form or JSON. `answers`: None where it is no
    JSON."""

    name: str
    method: str
    path: str
    query: Object = NOTHING
    body: Kind = NOTHING
    status: int = 200
    answers: Kind | None = None

    def unfit(self, query: Mapping[str, str], body: Any) -> list[str]:
        """What the document does not allow in a request."""
        return [*self.query.wrong(query, "query"), *self.body.wrong(body, "body")]


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, as they went over the wire. `answer`: the JSON, or None."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    status: int
    answer: Any
    headers: Mapping[str, str] = field(default_factory=dict)


def operation(document: Sequence[Operation], method: str, path: str) -> Operation | None:
    return next((one for one in document if one.method == method and re.fullmatch(one.path, path)), None)


def departures(document: Sequence[Operation], error: Kind, exchange: Exchange) -> list[str]:
    """Where request and answer leave the document; an answer with another status has to be an error
    in its form."""
    found = operation(document, exchange.method, exchange.path)
    where = f"{exchange.method} {exchange.path}"
    if found is None:
        return [f"{where}: not in the document"]
    if exchange.status == found.status:
        odd = [] if found.answers is None else list(found.answers.wrong(exchange.answer, "answer"))
    elif exchange.status < 400:
        odd = [f"status {exchange.status} and not {found.status}"]
    else:
        odd = list(error.wrong(exchange.answer, "error"))
    return [f"{where}: {one}" for one in (*found.unfit(exchange.query, exchange.body), *odd)]


def like(pattern: str, words: str = "") -> Value:
    return Value(
        words or f"like {pattern}", lambda value: isinstance(value, str) and bool(re.fullmatch(pattern, value))
    )


def one_of(*words: object) -> Value:
    return Value(f"one of {words}", lambda value: value in words)


def whole(low: int = 0, high: int = 2**63) -> Value:
    """A JSON number."""
    return Value("a whole number", lambda value: type(value) is int and low <= value <= high)


def number(low: int = 0, high: int = 2**63) -> Value:
    """A number in a query or a form."""
    return Value(f"a number from {low} to {high}", lambda value: str(value).isdecimal() and low <= int(value) <= high)


def words_of(known: Collection[str]) -> Value:
    """Words between commas, each once."""

    def fits(value: Any) -> bool:
        words = str(value).split(",")
        return set(words) <= set(known) and len(set(words)) == len(words)

    return Value(f"a list of {sorted(known)}", fits)


def _is_rfc_2822(value: Any) -> bool:
    if not re.fullmatch(r"\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} \+0000", str(value)):
        return False
    parsedate_to_datetime(value)
    return True


TEXT = Value("text", lambda value: isinstance(value, str))
TRUTH = Value("true or false", lambda value: isinstance(value, bool))
WORD_OF_TRUTH = one_of("true", "false")
ADDRESS = Value(
    "an address", lambda value: urlsplit(str(value)).scheme in ("http", "https") and bool(urlsplit(value).netloc)
)
RFC_2822 = Value("a date after RFC 2822, in GMT", _is_rfc_2822)
ISO_8601 = like(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", "a time after ISO 8601, in UTC")
ANYTHING = Value("anything", lambda _: True)
