"""Telephone numbers, by the `phonenumbers` library."""

from __future__ import annotations

import phonenumbers


class PhoneNumbers:
    """See `ports.Phones`."""

    def normal(self, number: str, region: str) -> str | None:
        """44 µs."""
        try:
            parsed = phonenumbers.parse(number, region)
        except phonenumbers.NumberParseException:
            return None
        if not phonenumbers.is_possible_number(parsed):
            return None
        return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
