"""The contact page is whole in every language: no text of it is left in English by accident."""

from __future__ import annotations

from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import services.dashboard

HERE = Path(services.dashboard.__file__).parent


@pytest.mark.parametrize("language", ["fr", "ko"])
def test_every_text_of_the_pages_is_translated_and_none_is_left_over(language: str) -> None:
    shown = {found[2] for found in extract_from_dir(HERE / "templates", [("**.html", "jinja2")])}
    with (HERE / "locales" / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    assert {message.id for message in catalogue if message.id} == shown
    assert all(message.string and not message.fuzzy for message in catalogue if message.id)
    assert not [error for message, errors in catalogue.check() for error in errors]
