"""An editor that knows the schema says the same as `policy check`."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from services.router import commands
from services.router.adapters import policy_yaml
from services.router.adapters.policy_schema import schema
from shared.yaml_sections import YamlErrors
from tests.unit.router.makers import properties

pytestmark = pytest.mark.slow

SCHEMA = schema()
EDITOR = Draft202012Validator(SCHEMA)
TEXT = policy_yaml.SHIPPED.read_text(encoding="utf-8")
STRUCTURE = re.compile(r"is missing|unknown key|must be (a number|a text|a list|`key)|needs ")
"""Errors of form. What a schema cannot tell is whether a name stands elsewhere, or which of two
numbers is larger."""


class _Editor(yaml.SafeLoader):
    """YAML 1.2, as editors read it: only true and false are booleans, and a date is a text."""


_Editor.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if not tag.endswith((":bool", ":timestamp"))]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Editor.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"true|false"), list("tf"))


def wrong(text: str) -> list[str]:
    """What `policy check` says."""
    try:
        policy_yaml.parse(text, "my.yaml")
    except YamlErrors as error:
        return str(error).splitlines()
    return []


def small() -> dict[str, Any]:
    """The policy that comes with the router with a few words, so that it is read in no time, and
    everything that is optional."""
    data: dict[str, Any] = yaml.load(TEXT, _Editor)
    data["words"] = {
        "en": {"denied_before": ["not"], "denied_after": ["is over"], "outage": ["is down"], "legal": ["sue*"]},
        "xx": {},
    }
    data["hours"]["channels"] = {"phone": "mon-fri 09:00-18:00"}
    data["hours"]["closed_on"] = ["2026-12-25"]
    data["waiting"]["skills"] = data["waiting"]["levels"]["urgent"]["skills"] = {"french": 5}
    data["waiting"]["tiers"] = {"gold": {"skills": {"french": 5}, "overflow": {"billing": {"to": "night", "after": 5}}}}
    data["routing"]["teams"] = ["night"]
    names = {"security", "money", "outage", "French", "on the phone"}
    data["routing"]["rules"] = [rule for rule in data["routing"]["rules"] if rule["name"] in names]
    data["routing"]["rules"].append(
        {
            "name": "shop",
            "when": {"words": ["shop"], "tiers": ["gold"], "recipients": ["shop@x.org"], "facts": {"Site": ["x"]}},
            "team": "night",
        }
    )
    return data


SMALL = small()


def test_the_schema_is_one_and_the_shipped_policy_obeys_it() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    EDITOR.validate(yaml.load(TEXT, _Editor))
    EDITOR.validate(SMALL)
    assert not wrong(yaml.safe_dump(SMALL))


def test_an_editor_explains_a_key_with_the_words_of_the_shipped_policy() -> None:
    live = SCHEMA["properties"]["signals"]["properties"]["live"]
    assert live["description"] == "a call or an open chat: somebody is waiting"
    assert SCHEMA["properties"]["waiting"]["description"].startswith("Minutes that a ticket waits for the right people")


def test_an_operator_gets_the_schema_by_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["policy", "schema"]) == 0
    assert json.loads(capsys.readouterr().out) == SCHEMA


@pytest.mark.parametrize(
    ("right", "broken"),
    [
        ("  live: 45", "  live: many"),
        ("  live: 45", "  live: 450"),
        ("  live: 45", "  live: -1"),
        ("  live: 45", "  live: [45]"),
        ("  live: 45", "  live: true"),
        ("  live: 45", "  live:"),
        ("  live: 45", "  lvie: 45"),
        ("  live: 45", ""),
        ("deniable: [outage,", "deniable: [[a],"),
        ("deniable: [outage,", "deniable: ['',"),
        ("team: escalations}", "teem: escalations}"),
        ("team: escalations}", "skills: []}"),
        ("when: {languages: [fr]}", "when: {}"),
        ("when: {languages: [fr]}", "when: {languages: []}"),
        ("when: {languages: [fr]}", "when: {languages: fr}"),
        ("when: {languages: [fr]}", "when: {facts: {}}"),
        ("when: {languages: [fr]}", "when: {facts: {Site: []}}"),
        ("when: {languages: [fr]}", "when: {facts: {Site: x}}"),
        (", when: {languages: [fr]}", ""),
        ("team: support", "team: ''"),
        ("team: support", "team: {a: b}"),
        ("team: support", "team: null"),
        ("- {channel: chat, below: 40}", "- chat"),
        ("  rules:", "  rules: none\n  others:"),
        ("  urgent: 30", "  urgent: 0"),
        ("  low: 1440", "  lowest: 1440"),
        ("enterprise: {urgent: 15", "enterprise: {urgnt: 15"),
        ("  closed_on: []", "  closed_on: christmas"),
        ("technical: {after: 240}", "technical: {to: billing}"),
        ("technical: {after: 240}", "technical: 240"),
        ("  tiers: {}               # such", "  tears: {}               # such"),
        ("  tiers: {}               # such", "  tiers: {gold: {skill: {}}}               # such"),
        ("skills: {french: 60", "skills: {french: 0"),
        ("    slow_hours: 24 ", "    slow_hours: 0 "),
        ("  ask_below: 0.4 ", "  ask_below: 4 "),
    ],
)
def test_what_is_refused_for_its_form_is_refused_in_the_editor(right: str, broken: str) -> None:
    assert right in TEXT
    text = TEXT.replace(right, broken, 1)
    assert any(STRUCTURE.search(error) for error in wrong(text)), wrong(text)
    assert not EDITOR.is_valid(yaml.load(text, _Editor))


def places(node: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The path of everything in a document."""
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(found for key, value in inner for found in places(value, (*path, key)))]


PLACES = places(SMALL)[1:]
VALUES = st.sampled_from(
    [None, "", " ", "x", 7, 0, -1, 0.5, 10**12, True, [], {}, ["x"], [[]], [None], {"x": 1}, {"x": "y"}]
)


def changed(path: tuple[str | int, ...], how: str, value: Any) -> dict[str, Any]:
    """The small policy with one thing removed, renamed or replaced."""
    document: dict[str, Any] = json.loads(json.dumps(SMALL))
    inner: Any = document
    for key in path[:-1]:
        inner = inner[key]
    if how == "replace":
        inner[path[-1]] = value
    else:
        old = inner.pop(path[-1])
        if how == "rename" and isinstance(inner, dict):
            inner["renamed"] = old
    return document


@settings(properties, max_examples=min(properties.max_examples, 1_000))  # each reads a page of YAML
@given(st.sampled_from(PLACES), st.sampled_from(["replace", "remove", "rename"]), VALUES)
def test_the_editor_and_the_router_never_disagree_about_the_form(
    path: tuple[str | int, ...], how: str, value: Any
) -> None:
    document = changed(path, how, value)
    errors, fine = wrong(yaml.safe_dump(document, allow_unicode=True)), EDITOR.is_valid(document)
    if not errors:
        assert fine, f"{path} {how} {value!r}: the editor refuses what the router reads"
    if any(STRUCTURE.search(error) for error in errors):
        assert not fine, errors
