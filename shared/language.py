"""Which language a text is in. py3langid, kept to our languages: 90 µs a text and 60 MB, so loaded on first use."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

CERTAIN = 0.6
"""Below this the detector is guessing between neighbours; a wrong language is worse than none."""
_ENOUGH = 2
"""Letters needed to say anything."""


def detect(text: str, languages: Sequence[str]) -> str:
    """ISO 639-1, or an empty string where it is too short or too mixed to tell. Only 2,000 characters are read."""
    sample = text[:2000]
    if sum(map(str.isalpha, sample)) < _ENOUGH:
        return ""
    language, certainty = _identifier(tuple(sorted(languages))).classify(sample)
    return str(language) if certainty >= CERTAIN else ""


@cache
def _identifier(languages: tuple[str, ...]) -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    every = LanguageIdentifier.from_model_file(MODEL_FILE)
    every.set_languages(list(languages))
    # A second one with our languages only: the first would keep the weights of all 140 in memory.
    return LanguageIdentifier(
        every.nb_ptc,
        every.nb_pc,
        every.nb_classes,
        every.tk_nextmove,
        every.tk_output,
        norm_probs=True,
        tk_row=every.tk_row,
    )
