"""Recognising what is wrong in the customer's own language."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.router.domain.mentions import mentions
from services.router.domain.words import Lexicon, Phrase, Vocabulary, denial, normal, phrase
from shared.events.codec import encode
from tests.unit.router.makers import POLICY, ann, decided, mail, properties, severities


@pytest.mark.parametrize(
    ("language", "text", "severity"),
    [
        ("en", "Your API is down again", "outage"),
        ("en", "I can’t\nlog in!", "access"),
        ("en", "We LOST all our data", "data-loss"),
        ("en", "please give me my money back", "payment"),
        ("en", "my lawyer will call", "legal"),
        ("en", "somebody got hacked", "security"),
        ("fr", "Le site est en panne depuis ce matin", "outage"),
        ("fr", "je n'arrive plus a me connecter", "access"),
        ("fr", "Toutes mes données ont disparu", "data-loss"),
        ("fr", "Je demande le remboursement", "payment"),
        ("fr", "Mon avocat vous écrira", "legal"),
        ("fr", "Notre compte a été piraté", "security"),
        ("ko", "서버 장애가 발생했어요", "outage"),
        ("ko", "아침부터 로그인이 안돼요", "access"),
        ("ko", "데이터가 사라졌습니다", "data-loss"),
        ("ko", "환불해주세요", "payment"),
        ("ko", "변호사와 상담하겠습니다", "legal"),
        ("ko", "계정이 해킹당했어요", "security"),
        ("de", "Die Seite ist nicht erreichbar", "outage"),
        ("de", "Ich kann mich nicht mehr einloggen", "access"),
        ("de", "Meine Daten sind weg", "data-loss"),
        ("de", "Ich will mein Geld zurück", "payment"),
        ("de", "Mein Anwalt meldet sich", "legal"),
        ("de", "Wir wurden gehackt", "security"),
        ("es", "La página no funciona", "outage"),
        ("es", "No puedo iniciar sesión", "access"),
        ("es", "Se borraron mis archivos", "data-loss"),
        ("es", "Quiero un reembolso", "payment"),
        ("es", "Hablaré con mi abogada", "legal"),
        ("es", "Hackearon mi cuenta", "security"),
        ("pt", "O site está fora do ar", "outage"),
        ("pt", "Não consigo entrar na conta", "access"),
        ("pt", "Meus dados sumiram", "data-loss"),
        ("pt", "Fui cobrado duas vezes", "payment"),
        ("pt", "Vou ao Procon", "legal"),
        ("pt", "Minha conta foi invadida", "security"),
        ("it", "Il sito non funziona", "outage"),
        ("it", "Non riesco ad accedere", "access"),
        ("it", "Ho perso tutti i miei dati", "data-loss"),
        ("it", "Voglio un rimborso", "payment"),
        ("it", "Chiamo il mio avvocato", "legal"),
        ("it", "Il mio account è stato hackerato", "security"),
        ("ja", "サイトにつながりません", "outage"),
        ("ja", "ログインできません", "access"),
        ("ja", "データがすべて消えました", "data-loss"),
        ("ja", "返金してください", "payment"),
        ("ja", "弁護士に相談します", "legal"),
        ("ja", "アカウントを乗っ取られました", "security"),
    ],
)
def test_a_customer_is_understood(language: str, text: str, severity: str) -> None:
    assert severity in severities(decided(mail(text, language=language)))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "There was no outage on our side"),
        ("en", "It is not an outage, just a question"),
        ("en", "The outage is over, thank you"),
        ("en", "The outage yesterday was resolved quickly"),
        ("en", "Without any data loss we moved everything"),
        ("en", "I issue a tissue for you; the courtyard is nice"),
        ("en", "He refunctioned the downtown shop"),
        ("fr", "Il n’y a pas de panne chez nous"),
        ("ko", "장애가 아닙니다. 질문이 있어요"),
        ("de", "Es gab keinen Ausfall"),
        ("es", "Fue fácil, sin caída"),
        ("ja", "障害ではありません。質問です"),
    ],
)
def test_what_is_denied_or_only_looks_alike_does_not_count(language: str, text: str) -> None:
    assert severities(decided(mail(text, language=language))) == set()


@pytest.mark.parametrize(
    "text", ["I still have no refund", "Why did I never get my money back?", "When will the outage be resolved?"]
)
def test_a_complaint_that_contains_a_no_is_a_complaint(text: str) -> None:
    assert severities(decided(mail(text)))


def test_a_denial_takes_back_only_what_it_stands_next_to() -> None:
    assert severities(decided(mail("This is no outage of yours, but our shop is down."))) == {"outage"}


@pytest.mark.parametrize("language", ["", "nl", "tlh"])
def test_an_unknown_language_is_looked_up_in_all_of_them(language: str) -> None:
    assert severities(decided(mail("환불 please", language=language))) == {"payment"}


def test_english_words_count_in_any_language() -> None:
    assert "outage" in severities(decided(mail("Bonjour, server error 500 svp", language="fr")))


def test_the_subject_is_read_too() -> None:
    assert severities(decided(mail("see above", subject="Refund"))) == {"payment"}


def test_a_customers_own_language_is_used_where_the_message_tells_none() -> None:
    decision = decided(mail("hi", language=""), ann(language="fr"))
    assert decision.language == "fr"
    assert decided(mail("hi", language="")).language == "en"


def test_a_gap_does_not_reach_into_the_next_clause() -> None:
    pattern = phrase("data ... gone")
    assert found(pattern, normal("all our data since May is gone"))
    assert not found(pattern, normal("thanks for the data. They are gone"))
    assert found(pattern, normal("thanks for the data. All data is gone"))


def found(each: Phrase, text: str, deniers: Vocabulary | None = None) -> str:
    """By a search of its own."""
    return each.found(text, [place for place in range(len(text)) if text.startswith(each.anchor, place)], deniers)


PIECES = [
    word.replace("*", "s").replace(" ... ", between)
    for vocabulary in POLICY.lexicon.languages.values()
    for phrases in vocabulary.severities.values()
    for word in (each.text for each in phrases)
    for between in (" ", " all of my ")
]


@properties
@given(
    st.lists(st.sampled_from([*PIECES, "no", "is resolved", ".", "shop", "invoices", "facture"]), max_size=12),
    st.sampled_from(["en", "fr", "ko", "ja", ""]),
)
def test_one_pass_for_all_phrases_finds_what_a_search_for_each_of_them_finds(pieces: list[str], language: str) -> None:
    text, lexicon = normal(" ".join(pieces)), POLICY.lexicon
    severities = dict[str, str]()
    for code in dict.fromkeys((language, "en") if language else lexicon.languages):
        for severity, phrases in lexicon.languages[code].severities.items():
            deniers = lexicon.languages[code] if severity in lexicon.deniable else None
            if words := next(filter(None, (found(each, text, deniers) for each in phrases)), ""):
                severities.setdefault(severity, words)
    mentioned = mentions(text, language, POLICY)
    assert mentioned.severities == severities
    told = {
        place: next(filter(None, (found(each, text) for each in rule.words)), "")
        for place, rule in enumerate(POLICY.rules)
    }
    assert mentioned.rules == {place: words for place, words in told.items() if words}


def test_a_reason_does_not_repeat_ten_thousand_letters() -> None:
    decision = decided(mail("refund" * 2000))
    assert severities(decision) == {"payment"}
    assert len(encode(decision)) < 4000


def test_a_policy_without_any_words_finds_nothing() -> None:
    assert mentions("our shop is down", "en", replace(POLICY, lexicon=Lexicon({}), rules=())) == ({}, {})


@pytest.mark.parametrize("nothing", ["", "*", "...", "down ... ", " "])
def test_a_phrase_without_words_is_refused(nothing: str) -> None:
    with pytest.raises(ValueError, match="nothing to look for"):
        phrase(nothing)


def test_a_language_without_denials_still_finds_its_words() -> None:
    before, after = denial([], [])
    lexicon = Lexicon({"xx": Vocabulary({"outage": (phrase("kaput"),)}, before, after)}, frozenset({"outage"}))
    assert mentions("alles kaput", "xx", replace(POLICY, lexicon=lexicon)).severities == {"outage": "kaput"}


@settings(deadline=None, max_examples=200)
@given(st.text())
def test_no_text_whatever_stops_the_search(text: str) -> None:
    mentions(normal(text), "", POLICY)


def test_normal_text_stays_as_it_is() -> None:
    assert normal(normal("Ça   n’est PAS\nété が 로그인")) == normal("ca n'est pas ete が 로그인")


def test_a_hostile_text_is_searched_in_bounded_work() -> None:
    """A pattern that backtracks for ever would hang here; the runner's time-out is what fails."""
    text = normal("data " * 20_000 + "no no no " * 1000)
    started = time.process_time()
    mentions(text, "", POLICY)
    assert time.process_time() - started < 30
