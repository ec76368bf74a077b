"""Complaints are caught with nobody watching, and an agent sees why."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.social.active_model import shipped
from services.social.domain.complaints import CLASSES, Kind, Verdict, dump, load, margins
from services.social.domain.features import BITS, features
from services.social.training.examples import held_out
from services.social.training.examples import shipped as examples
from services.social.training.measure import leaks, measure

MODEL = shipped()


@pytest.mark.parametrize(
    "text",
    [
        "@acme my parcel never arrived and nobody answers my emails, I want a refund",
        "@acme votre appli ne marche plus et le service client ne répond pas, c'est inadmissible",
        "@acme 택배가 2주째 안 오는데 고객센터는 전화도 안 받아요",
        "@acme euer Kundenservice ist eine Zumutung, seit drei Wochen keine Antwort",
        "@acme llevo dos semanas esperando mi paquete y nadie responde, qué vergüenza",
        "@acme não recebi meu pedido e ninguém responde, péssimo atendimento",
        "@acme il pacco non è mai arrivato e nessuno risponde, pessimo servizio",
        "@acme 荷物が届かないし、サポートから返事もない。ひどい対応",
    ],
)
def test_a_plain_complaint_is_caught_in_each_language_with_its_words(text: str) -> None:
    verdict = MODEL.classify(text)
    assert verdict.kind(0.5, 0.5) is Kind.COMPLAINT
    assert 1 <= len(verdict.reasons(Kind.COMPLAINT)) <= 3


@pytest.mark.parametrize(
    "text",
    [
        "@acme thank you so much, you made my day",
        "Merci beaucoup @acme, au top",
        "@acme 감사합니다 최고예요",
        "@acme reports record revenue",
        "good morning everyone",
        "",
        "🙂",
        "@acme",
    ],
)
def test_praise_news_and_small_talk_open_no_ticket(text: str) -> None:
    assert MODEL.classify(text).kind(0.5, 0.5) is Kind.OTHER


@pytest.mark.parametrize(
    "text", ["", "Xylvar Bromwick Tolnai", "@acme Quoril vantes", "@lumio welcomes Ottilie Brandauer"]
)
def test_a_text_of_unknown_words_is_no_complaint(text: str) -> None:
    assert MODEL.classify(text).complaint < 0.4


def test_a_persons_name_is_no_reason() -> None:
    words = MODEL.classify("Maria Keller promised a refund and nobody answers, my parcel never came").complaint_words
    assert words
    assert not {"maria", "keller"} & set(words)


def test_a_question_is_told_apart() -> None:
    assert MODEL.classify("Hi @acme, do you ship to Norway?").kind(0.5, 0.5) is Kind.QUESTION
    assert MODEL.classify("Hi @acme, do you ship to Norway?").kind(0.5, 1.1) is Kind.OTHER


def test_shouting_accents_and_handles_change_little() -> None:
    quiet = MODEL.classify("c'est inadmissible, personne ne répond").complaint
    for loud in ("C'EST INADMISSIBLE, PERSONNE NE REPOND", "@acme c’est inadmissible, personne ne répond"):
        assert abs(MODEL.classify(loud).complaint - quiet) < 0.15


@given(some.text(max_size=400))
def test_no_text_breaks_the_judge(text: str) -> None:
    verdict = MODEL.classify(text)
    assert 0 <= verdict.complaint <= 1
    assert 0 <= verdict.question <= 1


@given(some.text(min_size=1, max_size=200))
def test_every_feature_belongs_to_a_word(text: str) -> None:
    words, found = features(text)
    assert all(0 <= place < 1 << BITS and 0 <= owner < max(1, len(words)) for place, _, owner in found)


def test_the_shipped_model_is_small_and_no_held_out_post_was_seen() -> None:
    assert len(dump(MODEL)) < 1_500_000
    assert not leaks(examples(), held_out())


def test_the_shipped_model_keeps_what_its_card_says() -> None:
    posts = held_out()
    assert measure(MODEL, posts, "ticket").f1 >= 0.74
    for head, languages in MODEL.about["held_out"].items():
        assert measure(MODEL, posts, head).as_dict() == languages["all"]
    assert {post.language for post in posts} == {"en", "fr", "ko", "de", "es", "pt", "it", "ja"}


def test_a_model_is_the_same_after_writing_and_reading() -> None:
    again = load(dump(MODEL))
    for post in held_out()[:40]:
        assert again.classify(post.text) == MODEL.classify(post.text)
    assert again.common == MODEL.common


@pytest.mark.parametrize(
    "content", [b"", b"{}\n", b"[]\nx", b'{"format": 3, "bits": 18, "classes": []}\nx', b"\xff\n\xff"]
)
def test_a_broken_model_file_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        load(content)


def test_another_versions_model_is_refused_with_what_to_do() -> None:
    other = dump(MODEL).replace(b'"format": 3', b'"format": 9', 1)
    with pytest.raises(ValueError, match="train it again"):
        load(other)


def test_a_model_that_answers_other_questions_is_refused() -> None:
    other = dump(MODEL).replace(b'"sarcasm"', b'"laughter"', 1)
    with pytest.raises(ValueError, match="it knows"):
        load(other)


@pytest.mark.parametrize("field", ["scale", "bias", "calibration"])
def test_a_model_without_some_figures_is_refused(field: str) -> None:
    line, _, rest = dump(MODEL).partition(b"\n")
    header = json.loads(line)
    header[field] = {"complaint": {}, "question": {}} if field == "calibration" else [1.0]
    with pytest.raises(ValueError, match="cut off"):
        load(json.dumps(header).encode() + b"\n" + rest)


def test_a_model_cut_off_in_the_middle_is_refused() -> None:
    with pytest.raises(ValueError, match="cut off"):
        load(dump(replace(MODEL, table=MODEL.table[:10])))


def test_what_is_certain_has_a_score_too() -> None:
    for winner in range(len(CLASSES)):
        sums = np.full(len(CLASSES), -900.0)
        sums[winner] = 900.0
        found = margins(sums)
        assert (found["complaint"][0] > 0) == (CLASSES[winner] in ("complaint", "sarcasm"))
        assert all(np.isfinite(direction).all() for _, direction in found.values())


def test_only_what_opened_the_ticket_is_its_reason() -> None:
    verdict = Verdict(0.9, 0.8, ("broken",), ("when",), ("thanks",))
    assert verdict.reasons(Kind.COMPLAINT) == ("broken",)
    assert verdict.reasons(Kind.QUESTION) == ("when",)
    assert verdict.reasons(Kind.OTHER) == ("thanks",), "what spoke against a complaint, for those who read mentions"
