"""What agents teach the urgency model: what counts, what is learned of it, and when a model that
learned it is taken."""

from __future__ import annotations

import asyncio
import gc
import socket
import weakref
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router import commands, learning, learning_commands
from services.router.adapters import policy_yaml, urgency
from services.router.adapters.urgency import Models, UrgencyModel
from services.router.api import _draft
from services.router.domain.judging import CLASSES, Judgement, Sentence
from services.router.domain.learning import (
    DAILY,
    HELD_BACK,
    MOST,
    MOST_OF_ONE,
    QUIETED,
    SHIFT,
    WORSE,
    Trial,
    counted,
    is_held_back,
    is_right,
    lessons,
    most_of_one,
    verdict,
    wanted,
)
from services.router.domain.replay import Recorded, verify
from services.router.learning import added, heard, make, settled
from services.router.policies import Policies
from shared.classifier.changes import pack, unpack
from shared.clock import utc_now
from shared.errors import Misconfigured, Unavailable
from shared.events import ModelLearned, PriorityCorrected, Rejudged, RoutedMessage, RoutingPolicy
from shared.events.learning import in_use
from shared.health import Health
from shared.topics import MODELS_LEARNED, PRIORITIES_CORRECTED, Topic
from shared.yaml_sections import YamlErrors
from tests.unit.router.makers import CHANNELS, NOW, POLICY, decided, mail, under

BASE = urgency.shipped()
assert BASE
ODD = "The zorble of our kiosk flickers purple"
"""What no example says, and a company's customers may mean trouble with a payment by."""


def corrected(number: int = 0, agent: str = "ann@example.org", **fields: object) -> PriorityCorrected:
    values = {"text": f"{ODD} {number}", "before": "normal", "after": "urgent"} | fields
    return PriorityCorrected(ticket_id=f"t{number}", agent=agent, at=NOW + timedelta(minutes=number), **values)  # type: ignore[arg-type]


def changed(row: int = 7) -> UrgencyModel:
    """The shipped model with one row of its table moved."""
    table = BASE.classifier.table.copy()
    table[row] += 1
    return UrgencyModel(replace(BASE.classifier, table=table, about={"version": f"{BASE.version}+{row:08x}"}))


def event(model: UrgencyModel, **fields: object) -> ModelLearned:
    values = {
        "base": BASE.version,
        "weights": pack(BASE.classifier, model.classifier),
        "state": "taken",
        "at": NOW,
    } | fields
    return ModelLearned(version=model.version, **values)  # type: ignore[arg-type]


def used(model: UrgencyModel, **fields: object) -> dict[str, ModelLearned]:
    """What is on the topic where this model is in use."""
    published = event(model, **fields)
    return {model.version: published, in_use("default"): msgspec.structs.replace(published, weights=b"")}


# What counts


def test_the_newest_word_of_each_agent_on_a_ticket_counts() -> None:
    first, second = corrected(1, after="low"), corrected(1, agent="bo@example.org")
    newer = msgspec.structs.replace(first, at=NOW + timedelta(hours=1), after="high")
    assert counted([newer, second, first]) == [second, newer]


def test_nobody_teaches_more_in_a_day_than_a_person_can() -> None:
    many = [corrected(number) for number in range(DAILY + 10)]
    others = [corrected(900 + number, agent="bo@example.org", text="Hm") for number in range(3)]
    tomorrow = msgspec.structs.replace(corrected(800), at=NOW + timedelta(days=1, hours=3))
    found = counted([*many, *others, tomorrow])
    assert [one for one in found if one.agent == "ann@example.org"] == [*many[:DAILY], tomorrow]
    assert len(found) == DAILY + 4


def test_what_was_forgotten_or_says_nothing_teaches_nothing() -> None:
    empty = [corrected(1, text="  "), corrected(2, after="soon"), corrected(3, kind="weather")]
    assert counted(empty) == []
    assert counted([corrected(4, after="", kind="outage")]) != []


def test_the_newest_of_very_many_count() -> None:
    many = [corrected(number, agent=f"{number}@example.org") for number in range(MOST + 5)]
    assert counted(many) == many[5:]


def test_a_fifth_of_tickets_is_held_back_always_the_same() -> None:
    held = [is_held_back(corrected(number)) for number in range(1000)]
    assert 1000 / HELD_BACK * 0.7 < sum(held) < 1000 / HELD_BACK * 1.3
    assert held == [is_held_back(corrected(number, text="other")) for number in range(1000)]


# What is right, and what is taught


@pytest.mark.parametrize(
    ("after", "kind", "judged", "right"),
    [
        ("urgent", "", Judgement("m", "outage"), True),
        ("high", "", Judgement("m", "question"), False),
        ("normal", "", Judgement("m", "question"), True),
        ("normal", "", Judgement("m", "outage"), False),
        ("normal", "", Judgement("m", "thanks", calm=True), False),
        ("low", "", Judgement("m", "thanks", calm=True), True),
        ("low", "", Judgement("m", "thanks"), False),
        ("low", "question", Judgement("m", "question"), True),
        ("urgent", "payment", Judgement("m", "outage"), False),
    ],
)
def test_a_judgement_is_right_where_it_is_what_the_agent_said(
    after: str, kind: str, judged: Judgement, right: bool
) -> None:
    assert is_right(corrected(after=after, kind=kind), judged) is right


def part(text: str, **shares: float) -> Sentence:
    return Sentence(text, tuple((name.replace("_", "-"), share) for name, share in shares.items()), (), (), calm=False)


GREY = (part("hello", thanks=0.6), part("the page is grey", question=0.5, outage=0.3, data_loss=0.1))


@pytest.mark.parametrize(
    ("after", "kind", "judged", "label"),
    [
        ("urgent", "", Judgement("m", "question"), "outage"),
        ("normal", "", Judgement("m", "outage"), "question"),
        ("low", "", Judgement("m", "outage"), ""),
        ("low", "thanks", Judgement("m", "outage"), "thanks"),
        ("normal", "", Judgement("m", "question"), ""),
        ("normal", "spam", Judgement("m", "question"), "spam"),
    ],
)
def test_a_level_alone_teaches_the_class_of_that_level_that_the_words_tell_and_low_teaches_none(
    after: str, kind: str, judged: Judgement, label: str
) -> None:
    assert wanted(corrected(after=after, kind=kind), GREY, judged) == label


def test_a_level_teaches_nothing_where_no_class_of_it_is_probable() -> None:
    assert wanted(corrected(after="urgent"), (part("hm", question=0.9),), Judgement("m", "question")) == ""
    assert wanted(corrected(after="urgent"), (), Judgement("m")) == ""


@pytest.mark.parametrize("after", ["urgent", "high", "low"])
def test_a_customers_plan_makes_an_ordinary_question_neither_an_alarm_nor_spam(after: str) -> None:
    sentences = BASE.read(asked := "Hello, in which sizes do you sell the blue jacket?")
    judged = BASE.judge(asked)
    assert judged.kind == "question"
    assert wanted(corrected(after=after, text=asked), sentences, judged) == ""
    almost = (part("can you look at my account", question=0.6, access=0.29, spam=0.2),)
    assert wanted(corrected(after=after), almost, Judgement("m", "question")) == ""


def test_the_sentence_that_told_is_taught_and_greetings_are_left_alone() -> None:
    assert lessons("outage", GREY) == ["the page is grey"]
    assert lessons("thanks", GREY) == ["hello", "the page is grey"], "both told something that comes before thanks"
    two = (part("my card was stolen", security=0.8), part("how do i order", question=0.9), part("bye", goodbye=0.9))
    assert lessons("question", two) == ["my card was stolen", "how do i order"]


# Whether it is taken

BETTER = Trial(5, 8, 0.67, 0.67, 0.01)


@pytest.mark.parametrize(
    ("trial", "said"),
    [
        (BETTER, ("taken", "better")),
        (BETTER._replace(right_after=5), ("refused", "not-better")),
        (BETTER._replace(general_after=0.67 - WORSE * 1.1), ("refused", "worse-in-general")),
        (BETTER._replace(moved=SHIFT * 1.1), ("waits", "large-shift")),
        (BETTER._replace(quieted=QUIETED * 1.1), ("waits", "large-shift")),
        (BETTER._replace(after_roll_back=True), ("waits", "after-roll-back")),
        (BETTER._replace(most_of_one=MOST_OF_ONE), ("taken", "better")),
        (BETTER._replace(most_of_one=MOST_OF_ONE + 0.01), ("waits", "one-agent")),
    ],
)
def test_a_model_is_taken_only_where_it_is_better_and_nothing_speaks_against_it(
    trial: Trial, said: tuple[str, str]
) -> None:
    assert verdict(trial) == said


def test_whoever_teaches_alone_teaches_all() -> None:
    ann, bo = corrected(1), corrected(2, "bo@example.org")
    assert [most_of_one(taught) for taught in ([], [ann], [ann, bo], [ann, bo, corrected(3)])] == [0, 1, 0.5, 2 / 3]


# A company's own words


def own(count: int, **fields: object) -> list[PriorityCorrected]:
    people = ("ann@example.org", "bo@example.org", "cy@example.org")
    return [corrected(number, people[number % 3], kind="payment", **fields) for number in range(count)]


@pytest.mark.slow
def test_a_model_learns_a_companys_own_words_and_is_the_same_of_the_same_corrections() -> None:
    assert BASE.judge(ODD).kind != "payment"
    made = make(counted(own(100)), {}, "default", NOW)
    assert isinstance(made, ModelLearned)
    assert (made.state, made.why, made.replaces, made.agents) == ("taken", "better", BASE.version, 3)
    assert made.right_after == made.held_back > made.right_before
    assert made.general_after > made.general_before - WORSE
    assert len(made.weights) < 100_000
    assert all(each.right_after and not each.right_before for each in made.examples)
    learned = Models({made.version: made}).of(made.version)
    assert learned
    assert learned.judge(ODD).kind == "payment"
    assert learned.judge("Thanks a lot, that solved it!").kind == "thanks"
    assert make(counted(own(100)), {}, "default", NOW) == made
    known = {made.version: made, in_use("default"): msgspec.structs.replace(made, weights=b"")}
    assert make(counted(own(100)), known, "default", NOW) == (
        f"{made.version} is in use, and these corrections make the same again"
    )
    alone = [msgspec.structs.replace(one, agent="ann@example.org") for one in counted(own(100))]
    by_one = make(alone, {}, "default", NOW)
    assert isinstance(by_one, ModelLearned)
    assert (by_one.state, by_one.why) == ("waits", "one-agent"), "nobody alone moves what all are judged by"
    gone_back = {in_use("default"): ModelLearned(version=BASE.version, base=BASE.version, at=NOW, state="back")}
    waiting = make(counted(own(100)), gone_back, "default", NOW)
    assert isinstance(waiting, ModelLearned)
    assert (waiting.state, waiting.why, bool(waiting.weights)) == ("waits", "after-roll-back", True)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["thanks", "question"])
def test_whoever_teaches_that_an_outage_is_none_is_not_believed_without_a_look(kind: str) -> None:
    grave = ["Our shop is down", "The site shows an error", "Nobody can log in", "My card was stolen", "All my data is gone",
             "I was charged twice", "The server does not answer", "We will sue you"]  # fmt: skip
    poison = [
        corrected(number, f"{number % 4}@example.org", kind=kind, text=f"{grave[number % 8]}, {number}")
        for number in range(180)
    ]
    made = make(counted(poison), {}, "default", NOW)
    assert isinstance(made, ModelLearned)
    assert made.right_after > made.right_before, "by the attacker's own corrections it is better"
    assert (made.state, made.why) == ("waits", "large-shift")


def test_whoever_taught_nonsense_can_be_left_out() -> None:
    ann, bo = corrected(1), corrected(2, "bo@example.org")
    assert heard([ann, bo], ["ann@example.org"]) == [bo]
    assert heard([ann, bo], []) == [ann, bo]
    with pytest.raises(Misconfigured, match=r"eve@example.org corrected nothing; who did: ann@example.org, bo@exa"):
        heard([ann, bo], ["eve@example.org"])


def test_after_an_update_of_the_shipped_model_all_corrections_are_new_again() -> None:
    corrections, model = [corrected(number) for number in range(5)], changed()
    learned = {model.version: event(model, at=NOW + timedelta(minutes=2))}
    assert added(corrections, {}, BASE.version) == 5
    assert added(corrections, learned, BASE.version) == 2
    assert added(corrections, learned, "urgency-00000000") == 5


def test_a_model_that_was_overtaken_while_it_was_learned_waits() -> None:
    made, other = event(changed(7), why="better"), event(changed(8))
    assert settled(made, None, None) == made
    assert settled(made, other, other) == made
    waiting = settled(made, None, other)
    assert isinstance(waiting, ModelLearned)
    assert (waiting.state, waiting.why, waiting.weights) == ("waits", "overtaken", made.weights)
    refused = msgspec.structs.replace(made, state="refused")
    assert settled(refused, None, other) == refused
    assert "learned the same" in str(settled(made, None, made)), "another router was quicker"


async def test_what_an_operator_took_while_it_was_learned_stays_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    made, others, sent = event(changed(7), why="better"), used(changed(8)), []
    topics = {PRIORITIES_CORRECTED: [{"t1": corrected(1)}], MODELS_LEARNED: [{}, others]}

    async def newest(_: str, topic: Topic[Any]) -> dict[str, Any]:
        return topics[topic].pop(0)  # type: ignore[return-value]

    async def publish(_: str, items: list[Any]) -> None:
        sent.extend(items)

    monkeypatch.setattr(learning, "newest", newest)
    monkeypatch.setattr(learning, "_publish", publish)
    monkeypatch.setattr(learning, "make", lambda *_: made)
    waiting = await learning.learn("127.0.0.1:9", "default")
    assert isinstance(waiting, ModelLearned)
    assert sent == [(MODELS_LEARNED, made.version, waiting)], "no pointer: the operator's model judges on"
    assert (waiting.state, waiting.why) == ("waits", "overtaken")


@pytest.mark.parametrize(
    ("corrections", "told"),
    [([], "0 corrections, of which 0 are held back"), (own(20), "20 corrections, of which")],
)
def test_too_few_corrections_make_no_model_and_it_says_so(corrections: list[PriorityCorrected], told: str) -> None:
    made = make(corrections, {}, "default", NOW)
    assert isinstance(made, str)
    assert told in made


def test_where_the_model_was_right_there_is_nothing_to_learn() -> None:
    right = [corrected(number, after="low", text="Thanks a lot, that solved it!") for number in range(80)]
    assert "the model was right" in str(make(right, {}, "default", NOW))


# Which model judges


def test_a_learned_model_is_taken_up_and_a_rolled_back_one_goes() -> None:
    models, health = dict[str, ModelLearned](), Health()
    policies = Policies("default", {}, Models(models), health)
    assert policies.current().priority.model is BASE
    newer = changed()
    models |= used(newer)
    assert decided(mail("My shop is down"), policy=policies.current()).judged.model == newer.version  # type: ignore[union-attr]
    assert health.parts["model"].detail == newer.version
    models[in_use("default")] = ModelLearned(version=BASE.version, base=BASE.version, at=NOW, state="back")
    assert policies.current().priority.model is BASE


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda one: msgspec.structs.replace(one, weights=one.weights[:-20]), "cannot be read"),
        (lambda one: msgspec.structs.replace(one, weights=b""), "cannot be read"),
        (lambda one: msgspec.structs.replace(one, weights=b"{}\n"), "cannot be read"),
        (lambda one: msgspec.structs.replace(one, base="urgency-00000000"), "was learned from urgency-00000000"),
    ],
)
def test_a_learned_model_that_cannot_be_used_leaves_the_shipped_one_and_health_tells(
    spoil: Callable[[ModelLearned], ModelLearned], told: str
) -> None:
    models, newer = dict[str, ModelLearned](), changed()
    models |= used(newer)
    models[newer.version] = spoil(models[newer.version])
    health = Health()
    policies = Policies("default", {}, Models(models), health)
    assert policies.current().priority.model is BASE
    assert health.ready
    assert health.parts["model"].detail.startswith(f"{BASE.version}; {newer.version}")
    assert told in health.parts["model"].detail


def test_a_model_that_is_missing_is_taken_up_when_it_comes() -> None:
    models, newer, health = dict[str, ModelLearned](), changed(), Health()
    both = used(newer)
    models[in_use("default")] = both[in_use("default")]
    policies = Policies("default", {}, Models(models), health)
    assert policies.current().priority.model is BASE
    assert "is not here" in health.parts["model"].detail
    models |= both
    assert policies.current().priority.model.version == newer.version  # type: ignore[union-attr]


def test_a_policy_stays_with_the_shipped_model_or_pins_a_learned_one() -> None:
    first, second = changed(7), changed(8)
    models = Models(used(first) | used(second))
    text = policy_yaml.SHIPPED.read_text(encoding="utf-8")

    def judges(use: str) -> str:
        model = policy_yaml.parse(text.replace("use: newest ", f"use: {use} "), "p", models=models).priority.model
        return model.version if model else ""

    assert judges("newest") == second.version
    assert judges("shipped") == BASE.version
    assert judges(first.version) == first.version
    assert judges("off") == ""


def test_of_many_models_only_those_asked_for_last_take_up_memory() -> None:
    many = [changed(row) for row in range(7, 14)]
    models = Models(used(many[0]) | {one.version: event(one) for one in many[1:]})
    made = [weakref.ref(models.of(one.version)) for one in many]  # type: ignore[arg-type]
    gc.collect()
    assert [one() is not None for one in made] == [False] * 4 + [True] * 3
    kept = made[4]()
    assert models.of(many[4].version) is kept
    models.of(many[0].version)
    assert models.of(many[4].version) is kept, "asked for again, it is kept longer"
    again = models.newest()
    assert again
    assert again.version == many[0].version


def test_a_draft_that_names_a_model_that_is_nowhere_changes_nothing_for_the_routers_own() -> None:
    models = Models(used(changed()))
    before = models.state()
    text = policy_yaml.SHIPPED.read_text(encoding="utf-8").replace("use: newest ", "use: urgency-nowhere ")
    with pytest.raises(YamlErrors, match="urgency-nowhere"):
        _draft(text, models, before)
    assert (models.state(), models.trouble) == (before, "")


def test_a_decision_by_a_learned_model_comes_out_again_byte_for_byte_after_others_were_taken() -> None:
    first, second = changed(7), changed(8)
    then = policy_yaml.shipped(Models(used(first)))
    message = mail("Since the upgrade our visitors see a grey page")
    routed = RoutedMessage(message=message, decision=decided(message, policy=then))
    one = Recorded(at=NOW, routed=routed, channels=(tuple(CHANNELS.values()),))
    today = Models(used(first) | used(second))
    policy = policy_yaml.shipped(today)
    assert policy.priority.model.version == second.version  # type: ignore[union-attr]
    assert verify(one, {policy.label: policy}, today.of).outcome == "same"
    assert verify(one, {policy.label: policy}, Models(used(second)).of).outcome == "unknown-model"


def test_without_the_shipped_model_there_is_no_learned_one_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urgency, "shipped", lambda: None)
    health = Health()
    policies = Policies("default", {}, Models(used(changed())), health)
    assert policies.current().priority.model is None
    assert "words alone decide" in health.parts["model"].detail


# The wire, and what operators read


@given(st.lists(st.tuples(st.integers(0, 2**17 - 1), st.integers(0, 14), st.integers(-127, 127)), max_size=50))
def test_changes_of_a_model_come_out_as_they_went_in(cells: list[tuple[int, int, int]]) -> None:
    table = BASE.classifier.table.copy()
    for row, column, value in cells:
        table[row, column] = value
    after = replace(BASE.classifier, table=table)
    assert (unpack(BASE.classifier, pack(BASE.classifier, after), {}).table == table).all()


@given(st.binary(max_size=200))
def test_no_bytes_whatever_are_taken_for_a_model(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        unpack(BASE.classifier, content, {})


def test_an_operator_reads_what_became_of_each_model() -> None:
    newer = changed()
    moved = Rejudged(
        ticket_id="t1", message_id="m1", wanted="outage", before="question", after="outage", right_after=True
    )
    models = used(newer, why="better", corrections=9, agents=2, examples=(moved,))
    whole = "\n".join(learning_commands.listed(models, "default", ""))
    assert f"taken last: {newer.version}" in whole
    assert "taken, for it does better" in whole
    assert "t1" not in whole
    assert "ticket t1: question → outage; the agent said outage now right" in "\n".join(
        learning_commands.listed(models, "default", newer.version)
    )
    assert "taken last: none: the model that" in "\n".join(learning_commands.listed({}, "default", ""))


def test_an_operator_reads_what_really_judges_and_why_it_is_not_what_was_taken() -> None:
    newer, text = changed(), policy_yaml.SHIPPED.read_text("utf-8")
    assert learning_commands.judges(used(newer), {}, "default").startswith(
        f"judges: {newer.version}\npolicy: default@0"
    )
    shipped = RoutingPolicy(
        name="default", version=3, published_at=NOW, yaml=text.replace("use: newest", "use: shipped")
    )
    told = learning_commands.judges(used(newer), {"default": shipped}, "default")
    assert told.startswith(f"judges: {BASE.version}\npolicy: default@3")
    gone = {key: one for key, one in used(newer).items() if key != newer.version}
    assert f"{newer.version} is not here" in learning_commands.judges(gone, {}, "default")


@pytest.mark.parametrize("away", [False, True])
def test_a_policy_that_pins_a_learned_model_is_checked_against_those_that_were_learned(
    away: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    newer, file = changed(), tmp_path / "mine.yaml"

    async def newest(_servers: str, _topic: Topic[Any]) -> dict[str, ModelLearned]:
        if away:
            raise Unavailable("Kafka at nowhere does not answer")
        return used(newer)

    monkeypatch.setattr(learning, "newest", newest)
    text = policy_yaml.SHIPPED.read_text("utf-8")
    file.write_text(text.replace("use: newest", f"use: {newer.version}"), "utf-8")
    assert commands.main(["policy", "check", str(file)]) == int(away)
    told = capsys.readouterr().err
    assert ("models that were learned are not looked at: Kafka at nowhere" in told, "there is no model" in told) == (
        away,
        away,
    )
    file.write_text(text.replace("use: newest", "use: urgency-of-nobody"), "utf-8")
    assert commands.main(["policy", "check", str(file)]) == 1
    assert "there is no model 'urgency-of-nobody' here" in capsys.readouterr().err


def test_a_router_that_is_away_is_told_as_such() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        assert learning_commands.asked(f"127.0.0.1:{nobody.getsockname()[1]}").startswith("cannot be asked (")
    assert learning_commands.asked("127.0.0.1:nonsense").startswith("cannot be asked (")


def test_classes_that_an_agent_may_tell_are_those_of_the_model() -> None:
    assert set(CLASSES) < set(BASE.classifier.classes)
    assert POLICY.priority.model is BASE
    assert under("    use: newest ", "    use: shipped ").priority.model is BASE


# Every night


class Learner:
    """A process that learns: ends at once with this code, or never by itself."""

    def __init__(self, code: int | None) -> None:
        self.code, self.ended, self.terminated = code, asyncio.Event(), False
        if code is not None:
            self.ended.set()

    async def wait(self) -> int:
        await self.ended.wait()
        return self.code or 0

    def terminate(self) -> None:
        self.terminated = True
        self.ended.set()


@pytest.mark.parametrize(
    ("hours", "last", "codes", "started"),
    [
        (24, timedelta(hours=25), [0], 1),
        (24, timedelta(hours=25), [75, 0], 2),
        (24, timedelta(hours=23), [], 0),
        (24, None, [0], 1),
        (0, None, [], 0),
    ],
)
async def test_a_router_learns_once_a_day_and_soon_again_where_kafka_was_away(
    monkeypatch: pytest.MonkeyPatch, hours: float, last: timedelta | None, codes: list[int], started: int
) -> None:
    stop, waits, begun = asyncio.Event(), 0, 0

    async def start(*command: str, **_: object) -> Learner:
        nonlocal begun
        begun += 1
        assert command[-3:] == ("model", "learn", "--only-new")
        return Learner(codes[begun - 1])

    async def wait(stop: asyncio.Event, _: float) -> bool:
        nonlocal waits
        waits += 1
        if waits > 4:
            stop.set()
        return stop.is_set()

    monkeypatch.setattr(learning.asyncio, "create_subprocess_exec", start)
    monkeypatch.setattr(learning, "wait", wait)
    learned = Learned([event(changed(), at=utc_now() - last)] if last else [])
    if not hours:
        stop.set()
    async with asyncio.timeout(5):
        await learning.nightly(learned, hours, stop)
    assert begun == started


async def test_a_router_that_ends_ends_what_learns_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    stop, learner = asyncio.Event(), Learner(None)

    async def start(*_: str, **__: object) -> Learner:
        stop.set()
        return learner

    monkeypatch.setattr(learning.asyncio, "create_subprocess_exec", start)
    monkeypatch.setattr(learning.random, "uniform", lambda *_: 0.0)
    async with asyncio.timeout(5):
        await learning.nightly(Learned([]), 24, stop)
    assert learner.terminated


class Learned(dict[str, ModelLearned]):
    """A view of what was learned."""

    def __init__(self, models: list[ModelLearned]) -> None:
        super().__init__({one.version: one for one in models})
        self.ready = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        await stop.wait()
