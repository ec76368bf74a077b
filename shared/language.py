"""Which language a text is in. py3langid, kept to our languages: 90 µs a text and 60 MB, so loaded
on first use."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import cache
from itertools import islice
from typing import Any

CERTAIN = 0.6
"""Below this the detector is guessing between neighbours; a wrong language is worse than none."""
_ENOUGH = 2
"""Letters needed to say anything."""


def detect(text: str, languages: Sequence[str]) -> str:
    """Returns the language of a text as ISO 639-1, or an empty string where it is too short or
    too mixed. Only 2,000 characters are read."""
    sample = text[:2000]
    if len(list(islice(filter(str.isalpha, sample), _ENOUGH))) < _ENOUGH:
        return ""
    language, certainty = _identifier(tuple(sorted(languages))).classify(sample)
    return str(language) if certainty >= CERTAIN else ""


@cache
def _identifier(languages: tuple[str, ...]) -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    every = LanguageIdentifier.from_model_file(MODEL_FILE)
    every.set_languages(list(languages))
    # A second one with our languages only: the first would keep the weights of all 140 in memory.
    # Arrays, where it has lists of integers strewn over 7 MB: most of a text's time is spent
    # waiting for memory.
    found = LanguageIdentifier(
        every.nb_ptc.astype("float32"),
        every.nb_pc,
        every.nb_classes,
        every.tk_nextmove,
        array("i", every.tk_output),
        norm_probs=True,
        tk_row=every.tk_row,
    )
    found._rowbase = array("I", found._rowbase)  # noqa: SLF001
    return found
