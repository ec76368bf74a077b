"""An example of every event is kept. What was once on a topic must stay readable by whoever reads
it today."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import shared.events
from shared.events.codec import decode, encode
from shared.topics import DEAD_LETTERS, all_topics

FOLDER = Path(shared.events.__file__).parent / "examples"
EXAMPLES = sorted(FOLDER.glob("*/*.json"))
TOPICS = {topic.name: topic for topic in all_topics(["email"])}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_an_event_written_earlier_is_still_read_and_written_the_same(path: Path) -> None:
    event = decode(TOPICS[path.parent.name].value, path.read_bytes())
    assert json.loads(encode(event)) == json.loads(path.read_text())


def test_every_topic_has_an_example() -> None:
    assert {path.parent.name for path in EXAMPLES} == set(TOPICS) - {DEAD_LETTERS.name}
