"""Whom an event concerns, when it is quiet, and who is mailed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.desk.notifications.domain import (
    ASSIGNED,
    CALLED_IN,
    FAILED,
    KINDS,
    MENTION,
    NEW_WORK,
    OFFERED,
    REPLY,
    SLA_BREACH,
    SLA_WARNING,
    WAYS,
    About,
    Case,
    Directory,
    Notice,
    Preferences,
    Quiet,
    Unread,
    Words,
    checked,
    due,
    mentioned,
    notices,
    over,
)
from services.desk.notifications.schemas import NotificationView
from services.desk.notifications.service import Fresh
from services.desk.notifications.words import SAID, mail
from services.desk.web import render
from services.desk.web.notifications import bell
from services.desk.web.notifications.words import KINDS as KIND_WORDS
from shared.events.desk import (
    AgentCalled,
    Change,
    DeliveryChanged,
    MessageAdded,
    NoteAdded,
    SlaBreached,
    SlaWarned,
    TicketAssigned,
    TicketOffered,
    TicketOpened,
    TicketOverflowed,
    TicketWidened,
)

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ANN, BO, CLEO = "ann@desk.example", "bo@desk.example", "cleo@desk.example"
PEOPLE = Directory(agents=frozenset({ANN, BO, CLEO}), members={"billing": [ANN, BO]}, supervisors=[CLEO])
HERS = About(assignee=ANN, team="billing", created_at=NOW - timedelta(hours=1))
NO_WORDS = Words()
FREE = About(team="billing", created_at=NOW - timedelta(hours=1))


def told(change: Change, ticket: About = HERS, words: Words = NO_WORDS, actor: str = "desk") -> list[Notice]:
    return notices(Case(change=change, at=NOW, ticket=ticket, words=words, people=PEOPLE), actor)


@pytest.mark.parametrize(
    ("change", "ticket", "words", "expected"),
    [
        (TicketAssigned(assignee=ANN), HERS, Words(), [Notice(ASSIGNED, ANN)]),
        (TicketAssigned(assignee="gone@desk.example"), HERS, Words(), []),
        (TicketAssigned(assignee=""), FREE, Words(), []),
        (TicketAssigned(team="billing"), FREE, Words(), [Notice(NEW_WORK, ANN, "billing"), Notice(NEW_WORK, BO, "billing")]),
        (TicketAssigned(team="other"), FREE, Words(), []),
        (TicketOffered(agent=BO, state="offered"), FREE, Words(), [Notice(ASSIGNED, BO, what=OFFERED)]),
        (TicketOffered(agent=BO, state="missed"), FREE, Words(), []),
        (MessageAdded(author="email:c@example.org"), HERS, Words(), [Notice(REPLY, ANN)]),
        (MessageAdded(author="email:c@example.org"), FREE, Words(), []),
        (MessageAdded(author="email:c@example.org"), About(ANN, "billing", NOW), Words(), []),
        (MessageAdded(author="email:c@example.org"), HERS, Words(automatic=True), []),
        (MessageAdded(author=f"email:{ANN}"), HERS, Words(), []),
        (MessageAdded(author="email:c@example.org"), About(ANN, quiet=True), Words(), []),
        (NoteAdded(), HERS, Words(text="@bo and @bo, see @cleo@desk.example."), [Notice(MENTION, BO), Notice(MENTION, CLEO)]),
        (DeliveryChanged(state="failed"), HERS, Words(author=BO), [Notice(FAILED, ANN)]),
        (DeliveryChanged(state="uncertain"), FREE, Words(author=BO), [Notice(FAILED, BO)]),
        (DeliveryChanged(state="failed"), HERS, Words(author="desk", automatic=True), []),
        (DeliveryChanged(state="sent"), HERS, Words(author=BO), []),
        (TicketOpened(), FREE, Words(), [Notice(NEW_WORK, ANN, "billing"), Notice(NEW_WORK, BO, "billing")]),
        (TicketOpened(), HERS, Words(), []),
        (TicketOverflowed(team="billing"), FREE, Words(), [Notice(NEW_WORK, ANN, "billing"), Notice(NEW_WORK, BO, "billing")]),
        (SlaWarned(notify="assignee"), HERS, Words(), [Notice(SLA_WARNING, ANN)]),
        (SlaWarned(), HERS, Words(), []),
        (SlaBreached(notify="supervisors"), HERS, Words(), [Notice(SLA_BREACH, CLEO)]),
        (SlaBreached(notify="assignee,team"), FREE, Words(), [Notice(SLA_BREACH, ANN), Notice(SLA_BREACH, BO)]),
        (TicketWidened(), HERS, Words(), []),
        (AgentCalled(agent=BO, by="Sue", reason="Four wait"), About(), Words(), [Notice(CALLED_IN, BO, "Four wait")]),
        (AgentCalled(agent=BO, by="Sue"), About(), Words(), [Notice(CALLED_IN, BO, "Sue")]),
    ],
)  # fmt: skip
def test_an_event_is_told_those_whom_it_concerns(
    change: Change, ticket: About, words: Words, expected: list[Notice]
) -> None:
    assert told(change, ticket, words) == expected


def test_nobody_is_told_of_what_they_did_themselves() -> None:
    assert told(TicketAssigned(assignee=ANN), actor=ANN) == []
    assert told(NoteAdded(), words=Words(text="@ann @bo"), actor=ANN) == [Notice(MENTION, BO)]


def test_every_kind_has_words_for_the_page_and_the_line() -> None:
    assert set(KIND_WORDS) == set(KINDS)
    assert set(SAID) == {*KINDS, OFFERED}


def test_an_offer_is_over_once_it_was_answered_and_one_that_was_missed_is_still_to_be_read() -> None:
    assert over(TicketOffered(agent=BO, state="accepted")) == BO
    assert over(TicketOffered(agent=BO, state="missed")) == ""
    assert over(TicketAssigned(assignee=BO)) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@ann please", [ANN]),
        ("Ask @Ann.", [ANN]),
        ("(@ann@desk.example)", [ANN]),
        ("@ann님, 확인해 주세요", [ANN]),
        ("mail to ann@desk.example", []),
        ("@nobody and @", []),
        ("@annette", []),
        ("@..., @님", []),
    ],
)
def test_a_note_mentions_people_by_what_stands_before_the_at_of_their_address(text: str, expected: list[str]) -> None:
    assert mentioned(text, PEOPLE) == expected


def test_two_people_of_one_name_are_told_apart_by_their_whole_address() -> None:
    people = Directory(agents=("ann@a.example", "ann@b.example"))
    assert mentioned("@ann @ann@b.example", people) == ["ann@b.example"]


@pytest.mark.parametrize(
    ("quiet", "at", "expected"),
    [
        (Quiet(), "2026-03-02T03:00", False),
        (Quiet(begins="20:00", ends="08:00"), "2026-03-02T19:59", False),
        (Quiet(begins="20:00", ends="08:00"), "2026-03-02T20:00", True),
        (Quiet(begins="20:00", ends="08:00"), "2026-03-03T07:59", True),
        (Quiet(begins="20:00", ends="08:00"), "2026-03-03T08:00", False),
        (Quiet(begins="12:00", ends="13:00"), "2026-03-02T12:30", True),
        (Quiet(begins="12:00", ends="13:00"), "2026-03-02T13:00", False),
        (Quiet(days=("sat", "sun")), "2026-03-01T12:00", True),
        (Quiet(days=("sat", "sun")), "2026-03-02T12:00", False),
        (Quiet(begins="20:00", ends="08:00", zone="Asia/Seoul"), "2026-03-02T11:00", True),
        (Quiet(begins="20:00", ends="08:00", zone="Europe/Paris"), "2026-03-28T19:00", True),
        (Quiet(begins="20:00", ends="08:00", zone="Europe/Paris"), "2026-03-29T06:00", False),
    ],
)
def test_quiet_hours_are_of_the_persons_own_clock_over_midnight_and_summer_time(
    quiet: Quiet, at: str, *, expected: bool
) -> None:
    assert quiet.at(datetime.fromisoformat(at).replace(tzinfo=UTC)) is expected


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (Preferences(ways={"smoke": ()}), "ways"),
        (Preferences(ways={"reply": ("smoke",)}), "ways"),
        (Preferences(quiet=Quiet(begins="20:00")), "quiet"),
        (Preferences(quiet=Quiet(begins="20:00", ends="20:00")), "quiet"),
        (Preferences(quiet=Quiet(begins="20:00", ends="25:00")), "quiet"),
        (Preferences(quiet=Quiet(days=("someday",))), "quiet"),
        (Preferences(quiet=Quiet(zone="Mars/Olympus")), "zone"),
        (Preferences(mail_after=0), "mail_after"),
        (Preferences(mail_after=1441), "mail_after"),
    ],
)
def test_what_cannot_be_chosen_is_refused_with_its_field(wanted: Preferences, field: str) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        checked(wanted)


def test_who_chose_nothing_is_told_in_the_usual_ways_and_of_an_unknown_kind_in_none() -> None:
    chosen = checked(Preferences(ways={"reply": ("mail", "bell")}))
    assert chosen.ways_of("reply") == ("bell", "mail")
    assert chosen.ways_of(MENTION) == WAYS
    assert chosen.ways_of("of-a-newer-desk") == ()


def unread(agent: str, minutes: float, mailed: float | None = None, **chosen: Any) -> Unread:
    at = None if mailed is None else NOW - timedelta(minutes=mailed)
    return Unread(agent, NOW - timedelta(minutes=minutes), Preferences(**chosen), at)


def test_who_is_away_is_mailed_once_the_oldest_line_has_waited_and_not_again_within_the_hour() -> None:
    lines = [
        unread("a", 16),
        unread("b", 14),
        unread("c", 1),
        unread("c", 20),
        unread("d", 90, 59),
        unread("e", 90, 61),
        unread("f", 90, quiet=Quiet(begins="11:00", ends="13:00")),
        unread("g", 6, mail_after=5),
    ]
    assert due(lines, NOW) == {"a", "c", "e", "g"}


def line(**more: Any) -> NotificationView:
    values: dict[str, Any] = {
        "id": "1", "kind": MENTION, "what": "", "ticket_id": "t", "ticket_number": 7, "subject": "Secret", "team": "",
        "customer_name": "Ann Lee", "actor": BO, "actor_name": "Bo Ito", "count": 1, "at": NOW, "seq": 5, "ways": WAYS, "read_at": None,
    }  # fmt: skip
    return NotificationView(**values | more)


def test_the_mail_tells_what_happened_and_where_and_nothing_that_was_written() -> None:
    lines = (line(count=3), line(kind=NEW_WORK, ticket_id="", team="billing", actor="desk", actor_name=""))
    sent = mail(lines, 5, "fr", "https://desk.example")
    assert sent.subject == "Notifications non lues : 5"
    assert "Bo Ito vous a mentionné (×3): #7 Ann Lee\nhttps://desk.example/c/t" in sent.text
    assert "billing\nhttps://desk.example/inbox/team%3Abilling" in sent.text
    assert "Et 3 de plus." in sent.text
    assert "Secret" not in sent.text
    assert "Et " not in mail(lines, 2, "fr", "").text


def test_a_desktop_notification_says_no_more_than_the_name_unless_it_may() -> None:
    old = line(id="2", at=NOW - bell.NEWS * 2)
    offer = line(id="3", kind=ASSIGNED, what=OFFERED, actor="desk", actor_name="")
    team = line(
        id="4", kind=NEW_WORK, ticket_id="", customer_name="", subject="", team="plugin-support", ways=("bell",)
    )
    shown = bell.frame(Fresh(4, (team, offer, line(), old), Preferences()), render.gettext("en"), NOW)
    assert shown["unread"] == 4
    assert [(each["title"], each["text"], each["url"]) for each in shown["lines"]] == [
        ("Ann Lee", "Bo Ito mentioned you", "/c/t"),
        ("Ann Lee", "Offered to you", "/c/t"),
        ("Plugin support", "New conversations in a queue of yours", "/inbox/team%3Aplugin-support"),
    ]
    assert [(each["sound"], each["desktop"]) for each in shown["lines"]] == [
        (True, True),
        (False, True),
        (False, False),
    ]
    details = Preferences(details=True)
    assert bell.frame(Fresh(1, (line(),), details), render.gettext("en"), NOW)["lines"][0]["text"].endswith("\nSecret")
    quiet = Preferences(quiet=Quiet(begins="11:00", ends="13:00"))
    assert bell.frame(Fresh(1, (line(),), quiet), render.gettext("en"), NOW) == {"unread": 1, "lines": []}
