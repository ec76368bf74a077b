"""What reports count is what happened: reopened, handed on, not delivered or taken back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.desk.reports.domain import (
    DUE,
    FIRST,
    MORE,
    NEXT,
    OPEN,
    OPENED,
    SOLVED,
    WORK,
    Fact,
    Known,
    facts,
    figures_of,
    shown,
)
from services.desk.reports.schemas import Times
from services.desk.tickets.domain import NOT_ARRIVED, SETTLED
from services.desk.tickets.domain.lifecycle import Command, Recorded
from services.desk.timeline import EventView
from shared.events.desk import (
    Change,
    DeliveryChanged,
    MessageAdded,
    ReplyAdded,
    TicketAnswered,
    TicketAssigned,
    TicketOpened,
    TicketOverflowed,
    TicketReopened,
    TicketRouted,
    TicketStatusChanged,
    data_of,
    kind_of,
)
from shared.hours import parse
from tests.unit.desk.examples import NOON
from tests.unit.desk.test_lifecycle import MINUTE, STEPS, WRITES, Sent, Story

OPENING = ("unsettled", "reopened", "undelivered")
ALWAYS = parse("", "UTC", "")
BO, KIM = "bo@desk.example", "kim@desk.example"


def event(seq: int, change: Change, at: datetime, actor: str = "desk") -> EventView:
    return EventView(
        seq=seq, id=str(seq), ticket_id="t", kind=kind_of(change), at=at, actor=actor, data=data_of(change)
    )


# A slow reference: it looks at each message and asks what ended the wait for its answer.


@dataclass
class Told(Story):
    """A story that also keeps the ticket's timeline, and what really happened in plain entries."""

    timeline: list[EventView] = field(default_factory=list)
    entries: list[tuple[Any, ...]] = field(default_factory=list)
    doubted: bool = False
    """A reply whose delivery was uncertain arrived after all."""

    def tell(self, change: Change, actor: str = "desk") -> None:
        self.timeline.append(event(len(self.timeline) + 1, change, self.now, actor))

    def write(self, within: int, score: int) -> None:
        before = self.ticket
        super().write(within, score)
        assert self.ticket is not None
        if before is None:
            self.tell(TicketOpened(channel="email"))
        self.tell(TicketRouted(team=self.ticket.team))
        self.tell(MessageAdded(message_id=str(len(self.written))))
        self.entries.append(("message", self.now, self.written[-1].due))
        if before is not None and before.status in SETTLED:
            self.tell(TicketReopened(before=before.status, why="message"))
            self.entries.append(("reopened", self.now))
        elif before is not None and before.status != self.ticket.status:
            self.tell(TicketStatusChanged(before=before.status, to=self.ticket.status))

    def do(self, command: Command) -> None:
        before = self.ticket
        super().do(command)
        for each in self.events:
            if isinstance(each, Recorded):
                self.tell(each.change, each.actor.stored)
                match each.change:
                    case ReplyAdded(message_id=own):
                        self.entries.append(("reply", self.now, own))
                    case TicketAnswered():
                        self.entries.append(("call", self.now, "call"))
                    case TicketAssigned(team=str(team)):
                        self.entries.append(("team", self.now, team))
                    case TicketReopened() if before is not None and before.status in SETTLED:
                        self.entries.append(("undelivered", self.now))
                    case TicketStatusChanged(to=to, waiting_since=since) if before is not None:
                        if to in SETTLED and before.status not in SETTLED:
                            self.entries.append(("settled", self.now, since))
                        elif to not in SETTLED and before.status in SETTLED:
                            self.entries.append(("unsettled", self.now))

    def fail(self, sent: Sent, state: str) -> None:
        self.tell(DeliveryChanged(message_id=sent.id, state=state))
        super().fail(sent, state)

    def step(self, what: tuple[Any, ...]) -> None:
        before = {sent.id: sent.state for sent in self.sent}
        super().step(what)
        for sent in self.sent:
            if sent.state == "delivered" != before.get(sent.id, "delivered"):
                self.tell(DeliveryChanged(message_id=sent.id, state="delivered"))
                self.doubted |= before[sent.id] in NOT_ARRIVED

    @property
    def lost(self) -> set[str]:
        return {sent.id for sent in self.sent if sent.state in NOT_ARRIVED}

    def counts(self, place: int) -> bool:
        """Whether this settling is one: not by a reply that did not arrive."""
        at = self.entries[place][1]
        return not any(entry[0] == "reply" and entry[1] == at and entry[2] in self.lost for entry in self.entries)

    def settlings(self) -> list[tuple[int, int | None]]:
        """Places of settlings that count, each with the place where the ticket was opened again."""
        found: list[tuple[int, int | None]] = []
        for place, entry in enumerate(self.entries):
            if entry[0] == "settled" and self.counts(place):
                after = range(place + 1, len(self.entries))
                again = next((p for p in after if self.entries[p][0] in OPENING), None)
                found.append((place, again))
        return found

    def slipped(self, place: int, again: int | None) -> bool:
        if again is None or self.entries[again][0] != "unsettled":
            return False
        return bool(self.entries[again][1] - self.entries[place][1] <= MINUTE)

    def ended_by(self, message: int) -> int | None:
        """The place of what answered a message; None: nobody did, or has to."""
        settled = dict(self.settlings())
        place = message + 1
        while place < len(self.entries):
            kind, *rest = self.entries[place]
            if kind == "call" or (kind == "reply" and rest[1] not in self.lost):
                return place
            if place in settled and rest[1]:
                again = settled[place]
                if again is None or self.entries[again][0] == "reopened":
                    return None
                if any(entry[0] in ("message", "reply") for entry in self.entries[place:again]):
                    return None
                place = again
            place += 1
        return None

    def expected(self) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """Replies (kind, at, seconds), resolutions (at, seconds, until), due times (at, until)."""
        replies, dues = [], []
        answers = [
            place
            for place, entry in enumerate(self.entries)
            if entry[0] == "call" or (entry[0] == "reply" and entry[2] not in self.lost)
        ]
        messages = [place for place, entry in enumerate(self.entries) if entry[0] == "message"]
        for number, place in enumerate(answers):
            at = self.entries[place][1]
            mine = [self.entries[m] for m in messages if self.ended_by(m) == place]
            since = min((entry[1] for entry in mine), default=None)
            if number == 0:
                replies.append((FIRST, at, (at - self.entries[0][1]).total_seconds()))
            else:
                replies.append((NEXT, at, (at - since).total_seconds()) if since else (MORE, at, None))
            if due := min((entry[2] for entry in mine if entry[2]), default=None):
                dues.append((due, at))
        solved = []
        for place, again in self.settlings():
            if self.slipped(place, again):
                continue
            opened = [0, *(a for p, a in self.settlings() if a is not None and a < place and not self.slipped(p, a))]
            took = self.entries[place][1] - self.entries[max(opened)][1]
            until = self.entries[again][1] if again is not None else None
            solved.append((self.entries[place][1], took.total_seconds(), until))
        return replies, solved, dues

    def unsolved_at(self, moment: datetime) -> str:
        """The team that has it unsolved; empty: it is solved."""
        is_open, team = True, "support"
        for place, entry in enumerate(self.entries):
            if entry[1] < moment:
                is_open = (is_open and not (entry[0] == "settled" and self.counts(place))) or entry[0] in OPENING
                team = entry[2] if entry[0] == "team" else team
        return team if is_open else ""


@settings(max_examples=500, deadline=None)
@given(WRITES, st.lists(STEPS, max_size=16))
@example(("write", 600, 40), [("reply", "solved"), ("write", 0, 40), ("failed", 0), ("reply", "solved")])
@example(("write", 600, 40), [("status", "solved"), ("status", "open"), ("reply", "solved"), ("write", 600, 40)])
@example(("write", 600, 40), [("status", "solved"), ("note",), ("status", "open"), ("reply", "pending")])
@example(("write", 600, 40), [("reply", "pending"), ("reply", "pending"), ("failed", 0)])
@example(("write", 0, 10), [("reply", "solved"), ("status", "closed"), ("failed", 0)])
@example(("write", 0, 9), [("reply", "open"), ("write", 9, 9), ("status", "solved"), ("failed", 0), ("reply", "open")])
def test_what_is_counted_of_any_story_is_what_a_slow_look_at_each_message_finds(
    begins: tuple[Any, ...], steps: list[tuple[Any, ...]]
) -> None:
    story = Told()
    for what in (begins, *steps):
        story.step(what)
    found = facts(story.timeline, Known(), ALWAYS)
    replies, solved, dues = story.expected()
    assert [(f.kind, f.at, f.seconds) for f in found if f.kind in (FIRST, NEXT, MORE)] == replies
    assert [(f.at, f.seconds, f.until) for f in found if f.kind == SOLVED] == solved
    if not story.doubted:
        answered = {at for _, at, _ in replies}
        told = [(f.at, f.met) for f in found if f.kind == DUE and f.until in answered]
        assert told == [(min(due, at), due > at) for due, at in dues]
    for minute in range(1, len(steps) + 3):
        moment = NOON + minute * MINUTE + MINUTE / 2
        held = [f.team for f in found if f.kind == OPEN and f.at < moment and (f.until is None or f.until >= moment)]
        assert held == [team for team in [story.unsolved_at(moment)] if team]


@given(WRITES, st.lists(STEPS, max_size=12))
def test_when_a_customer_was_first_answered_is_what_the_ticket_itself_says(
    begins: tuple[Any, ...], steps: list[tuple[Any, ...]]
) -> None:
    story = Told()
    for what in (begins, *(step for step in steps if step != ("call",))):
        story.step(what)
    assert story.ticket is not None
    found = facts(story.timeline, Known(), ALWAYS)
    if not story.doubted:
        assert [f.at for f in found if f.kind == FIRST] == [at for at in [story.ticket.first_reply_at] if at]


# Stories by hand


class Line:
    """A timeline, written a minute at a time."""

    def __init__(self) -> None:
        self.events: list[EventView] = []

    def at(self, minute: float, change: Change, actor: str = "desk") -> Line:
        self.events.append(event(len(self.events) + 1, change, NOON + minute * MINUTE, actor))
        return self

    def opened(self, team: str = "support") -> Line:
        return self.at(0, TicketOpened()).at(0, TicketRouted(team=team)).at(0, MessageAdded(message_id="m"))

    def solved(self, minute: float, actor: str = BO) -> Line:
        return self.at(minute, TicketStatusChanged(before="open", to="solved", waiting_since=NOON.isoformat()), actor)

    def counted(self, *kinds: str, **known: Any) -> list[Fact]:
        return [fact for fact in facts(self.events, Known(**known), ALWAYS) if fact.kind in kinds]


def test_a_ticket_that_is_handed_on_counts_for_whoever_had_it_then() -> None:
    line = Line().opened("support")
    line.at(1, TicketAssigned(assignee=BO), BO).at(5, TicketAssigned(team="billing", assignee=""), BO)
    line.at(6, TicketAssigned(assignee=KIM), KIM).at(9, ReplyAdded(message_id="r"), KIM).solved(9, KIM)
    (new,), (first,), (solved,) = line.counted(OPENED), line.counted(FIRST), line.counted(SOLVED)
    assert [(f.team, f.agent) for f in (new, first, solved)] == [("support", BO), ("billing", KIM), ("billing", KIM)]
    held = [(f.team, f.agent, (f.at - NOON) / MINUTE, f.until) for f in line.counted(OPEN)]
    assert [each[:3] for each in held] == [
        ("support", "", 0), ("support", BO, 1), ("billing", "", 5), ("billing", KIM, 6),
    ]  # fmt: skip
    worked = [(f.agent, (f.at - NOON) / MINUTE, (f.until - NOON) / MINUTE) for f in line.counted(WORK) if f.until]
    assert worked == [(BO, 1, 5), (KIM, 6, 9)]


def test_a_ticket_that_overflowed_counts_for_the_next_team() -> None:
    line = (
        Line().opened().at(30, TicketOverflowed(before="support", team="night")).at(31, ReplyAdded(message_id="r"), KIM)
    )
    assert [f.team for f in line.counted(OPENED, FIRST)] == ["support", "night"]


def test_a_reply_of_a_program_is_nobody_s_and_a_solution_by_a_rule_is_whose_ticket_it_was() -> None:
    line = Line().opened().at(1, TicketAssigned(assignee=BO), BO).at(2, ReplyAdded(message_id="r"), "api:bot")
    assert [f.agent for f in line.counted(FIRST)] == [""]
    assert [f.agent for f in line.solved(3, "api:bot").counted(SOLVED)] == [BO]
    assert [f.agent for f in Line().opened().solved(3, KIM).counted(SOLVED)] == [KIM]


def test_a_reopened_ticket_is_solved_twice_and_its_pause_belongs_to_nobody() -> None:
    line = Line().opened().solved(10)
    line.at(100, MessageAdded(message_id="m2")).at(100, TicketReopened(before="solved", why="message")).solved(130)
    first, second = line.counted(SOLVED)
    assert ([first.seconds, second.seconds], first.until, second.until) == ([600, 1800], NOON + 100 * MINUTE, None)


def test_a_solution_that_is_taken_back_at_once_was_none() -> None:
    line = Line().opened().solved(10).at(10.5, TicketStatusChanged(before="solved", to="open"), BO).solved(20)
    (solved,) = line.counted(SOLVED)
    assert (solved.seconds, solved.until) == (1200, None)


def test_closing_what_is_solved_solves_nothing_again() -> None:
    line = Line().opened().solved(10).at(99, TicketStatusChanged(before="solved", to="closed"))
    assert len(line.counted(SOLVED)) == 1


def test_out_of_office_waits_for_no_answer_but_a_first_message_always_does() -> None:
    line = Line().opened().at(5, ReplyAdded(message_id="r"), BO).at(6, MessageAdded(message_id="away"))
    line.at(9, ReplyAdded(message_id="r2"), BO)
    machines = frozenset({"m", "away"})
    assert [f.kind for f in line.counted(FIRST, NEXT, MORE, machines=machines)] == [FIRST, MORE]
    assert [f.kind for f in line.counted(FIRST, NEXT, MORE)] == [FIRST, NEXT]


@pytest.mark.parametrize(
    ("reply", "copy", "counts"),
    [("requested", "sent", 1), ("requested", "failed", 0), ("delivered", "failed", 1), ("failed", "sent", 1)],
)
def test_a_reply_that_goes_by_mail_too_is_one_and_counts_if_either_arrives(reply: str, copy: str, counts: int) -> None:
    line = Line().opened().at(5, ReplyAdded(message_id="r"), BO).at(15, ReplyAdded(message_id="c"))
    line.at(16, DeliveryChanged(message_id="r", state=reply)).at(17, DeliveryChanged(message_id="c", state=copy))
    assert len(line.counted(FIRST, NEXT, MORE, copies={"c": "r"})) == counts


def test_what_an_archive_brought_is_not_new_and_counts_from_when_the_customer_writes_again() -> None:
    line = Line().at(0, TicketRouted(team="billing")).at(0, MessageAdded(message_id="m"))
    line.at(0, TicketReopened(before="closed", why="message")).at(7, ReplyAdded(message_id="r"), BO).solved(8)
    assert [(f.kind, f.team, f.seconds) for f in line.counted(OPENED, FIRST, NEXT, SOLVED)] == [
        (NEXT, "billing", 420),
        (SOLVED, "billing", 480),
    ]


def test_an_archived_ticket_that_is_only_solved_says_nothing() -> None:
    assert Line().solved(5).counted(SOLVED, OPEN) == []


def due(minute: int) -> str:
    return (NOON + minute * MINUTE).isoformat()


def test_a_due_time_is_kept_by_an_answer_before_it_and_missed_by_one_at_it() -> None:
    for answered, met in ((29, True), (30, False)):
        line = Line().opened().at(answered, ReplyAdded(message_id="r", due_at=due(30)), BO)
        assert [(f.met, f.agent) for f in line.counted(DUE)] == [(met, BO)]
        called = Line().opened().at(answered, TicketAnswered(why="call", due_at=due(30)), KIM)
        assert [(f.met, f.agent) for f in called.counted(DUE)] == [(met, KIM)]


def test_a_due_time_of_before_it_was_in_the_timeline_is_that_of_the_reply_s_row() -> None:
    line = Line().opened().at(40, ReplyAdded(message_id="r"), BO)
    assert [f.met for f in line.counted(DUE, due={"r": NOON + 30 * MINUTE})] == [False]


def test_who_is_answered_by_nobody_was_missed_only_if_the_time_had_passed() -> None:
    for solved, missed in ((29, []), (30, [False])):
        change = TicketStatusChanged(before="open", to="solved", due_at=due(30), waiting_since=due(0))
        line = Line().opened().at(solved, change, BO)
        assert [f.met for f in line.counted(DUE)] == missed
        again = line.at(solved + 9, TicketStatusChanged(before="solved", to="open"), BO)
        again.at(solved + 10, ReplyAdded(message_id="r", due_at=due(30)), BO)
        assert [(f.at, f.met) for f in again.counted(DUE)] == [(NOON + 30 * MINUTE, False)], "once"


def test_what_is_due_now_is_awaited() -> None:
    (fact,) = Line().opened().counted(DUE, due_now=NOON + 30 * MINUTE)
    assert (fact.at, fact.until, fact.met) == (NOON + 30 * MINUTE, None, None)


def test_a_reply_that_did_not_arrive_leaves_the_time_it_was_due() -> None:
    line = Line().opened().at(5, ReplyAdded(message_id="r", due_at=due(30)), BO)
    line.at(6, DeliveryChanged(message_id="r", state="failed")).at(40, ReplyAdded(message_id="r2"), BO)
    assert [(f.at, f.met) for f in line.counted(DUE)] == [(NOON + 30 * MINUTE, False)]
    unasked = Line().opened().at(1, ReplyAdded(message_id="a"), BO).at(2, ReplyAdded(message_id="b"), BO)
    unasked.at(3, DeliveryChanged(message_id="b", state="failed"))
    assert [f.kind for f in unasked.counted(FIRST, NEXT, MORE)] == [FIRST]


def test_what_only_a_newer_desk_knows_is_passed_over() -> None:
    odd = EventView(seq=9, id="9", ticket_id="t", kind="ticket.sung", at=NOON, actor="desk", data={})
    line = Line().opened()
    line.events.append(odd)
    assert len(line.counted(OPENED)) == 1


def test_business_time_stands_still_at_night() -> None:
    office = parse("mon-fri 09:00-17:00", "UTC", "")
    line = Line().opened().at(22 * 60, ReplyAdded(message_id="r"), BO)
    (fact,) = [fact for fact in facts(line.events, Known(), office) if fact.kind == FIRST]
    assert (fact.seconds, fact.work_seconds) == (22 * 3600, 6 * 3600)


def test_an_answer_whose_clock_is_behind_takes_no_time() -> None:
    (fact,) = Line().opened().at(-2, ReplyAdded(message_id="r"), BO).counted(FIRST)
    assert (fact.seconds, fact.work_seconds) == (0, 0)


# From counts to figures


def test_durations_are_rounded_down_to_what_is_shown() -> None:
    assert [shown(each) for each in (59, 3599, 3661, 86_399, 90_061)] == [59, 3599, 3660, 86_340, 90_000]


def test_figures_follow_from_counts() -> None:
    def row(many: int, told: int = 0, half: int | None = None, most: int | None = None) -> Any:
        return SimpleNamespace(many=many, told=told, times=[half, most] if half is not None else None)

    rows = {OPENED: row(5), FIRST: row(3, 0, 60, 3661), NEXT: row(2, 0, 120, 120), MORE: row(1), DUE: row(4, 3)}
    found = figures_of(rows | {SOLVED: row(5, 4, 600, 900)})
    assert (found.new, found.replies, found.reopen_rate, found.kept) == (5, 6, 0.8, 0.75)
    assert found.first_reply == Times(count=3, half=60, most=3660)
    assert found.resolution == Times(count=5, half=600, most=900)
    empty = figures_of({})
    assert (empty.reopen_rate, empty.kept, empty.abandonment, empty.occupancy) == (None, None, None, None)
    assert empty.first_reply == Times()
