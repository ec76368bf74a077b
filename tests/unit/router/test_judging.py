"""What a message is about by its whole wording: beside the words of the policy, recorded, and
decided again as it was."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.adapters import policy_yaml, urgency
from services.router.adapters.urgency import Models
from services.router.domain.explain import explain
from services.router.domain.judging import CLASSES, GRAVE, Judgement, gravest, harm
from services.router.domain.policy import Policy
from services.router.domain.replay import Recorded, compare, verify
from services.router.training import make
from services.router.training.examples import HELD_OUT, MEASURED, USUAL, WRITTEN, sections
from shared.classifier.model import dump, load
from shared.classifier.tokens import LONGEST, cut, sentences
from shared.errors import Misconfigured
from shared.events import InboundMessage, RoutedMessage
from shared.kernel import Level
from tests.unit.router.makers import CHANNELS, NOW, POLICY, decided, mail, properties, under

MODEL = urgency.shipped()
assert MODEL
OFF = under("    use: newest ", "    use: off ")
WORDLESS = "Since the upgrade all our visitors get is a grey page with a stack trace on it"
"""Grave, and in none of the policy's words."""


def recorded(message: InboundMessage, policy: Policy = POLICY) -> Recorded:
    routed = RoutedMessage(message=message, decision=decided(message, policy=policy))
    return Recorded(at=NOW, routed=routed, channels=(tuple(CHANNELS.values()),))


def test_what_no_word_of_the_policy_tells_counts_by_its_wording() -> None:
    with_model, by_words = decided(mail(WORDLESS)), decided(mail(WORDLESS), policy=OFF)
    assert by_words.level is Level.NORMAL
    assert with_model.level in (Level.HIGH, Level.URGENT)
    reason = next(one for one in with_model.reasons if one.code == "judged")
    assert reason.values["kind"] == "outage"
    assert "sounds like an outage" in reason.text
    assert with_model.judged
    assert (with_model.judged.model, with_model.judged.kind) == (MODEL.version, "outage")
    assert by_words.judged is None


_PART = st.tuples(st.sampled_from(GRAVE), st.integers(0, 20).map(lambda step: step / 20))


@given(
    st.lists(st.lists(_PART, max_size=4).map(tuple), max_size=6).map(tuple),
    st.dictionaries(st.sampled_from(GRAVE), st.integers(0, 100).map(float)),
)
def test_sentences_that_do_not_count_change_nothing(
    sentences: tuple[tuple[tuple[str, float], ...], ...], points: dict[str, float]
) -> None:
    judged = Judgement("m", grave=sentences)
    alone = gravest(judged, points)
    assert harm(alone, points) == harm(judged, points)
    assert len(alone.grave) <= 1


def test_what_counts_by_its_words_does_not_count_again_by_its_wording() -> None:
    for text in ("Our shop is down", "I cannot log in any more"):
        assert decided(mail(text)).score == decided(mail(text), policy=OFF).score


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Thanks a lot, that solved it!", "thanks"),
        ("Merci beaucoup, tout marche maintenant.", "thanks"),
        ("Have a nice weekend, bye!", "goodbye"),
        ("Buy 10,000 real followers now, best prices, click here to rank number one on search engines", "spam"),
    ],
)
def test_what_is_calm_and_nothing_else_is_low_and_says_so(text: str, kind: str) -> None:
    decision = decided(mail(text, language=""))
    assert decision.level is Level.LOW
    assert decision.reasons[0].code == "calm"
    assert decision.reasons[0].values == {"kind": kind}


def test_thanks_with_a_problem_in_it_are_not_low() -> None:
    decision = decided(mail("Thank you for the quick answer! Unfortunately nobody can log in since this morning."))
    assert decision.level in (Level.HIGH, Level.URGENT)


def test_calm_words_around_a_word_of_the_policy_hold_nothing_down() -> None:
    assert decided(mail("Thanks a lot! By the way: my lawyer is satisfied.")).level is not Level.LOW


def test_anger_counts_on_every_channel_and_the_channels_own_score_is_never_lowered() -> None:
    text = "This is the worst service I have ever had, nobody answers, I am so disappointed in you."
    by_mail = decided(mail(text))
    assert "complaint" in {reason.code for reason in by_mail.reasons}
    scores = [decided(mail(text, complaint=score, public=True)).score for score in (None, 0.1, 0.5, 1.0)]
    assert scores == sorted(scores)


def test_a_policy_switches_it_off_weighs_it_or_pins_its_version() -> None:
    full = decided(mail(WORDLESS)).score
    half = decided(mail(WORDLESS), policy=under("    weight: 1 ", "    weight: 0.5 ")).score
    none = decided(mail(WORDLESS), policy=under("    weight: 1 ", "    weight: 0 ")).score
    assert full > half > none == decided(mail(WORDLESS), policy=OFF).score
    pinned = under("    use: newest ", f"    use: {MODEL.version} ")
    assert decided(mail(WORDLESS), policy=pinned).score == full


def test_where_words_are_worth_everything_the_wording_adds_nothing() -> None:
    whole = under("    outage: 60", "    outage: 100")
    decision = decided(mail("Our shop is down, a grey page with a stack trace"), policy=whole)
    assert decision.score == 100
    assert "judged" not in {reason.code for reason in decision.reasons}


def test_a_version_that_is_not_here_is_an_error_that_says_which_is() -> None:
    with pytest.raises(
        Misconfigured, match=f"no model 'urgency-00000000' here; use newest, shipped, off or {MODEL.version}"
    ):
        under("    use: newest ", "    use: urgency-00000000 ")


def test_a_policy_of_before_has_the_model_too() -> None:
    before = policy_yaml.SHIPPED.read_text(encoding="utf-8")
    start, end = before.index("  model:  "), before.index("  complaint: 28")
    assert decided(mail(WORDLESS), policy=policy_yaml.parse(before[:start] + before[end:], "p")).judged


@pytest.mark.parametrize("content", [None, b"", b"{}\n", b"half"])
def test_without_a_readable_model_words_alone_decide(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "urgency.bin"
    if content is not None:
        file.write_bytes(urgency.SHIPPED.read_bytes()[:5000] if content == b"half" else content)
    assert urgency.shipped(file) is None


def test_decisions_of_before_there_was_a_model_come_out_again() -> None:
    before = recorded(mail(WORDLESS), policy=OFF)
    assert verify(before, {OFF.label: replace(POLICY, version=OFF.version)}, Models().of).outcome == "same"


def test_a_decision_by_another_model_is_not_decided_again() -> None:
    one = recorded(mail(WORDLESS))
    assert verify(one, {POLICY.label: POLICY}, Models().of).outcome == "same"
    assert one.routed.decision.judged
    other = msgspec.structs.replace(one.routed.decision.judged, model="urgency-00000000")
    decision = msgspec.structs.replace(one.routed.decision, judged=other)
    routed = msgspec.structs.replace(one.routed, decision=decision)
    assert (
        verify(msgspec.structs.replace(one, routed=routed), {POLICY.label: POLICY}, Models().of).outcome
        == "unknown-model"
    )


def test_a_policy_without_the_model_is_tried_on_what_happened() -> None:
    day = [recorded(mail(text, id=text)) for text in (WORDLESS, "Our shop is down", "Do you ship to Norway?")]
    assert compare(day, OFF).changed["level"] == 1


def test_the_explanation_tells_of_the_model() -> None:
    lines = {line.name: line for line in explain(recorded(mail(WORDLESS)), POLICY).priority}
    assert lines["judged"].counted
    lines = {line.name: line for line in explain(recorded(mail("Our shop is down"), OFF), OFF).priority}
    assert lines["judged"].why == "no model was asked"


@pytest.mark.parametrize("text", ["", " ", "🙏", "?", "123", "\n\n"])
def test_what_says_nothing_alarms_nobody(text: str) -> None:
    assert decided(mail(text)).level in (Level.NORMAL, Level.LOW)


def test_an_alarm_a_thousand_times_is_one_alarm() -> None:
    once, often = MODEL.judge("help help"), MODEL.judge("help " * 1000)
    assert once == often
    line = "My site is hacked."
    assert MODEL.judge(line) == MODEL.judge(line * (LONGEST // len(line)))


def test_of_a_huge_text_the_beginning_is_judged() -> None:
    huge = "The report is attached below. " + "x" * 200_000
    started = time.process_time()
    assert MODEL.judge(huge) == MODEL.judge(huge[:LONGEST])
    assert time.process_time() - started < 30, "linear, whatever the machine"


@properties
@given(
    st.lists(st.sampled_from([*" .!?…。！？\n|‥．´’`*-", "\u0301", "\u3099", "No", "Éß", "가", "ᄀ", "ア"])).map(
        "".join
    )
)
def test_a_text_says_the_same_in_pieces_that_are_remembered_as_in_one(text: str) -> None:
    assert sentences(text) == list(dict.fromkeys(cut(text)))
    assert sentences(f"{text} see www.example.org. It") == sentences(f"{text} see  link  It")


def test_a_batch_is_judged_as_its_messages_are_one_by_one() -> None:
    texts = [WORDLESS, f"Hello! {WORDLESS}.", f"Thanks. {WORDLESS}. Thanks. hello!", "", "Thanks!"]
    alone = [urgency.UrgencyModel(MODEL.classifier).judge(text) for text in texts]
    together = urgency.UrgencyModel(MODEL.classifier)
    together.prepare(texts)
    assert [together.judge(text) for text in texts] == alone
    assert [each.text for each in together.read(texts[2])] == sentences(texts[2])


@properties
@given(st.text(max_size=300), st.text(max_size=300))
def test_another_sentence_never_makes_a_message_less_grave(text: str, more: str) -> None:
    first, both = MODEL.judge(text), MODEL.judge(f"{text}\n{more}")
    if sentences(f"{text}\n{more}")[: len(sentences(text))] == sentences(text):
        assert set(first.grave) <= set(both.grave)
        assert both.complaint >= first.complaint


def test_the_model_is_small_and_reads_as_it_was_written() -> None:
    content = urgency.SHIPPED.read_bytes()
    assert len(content) < 3_000_000
    assert dump(load(content)) == content


def test_training_is_the_same_on_every_run_and_learns_what_it_was_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "en.txt").write_text(
        "[outage]\nthe {site|shop} is {down|dead}\n{nothing|no page} loads\n[thanks]\n{thanks|thank you} {so much|a lot}\n"
        "[question]\nhow do I {change|find} {it|this}?\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(make, "WRITTEN", tmp_path)
    one, two = make.made(), make.made()
    assert dump(one) == dump(two)
    assert urgency.UrgencyModel(one).judge("The site is dead!").kind == "outage"


def test_what_is_measured_was_never_trained_on() -> None:
    for path in (*HELD_OUT.glob("*.txt"), *USUAL.glob("*.txt")):
        written = {line for lines in sections(WRITTEN / path.name).values() for line in lines}
        assert not written & {line for lines in sections(path).values() for line in lines}
        assert set(sections(path)) >= set(CLASSES)


def test_each_class_is_measured_with_a_hundred_and_fifty_messages_of_each_language() -> None:
    found = Counter((each.language, each.label) for each in (*make.general(MEASURED), *make.usual(MEASURED)))
    assert len(found) == 8 * len(CLASSES)
    assert min(found.values()) >= 150
