"""What commands and delivery reports do to a ticket: no customer who waits is ever forgotten."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.desk.actors import actor_of
from services.desk.tickets.domain import (
    NOT_ARRIVED,
    SETTLED,
    Promise,
    Ticket,
    Wait,
    due_at_level,
    opened,
    place,
    rank,
    took_in,
)
from services.desk.tickets.domain.lifecycle import (
    AnsweredLate,
    Assign,
    Assignee,
    CallAnswered,
    Command,
    DeliveryArrived,
    DeliveryFailed,
    Event,
    LeadPassed,
    Leave,
    Note,
    Prioritise,
    PriorityChanged,
    Recorded,
    RepliesStand,
    Reply,
    SetStatus,
    WaitKept,
    apply,
    wait_of,
)
from shared.events.desk import TicketAssigned, TicketPrioritised, TicketStatusChanged
from shared.kernel import Level
from tests.unit.desk.examples import NOON, routed
from tests.unit.desk.test_tickets import ANN, FORTNIGHT, Threads, first

MINUTE = timedelta(minutes=1)
AGENT = actor_of("bo@desk.example")
CLOCK = ("waiting_since", "due_at", "queue_at", "level", "score", "rank", "reasons", "skills", "patience")


@dataclass
class Sent:
    """A reply as its row keeps it."""

    id: str
    at: datetime
    ended: Wait | None
    state: str = "requested"


@dataclass
class Written:
    """A message of the customer, and what ended the wait for its answer."""

    at: datetime
    due: datetime | None
    by: str = ""


@dataclass
class Story:
    """A ticket with its replies as the desk keeps them, and beside it what really happened."""

    ticket: Ticket | None = None
    now: datetime = NOON
    sent: list[Sent] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)
    stopped: TicketStatusChanged = field(default_factory=TicketStatusChanged)
    settled: str = ""
    """The settling that can be taken back."""
    events: list[Event] = field(default_factory=list)

    def write(self, within: int, score: int) -> None:
        message = routed(f"<{len(self.written)}@x>", received_at=self.now, reply_within=within, score=score)
        if self.ticket is None:
            self.ticket = opened(message, place(message, ANN, Threads([]), FORTNIGHT), ANN)
        self.ticket = took_in(self.ticket, message)
        self.written.append(Written(self.now, self.now + timedelta(seconds=within) if within else None))
        self.settled = ""

    def do(self, command: Command) -> None:
        assert self.ticket is not None
        self.ticket, events = apply(self.ticket, command, self.now)
        self.events = list(events)
        for event in events:
            match event:
                case WaitKept(message, wait):
                    next(each for each in self.sent if each.id == message).ended = wait
                case RepliesStand(until):
                    for each in self.sent:
                        each.ended = None if each.at <= until else each.ended
                case Recorded(TicketStatusChanged() as change):
                    self.stopped = change

    def reply(self, status: str) -> None:
        assert self.ticket is not None
        sent = Sent(f"reply-{len(self.sent)}", self.now, wait_of(self.ticket))
        self.sent.append(sent)
        self.end(sent.id)
        self.do(answer(sent.id, status))
        self.settled = ""

    def fail(self, sent: Sent, state: str) -> None:
        sent.state = state
        standing = [each for each in self.sent if each.state not in NOT_ARRIVED]
        later = standing[-1] if sent.ended and standing and standing[-1].at > sent.at else None
        heir = standing[-1].id if standing and standing[-1].at > sent.at else ""
        for message in self.written:
            message.by = heir if message.by == sent.id else message.by
        self.do(
            DeliveryFailed(
                message=sent.id,
                at=sent.at,
                state=state,
                ended=sent.ended,
                later=later.id if later else "",
                later_ended=later.ended if later else None,
                first=standing[0].at if standing else None,
            )
        )

    def set_status(self, status: str) -> None:
        assert self.ticket is not None
        before = self.ticket.status
        if status in SETTLED and before not in SETTLED:
            self.settled = f"settled-{self.now}"
            self.end(self.settled)
        if status not in SETTLED and before in SETTLED and self.settled:
            for message in self.written:
                message.by = "" if message.by == self.settled else message.by
        stopped = self.stopped if before in SETTLED else TicketStatusChanged()
        self.do(SetStatus(status=status, actor=AGENT, stopped=stopped))

    def call(self) -> None:
        assert self.ticket is not None
        if self.ticket.status not in SETTLED:
            self.settled = ""
        for message in self.written:
            message.by = "call" if not message.by.startswith("settled") else message.by
        self.do(CallAnswered(at=self.now, actor=AGENT, why="call"))

    def end(self, by: str) -> None:
        for message in self.written:
            message.by = message.by or by

    def step(self, what: tuple[Any, ...]) -> None:
        self.now += MINUTE
        match what:
            case ("write", within, score):
                self.write(within, score)
            case ("reply", status):
                self.reply(status)
            case ("note",):
                self.do(Note(message="note", actor=AGENT))
            case ("status", status):
                self.set_status(status)
            case ("team", team):
                self.do(Assign(actor=AGENT, team=team))
            case ("call",):
                self.call()
            case (state, number) if self.sent:
                sent = self.sent[number % len(self.sent)]
                if state in NOT_ARRIVED and sent.state in ("requested", "uncertain") and sent.state != state:
                    self.fail(sent, state)
                elif state == "delivered" and sent.state != state:
                    arrived, sent.state = sent.state in NOT_ARRIVED, state
                    if arrived:
                        self.do(DeliveryArrived())

    def check(self) -> None:
        waiting = [message for message in self.written if not message.by]
        if not waiting:
            return
        assert self.ticket is not None
        assert self.ticket.status not in SETTLED
        assert self.ticket.waiting_since is not None
        assert self.ticket.waiting_since <= min(message.at for message in waiting)
        assert self.ticket.queue_at == self.ticket.waiting_since
        dues = [message.due for message in waiting if message.due]
        if dues:
            assert self.ticket.due_at is not None
            assert self.ticket.due_at <= min(dues)


def answer(message: str = "reply", status: str = "pending", taker: Assignee | None = None) -> Reply:
    return Reply(message=message, text="Sorry!", actor=AGENT, channel="email", to=ANN, status=status, taker=taker)


WRITES = st.tuples(st.just("write"), st.sampled_from([0, 600, 7200]), st.sampled_from([10, 40, 90]))
STEPS = st.one_of(
    WRITES,
    st.tuples(st.just("reply"), st.sampled_from(["open", "pending", "solved"])),
    st.tuples(st.just("note")),
    st.tuples(st.just("status"), st.sampled_from(["open", "pending", "solved", "closed"])),
    st.tuples(st.just("team"), st.sampled_from(["support", "billing"])),
    st.tuples(st.just("call")),
    st.tuples(st.sampled_from(["failed", "uncertain", "delivered"]), st.integers(0, 5)),
)


@settings(max_examples=400)
@given(WRITES, st.lists(STEPS, max_size=14))
@example(("write", 600, 40), [("status", "solved"), ("status", "closed"), ("note",), ("status", "open")])
@example(("write", 600, 40), [("status", "solved"), ("status", "pending"), ("status", "open")])
@example(("write", 600, 40), [("reply", "open"), ("write", 0, 90), ("reply", "solved"), ("failed", 0), ("failed", 1)])
def test_no_sequence_of_commands_and_reports_loses_a_waiting_customer_s_clock(
    begins: tuple[Any, ...], steps: list[tuple[Any, ...]]
) -> None:
    story = Story()
    for what in (begins, *steps):
        story.step(what)
        story.check()


@given(WRITES, st.lists(STEPS, max_size=8), st.sampled_from(["open", "pending", "solved"]), st.booleans())
def test_a_refused_reply_is_no_reply(
    begins: tuple[Any, ...], steps: list[tuple[Any, ...]], status: str, settles: bool
) -> None:
    story = Story()
    for what in (begins, *steps):
        story.step(what)
    if story.ticket is None or story.ticket.waiting_since is None:
        story.step(("write", 600, 40))
    before = story.ticket
    assert before is not None
    story.step(("reply", status))
    if settles:
        story.step(("status", "closed"))
    story.step(("failed", len(story.sent) - 1))
    assert story.ticket is not None
    assert {name: getattr(story.ticket, name) for name in CLOCK} == {name: getattr(before, name) for name in CLOCK}
    assert (story.ticket.status, story.ticket.undelivered) == ("open", "failed")


def test_an_answer_after_the_promised_time_is_a_late_one() -> None:
    ticket = first(due_at=NOON)
    assert AnsweredLate(NOON) in apply(ticket, answer(), NOON)[1]
    assert AnsweredLate(NOON - MINUTE) not in apply(ticket, answer(), NOON - MINUTE)[1]
    assert AnsweredLate(NOON) in apply(ticket, SetStatus(status="solved", actor=AGENT), NOON)[1]
    assert AnsweredLate(NOON) in apply(ticket, CallAnswered(at=NOON, actor=AGENT, why="call"), NOON)[1]


def test_whoever_answers_a_ticket_of_nobody_has_it() -> None:
    kim = Assignee("kim", "kim@desk.example", "Kim")
    assert apply(first(), answer(taker=kim), NOON)[0].assignee_id == "kim"
    assert apply(first(assignee_id="bo"), answer(taker=kim), NOON)[0].assignee_id == "bo"


def test_nothing_is_told_of_what_does_not_change() -> None:
    ticket = first()
    for command in (
        SetStatus(status="open", actor=AGENT),
        Assign(actor=AGENT, team="support"),
        Assign(actor=AGENT, assignee=Assignee()),
    ):
        assert apply(ticket, command, NOON) == (ticket, ())


def test_a_note_for_whoever_has_it_is_told_though_nothing_else_changes() -> None:
    ticket = first()
    after, events = apply(ticket, Assign(actor=AGENT, team="support", had="bo@desk.example", note="n"), NOON)
    assert after == ticket
    assert events == (Recorded(TicketAssigned(team="support", had="bo@desk.example", note="n"), NOON, AGENT),)


def test_a_reply_to_a_solved_ticket_that_leaves_it_open_makes_nobody_wait() -> None:
    solved, events = apply(first(), SetStatus(status="solved", actor=AGENT), NOON)
    (settled,) = (event.change for event in events if isinstance(event, Recorded))
    assert isinstance(settled, TicketStatusChanged)
    assert settled.waiting_since
    replied = apply(solved, answer(status="open"), NOON)[0]
    assert (replied.status, replied.waiting_since) == ("open", None)


@pytest.mark.parametrize(
    ("status", "command", "passes"),
    [
        ("open", answer(status="open"), True),
        ("open", answer(status="solved"), True),
        ("pending", answer(status="open"), False),
        ("open", SetStatus(status="closed", actor=AGENT), True),
        ("pending", SetStatus(status="open", actor=AGENT), False),
        ("pending", Leave(actor=AGENT), True),
    ],
)
def test_who_leads_a_group_passes_it_on_when_its_ticket_is_answered_alone_or_open_no_more(
    status: str, command: Command, passes: bool
) -> None:
    events = apply(first(status=status), command, NOON)[1]
    assert sum(isinstance(event, LeadPassed) for event in events) == passes


def test_events_of_before_there_were_counts_of_messages_still_give_the_clock_back() -> None:
    ticket = replace(first(), status="solved", waiting_since=None, version=3)
    old = TicketStatusChanged(version="3", undelivered="", waiting_since=NOON.isoformat())
    reopen = SetStatus(status="open", actor=AGENT, stopped=old)
    assert apply(ticket, reopen, NOON)[0].waiting_since == NOON
    assert apply(replace(ticket, version=4), reopen, NOON)[0].waiting_since is None


@pytest.mark.parametrize(
    ("level", "about", "moved"), [("low", "", True), ("urgent", "", True), ("normal", "spam", False)]
)
def test_a_level_that_somebody_gives_moves_the_ticket_and_is_told(level: str, about: str, moved: bool) -> None:
    ticket = first(routed(score=40))
    after, events = apply(ticket, Prioritise(level=level, about=about, actor=AGENT), NOON)
    assert (after.level, after.rank) == (level, rank(level, 40))
    assert Recorded(TicketPrioritised(before="normal", to=level, about=about or None), NOON, AGENT) in events
    assert (PriorityChanged() in events) is moved
    assert after.waiting_since == ticket.waiting_since, "nobody waits longer for it"
    assert apply(after, Prioritise(level=level, about="", actor=AGENT), NOON) == (after, ())
    unsaid = Recorded(TicketPrioritised(before=level, to=level), NOON, AGENT)
    assert apply(after, Prioritise(level=level, about="", actor=AGENT, said="spam"), NOON) == (after, (unsaid,))


TARGETS = {"urgent": 1800, "high": 7200, "normal": 28800}


def promise(minutes: int, level: str, targets: dict[str, int]) -> Promise:
    return Promise(NOON + timedelta(minutes=minutes), level, targets.get(level, 0), targets)


@pytest.mark.parametrize(
    ("level", "waiting", "due"),
    [
        ("urgent", [promise(0, "normal", TARGETS)], 30),
        ("high", [promise(0, "normal", TARGETS), promise(90, "normal", TARGETS)], 120),
        ("low", [promise(0, "normal", TARGETS)], None),
        ("normal", [promise(0, "normal", TARGETS), promise(60, "urgent", TARGETS)], 480),
        ("urgent", [promise(0, "normal", TARGETS), promise(60, "urgent", TARGETS)], 90),
        ("urgent", [promise(0, "normal", {})], 480),
        ("urgent", [promise(0, "normal", TARGETS), promise(5, "normal", {})], 480),
        ("urgent", [], 480),
    ],
    ids=[
        "sooner", "from the first message on", "no target", "later", "back at the router's own", "an older router",
        "an older router between", "nobody decided",
    ],
)  # fmt: skip
def test_a_level_that_somebody_gives_moves_when_an_answer_is_due_and_not_since_when_they_wait(
    level: str, waiting: list[Promise], due: int | None
) -> None:
    ticket = first(routed(reply_within=28800))
    after, _ = apply(ticket, Prioritise(level=level, about="spam", actor=AGENT, waiting=tuple(waiting)), NOON)
    if level != ticket.level:
        assert after.due_at == (NOON + timedelta(minutes=due) if due else None)
    assert due_at_level(ticket, level, waiting) == (NOON + timedelta(minutes=due) if due else None)
    answered = replace(ticket, waiting_since=None, due_at=None)
    assert due_at_level(answered, level, waiting) is None, "nobody waits"


def test_a_level_that_somebody_gave_stays_until_something_more_urgent_comes() -> None:
    ticket, _ = apply(
        first(routed(score=80, level=Level.URGENT)), Prioritise(level="high", about="", actor=AGENT), NOON
    )
    assert took_in(ticket, routed("<2@x>", score=40)).level == "high"
    assert took_in(ticket, routed("<2@x>", score=70, level=Level.URGENT)).level == "urgent"
    ticket, _ = apply(first(routed(score=20)), Prioritise(level="urgent", about="", actor=AGENT), NOON)
    assert took_in(ticket, routed("<2@x>", score=30)).level == "urgent"
