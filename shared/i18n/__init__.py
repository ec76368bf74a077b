"""English, French and Korean from one catalogue. `.po` files are read as they are: no compile step to forget."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.core import negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

LANGUAGES = ("en", "fr", "ko")
FOLDER = Path(__file__).parent / "locales"


@cache
def translations(language: str, folder: Path = FOLDER) -> Translations:
    """The catalogue of a language, from a service's own folder or the common one; English is the source and needs none."""
    path = folder / f"{language}.po"
    if language not in LANGUAGES or not path.exists():
        return Translations()
    with path.open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


@cache
def locale(language: str) -> Locale:
    """For dates, numbers and plurals."""
    return Locale.parse(language if language in LANGUAGES else "en")


def negotiate(accept_language: str, chosen: str = "") -> str:
    """The language to show: what the person chose, else the best of Accept-Language (RFC 9110, 12.5.4)."""
    if chosen in LANGUAGES:
        return chosen
    ranked: list[tuple[float, str]] = []
    for item in accept_language[:500].split(","):
        tag, _, quality = item.strip().partition(";q=")
        try:
            ranked.append((float(quality or 1), tag.strip().replace("-", "_")))
        except ValueError:
            continue
    preferred = [tag for quality, tag in sorted(ranked, key=lambda pair: -pair[0]) if quality > 0]
    return negotiate_locale(preferred, LANGUAGES) or "en"
