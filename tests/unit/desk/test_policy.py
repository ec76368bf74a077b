"""What admins see of a policy: which lines differ, how far a preview is, who may publish."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.desk.actors import Actor, Kind, Permission
from services.desk.policy.domain import SILENT, Line, State, differences, may_publish, state_of
from services.desk.web import render
from services.desk.web.pages import settings
from services.desk.web.policy import words

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
_ = render.gettext("en")


def test_what_differs_is_told_with_the_numbers_of_both_texts_and_some_lines_around() -> None:
    before = "\n".join(f"line {n}" for n in range(1, 31))
    after = before.replace("line 10\n", "line ten\nand more\n").replace("line 25", "line 25!")
    found = differences(before, after)
    assert found[:3] == (Line("same", "line 7", 7, 7), Line("same", "line 8", 8, 8), Line("same", "line 9", 9, 9))
    assert found[3:6] == (
        Line("removed", "line 10", before=10),
        Line("added", "line ten", after=10),
        Line("added", "and more", after=11),
    )
    assert [line.kind for line in found].count("gap") == 1
    assert Line("added", "line 25!", after=26) in found


def test_the_same_text_differs_in_nothing() -> None:
    assert differences("a\nb", "a\nb") == ()
    assert differences("", "") == ()


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
def test_whoever_takes_the_removed_lines_out_and_the_added_ones_in_has_the_other_text(
    before: list[str], after: list[str]
) -> None:
    found = differences("\n".join(before), "\n".join(after))
    kept = list(before)
    for line in sorted((line for line in found if line.kind == "removed"), key=lambda line: -line.before):
        assert kept.pop(line.before - 1) == line.text
    for line in (line for line in found if line.kind == "added"):
        kept.insert(line.after - 1, line.text)
    assert kept == after


@pytest.mark.parametrize(
    ("beat", "done", "failed", "state"),
    [
        (None, False, "", State.WAITS),
        (NOW - timedelta(seconds=1), False, "", State.RUNS),
        (NOW - SILENT, False, "", State.WAITS),
        (NOW - SILENT, True, "", State.DONE),
        (NOW, False, "away", State.FAILED),
    ],
)
def test_a_preview_whose_maker_was_killed_waits_for_another_one(
    beat: datetime | None, done: bool, failed: str, state: State
) -> None:
    assert state_of(beat, done=done, failed=failed, now=NOW) is state


def test_where_two_people_publish_nobody_publishes_their_own() -> None:
    assert may_publish("ann@x", "ann@x", two_person=False)
    assert not may_publish("ann@x", "ann@x", two_person=True)
    assert may_publish("ann@x", "bo@x", two_person=True)


def test_a_preview_is_told_in_the_words_of_the_desk() -> None:
    assert words.field("level", _) == "Priority"
    told = [words.value(*pair, _) for pair in (("level", "urgent"), ("team", "plugin-support"), ("channel", "email"))]
    assert told == ["Urgent", "Plugin support", "Email"]
    assert words.value("skills", "french, x-ray", _).endswith(", x-ray")
    assert words.value("ticket", "0f9b6d3c-1", _) == "0f9b6d3c"
    assert words.value("score", "12", _) == "12"
    assert words.value("team", "", _) == "–"
    assert words.failed("too-slow", _) == "Reading last week’s messages took too long."
    assert words.failed("whatever", _) == words.failed("away", _)


def may(*permissions: Permission) -> object:
    class Who:
        actor = Actor(Kind.AGENT, "ann@x", permissions=frozenset(permissions))

    return Who()


def test_the_index_of_settings_has_what_somebody_may_open_and_finds_it_by_words() -> None:
    everything = settings.found(may(*Permission), "", _)  # type: ignore[arg-type]
    titles = [name for _group, places in everything for _place, name, _about in places]
    assert len(titles) == len(set(titles)) > 10
    (group,) = settings.found(may(*Permission), "routing  HOURS", _)[:1]  # type: ignore[arg-type]
    assert [name for _place, name, _about in group[1]] == ["Routing policy"]
    own = settings.found(may(), "", _)  # type: ignore[arg-type]
    assert [title for title, _places in own] == ["Your own"]
    assert settings.found(may(*Permission), "zzz", _) == []  # type: ignore[arg-type]


def test_what_the_account_menu_leads_to_is_in_the_index_of_settings_too() -> None:
    page = (Path(settings.__file__).parents[1] / "templates" / "console.html").read_text("utf-8")
    panel = page.rpartition('class="menu-panel"')[2]
    places = {place.url for _group, group in settings.PLACES for place in group}
    assert set(re.findall(r'href="(/[^"{]+)"', panel.partition("</details>")[0])) <= places
