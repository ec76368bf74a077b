"""What a file of settings is: how it is read, what the desk has of it now, and how a change is
written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.actors import Actor, Permission
from services.desk.files.domain import Values
from shared.errors import Rejected
from shared.yaml_sections import Section

T = TypeVar("T")
BY = "file"
"""How the audit log says it."""


@dataclass(frozen=True, slots=True)
class Known:
    """Names that a file may use."""

    people: frozenset[str] = frozenset()
    """Mail addresses of who has an account."""
    teams: frozenset[str] = frozenset()
    calendars: frozenset[str] = frozenset()
    needed: frozenset[str] = frozenset()
    """Calendars that what is in no file counts by."""
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One team, person or rule; None: it is not set."""

    about: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class Part(ABC):
    """A kind of settings."""

    name: ClassVar[str]
    """Of the file, without its end."""
    about: ClassVar[str]
    """Its first line."""
    needs: ClassVar[Permission]

    @abstractmethod
    async def now(self, session: AsyncSession) -> Values:
        """Returns what is set."""

    @abstractmethod
    def document(self, values: Values) -> dict[str, Any]:
        """Returns what the file holds."""

    @abstractmethod
    def read(self, root: Section, known: Known) -> Values:
        """Returns what a file says; notes what is wrong in it."""

    @abstractmethod
    async def write(self, session: AsyncSession, change: Change, actor: Actor) -> None:
        """Makes a change, and notes it in the audit log."""

    async def finish(self, session: AsyncSession, values: Values) -> None:
        """Does what is left when all changes are made. values: what is set now."""
        del session, values

    def teams_in(self, values: Values) -> set[str]:
        """Returns the teams that these settings name."""
        del values
        return set()


def unusual_of(row: Any, usual: dict[str, Any]) -> dict[str, Any]:
    """Returns the fields of a row whose values are not the usual ones."""
    return {key: value for key, each in usual.items() if (value := getattr(row, key)) != each}


def right(section: Section, line: int, check: Callable[[Any], T], value: Any) -> T | None:
    """Returns what a check makes of a value; None, and noted, where it refuses."""
    try:
        return check(value)
    except ValueError as error:
        told = str(error)
    except Rejected as error:
        told = error.message
    section.problems.add(line, f"{section.path}: {told.rstrip('.')}")
    return None


def known_name(section: Section, line: int, name: str, names: Collection[str]) -> str:
    """Returns a name that is known; empty, and noted, where it is not."""
    return right(section, line, lambda each: _one_of(each, names), name) or ""


def _one_of(name: str, names: Collection[str]) -> str:
    if name not in names:
        near = ", ".join(sorted(names)[:10]) or "nobody"
        raise ValueError(f"{name!r} is not known; known are {near}")
    return name


def whole_number(section: Section, key: str, low: int, high: int) -> int:
    """Reads a whole number, `low` where there is none; notes what is none."""
    found = section.number(key, low, high, default=low if not section.has(key) else None)
    if found != int(found):
        section.problems.add(section.line_of(key), f"{section.path}.{key}: must be a whole number")
    return int(found)
