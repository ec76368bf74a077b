"""Reads and writes telephone numbers, by the `phonenumbers` library: what a network tells is
believed, what a person types is read as they meant it."""

from __future__ import annotations

import re
import unicodedata

import phonenumbers

_WITHHELD = frozenset({"+266696687", "+2562533", "+7378742833", "+8566696", "+86282452253", "+464"})
"""How Twilio writes callers that are anonymous, blocked, restricted, unknown, unavailable or
without an id: these words' letters on a keypad. They look like numbers, and everybody who withholds
theirs would share one."""
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_BETWEEN = re.compile(r"[\s().-]+")
_OTHER_ENDING = re.compile(r"\s*/\s*\d{1,4}(?![-.\s]?\d)")
"""`010-1234-5678/9`: two numbers, of which nobody knows which one to dial."""
_NOTES = re.compile(r"[^\d+().\-\s]+")
_PLANS = {"FR": ("FR", "GP", "RE", "GF", "MQ", "YT")}
"""Countries that share one national plan: 0262… in France is a number of Réunion."""
_MEXICO, _BRAZIL = 52, 55


def told(number: str) -> str:
    """Normalises a number that a network told us to E.164, in the form of today; empty where it is
    none. What the library does not know is kept: it knows no number plan to the end, and somebody
    wrote to us from there."""
    number = _BETWEEN.sub("", number)
    if number in _WITHHELD or not _E164.fullmatch(number):
        return ""
    try:
        return _of_today(phonenumbers.parse(number, None))
    except phonenumbers.NumberParseException:
        return ""


def typed(text: str, region: str | None = None) -> str:
    """Finds the first number in what a person typed, notes and all, as E.164; empty where nothing
    in it can be dialled. `region`: ISO 3166-1, for numbers without a country code."""
    text = unicodedata.normalize("NFKC", text[:200])  # blanks of every width, and digits
    for one in _PLANS.get(region or "", (region,)):
        for found in phonenumbers.PhoneNumberMatcher(text, one):
            if not _OTHER_ENDING.match(text, found.end):
                return _of_today(found.number)
            return ""
    return _old_form(text, region) or _international(text)


def region_of(number: str) -> str:
    """Returns the ISO 3166-1 code of a number's country; empty where it tells none."""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return ""
    whole = phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    region = str(phonenumbers.region_code_for_number(parsed) or whole)
    return region if region.isalpha() and region != "ZZ" else ""


def shown(number: str) -> str:
    """Formats an E.164 number for people, `+33 1 99 00 12 34`; empty where it is none."""
    if not number.startswith("+"):
        return ""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def _old_form(text: str, region: str | None) -> str:
    """Reads a number in a form of former days, which is no valid one any more."""
    try:
        parsed = phonenumbers.parse(_NOTES.sub(" ", text), region)
    except phonenumbers.NumberParseException:
        return ""
    today = _of_today(parsed)
    return today if phonenumbers.is_valid_number(phonenumbers.parse(today, None)) else ""


def _international(text: str) -> str:
    """Returns a whole number with its country code, of a length that this country has, even
    where the library knows no such range: new ranges are assigned before it knows them, and a
    shop that confirms its customer's number dialled it before. Empty where there is none."""
    number = told(text.strip())
    return number if number and phonenumbers.is_possible_number(phonenumbers.parse(number, None)) else ""


def _of_today(parsed: phonenumbers.PhoneNumber) -> str:
    """Formats the one form that stands for this line, as E.164: Mexico's mobiles lost their 1 in
    2019, Brazil's got a 9 until 2016, and networks and people still write both."""
    number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    national = phonenumbers.national_significant_number(parsed)
    changed = ""
    if parsed.country_code == _MEXICO and len(national) == 11 and national.startswith("1"):
        changed = f"+{_MEXICO}{national[1:]}"
    elif parsed.country_code == _BRAZIL and len(national) == 10 and not phonenumbers.is_valid_number(parsed):
        changed = f"+{_BRAZIL}{national[:2]}9{national[2:]}"
    return changed if changed and phonenumbers.is_valid_number(phonenumbers.parse(changed, None)) else number
