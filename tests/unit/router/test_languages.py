"""A customer who writes one word is still served in their language."""

from __future__ import annotations

from services.router.domain.languages import answered_in, read_as
from tests.unit.router.makers import POLICY, ann, decided, mail


def test_the_words_of_the_message_come_first() -> None:
    message = mail("Wo bleibt mein Paket?", language="de")
    assert read_as(message, ann(language="fr")) == "de"
    assert answered_in("de", message, POLICY) == ("de", ())


def test_a_customer_who_says_ok_is_served_in_the_language_that_they_wrote_before() -> None:
    decision = decided(mail("ok", language=""), ann(language="ko"))
    assert decision.language == "ko"
    assert "korean" in decision.skills
    told = decision.routing_reasons[-1]
    assert (told.code, told.values) == ("language.customer", {"language": "ko"})
    assert told.text == "language unclear: taken for ko, as this customer wrote before"


def test_of_a_stranger_who_says_ok_nothing_is_made_up() -> None:
    message = mail("ok", language="")
    assert read_as(message, None) == "", "the words of every language are looked for"
    decision = decided(message, None)
    assert decision.language == POLICY.language
    assert decision.routing_reasons[-1].code == "language.policy"
