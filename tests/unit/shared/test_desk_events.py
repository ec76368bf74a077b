"""What happened at the desk is one struct a kind, and reads what is on the topic and in the tables
already."""

from __future__ import annotations

import ast
import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from shared.asyncapi import document
from shared.events import DeskEvent
from shared.events.codec import decode, encode
from shared.events.desk import (
    CHANGES,
    CallMoved,
    Change,
    MentionLabelled,
    TicketAssigned,
    TicketReopened,
    TicketStatusChanged,
    change_of,
    data_of,
    kind_of,
)

AT = datetime(2026, 11, 30, 9, tzinfo=UTC)


@pytest.mark.parametrize("kind", CHANGES, ids=kind_of)
def test_every_change_comes_back_as_it_was_written(kind: type[Change]) -> None:
    names = [field.name for field in msgspec.structs.fields(kind)]
    whole = kind(**{name: name.upper() for name in names})
    for change in (kind(), whole):
        event = DeskEvent.of(change, id="1", ticket_id="t", at=AT)
        assert decode(DeskEvent, encode(event)).change == change


@pytest.mark.parametrize(
    ("kind", "data", "change"),
    [
        ("ticket.status", {"from": "open", "to": "solved"}, TicketStatusChanged(before="open", to="solved")),
        ("ticket.reopened", {"from": "solved", "why": "message"}, TicketReopened(before="solved", why="message")),
        ("ticket.assigned", {"assignee": "", "assignee_name": ""}, TicketAssigned(assignee="", assignee_name="")),
        ("ticket.assigned", {"team": "billing"}, TicketAssigned(team="billing")),
        ("mention.judged", {"mention_id": "m", "label": ""}, MentionLabelled(mention_id="m")),
        (
            "call.changed",
            {"call_id": "CA1", "state": "queued", "agent": "", "offered_to": "", "version": "3", "why": "declined"},
            CallMoved(call_id="CA1", state="queued", version="3", why="declined"),
        ),
    ],
)
def test_what_was_written_yesterday_reads_the_same_and_is_written_the_same(
    kind: str, data: dict[str, str], change: Change
) -> None:
    record = {"id": "1", "ticket_id": "t", "kind": kind, "at": "2026-11-30T09:00:00Z", "actor": "sam", "data": data}
    event = decode(DeskEvent, json.dumps(record).encode())
    assert event.change == change
    assert data_of(change) == data
    assert DeskEvent.of(change, id="1", ticket_id="t", at=AT, actor="sam") == event


def test_what_an_older_desk_did_not_say_is_empty_and_what_a_newer_one_says_is_left_alone() -> None:
    assert change_of("ticket.status", {}) == TicketStatusChanged()
    assert change_of("ticket.status", {"to": "open", "mood": "good"}) == TicketStatusChanged(to="open")
    assert change_of("ticket.merged", {"into": "t2"}) is None


def test_the_asyncapi_document_has_the_fields_of_each_kind() -> None:
    schemas = document(["email"])["components"]["schemas"]
    told = {each["properties"]["kind"]["const"]: each["properties"]["data"] for each in schemas["DeskEvent"]["oneOf"]}
    assert told.keys() == {kind_of(change) for change in CHANGES}
    assert set(schemas["TicketStatusChanged"]["properties"]) >= {"from", "to"}
    assert "kind" not in schemas["TicketStatusChanged"]["properties"]


def test_the_desk_writes_structs_and_every_one_of_them() -> None:
    desk = Path(__file__).parents[3] / "services/desk"
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in desk.rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert not texts & {kind_of(change) for change in CHANGES}
    made = {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert {change.__name__ for change in CHANGES} <= made
