"""Many people with one cause: an agent sees the count, and nobody sees another's post."""

from __future__ import annotations

from services.social.active_model import shipped
from services.social.domain.bursts import Complaint, Window, burst, causes

COMMON = shipped().common


def complaint(number: int, text: str) -> Complaint:
    return Complaint(str(number), f"person{number}", causes(text, COMMON, ["Acme"]))


def test_people_with_the_same_cause_are_counted() -> None:
    texts = ["Acme checkout rejects voucher", "voucher rejected at checkout, Acme!", "your checkout hates my voucher"]
    earlier = [complaint(number, text) for number, text in enumerate(texts)]
    found = burst(complaint(9, "why does the checkout not take a voucher"), earlier, 4)
    assert found
    assert found.people == 4
    assert {"checko", "vouche"} & set(found.words)
    assert burst(complaint(9, "why does the checkout not take a voucher"), earlier, 5) is None


def test_one_angry_person_is_no_burst() -> None:
    earlier = [Complaint(str(n), "ann", causes("checkout voucher rejected", COMMON)) for n in range(10)]
    assert burst(Complaint("11", "ann", causes("checkout voucher rejected", COMMON)), earlier, 2) is None


def test_different_causes_and_the_brands_name_alone_do_not_meet() -> None:
    earlier = [complaint(number, "Acme Acme my suitcase vanished in Lisbon") for number in range(8)]
    assert burst(complaint(9, "Acme Acme my heating exploded in Oslo"), earlier, 2) is None


def test_a_burst_keeps_its_name_while_it_grows() -> None:
    posts = [complaint(number, "checkout voucher rejected") for number in range(6)]
    names = {found.id for n in range(3, 6) if (found := burst(posts[n], posts[:n], 3))}
    assert len(names) == 1


def test_a_burst_keeps_its_name_when_its_first_posts_are_long_gone() -> None:
    posts = [complaint(number, "checkout voucher rejected") for number in range(12)]
    window = Window([], 3)
    first = [window.add(one) for one in posts[:6]]
    left = [Complaint(one.id, one.author, one.causes, window.joined.get(one.id, "")) for one in posts[2:6]]
    names = {found.id for found in first if found}
    left = [Complaint(one.id, one.author, one.causes, min(names)) for one in left]
    later = [found for one in posts[6:] if (found := Window(left, 3).add(one))]
    assert {found.id for found in later} == names


def test_whoever_came_before_the_burst_was_seen_is_named_on_every_later_post() -> None:
    window = Window([], 3)
    found = [window.add(complaint(number, "checkout voucher rejected")) for number in range(30)]
    assert found[:2] == [None, None], "nobody could know yet"
    named = [burst.first for burst in found[2:] if burst]
    assert named[0] == ("0", "1")
    assert all(first[:2] == ("0", "1") for first in named)
    assert named[-1] == tuple(str(number) for number in range(20)), "twenty are enough"
    assert set(window.joined) == {"0", "1"}


def test_two_bursts_at_once_stay_two() -> None:
    window = Window([], 3)
    vouchers = [window.add(complaint(number, "checkout voucher rejected")) for number in range(4)]
    trains = [window.add(complaint(number, "evening train cancelled")) for number in range(10, 14)]
    assert {found.id for found in vouchers if found}.isdisjoint(found.id for found in trains if found)
    both = window.add(complaint(20, "train cancelled evening and voucher rejected"))
    assert both
    assert both.id in {found.id for found in (*vouchers, *trains) if found}


def test_causes_are_found_in_korean_and_japanese() -> None:
    assert causes("결제가 쿠폰에서 오류", frozenset()) & causes("쿠폰을 쓰면 결제는 오류예요", frozenset()) >= {
        "결제",
        "쿠폰",
    }
    assert causes("決済で障害が出た", frozenset()) & causes("障害のせいで決済不可", frozenset()) >= {"障害"}
