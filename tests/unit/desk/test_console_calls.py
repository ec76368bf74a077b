"""What the console says about telephone calls, without a telephone."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from services.desk.tickets.schemas import ChannelChoiceView, ReasonView
from services.desk.timeline import EventView
from services.desk.web import render, words
from services.desk.web.calls import samples as call_samples
from services.desk.web.calls import words as call_words
from services.desk.web.calls.line import Board, Line
from services.desk.web.conversation import pane, reasons, samples
from shared import i18n
from shared.events import CallOutcome, CallState, Channel
from shared.kernel import stable_id

ENGLISH = render.gettext("en")
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
PHONE = {"phone": Channel(name="phone", label="Phone", icon="phone", reaches=("tel",), live=True)}


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_the_line_can_be_shown_in_every_language_and_holds_nobodys_token(language: str) -> None:
    html = render.render(
        "parts/calls-changed.html", language, samples.CHANNELS, board=call_samples.board(), viewer=None
    )
    assert 'id="calls-board"' in html
    assert 'id="calls-count"' in html
    assert "csrf" not in html, "what is pushed to everybody must not hold one agent's token"
    for line in call_samples.lines():
        assert line.phase in render.render("parts/my-call.html", language, {}, line=line, viewer=None)


def test_what_a_caller_is_called_is_text_and_never_markup() -> None:
    evil = "<script>alert(1)</script>"
    board = Board(waiting=(call_samples.call("queued", customer_name=evil, subject=evil, offered_to=evil),))
    html = render.render("parts/calls-changed.html", "en", {}, board=board, viewer=None)
    assert "<script" not in html
    line = Line(call_samples.agent("ready"), call_samples.call("offered", customer_name=evil, subject=evil), 1)
    assert "<script" not in render.render("parts/my-call.html", "en", {}, line=line, viewer=None)


def test_every_state_and_outcome_that_the_phone_service_knows_has_words() -> None:
    assert set(call_words.STATES) == {state.value for state in CallState}
    well = {CallOutcome.ACCEPTED, CallOutcome.CONNECTED, CallOutcome.COMPLETED}
    assert set(call_words.OUTCOMES) == {outcome.value for outcome in CallOutcome} - well


def test_the_place_of_an_older_caller_is_explained_by_her_age() -> None:
    asked = ReasonView(
        code="call.asked", text="was offered before", values={"agents": "sam@example.org, x@example.org"}
    )
    call = call_samples.call("queued")
    call = dataclasses.replace(call, reasons=(*call.reasons, asked))
    assert call_words.place(call, {"sam@example.org": "Sam Okoro"}, ENGLISH) == [
        "prefers the phone: age 71, given by the customer; counts as waiting 5 minutes longer",
        "offered before to Sam Okoro, x@example.org, keeps its place",
    ]


def test_a_withheld_number_is_not_shown_as_one() -> None:
    assert words.telephone("call:CA12") == ""
    assert words.telephone("tel:+33199001234") == "+33 1 99 00 12 34"
    assert words.telephone("tel:+0") == "+0"


def test_a_number_is_written_as_people_read_it_wherever_nobody_knows_the_name() -> None:
    row = dataclasses.replace(samples.rows()[0], customer_name="+33199005518")
    said = dataclasses.replace(samples.messages()[0], author="tel:+33199005518", author_name="")
    parts = {"row": row, "message": said, "change": None, "viewer": None}
    html = render.render("parts/changed.html", "en", samples.CHANNELS, **parts)
    assert html.count("+33 1 99 00 55 18") == 3
    assert "+33199005518" not in html
    named = parts | {"row": dataclasses.replace(row, customer_name="Margaret Hill")}
    card = render.render("parts/changed.html", "en", samples.CHANNELS, **named).partition('<li class="message')[2]
    assert "<h3>Margaret Hill</h3>" in card
    assert words.person("+1 Support") == "+1 Support"
    out = ReasonView(code="unavailable.opted-out", text="raw", values={"address": "+33199005518", "channel": "phone"})
    assert reasons.reason(out, ENGLISH) == "opted out at +33 1 99 00 55 18"


def test_nobody_stands_twice_on_the_list_of_people_to_call() -> None:
    first = call_samples.board().callbacks[0]
    second = dataclasses.replace(
        first, ticket=dataclasses.replace(first.ticket, id="t2", number=7, subject="The other")
    )
    unknown = dataclasses.replace(first, number="", ticket=dataclasses.replace(first.ticket, id="t3", number=8))
    other = dataclasses.replace(first, ticket=dataclasses.replace(first.ticket, id="t4", customer_id="c2"))
    board = Board(callbacks=(unknown, first, other, second))
    assert [todos.first.ticket.id for todos in board.people] == [first.ticket.id, "t4"]
    assert [todo.ticket.id for todo in board.people[0].others] == ["t3", "t2"]
    html = render.render("parts/calls-changed.html", "en", samples.CHANNELS, board=board, viewer=None)
    assert html.count("Call now") == 2
    assert '<input type="hidden" name="also" value="t2">' in html
    assert "#7" in html
    assert '<span class="number" id="callbacks-count" data-pane>2</span>' in html


@pytest.mark.parametrize(("seconds", "shown"), [(-3, "0:00"), (7, "0:07"), (187, "3:07"), (3765, "1:02:45")])
def test_how_long_somebody_waits_counts_in_minutes_and_seconds(seconds: int, shown: str) -> None:
    assert call_words.clock(NOW, NOW + timedelta(seconds=seconds)) == shown


def test_an_offer_counts_down_to_nothing_and_no_further() -> None:
    call = call_samples.call("offered", offered_until=NOW + timedelta(seconds=12))
    line = Line(call_samples.agent("ready"), call, 1)
    assert line.phase == "offered"
    assert line.left(NOW) == 12
    assert line.left(NOW + timedelta(minutes=1)) == 0


def test_away_by_a_missed_call_is_said_and_away_for_lunch_is_not() -> None:
    assert Line(call_samples.agent("away", "missed a call"), None, 0).phase == "missed"
    assert Line(call_samples.agent("away", "lunch"), None, 0).phase == ""
    assert Line(call_samples.agent("ready", "missed a call"), None, 0).phase == ""


@pytest.mark.parametrize(
    ("reason", "said"),
    [("missed a call", "Missed a call"), ("did not answer the telephone", "Did not pick up"), ("lunch", "Lunch")],
)
def test_who_is_away_reads_why_on_the_calls_page_and_on_the_avatar(reason: str, said: str) -> None:
    line = Line(call_samples.agent("away", reason), None, 0)
    panel = render.render("parts/my-presence.html", "en", {}, line=line, viewer=None, problem="", typed="")
    assert f"selected>{said}</option>" in panel
    assert f'title="Away: {said}"' in render.render("parts/my-state.html", "en", {}, line=line)


def test_a_call_stands_in_the_timeline_where_it_began_and_its_note_is_not_told_twice() -> None:
    ticket = samples.ticket()
    call = call_samples.call("ended", ticket_id=ticket.row.id, waiting_since=None)
    told = dataclasses.replace(
        ticket.messages[3], id=stable_id("call-note", ticket.row.id, call.call_id), text="Call, 4 min"
    )
    events = tuple(
        EventView(
            seq=seq,
            id=str(seq),
            ticket_id=ticket.row.id,
            kind="call.changed",
            at=NOW + timedelta(minutes=seq),
            actor="phone",
            data={"call_id": call.call_id},
        )
        for seq in (1, 2)
    )
    ticket = dataclasses.replace(ticket, messages=(*ticket.messages, told), events=events)
    shown = pane.timeline(ticket, [call], {}, ENGLISH)
    assert [item.at for kind, item in shown if kind == "call"] == [NOW + timedelta(minutes=1)]
    assert all(item is not told for _, item in shown)
    assert any(item is told for _, item in pane.timeline(ticket, [], {}, ENGLISH))


class TestWhoWouldRatherBeCalled:
    def ticket(self, *, telephone: str = "tel:+33199001234", alone: bool = False) -> pane.TicketView:
        found = samples.ticket()
        choices = tuple(dataclasses.replace(choice, available=True) for choice in found.channels)
        row = dataclasses.replace(found.row, telephone=telephone, channel="phone" if alone else found.row.channel)
        return dataclasses.replace(found, row=row, channels=choices[:1] if alone else choices)

    def test_is_not_written_to_by_telephone(self) -> None:
        routes = pane.routes(self.ticket(), PHONE, "phone", lambda channel, who, **_: f"{channel} {who}")
        assert [route.channel for route in routes] == ["email", "chat"]
        assert routes[0].chosen

    def test_is_called_where_there_is_a_number_and_the_line_is_on(self) -> None:
        off = {"phone": Channel(name="phone", label="Phone", icon="phone", reaches=("tel",), live=True, enabled=False)}
        assert pane.may_call(self.ticket(), PHONE)
        assert not pane.may_call(self.ticket(telephone=""), PHONE)
        assert not pane.may_call(self.ticket(), off)

    def test_and_has_no_other_address_can_only_be_called(self) -> None:
        ticket = self.ticket(alone=True)
        routes = pane.routes(ticket, PHONE, "", lambda channel, who, **_: f"{channel} {who}")
        assert not any(route.available for route in routes)
        hint = pane.hint(ticket, routes, str, lambda item: item.text, ENGLISH, call=True)
        assert hint == ("Prefers a call: asked for it in our survey. No address to write to: call, or add a note.")


def test_a_channel_choice_without_reasons_still_leads_to_a_call() -> None:
    choice = ChannelChoiceView(channel="phone", contact_point=None, confidence=1, available=True, reasons=())
    row = dataclasses.replace(samples.ticket().row, telephone="tel:+33199001234")
    ticket = dataclasses.replace(samples.ticket(), row=row, channels=(choice,))
    assert pane.hint(ticket, [], str, str, ENGLISH, call=True).startswith("Prefers a call.")
