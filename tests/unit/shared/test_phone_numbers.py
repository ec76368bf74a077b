"""A telephone number is read as its owner meant it, and who can be reached is kept."""

from __future__ import annotations

import pytest

from shared.phone_numbers import region_of, told, typed


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("+33 1 42 68 53 00", "US", "+33142685300"),
        ("01 42 68 53 00", "FR", "+33142685300"),
        ("06\u202f12\u202f34\u202f56\u202f78", "FR", "+33612345678"),
        ("02-312-3456", "KR", "+8223123456"),
        ("０１０－１２３４－５６７８", "KR", "+821012345678"),
        ("06 12 34 56 78 (soir)", "FR", "+33612345678"),
        ("(soir) 06 12 34 56 78", "FR", "+33612345678"),
        ("+33 6 12 34 56 78 après 18h", "FR", "+33612345678"),
        ("0612345678 p.12", "FR", "+33612345678"),
        ("06 12 34 56 78 ou 01 23 45 67 89", "FR", "+33612345678"),
        ("010-1234-5678 / 010-9876-5432", "KR", "+821012345678"),
        ("0262 12 34 56", "FR", "+262262123456"),
        ("0696 12 34 56", "FR", "+596696123456"),
        ("01481 723456", "GB", "+441481723456"),
    ],
)
def test_a_number_is_read_whatever_note_stands_beside_it(text: str, region: str, number: str) -> None:
    assert typed(text, region) == number


@pytest.mark.parametrize(
    ("text", "region"),
    [
        *(("555-1234", "US"), ("010-1234-5678/9", "KR"), ("0612345678/79", "FR"), ("06 12 34 56", "FR"), ("112", "FR")),
        *(("12", "US"), ("call me", "US"), ("", "US"), ("9" * 5_000, "FR"), ("\x00", "FR"), ("\ufffd+33", "FR")),
        ("0612345678", None),
    ],
)
def test_what_cannot_be_dialled_is_asked_again(text: str, region: str | None) -> None:
    assert typed(text, region) == ""


@pytest.mark.parametrize("number", ["+33639482226", "+33 6 39 48 22 26", "+337 00 12 34 56"])
def test_a_whole_number_of_a_range_that_the_library_does_not_know_is_kept(number: str) -> None:
    """phonenumbers 9.0 calls 06 39 and 07 00 invalid in France; a customer's number from her shop
    was dropped for it."""
    assert typed(number, "US") == "".join(number.split())
    assert typed(f"{number} 78 90", "US") == ""


@pytest.mark.parametrize(
    ("number", "today"),
    [
        ("+5215512345678", "+525512345678"),
        ("+525512345678", "+525512345678"),
        ("+551181234567", "+5511981234567"),
        ("+5511981234567", "+5511981234567"),
        ("+551123456789", "+551123456789"),
        ("+5491123456789", "+5491123456789"),
    ],
)
def test_the_old_and_the_new_form_of_a_number_are_one_person(number: str, today: str) -> None:
    assert told(number) == today
    assert typed(f"{number} (noche)") == today


def test_argentinas_mobiles_are_one_person_however_they_are_written() -> None:
    for text, region in (("011 15 2345-6789", "AR"), ("+54 11 15 2345 6789", None), ("+54 9 11 2345 6789", "FR")):
        assert typed(text, region) == "+5491123456789"


@pytest.mark.parametrize("number", ["+262269123456", "+596596123456", "+52155123456789", "+888123456789"])
def test_who_wrote_from_a_number_that_no_plan_knows_is_reached_there(number: str) -> None:
    assert told(number) == number or number.startswith("+888")


@pytest.mark.parametrize(
    "number", ["+266696687", "anonymous", "client:bob", "whatsapp:+33612345678", "40404", "+1", ""]
)
def test_what_is_no_number_is_never_taken_for_one(number: str) -> None:
    assert told(number) == ""


@pytest.mark.parametrize(
    ("number", "region"),
    [("+262269123456", "RE"), ("+596596123456", "MQ"), ("+441481723456", "GG"), ("+80012345678", ""), ("+33", "")],
)
def test_a_number_tells_its_country(number: str, region: str) -> None:
    assert region_of(number) == region
