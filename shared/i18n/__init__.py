"""English, French and Korean from one catalogue. `.po` files are read as they are: no compile step
to forget."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.core import negotiate_locale
from babel.dates import format_date, format_time, get_datetime_format
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

LANGUAGES = ("en", "fr", "ko")
FOLDER = Path(__file__).parent / "locales"


@cache
def translations(language: str, folder: Path = FOLDER) -> Translations:
    """Returns the catalogue of a language, from a service's own folder or the common one;
    English is the source and needs none."""
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
    """Returns the Babel locale of a language, for dates, numbers and plurals."""
    return Locale.parse(language if language in LANGUAGES else "en")


def time_of_day(at: datetime, language: str) -> str:
    """Formats a time of day, such as `3:05 PM`, `15:05` or `오후 3:05`: Babel's own short time
    gives `PM 3:05` in Korean."""
    return format_time(at, "aaaa h:mm" if language == "ko" else "short", locale=locale(language))


def moment(at: datetime, language: str) -> str:
    """Formats a date and a time, such as `11/30/26, 3:05 PM`."""
    joined = str(get_datetime_format("short", locale=locale(language)))
    day = format_date(at, "short", locale=locale(language))
    return joined.replace("{1}", day).replace("{0}", time_of_day(at, language))


def negotiate(accept_language: str, chosen: str = "") -> str:
    """Returns the language to show: what the person chose, else the best of Accept-Language (RFC
    9110, 12.5.4)."""
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
