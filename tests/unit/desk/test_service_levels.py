"""What is due when, and what has become true of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.desk.service_levels.domain import (
    KEPT,
    Actions,
    Calendar,
    Event,
    Happening,
    Kind,
    Policy,
    Situation,
    Standing,
    due,
    follow,
    hours_of,
    policy_for,
    previewed,
    raised,
)
from services.desk.service_levels.ical import days_off
from services.desk.service_levels.service import checked
from services.desk.timeline import EventView
from services.desk.web.conversation import pane
from services.desk.web.render import gettext
from services.desk.web.service_levels import forms, words
from shared.errors import Rejected
from shared.events.desk import (
    Change,
    SlaBreached,
    SlaChanged,
    SlaWarned,
    TicketAssigned,
    TicketPrioritised,
    data_of,
    kind_of,
)
from shared.hours import Hours, parse

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
POLICY = Policy(id="p", name="All", first=30, next=60, solution=240)
NEW = Situation(created_at=NOON, waiting_since=NOON)


def at(minute: float) -> datetime:
    return NOON + minute * MINUTE


class Desk:
    """A ticket, followed through what happens to it."""

    def __init__(self, policy: Policy = POLICY, hours: Hours | None = None, **situation: Any) -> None:
        self.policy: Policy | None = policy
        self.hours = hours
        self.ticket = replace(NEW, **situation)
        self.standing = Standing()
        self.told: list[Happening] = []
        self.look(0)

    def look(self, minute: float, **changed: Any) -> Desk:
        self.ticket = replace(self.ticket, **changed)
        self.standing, told = follow(self.ticket, self.standing, self.policy, self.hours, at(minute))
        self.told += told
        self.now = at(minute)
        return self

    def replied(self, minute: float, status: str = "pending") -> Desk:
        first = self.ticket.first_reply_at or at(minute)
        return self.look(minute, status=status, waiting_since=None, first_reply_at=first)

    def wrote(self, minute: float) -> Desk:
        return self.look(minute, status="open", waiting_since=self.ticket.waiting_since or at(minute))

    def states(self) -> dict[str, str]:
        return {each.kind.value: each.state(self.now) for each in self.standing.targets}

    def due(self, kind: Kind) -> datetime | None:
        return [each.due_at for each in self.standing.targets if each.kind is kind][-1]

    def events(self) -> list[tuple[str, str]]:
        return [(each.event.value, each.kind.value) for each in self.told]


def test_the_first_target_that_is_due_is_what_the_list_shows() -> None:
    desk = Desk()
    assert desk.standing.due_at == at(30)
    assert desk.standing.next_at == at(30)
    desk.replied(10)
    assert desk.standing.due_at is None
    assert desk.states() == {"first-reply": "met", "solution": "paused"}
    desk.wrote(100)
    assert desk.standing.due_at == at(160)
    assert desk.due(Kind.SOLUTION) == at(100 + 240 - 10)
    assert desk.states()["next-reply"] == "running"


def test_waiting_for_the_customer_pauses_and_no_target_breaks_while_we_spoke_last() -> None:
    """Requirement 22."""
    desk = Desk().replied(10, status="open").look(10_000)
    assert desk.told == []
    assert desk.standing.due_at is None
    desk.wrote(10_000).look(10_229)
    assert desk.events() == [("breached", "next-reply")]
    desk.look(10_230)
    assert desk.events() == [("breached", "next-reply"), ("breached", "solution")]


def test_pending_by_hand_stands_still_though_nobody_answered() -> None:
    desk = Desk().look(10, status="pending")
    assert desk.standing.due_at is desk.standing.next_at is None
    assert desk.states() == {"first-reply": "paused", "solution": "paused"}
    desk.look(5_000).look(5_000, status="open")
    assert desk.due(Kind.FIRST) == at(5_020)
    assert desk.told == []


def test_no_service_level_is_a_choice_and_nothing_is_due() -> None:
    """Requirement 22."""
    desk = Desk(Policy(id="none", name="No SLA")).look(100_000)
    assert (desk.standing.due_at, desk.standing.targets, desk.told) == (None, (), [])
    assert desk.standing.policy == "none"


def test_a_warning_and_a_breach_are_told_once_whatever_looks_again() -> None:
    desk = Desk(msgspec.structs.replace(POLICY, warn_share=50, warn_minutes=10, solution=0))
    assert desk.standing.next_at == at(15)
    for minute in (14.9, 15, 15, 16, 29.9, 30, 30, 31, 10_000):
        desk.look(minute)
    assert desk.events() == [("warned", "first-reply"), ("breached", "first-reply")]
    assert [each.due_at for each in desk.told] == [at(30), at(30)]
    assert desk.standing.next_at is None
    desk.replied(10_001)
    assert desk.states() == {"first-reply": "breached"}
    assert len(desk.told) == 2


@pytest.mark.parametrize(
    ("share", "before", "warns"), [(75, 0, 22), (0, 10, 20), (50, 10, 15), (0, 90, 0), (0, 0, None)]
)
def test_a_warning_comes_after_a_share_or_minutes_before(share: int, before: int, warns: int | None) -> None:
    policy = msgspec.structs.replace(POLICY, warn_share=share, warn_minutes=before)
    assert policy.warns_after(Kind.FIRST) == warns


def test_an_hour_without_us_tells_of_the_breach_and_not_of_the_warning_before() -> None:
    desk = Desk(msgspec.structs.replace(POLICY, warn_share=50)).look(90)
    assert desk.events() == [("breached", "first-reply")]


def test_an_answer_that_came_too_late_is_a_breach_though_nobody_had_looked() -> None:
    assert Desk().replied(30).events() == [("breached", "first-reply")]
    assert Desk().replied(29.9).events() == []


def test_a_reply_that_did_not_arrive_ended_nothing() -> None:
    desk = Desk().replied(10).wrote(20)
    desk.look(25, waiting_since=NOON, first_reply_at=None)
    assert desk.due(Kind.FIRST) == at(30), "as though nothing had come between"
    assert {each.kind for each in desk.standing.targets} == {Kind.FIRST, Kind.SOLUTION}
    desk.look(31).replied(40).look(50, status="open", waiting_since=NOON, first_reply_at=None).look(60)
    assert desk.events() == [("breached", "first-reply")], "and it is not missed twice"


def test_an_older_message_that_comes_later_counts_from_its_own_time() -> None:
    desk = Desk(created_at=at(-5))
    desk.look(1, waiting_since=at(-5))
    assert desk.due(Kind.FIRST) == at(25)
    assert len(desk.standing.targets) == 2
    still = Desk(created_at=at(-5), status="pending").look(1, waiting_since=at(-5))
    assert still.standing.due_at is None


def test_who_was_called_has_had_a_first_reply() -> None:
    desk = Desk().look(5, first_reply_at=at(-1))
    assert desk.states() == {"next-reply": "running", "solution": "running"}
    desk = Desk().replied(3).wrote(5).look(6, first_reply_at=at(3))
    assert desk.states() == {"first-reply": "met", "next-reply": "running", "solution": "running"}
    late = Desk().look(20, waiting_since=at(15), first_reply_at=at(10))
    assert late.states() == {"first-reply": "met", "next-reply": "running", "solution": "running"}


def test_a_solved_ticket_that_opens_again_has_the_time_left_that_it_had() -> None:
    """Requirement 23."""
    desk = Desk().replied(30 - 1).look(40, status="solved")
    assert desk.states() == {"first-reply": "met", "solution": "met"}
    desk.look(50, status="closed")
    desk.wrote(1_000)
    assert desk.due(Kind.SOLUTION) == at(1_000 + 240 - 29)


def test_solved_without_an_answer_ends_what_was_due() -> None:
    desk = Desk().look(10, status="solved", waiting_since=None)
    assert desk.states() == {"first-reply": "met", "solution": "met"}
    assert Desk().look(300, status="solved", waiting_since=None).states() == {
        "first-reply": "breached",
        "solution": "breached",
    }


def test_another_priority_counts_from_the_beginning() -> None:
    desk = Desk().look(10)
    desk.policy = msgspec.structs.replace(POLICY, first=12, solution=0)
    desk.look(10)
    assert desk.standing.due_at == at(12)
    assert desk.states() == {"first-reply": "running"}
    desk.policy = None
    desk.look(11)
    assert (desk.standing.policy, desk.standing.targets) == (None, ())


@pytest.mark.parametrize("meanwhile", [None, msgspec.structs.replace(POLICY, first=0)])
def test_what_was_missed_is_not_missed_again_where_its_policy_comes_back(meanwhile: Policy | None) -> None:
    """As where a ticket goes to another team, which has no policy, and back."""
    desk = Desk().look(31)
    desk.policy = meanwhile
    desk.look(32)
    assert desk.standing.next_at == (at(240) if meanwhile else None)
    assert desk.standing.due_at == desk.standing.next_at
    desk.policy = POLICY
    desk.look(33)
    assert desk.events() == [("breached", "first-reply")]
    assert desk.states()["first-reply"] == "breached"
    desk.policy = meanwhile
    desk.look(34).replied(35)
    assert "first-reply" not in desk.states(), "an answer ends it"


def test_no_more_than_a_hundred_old_targets_are_kept() -> None:
    desk = Desk()
    for minute in range(0, 300, 2):
        desk.replied(minute + 1).wrote(minute + 2)
    over = [each for each in desk.standing.targets if each.ended_at]
    assert len(over) == KEPT
    assert over[-1].ended_at == at(299)
    assert [each.kind for each in desk.standing.targets if not each.ended_at] == [Kind.NEXT, Kind.SOLUTION]


@pytest.mark.parametrize(
    ("fields", "matches"),
    [
        ({}, True),
        ({"teams": ("billing",)}, True),
        ({"teams": ("support",)}, False),
        ({"channels": ("email", "chat")}, True),
        ({"channels": ("phone",)}, False),
        ({"tiers": ("PRO",)}, True),
        ({"tiers": ("free",)}, False),
        ({"levels": ("urgent", "high")}, True),
        ({"levels": ("low",)}, False),
        ({"enabled": False}, False),
    ],
)
def test_the_first_policy_that_is_for_a_ticket_counts(fields: dict[str, Any], matches: bool) -> None:
    ticket = replace(NEW, team="billing", channel="email", tier="Pro", level="high")
    own, everybody = Policy(id="own", name="Own", **fields), Policy(id="all", name="All")
    assert policy_for(ticket, [own, everybody]) == (own if matches else everybody)
    assert policy_for(ticket, []) is None


def test_friday_half_past_four_and_one_working_hour_is_monday_half_past_nine() -> None:
    week = Calendar(id="c", name="Office", hours="mon-fri 09:00-17:00", zone="Europe/Paris")
    friday = datetime(2026, 11, 27, 15, 30, tzinfo=UTC)
    policy = Policy(id="p", name="One hour", first=60, calendar="c")
    ticket = replace(NEW, created_at=friday, waiting_since=friday)
    hours = hours_of(policy, {"c": week}, friday)
    assert previewed(ticket, policy, hours).due_at == datetime(2026, 11, 30, 8, 30, tzinfo=UTC)


def test_lunch_holidays_and_other_days_off_count_for_nothing() -> None:
    """Requirement 21."""
    calendar = Calendar(
        name="Office",
        hours="mon-fri 09:00-12:00,13:00-18:00",
        zone="Europe/Paris",
        days_off="2026-12-28",
        country="FR",
        feed_days=(date(2026, 12, 29),),
    )
    hours = calendar.opening(datetime(2026, 12, 1, tzinfo=UTC))
    thursday = datetime(2026, 12, 24, 16, tzinfo=UTC)  # 17:00 in Paris
    assert hours.after(thursday, 5 * 60 * MINUTE) == datetime(2026, 12, 30, 13, tzinfo=UTC), "25th, weekend, 28th, 29th"
    bavaria = msgspec.structs.replace(calendar, country="DE", region="BY").opening(NOON)
    assert date(2027, 1, 6) in bavaria.holidays
    assert date(2027, 1, 6) not in msgspec.structs.replace(calendar, country="DE").opening(NOON).holidays


@pytest.mark.parametrize(
    "fields", [{"country": "XX"}, {"country": "DEC"}, {"country": "DE", "region": "Mars"}, {"zone": "Mars/Olympus"}]
)
def test_a_calendar_that_nobody_can_read_is_refused_and_stops_no_clock(fields: dict[str, str]) -> None:
    calendar = Calendar(id="c", name="Odd", **fields)
    with pytest.raises(ValueError, match="write"):
        calendar.opening(NOON)
    assert hours_of(Policy(name="P", calendar="c"), {"c": calendar}, NOON) is None
    assert hours_of(POLICY, {"c": calendar}, NOON) is None


def test_a_priority_is_only_ever_raised() -> None:
    assert [raised("normal", to) for to in ("", "low", "urgent")] == ["normal", "normal", "urgent"]


PARIS = parse("mon-fri 09:00-12:00,13:00-18:00; sun 01:00-04:00", "Europe/Paris", "2026-03-30,2026-10-26")
STEPS = st.lists(st.tuples(st.integers(1, 2_000), st.sampled_from("rwpos")), max_size=8)


@given(
    begins=st.sampled_from([datetime(2026, 3, 28, 8, tzinfo=UTC), datetime(2026, 10, 24, 8, tzinfo=UTC)]),
    steps=STEPS,
    minutes=st.integers(1, 600),
    business=st.booleans(),
)
def test_the_solution_is_due_at_the_minute_that_a_slow_count_finds(
    begins: datetime, steps: list[tuple[int, str]], minutes: int, business: bool
) -> None:
    """Around both changes of the clocks: minute by minute, while the customer waits for us."""
    policy = Policy(id="p", name="P", solution=minutes, warn_share=50)
    hours = PARIS if business else None
    ticket = Situation(created_at=begins, waiting_since=begins)
    standing, told = follow(ticket, Standing(), policy, hours, begins)
    happened, now, counted = [*told], begins, 0
    missed = warned = None

    def passed(until: datetime) -> None:
        nonlocal now, counted, missed, warned
        while now < until:
            counted += ticket.runs and (hours is None or hours.open_at(now))
            now += MINUTE
            if counted == minutes * 50 // 100 and ticket.runs:
                warned = warned or now
            if counted == minutes and ticket.runs:
                missed = missed or now

    for wait, what in steps:
        passed(now + wait * MINUTE)
        changed: dict[str, dict[str, Any]] = {
            "r": {"status": "open", "waiting_since": None, "first_reply_at": ticket.first_reply_at or now},
            "w": {"status": "open", "waiting_since": ticket.waiting_since or now},
            "p": {"status": "pending"},
            "o": {"status": "open"},
            "s": {"status": "solved", "waiting_since": None},
        }
        ticket = replace(ticket, **changed[what])
        standing, told = follow(ticket, standing, policy, hours, now)
        happened += told
    breaches = [each.due_at for each in happened if each.event is Event.BREACHED]
    assert breaches == ([missed] if missed else [])
    assert len([each for each in happened if each.event is Event.WARNED]) <= 1
    if ticket.runs and not missed:
        target = standing.targets[-1]
        assert target.due_at == standing.due_at
        assert target.due_at is not None
        passed(target.due_at)
        assert missed == target.due_at


def test_time_that_ended_before_it_was_used_up_makes_nothing_due() -> None:
    assert due([(NOON, at(10)), (at(20), at(25))], 20, parse("", "UTC", "")) is None
    assert due([(NOON, at(10)), (at(20), at(25))], 15, parse("", "UTC", "")) == at(25)


FEED = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//example//EN
BEGIN:VEVENT
UID:1
DTSTART;VALUE=DATE:20261224
DTEND;VALUE=DATE:20261227
SUMMARY:Christmas
END:VEVENT
BEGIN:VEVENT
UID:2
DTSTART;VALUE=DATE:20200501
RRULE:FREQ=YEARLY
END:VEVENT
BEGIN:VEVENT
UID:3
DTSTART;VALUE=DATE:20240229
RRULE:FREQ=YEARLY;UNTIL=20290101
END:VEVENT
BEGIN:VEVENT
UID:4
DTSTART;VALUE=DATE:20250610
RRULE:FREQ=YEARLY;COUNT=2
END:VEVENT
BEGIN:VEVENT
UID:5
DTSTART;VALUE=DATE:20261001
STATUS:CANCELLED
END:VEVENT
BEGIN:VEVENT
UID:6
DTSTART:20261002T090000Z
DTEND:20261002T100000Z
END:VEVENT
BEGIN:VEVENT
UID:7
DTSTART;VALUE=DATE:20261102
RRULE:FREQ=WEEKLY
END:VEVENT
END:VCALENDAR
"""


LAST_DAY = b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:99991231\nEND:VEVENT\nEND:VCALENDAR\n"


def test_whole_days_of_a_feed_are_days_off_and_appointments_are_not() -> None:
    found = days_off(FEED.encode(), range(2026, 2029))
    assert [str(day) for day in found] == [
        "2026-05-01",
        "2026-06-10",
        "2026-11-02",
        "2026-12-24",
        "2026-12-25",
        "2026-12-26",
        "2027-05-01",
        "2028-02-29",
        "2028-05-01",
    ]


@pytest.mark.parametrize(
    "data", [b"<html>Not found</html>", b"", b"\xff\xfe\x00", b"BEGIN:VCALENDAR\nBEGIN:VEVENT\n", LAST_DAY]
)
def test_what_is_no_calendar_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="iCalendar"):
        days_off(data, range(2026, 2029))


def test_a_feed_of_too_many_events_is_refused() -> None:
    event = "BEGIN:VEVENT\nDTSTART;VALUE=DATE:20261224\nEND:VEVENT\n"
    with pytest.raises(ValueError, match="more than"):
        days_off(f"BEGIN:VCALENDAR\n{event * 5_001}END:VCALENDAR\n".encode(), range(2026, 2029))


def test_what_an_admin_types_is_read_and_a_number_that_is_none_is_refused_later() -> None:
    fields = {
        "name": [" All "],
        "enabled": ["true"],
        "teams": ["billing", "support"],
        "tiers": ["Pro, , Free"],
        "first": ["30"],
        "next": ["soon"],
        "calendar": [""],
        "breach-level": ["high"],
        "breach-notify": ["team"],
    }
    typed = forms.policy(fields, "")
    assert (typed.name, typed.enabled, typed.teams, typed.tiers) == (
        "All",
        True,
        ("billing", "support"),
        ("Pro", "Free"),
    )
    assert (typed.first, typed.next, typed.solution, typed.calendar) == (30, -1, 0, None)
    assert (typed.on_breach, typed.on_warning) == (Actions(level="high", notify=("team",)), Actions())
    assert forms.calendar({"name": ["Office"], "zone": ["UTC "]}, "c") == Calendar(id="c", name="Office")
    with pytest.raises(Rejected, match="minutes"):
        checked(typed)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (SlaWarned(target="first-reply", policy="Gold"), "The first reply is due soon (Gold)"),
        (SlaBreached(target="solution", policy="Gold"), "The solution is overdue (Gold)"),
        (SlaBreached(target="next-reply"), "The next reply is overdue"),
        (SlaBreached(target="of-a-newer-desk", policy="Gold"), "of-a-newer-desk (Gold)"),
        (SlaChanged(policy="Gold"), ""),
    ],
)
def test_the_timeline_says_what_is_due_soon_or_overdue(change: Change, line: str) -> None:
    event = EventView(seq=1, id="1", ticket_id="t", kind=kind_of(change), at=NOON, actor="desk", data=data_of(change))
    assert words.event(event, gettext("en")) == line


def test_the_timeline_says_that_a_service_level_raised_the_priority_and_moved_it() -> None:
    def said(change: Change) -> str:
        kind = kind_of(change)
        event = EventView(seq=1, id="1", ticket_id="t", kind=kind, at=NOON, actor="desk", data=data_of(change))
        line = pane.line(event, {}, gettext("en"))
        return line.text if line else ""

    raised_by_us = TicketPrioritised(before="normal", to="high")
    assert said(raised_by_us) == "Priority Normal → High automatically"
    moved = TicketAssigned(assignee="", assignee_name="", team="billing", why="service-level")
    assert said(moved) == "Moved to Billing by its service level"


@given(st.lists(st.tuples(st.integers(0, len(FEED)), st.integers(0, 30), st.binary(max_size=20)), max_size=6))
def test_a_feed_that_means_harm_is_read_or_refused(cuts: list[tuple[int, int, bytes]]) -> None:
    data = FEED.encode()
    for place, length, put in cuts:
        data = data[:place] + put + data[place + length :]
    try:
        found = days_off(data, range(2026, 2029))
    except ValueError:
        return
    assert len(found) <= 3 * 366
