"""Which ticket a message joins."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from services.router.domain.decide import decide
from shared.events import Decision, InboundMessage, Profile, ThreadClues
from shared.kernel import ticket_id
from tests.unit.router.makers import CHANNELS, NOW, POLICY, ann, decided, mail, open_ticket

ROOT = "<first@example.org>"


def test_a_fresh_mail_opens_a_ticket_of_its_own() -> None:
    decision = decided(mail(provider_id="<fresh@example.org>"))
    assert decision.thread.rule == "new"
    assert decision.ticket_id == ticket_id("email:<fresh@example.org>")


@pytest.mark.parametrize(
    "clues",
    [
        ThreadClues(root=ROOT, references=(ROOT, "<second@example.org>")),
        ThreadClues(references=(ROOT,)),
        ThreadClues(root=ROOT),
    ],
)
def test_an_answer_joins_the_ticket_that_the_first_mail_opened(clues: ThreadClues) -> None:
    first = decided(mail(provider_id=ROOT))
    answer = decided(mail(provider_id="<third@example.org>", thread=clues))
    assert answer.ticket_id == first.ticket_id
    assert (answer.thread.rule, answer.thread.evidence) == ("root", ROOT)


def test_siblings_of_a_mail_that_we_never_saw_meet() -> None:
    one, other = (
        decided(mail(provider_id=own, thread=ThreadClues(root=ROOT))) for own in ("<a@example.org>", "<b@example.org>")
    )
    assert one.ticket_id == other.ticket_id


def test_a_mail_that_names_itself_as_root_is_a_fresh_one() -> None:
    assert decided(mail(provider_id=ROOT, thread=ThreadClues(root=ROOT))).thread.rule == "new"


def test_our_own_token_wins_over_what_a_mail_program_made_of_the_references() -> None:
    decision = decided(mail(thread=ThreadClues(ticket_id="t-7", root=ROOT)))
    assert decision.ticket_id == "t-7"
    assert (decision.thread.rule, decision.thread.key, decision.thread.evidence) == ("token", "ticket:t-7", "t-7")


def test_a_token_keeps_the_thread_that_its_ticket_has() -> None:
    other, named = open_ticket(key="email:<other@example.org>"), open_ticket(generation=2)
    decision = decided(mail(thread=ThreadClues(ticket_id=named.ticket_id)), ann(open_tickets=(other, named)))
    assert decision.ticket_id == named.ticket_id
    assert (decision.thread.key, decision.thread.generation) == (named.thread_key, 2)


def test_a_chat_stays_in_its_conversation() -> None:
    decision = decided(mail(channel="chat", thread=ThreadClues(conversation="c1")))
    assert (decision.thread.rule, decision.thread.key) == ("conversation", "chat:c1")


def test_a_conversation_taken_up_after_its_ticket_was_closed_opens_the_next_one() -> None:
    message = mail(channel="chat", thread=ThreadClues(conversation="c1"))
    again = decided(message, ann(generations={"chat:c1": 1}))
    assert again.thread.generation == 1
    assert again.ticket_id == ticket_id("chat:c1", 1) != decided(message, ann()).ticket_id


def loose_text(profile: Profile | None, **fields: str) -> Decision:
    """A text message without any clue."""
    return decided(mail(channel="sms", provider_id="SM1", **fields), profile)


def test_a_text_message_an_hour_after_the_last_joins_the_newest_open_ticket() -> None:
    newest, older = open_ticket("sms", hours_ago=1, key="sms:1"), open_ticket("sms", hours_ago=2, key="sms:2")
    decision = loose_text(ann(open_tickets=(older, newest)))
    assert decision.ticket_id == newest.ticket_id
    assert decision.thread.rule == "open-ticket"
    assert "2026-05-03T11:00" in decision.thread.evidence


@pytest.mark.parametrize(
    "ticket",
    [open_ticket("sms", hours_ago=24), open_ticket("email", hours_ago=1), open_ticket("sms", hours_ago=-1)],
    ids=["too long ago", "on another channel", "later than the message"],
)
def test_a_text_message_opens_a_ticket_of_its_own_where_the_open_one_does_not_fit(ticket: object) -> None:
    assert loose_text(ann(open_tickets=(ticket,))).thread.rule == "new"
    assert loose_text(None).thread.rule == "new"


def test_a_fresh_mail_never_joins_another_matter_by_guessing() -> None:
    assert decided(mail(), ann(open_tickets=(open_ticket(hours_ago=0.1),))).thread.rule == "new"


def test_an_operator_may_let_fresh_mails_join_within_a_window() -> None:
    policy = replace(POLICY, windows={"email": timedelta(hours=2)})
    ticket = open_ticket(hours_ago=1)
    message: InboundMessage = mail()
    decision = decide(message, ann(open_tickets=(ticket,)), policy, CHANNELS, NOW)
    assert decision.ticket_id == ticket.ticket_id


def test_the_same_message_gets_the_same_ticket_on_every_run() -> None:
    assert decided(mail()) == decided(mail())
