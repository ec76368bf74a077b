"""A policy that a person wrote: what is wrong with it, and which one is in force."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.router import commands
from services.router.adapters import policy_yaml
from services.router.adapters.urgency import Models
from services.router.policies import Policies
from shared.events import RoutingPolicy
from shared.health import Health
from shared.metrics import METRICS
from shared.yaml_sections import LARGEST, YamlErrors
from tests.unit.router.makers import NOW, POLICY

TEXT = policy_yaml.SHIPPED.read_text(encoding="utf-8")


def errors(text: str) -> list[str]:
    with pytest.raises(YamlErrors) as caught:
        policy_yaml.parse(text, "my.yaml")
    return str(caught.value).splitlines()


def line_of(text: str) -> int:
    """The line that begins with this, indented or not."""
    return next(number for number, line in enumerate(TEXT.splitlines(), 1) if line.strip().startswith(text))


def test_the_policy_that_comes_with_the_router_is_right() -> None:
    assert policy_yaml.parse(TEXT, "policy.yaml", 3).label == "default@3"
    assert POLICY.windows["sms"] == timedelta(hours=24)
    assert set(POLICY.lexicon.languages) == {"en", "fr", "ko", "de", "es", "pt", "it", "ja"}
    for words in POLICY.lexicon.languages.values():
        assert set(words.severities) == set(POLICY.priority.severity)


@pytest.mark.parametrize(
    ("right", "wrong", "line", "told"),
    [
        ("  live: 45", "  live: many", "live: 45", "signals.live: must be a number from 0 to 100, not 'many'"),
        ("  live: 45", "  live: 450", "live: 45", "signals.live: must be a number from 0 to 100, not 450"),
        ("  live: 45", "  live: .nan", "live: 45", "signals.live: must be a number from 0 to 100, not '.nan'"),
        ("  live: 45", "  live: [45]", "live: 45", "signals.live: must be a number from 0 to 100"),
        ("  live: 45", "  lvie: 45", "live: 45", "signals.lvie: unknown key; did you mean 'live'?"),
        ("  live: 45", "", "base: 20", "signals.live: is missing"),
        ("urgent: 65", "urgent: 5", "urgent: 65", "levels: urgent must be above high, and high above normal"),
        ("deniable: [outage,", "deniable: [outrage,", "deniable", "deniable: 'outrage' is not known; did you mean 'outage'?"),
        ("deniable: [outage,", "deniable: [[a],", "deniable", "deniable: must be a list of texts"),
        ("- {channel: phone, at_least: 55}", "- {channel: fone, at_least: 55}", "- {channel: phone",
         "preference.ages.priors[1].channel: 'fone' is not known; did you mean 'phone'?"),
        ("- {channel: phone, at_least: 55}", "- {channel: phone, at_least: 55, below: 50}", "- {channel: phone",
         "preference.ages.priors[1]: at_least must be less than below"),
        ("severities: [payment]", "severities: [zzz]", "- {name: money",
         "routing.rules[3].when.severities: 'zzz' is not known; known are access, data-loss, legal, outage, payment, security"),
        ("team: escalations}", "teem: escalations}", "- {name: security", "routing.rules[1]: needs team or skills"),
        ("when: {languages: [fr]}", "when: {}", "- {name: French", "routing.rules[6].when: needs a condition"),
        ("live: true}, skills", "live: perhaps}, skills", "- {name: on the phone", "routing.rules[13].when.live: 'perhaps' is not known"),
        ("    legal: [lawyer*,", "    legal: ['*',", "legal: [lawyer*", "words.en.legal: nothing to look for in '*'"),
        ("team: support", "team: ''", "team: support", "routing.team: must be a text"),
        ("team: support", "team: {a: b}", "team: support", "routing.team: must be a text"),
        ("- {channel: chat, below: 40}", "- chat", "- {channel: chat", "preference.ages.priors[2]: must be `key: value` lines"),
        ("name: default", "name: default\nname: other", "language: en", "name: stands here twice, first in line"),
        ("  rules:", "  rules: none\n  others:", "rules:", "routing.rules: must be a list"),
    ],
)  # fmt: skip
def test_an_error_names_its_line_and_what_would_be_right(right: str, wrong: str, line: str, told: str) -> None:
    assert right in TEXT
    found = errors(TEXT.replace(right, wrong, 1))
    at = [int(error.split(":")[1]) for error in found if told in error]
    assert at, found
    assert abs(at[0] - line_of(line)) <= 2
    assert all(error.startswith("my.yaml:") for error in found)


def test_all_errors_are_told_at_once() -> None:
    found = errors(
        TEXT.replace("live: 45", "live: x").replace("team: support", "team: ''").replace("urgent: 65", "urgent: x")
    )
    assert len(found) == 4  # an urgent of nothing is also below high


def test_of_a_part_that_is_missing_only_that_is_told() -> None:
    assert errors("name: mine\nlanguage: en\nlevels: none\nwindows: {}") == [
        *(f"my.yaml:1: {part}: is missing" for part in ("preference", "routing", "signals", "words")),
        "my.yaml:3: levels: must be `key: value` lines",
    ]


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("timezone: UTC ", "timezone: Europe/Pariss ", "hours.timezone: 'Europe/Pariss' is not a time zone"),
        ("closed_on: []", "closed_on: [2026-12-25, christmas]", "hours.closed_on: 'christmas' is not a date"),
        ("open: always", "open: mon-fry 9-18", "hours.open: "),
    ],
)
def test_what_is_wrong_with_opening_hours_is_told_at_its_own_line(right: str, wrong: str, told: str) -> None:
    (found,) = errors(TEXT.replace(right, wrong, 1))
    assert found.startswith(f"my.yaml:{line_of(right.partition(':')[0] + ':')}: {told}")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "my.yaml:1: is empty"),
        ("a: [", "my.yaml:1: is not YAML"),
        ("a: b\n  c: d", "my.yaml:2: is not YAML"),
        ("- just\n- a list", "my.yaml:1: the document: must be `key: value` lines"),
        ("[" * 5000, "is not YAML"),
        ("\x00", "is not YAML"),
        ("? [a]\n: b", "unknown key"),
        ("a" * (LARGEST + 1), "is longer than"),
        ("a: &a {b: *a}", "my.yaml:1: repeats too much by aliases (`*name`)"),
    ],
)
def test_what_is_no_policy_at_all_is_told_in_one_line(text: str, told: str) -> None:
    assert told in "\n".join(errors(text))


def test_aliases_may_repeat_a_little_and_cost_neither_memory_nor_time_where_they_repeat_all() -> None:
    rules = TEXT.index("  rules:")

    def repeated(words: int, times: int) -> str:
        phrases = ", ".join(["down"] * words)
        first = f"    - &rule {{name: a, team: b, when: {{words: [{phrases}]}}}}\n"
        return f"{TEXT[:rules]}  rules:\n{first}" + "    - *rule\n" * times

    assert "aliases" not in "\n".join(errors(repeated(3, 2)))
    assert errors(repeated(4_000, 4_000)) == ["my.yaml:1: repeats too much by aliases (`*name`)"]


@settings(max_examples=200, deadline=None)
@given(
    st.text()
    | st.recursive(st.text(max_size=5), lambda inner: st.dictionaries(st.text(max_size=5), inner), max_leaves=10).map(
        str
    )
)
def test_no_text_whatever_gets_anything_but_an_answer(text: str) -> None:
    with pytest.raises(YamlErrors):
        policy_yaml.parse(text, "my.yaml")


class Published(dict[str, RoutingPolicy]):
    """A view that a test writes to."""

    def publish(self, version: int, text: str) -> None:
        self["default"] = RoutingPolicy(name="default", version=version, published_at=NOW, yaml=text)


def followed() -> tuple[Published, Policies, Health]:
    published, health = Published(), Health()
    return published, Policies("default", published, Models(), health), health


def test_a_published_policy_takes_effect_at_once_and_goes_when_it_is_withdrawn() -> None:
    published, policies, health = followed()
    assert policies.current().label == POLICY.label
    published.publish(4, TEXT.replace("team: support", "team: everybody"))
    assert (policies.current().label, policies.current().team) == ("default@4", "everybody")
    assert "default@4" in health.parts["policy"].detail
    published.clear()
    assert policies.current().label == POLICY.label


def test_a_published_policy_that_cannot_be_read_is_refused_and_the_former_stays() -> None:
    published, policies, health = followed()
    published.publish(4, TEXT)
    policies.current()
    published.publish(5, TEXT.replace("live: 45", "live: x"))
    assert policies.current().label == "default@4"
    assert health.ready
    assert "version 5 refused (default@5:" in health.parts["policy"].detail
    assert METRICS.policy_refused.labels(policy="default")._value.get() == 1
    assert METRICS.policy_version.labels(policy="default")._value.get() == 4


async def test_a_policy_is_noticed_where_no_message_comes() -> None:
    published, policies, health = followed()
    published.publish(9, TEXT)
    stop = asyncio.Event()
    following = asyncio.ensure_future(policies.follow(stop))
    async with asyncio.timeout(5):
        while "default@9" not in health.parts["policy"].detail:
            await asyncio.sleep(0)
    stop.set()
    await following


def test_an_operator_checks_a_policy_before_publishing_it(tmp_path: object, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"  # type: ignore[operator]
    good.write_text(TEXT)
    bad.write_text(TEXT.replace("live: 45", "live: x"))
    assert commands.main(["policy", "check", str(good)]) == 0
    assert "is right: 8 languages" in capsys.readouterr().out
    assert commands.main(["policy", "check", str(bad)]) == 1
    assert "signals.live" in capsys.readouterr().err
    with pytest.raises(Exception, match="cannot be read"):
        commands.main(["policy", "check", str(tmp_path / "none.yaml")])  # type: ignore[operator]
