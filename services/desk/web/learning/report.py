"""What became of each model that was learned, with the words that it judges differently."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.desk.tickets.domain import snippet
from services.desk.tickets.schemas import MessageView
from shared.events import ModelLearned, Rejudged

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Example:
    """A message that two models judge differently."""

    ticket_id: str
    words: str
    """Its beginning; empty where it is not here any more."""
    change: Rejudged


def newest(models: Iterable[ModelLearned]) -> tuple[ModelLearned, ...]:
    """Returns the newest models that were learned."""
    known = {one.version: one for one in models if one.corrections and one.held_back}
    return tuple(sorted(known.values(), key=lambda one: one.at, reverse=True)[:SHOWN])


def used(models: Iterable[ModelLearned]) -> ModelLearned | None:
    """Returns the newest word on which model is in use; None where nothing was ever taken."""
    return max((one for one in models if one.state in ("taken", "back")), key=lambda one: one.at, default=None)


def examples(model: ModelLearned, messages: Mapping[str, MessageView]) -> list[Example]:
    """Returns what a model judges differently, in the words of the customers that are still
    here."""
    found = []
    for change in model.examples:
        message = messages.get(change.message_id)
        words = snippet(f"{message.subject}. {message.text}" if message.subject else message.text) if message else ""
        found.append(Example(change.ticket_id, words, change))
    return found
