"""Who does something is kept as it always was, and what a role may do stands in the docs."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.desk.actors import (
    COMMAND,
    DESK,
    NOBODY,
    ROLES,
    SCOPES,
    Actor,
    Forbidden,
    Kind,
    Permission,
    actor_of,
    permissions_of,
    scoped,
)

PAGE = Path(__file__).parents[3] / "docs/how-to/look-after-people.md"
NAMES = st.text(min_size=1, max_size=30)
ACTORS = st.one_of(
    st.builds(Actor, st.just(Kind.AGENT), NAMES.map(lambda name: f"{name}@example.org")),
    st.builds(Actor, st.just(Kind.TOKEN), NAMES),
    st.builds(Actor, st.just(Kind.SERVICE), st.sampled_from(["desk", "phone", "email", "x"])),
    st.sampled_from([Actor(Kind.COMMAND), NOBODY]),
)


@given(ACTORS)
def test_an_actor_is_read_from_what_is_stored_of_them(actor: Actor) -> None:
    assert actor_of(actor.stored) == actor


@pytest.mark.parametrize(
    ("text", "actor"),
    [
        ("bo@desk.example", Actor(Kind.AGENT, "bo@desk.example")),
        ("api:shop@home", Actor(Kind.TOKEN, "shop@home")),
        ("command", Actor(Kind.COMMAND)),
        ("desk", DESK),
        ("x", Actor(Kind.SERVICE, "x")),
        ("", NOBODY),
    ],
)
def test_what_was_stored_yesterday_names_the_same_actor_and_is_stored_the_same(text: str, actor: Actor) -> None:
    assert (actor_of(text), actor.stored) == (actor, text)


def test_whoever_lacks_a_permission_hears_which() -> None:
    agent = Actor(Kind.AGENT, "bo@desk.example", permissions=ROLES["agent"])
    agent.require(Permission.REPLY)
    with pytest.raises(Forbidden, match=r"people\.manage") as caught:
        agent.require(Permission.MANAGE_PEOPLE)
    assert (caught.value.status, caught.value.code) == (403, "permission")
    agent.require_for("BO@desk.example", Permission.MANAGE_PEOPLE)
    with pytest.raises(Forbidden):
        agent.require_for("ann@desk.example", Permission.MANAGE_PEOPLE)
    with pytest.raises(Forbidden):
        Actor(Kind.TOKEN, "bo@desk.example").require_for("bo@desk.example", Permission.MANAGE_PEOPLE)


def test_a_program_acts_in_an_agent_s_name_with_its_own_permissions() -> None:
    program = Actor(Kind.TOKEN, "phone-app", permissions=frozenset({Permission.TAKE_CALLS}), ip="10.0.0.9")
    acting = program.acting_for(" Bo@desk.example ")
    assert acting == msgspec.structs.replace(program, kind=Kind.AGENT, id="bo@desk.example")
    with pytest.raises(Forbidden):
        acting.require(Permission.REPLY)


def test_who_may_do_more_may_do_all_that_others_may() -> None:
    assert ROLES["read-only"] < ROLES["agent"] < ROLES["supervisor"] < ROLES["admin"] == frozenset(Permission)
    assert SCOPES["read"] < SCOPES["write"] < SCOPES["admin"] == COMMAND.permissions
    assert scoped(["read", "write"]) == SCOPES["write"]
    assert scoped(["of-a-newer-desk"]) == scoped([]) == frozenset()
    assert permissions_of(["tickets.read", "of.a.newer.desk"]) == {Permission.READ}


def test_the_docs_say_what_each_role_and_scope_allows() -> None:
    section = PAGE.read_text(encoding="utf-8").split("## What a role allows")[1].split("\n## ")[0]
    head, *rows = re.findall(r"^\| (.*) \|$", section, re.MULTILINE)
    columns = [name.strip("` ") for name in head.split("|")]
    told: dict[str, set[str]] = {name: set() for name in columns[2:]}
    for row in rows:
        permission, _, *marks = (cell.strip() for cell in row.split("|"))
        for name, mark in zip(columns[2:], marks, strict=True):
            if mark:
                told[name].add(permission.strip("`"))
    scopes = {f"scope {name}": allowed for name, allowed in SCOPES.items()}
    assert told == {name: set(allowed) for name, allowed in (ROLES | scopes).items()}
