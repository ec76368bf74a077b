"""Who a message is from."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.desk.customers.domain import LATE_COUNTS, Book, answered_too_late, birth_year, learn, normal_point
from services.desk.people.limits import WINDOW, Limiter
from services.desk.profiles.publishing import observed
from shared.errors import Rejected
from tests.unit.desk.examples import NOON, routed

MAIL = "email:ann@example.org"


def blank() -> dict[str, Any]:
    return {
        "name": "", "language": "", "tier": "", "birth_year": None, "stated": None, "observed": {}, "recent_contacts": [], "facts": {},
    }  # fmt: skip


def test_a_call_does_not_make_us_forget_what_the_customer_s_site_told() -> None:
    ann = blank()
    learn(ann, routed(facts={"Site": "shop.example", "plugin": "2.4"}).message)
    learn(ann, routed(facts={"call": "waiting", "plugin": "2.5"}).message)
    assert ann["facts"] == {"Site": "shop.example", "plugin": "2.5"}


def test_the_router_hears_how_quickly_a_customer_answers_these_days() -> None:
    ann = blank()
    learn(ann, routed().message)
    assert observed(ann["observed"])["email"].answer_seconds is None, "they began: nothing of ours was answered"
    for seconds in [86_400.0] * 30 + [40.0, 60.0] * 10:
        learn(ann, routed().message, seconds)
    assert observed(ann["observed"])["email"].answer_seconds == 50, "the newest 20 count"
    learn(ann, routed(automatic="reply").message, 1.0)
    assert observed(ann["observed"])["email"].messages == 51


@pytest.mark.parametrize(
    ("late_at", "counts"),
    [
        (None, False),
        (NOON, True),
        (NOON - LATE_COUNTS + timedelta(seconds=1), True),
        (NOON - LATE_COUNTS, False),
        (NOON - timedelta(days=400), False),
    ],
)
def test_a_late_answer_counts_for_a_month_and_not_for_ever(late_at: datetime | None, counts: bool) -> None:
    assert answered_too_late(late_at, NOON) is counts


def test_the_same_address_is_the_same_person() -> None:
    book = Book()
    assert book.customer_of(routed("<1@x>").message) == book.customer_of(routed("<2@x>").message)
    assert book.new_points == {MAIL: False}


def test_what_an_unproven_message_says_of_other_addresses_is_not_believed() -> None:
    book = Book(owner={MAIL: "ann"})
    liar = routed(sender="chat:9", also=(MAIL,)).message
    assert book.customer_of(liar) != "ann"
    assert MAIL not in book.new_points


def test_a_proven_login_meets_the_mails_that_the_person_wrote_before() -> None:
    book = Book(owner={MAIL: "ann"})
    assert book.customer_of(routed(sender="chat:9", sender_verified=True, also=(MAIL, "tel:+331")).message) == "ann"
    assert book.new_points == {"chat:9": True, "tel:+331": False}


def test_two_proven_logins_that_share_an_address_stay_two_people() -> None:
    book = Book(owner={MAIL: "ann", "chat:1": "ann"}, verified={"ann": {"chat:1"}})
    assert book.customer_of(routed(sender="chat:2", sender_verified=True, also=(MAIL,)).message) != "ann"
    assert book.owner[MAIL] == "ann"


def test_a_known_address_that_is_proven_now_is_kept_as_proven() -> None:
    book = Book(owner={MAIL: "ann"})
    book.customer_of(routed(sender_verified=True).message)
    assert book.proven == {MAIL}


def test_a_new_address_that_is_proven_by_the_next_message_is_proven() -> None:
    book = Book()
    first = book.customer_of(routed("<1@x>").message)
    assert book.customer_of(routed("<2@x>", sender_verified=True).message) == first
    assert (book.new_points, book.proven) == ({MAIL: True}, set())


def test_a_post_tells_the_account_and_a_signed_site_the_plan() -> None:
    ann = blank()
    learn(ann, routed(account="@ann", public=True, facts={"Post": "https://x.example/1"}).message)
    learn(ann, routed(sender_verified=True, tier="pro").message)
    assert (ann["facts"], ann["tier"]) == ({"Account": "@ann"}, "pro")


def test_a_message_teaches_what_nobody_told_us_yet() -> None:
    ann = blank() | {"name": "Ann (told by phone)", "birth_year": 1950}
    learn(ann, routed(sender_name="a.lee", birth_year=1990, language="fr", facts={"plan": "pro"}, tier="pro").message)
    assert (ann["name"], ann["birth_year"], ann["language"], ann["facts"], ann["tier"]) == (
        "Ann (told by phone)", 1950, "fr", {"plan": "pro"}, "",
    )  # fmt: skip


@pytest.mark.parametrize(("year", "kept"), [(1949, 1949), (1899, None), (2027, None)])
def test_an_impossible_year_of_birth_is_not_believed(year: int, kept: int | None) -> None:
    ann = blank()
    learn(ann, routed(birth_year=year).message)
    assert ann["birth_year"] == kept


def test_contacts_of_the_last_day_are_counted_newest_first_and_automatic_mail_is_not() -> None:
    ann = blank()
    for hours in (0, 30, 10, 31):
        learn(ann, routed(received_at=NOON + timedelta(hours=hours)).message)
    learn(ann, routed(received_at=NOON + timedelta(hours=32), automatic="reply").message)
    assert ann["recent_contacts"] == [(NOON + timedelta(hours=h)).isoformat() for h in (31, 30, 10)]
    assert ann["observed"]["email"] == {"messages": 4, "last_at": (NOON + timedelta(hours=31)).isoformat()}


@pytest.mark.parametrize(
    ("text", "point"),
    [(" Email: Ann@Example.ORG ", MAIL), ("tel:+33612345678", "tel:+33612345678"), ("x:44196397", "x:44196397")],
)
def test_contact_points_are_brought_into_normal_form(text: str, point: str) -> None:
    assert normal_point(text) == point


@pytest.mark.parametrize(
    "text", ["", "ann@example.org", "email:", "email:a@b@c", "tel:0612", "tel:+33 6", "email:" + "a" * 500, "x:a\x00b"]
)
def test_what_is_no_contact_point_is_refused(text: str) -> None:
    with pytest.raises(Rejected):
        normal_point(text)


def test_a_year_of_birth_may_be_left_empty() -> None:
    assert (birth_year(None, 2026), birth_year("", 2026), birth_year("1949", 2026)) == (None, None, 1949)


def test_who_fails_too_often_waits_and_then_may_try_again() -> None:
    limiter = Limiter(tries=3)
    for second in range(3):
        assert limiter.wait("ann", float(second)) == 0
        limiter.fail("ann", float(second))
    assert limiter.wait("ann", 10.0) == pytest.approx(WINDOW - 10.0)
    assert limiter.wait("bob", 10.0) == 0
    assert limiter.wait("ann", WINDOW) == 0
    limiter.forget("ann")
    assert limiter.wait("ann", 10.0) == 0


def test_what_a_channel_says_of_one_message_is_not_kept_of_its_sender() -> None:
    customer = {"name": "", "facts": {}, "birth_year": None, "language": "", "stated": None, "observed": {}}
    customer["recent_contacts"] = []
    of_it = dict.fromkeys(("call", "segments", "page", "location"), "said")
    learn(customer, routed(facts={"Site": "shop.example"} | of_it).message)
    assert customer["facts"] == {"Site": "shop.example"}
