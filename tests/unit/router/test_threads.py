"""Which ticket a message joins."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.domain.decide import decide
from shared.events import Decision, InboundMessage, OpenTicket, Profile, ThreadClues
from shared.kernel import ContactPoint, ticket_id
from tests.unit.router.makers import CHANNELS, NOW, POLICY, ann, decided, mail, open_ticket, properties

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


def test_where_references_were_overwritten_the_mail_that_was_answered_tells() -> None:
    """Field notes, 10: some programs keep In-Reply-To only, behind References of their own
    making."""
    clues = ThreadClues(root="<made-up@outlook>", references=("<made-up@outlook>", ROOT))
    matter = open_ticket(key=f"email:{ROOT}")
    decision = decided(mail(provider_id="<answer@example.org>", thread=clues), ann(open_tickets=(matter,)))
    assert decision.ticket_id == matter.ticket_id == decided(mail(provider_id=ROOT)).ticket_id
    assert (decision.thread.rule, decision.thread.evidence) == ("root", ROOT)


def test_where_references_were_overwritten_a_matter_taken_up_again_is_found_too() -> None:
    clues = ThreadClues(root="<made-up@outlook>", references=("<made-up@outlook>", ROOT))
    decision = decided(mail(thread=clues), ann(generations={f"email:{ROOT}": 2}))
    assert (decision.ticket_id, decision.thread.generation) == (ticket_id(f"email:{ROOT}", 2), 2)


def test_of_several_known_mails_the_root_counts_and_then_the_one_that_was_answered() -> None:
    first, second = open_ticket(key="email:<first@example.org>"), open_ticket(key="email:<second@example.org>")
    both = ann(open_tickets=(first, second))
    named = (ROOT, "<second@example.org>")
    assert decided(mail(thread=ThreadClues(root=ROOT, references=named)), both).ticket_id == first.ticket_id
    unknown = ("<made-up@outlook>", *named)
    decision = decided(mail(thread=ThreadClues(root=unknown[0], references=unknown)), both)
    assert decision.ticket_id == second.ticket_id


def test_references_that_nobody_knows_lead_to_the_root_all_the_same() -> None:
    clues = ThreadClues(root=ROOT, references=(ROOT, "<second@example.org>"))
    decision = decided(mail(thread=clues), ann(open_tickets=(open_ticket(),)))
    assert decision.thread.evidence == ROOT


CLUES = st.builds(
    ThreadClues,
    ticket_id=st.sampled_from(["", "t-7"]),
    root=st.sampled_from(["", ROOT, "<m1@example.org>"]),
    references=st.lists(st.sampled_from([ROOT, "<old@example.org>", "<x@y>"]), max_size=3).map(tuple),
    conversation=st.sampled_from(["", "c1"]),
)
TICKETS = st.lists(
    st.builds(
        open_ticket,
        st.sampled_from(["email", "chat", "sms"]),
        st.floats(-1, 50),
        st.sampled_from(["email:<old@example.org>", f"email:{ROOT}", "chat:c1"]),
        st.integers(0, 2),
    ),
    max_size=3,
).map(tuple)


@properties
@given(CLUES, TICKETS, st.sampled_from(["email", "chat", "sms"]))
def test_every_match_keeps_its_evidence_and_a_ticket_that_its_key_explains(
    clues: ThreadClues, tickets: tuple[OpenTicket, ...], channel: str
) -> None:
    """Field notes, 11."""
    found = decided(mail(channel=channel, thread=clues), ann(open_tickets=tickets))
    match = found.thread
    assert match.evidence
    assert match.rule in {"token", "root", "conversation", "open-ticket", "new"}
    known = {ticket.ticket_id for ticket in tickets} | {clues.ticket_id}
    assert found.ticket_id in known or found.ticket_id == ticket_id(match.key, match.generation)


@pytest.mark.parametrize("subject", ["Re: [#1042] My order", "Ticket 1042", "t-7", "ticket:t-7"])
def test_a_stranger_who_quotes_a_number_gets_a_ticket_of_their_own(subject: str) -> None:
    """Field notes, 12. Anybody can write a number; only our signed token names a ticket."""
    decision = decided(mail(f"About {subject}", subject=subject, sender=ContactPoint("email:eve@example.net")))
    assert decision.thread.rule == "new"
    assert decision.ticket_id == decided(mail()).ticket_id != ticket_id("t-7")


def test_a_stranger_does_not_inherit_the_customers_open_ticket() -> None:
    """The router looks a stranger up by their own address only, so it knows of no ticket to join;
    the desk has the last word."""
    stranger = loose_text(None, sender=ContactPoint("tel:+33600000000"))
    assert stranger.thread.rule == "new"


def test_one_mail_to_two_of_our_mailboxes_is_one_ticket() -> None:
    """Field notes, 13. The same Message-ID makes the same event, whichever mailbox it came to."""
    one, other = (decided(mail(recipient=mailbox)) for mailbox in ("support@example.org", "sales@example.org"))
    assert (one.message_id, one.ticket_id, one.thread) == (other.message_id, other.ticket_id, other.thread)


def test_brothers_and_sisters_of_a_mail_that_we_never_saw_meet_by_references_alone() -> None:
    """Field notes, 14. In whatever order, and whether or not one of them opened a ticket
    meanwhile."""
    clues = [ThreadClues(references=(ROOT, own)) for own in ("<a@example.org>", "<b@example.org>")]
    first, second = (decided(mail(provider_id=f"<{n}@example.org>", thread=each)) for n, each in enumerate(clues))
    later = decided(mail(thread=clues[1]), ann(open_tickets=(open_ticket(key=f"email:{ROOT}"),)))
    assert first.ticket_id == second.ticket_id == later.ticket_id


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


def loose_text(profile: Profile | None, **fields: Any) -> Decision:
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


def test_however_long_a_mail_s_root_is_its_answers_meet_and_its_key_stays_short() -> None:
    long = f"<{'x' * 5000}@example.org>"
    first = decided(mail(provider_id=long))
    assert len(first.thread.key) < 100
    assert first.thread.evidence == long
    answers = ThreadClues(root="<unknown@example.org>", references=("<unknown@example.org>", long))
    known = ann(open_tickets=(open_ticket(key=first.thread.key),))
    for clues, profile in ((ThreadClues(root=long), None), (answers, known)):
        assert decided(mail(provider_id="<next@example.org>", thread=clues), profile).ticket_id == first.ticket_id
    assert decided(mail(provider_id=long[:-1])).ticket_id != first.ticket_id
