"""Text messages: counted as networks count, STOP understood, states that never go back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.phone.domain.consent import Consent, read
from services.phone.domain.segments import Segments, segments
from services.phone.domain.statuses import state_of
from shared.events import DeliveryState


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Segments("GSM-7", 1)),
        ("a" * 160, Segments("GSM-7", 1)),
        ("a" * 161, Segments("GSM-7", 2)),
        ("a" * 306, Segments("GSM-7", 2)),
        ("a" * 307, Segments("GSM-7", 3)),
        ("€" * 80, Segments("GSM-7", 1)),
        ("€" * 81, Segments("GSM-7", 2)),
        ("a" * 152 + "€" + "a" * 152, Segments("GSM-7", 3)),  # the escape and its character stay together
        ("é" * 160, Segments("GSM-7", 1)),
        ("ê", Segments("UCS-2", 1)),  # not in the basic alphabet
        ("안" * 70, Segments("UCS-2", 1)),
        ("안" * 71, Segments("UCS-2", 2)),
        ("🙂" * 35, Segments("UCS-2", 1)),
        ("🙂" * 36, Segments("UCS-2", 2)),
        ("🙂" * 67, Segments("UCS-2", 3)),  # 33 whole ones fit into 67 places
    ],
)
def test_a_text_is_counted_as_the_networks_count(text: str, expected: Segments) -> None:
    assert segments(text) == expected


@given(st.text(max_size=500), st.text(max_size=5))
def test_a_longer_text_is_never_fewer_segments(text: str, more: str) -> None:
    assert segments(text + more).count >= segments(text).count


@pytest.mark.parametrize("text", ["STOP", " stop. ", "Stop!", "ARRET", "Arrêt", "수신거부", "opt out"])
def test_a_customer_who_says_stop_is_heard(text: str) -> None:
    assert read(text) is Consent.STOP


WORDS = (Path(__file__).parents[2] / "data" / "twilio" / "stop-words.tsv").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("text", [line.partition("\t")[0] for line in WORDS])
def test_a_customer_who_says_stop_as_people_type_it_is_heard(text: str) -> None:
    assert read(text) is Consent.STOP


@pytest.mark.parametrize(
    "text",
    [
        *("Stopp!", "abmelden", "darme de baja", "Cancelar suscripción", "SAIR", "Arrêtez.", "STOP SMS", "désabonner"),
        *(
            "Стоп",
            "退订",
            "配信停止",
            "수신 거부",
            "הסר",
            "إلغاء الاشتراك",
            "RET",
            "'stop'",
            "«STOP»",
            "S.T.O.P.",
            "stop 🙏",
        ),
        *("\ufeffSTOP", "STOP\u202c", "\uff33\uff34\uff2f\uff30", "STOP\x00", "Please stop"),
    ],
)
def test_a_customer_who_says_stop_in_another_language_or_writing_is_heard(text: str) -> None:
    assert read(text) is Consent.STOP


@pytest.mark.parametrize("text", ["START", "unstop"])
def test_a_customer_may_come_back(text: str) -> None:
    assert read(text) is Consent.START


@pytest.mark.parametrize(
    "text",
    [
        "",
        "please stop my subscription",
        "yes",
        "stop it, my order came twice",
        "the end",
        "no",
        "annuler",
        "🛑" * 3,
        "stop " * 20,
    ],
)
def test_a_sentence_is_for_an_agent_to_read(text: str) -> None:
    assert read(text) is None


def test_the_providers_own_word_counts() -> None:
    assert read("no more", "STOP") is Consent.STOP
    assert read("info", "HELP") is None
    assert read("STOP", "HELP") is Consent.STOP, "what the customer wrote, too"


states = st.sampled_from(DeliveryState)


@given(st.lists(states, max_size=6), st.randoms(use_true_random=False))
def test_statuses_in_any_order_end_in_the_same_state(heard: list[DeliveryState], chance: object) -> None:
    def end(order: list[DeliveryState]) -> str:
        known = "sending"
        for state in order:
            known = state if state.supersedes(known, "sms") else known
        return known

    shuffled = [*heard, *heard]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert end(heard) == end(shuffled)


def test_what_was_delivered_stays_delivered() -> None:
    assert state_of("delivered") is DeliveryState.DELIVERED
    assert not DeliveryState.FAILED.supersedes(DeliveryState.DELIVERED, "sms")
    assert DeliveryState.DELIVERED.supersedes(DeliveryState.SENT, "sms")
    assert state_of("teleported") is None
