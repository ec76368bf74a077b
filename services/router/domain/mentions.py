"""What a message mentions of all that a policy has words for: severities, and what its rules look
for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from services.router.domain.policy import Policy
from services.router.domain.words import Finder, Phrase, Vocabulary


class Mentions(NamedTuple):
    """With the words that told."""

    severities: dict[str, str]
    rules: dict[int, str]
    """By the rule's place in the policy."""


def mentions(text: str, language: str, policy: Policy) -> Mentions:
    """Returns what a `normal` text mentions. An unknown language is looked up in all of them,
    and rules have words in any."""
    sought, finder = _sought(policy, language if language in policy.lexicon.languages else "")
    severities, rules = dict[str, str](), dict[int, str]()
    for number, places in finder.near(text):
        subject, phrase, deniers = sought[number]
        found: dict[str, str] | dict[int, str] = severities if isinstance(subject, str) else rules
        if subject not in found and (words := phrase.found(text, places, deniers)):
            found[subject] = words  # type: ignore[index]
    return Mentions(severities, rules)


_Sought = tuple[str | int, Phrase, Vocabulary | None]
"""The severity or the rule's place, a phrase that tells it, and what may take that back."""


@lru_cache(64)
def _sought(policy: Policy, language: str) -> tuple[Sequence[_Sought], Finder]:
    """Returns what is looked for in a language, the first choice first; without a language, in
    all of them."""
    lexicon = policy.lexicon
    codes = dict.fromkeys((language, lexicon.everywhere) if language else lexicon.languages)
    sought: list[_Sought] = [
        (severity, phrase, vocabulary if severity in lexicon.deniable else None)
        for vocabulary in (lexicon.languages[code] for code in codes if code in lexicon.languages)
        for severity, phrases in vocabulary.severities.items()
        for phrase in phrases
    ]
    sought += [(place, phrase, None) for place, rule in enumerate(policy.rules) for phrase in rule.words]
    return sought, Finder(phrase for _, phrase, _ in sought)
