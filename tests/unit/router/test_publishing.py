"""Policies are published one after the other, and a draft is compared with the one in force."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest
from msgspec import structs

from services.router import policy_api, previewing, publishing
from services.router.adapters import policy_yaml, recorded
from services.router.adapters.urgency import Models
from services.router.domain.policy import Policy
from services.router.domain.previews import SHOWN
from services.router.policies import Policies
from shared.bus.api import Encoded
from shared.errors import Rejected
from shared.events import AuditNoted, RoutedMessage, RoutingPolicy
from shared.events.codec import decode, encode
from shared.health import Health
from shared.policies import PolicyDraft, PolicyToPublish
from tests.unit.router.makers import NOW, decided, mail

TEXT = policy_yaml.SHIPPED.read_text("utf-8")


class Kafka:
    """Two topics, and a colleague who may publish at any moment."""

    def __init__(self) -> None:
        self.policies: list[tuple[str, bytes]] = []
        self.noted: list[AuditNoted] = []
        self.meanwhile: list[RoutingPolicy] = []

    async def records(self, *_: Any) -> AsyncIterator[Any]:
        for key, value in list(self.policies):
            yield SimpleNamespace(key=key.encode(), value=value)

    def bus(self, *_: Any) -> Self:
        return self

    async def start(self) -> None:
        self.policies += [(one.name, encode(one)) for one in self.meanwhile]

    async def stop(self) -> None: ...

    async def publish_encoded(self, items: Sequence[Encoded]) -> None:
        for item in items:
            if item.topic == "policies-published":
                self.policies.append((item.key, item.value))
            else:
                self.noted.append(decode(AuditNoted, item.value))


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> Kafka:
    made = Kafka()
    monkeypatch.setattr(publishing, "records", made.records)
    monkeypatch.setattr(publishing, "KafkaBus", made.bus)
    return made


async def test_a_policy_is_published_with_who_did_it_and_stands_in_the_audit_log(kafka: Kafka) -> None:
    made = await publishing.publish("", "default", "a", base=0, by="ann@x", about={"would change": "1 of 2"})
    assert (made.version, made.by, made.yaml) == (1, "ann@x", "a")
    back = await publishing.publish("", "default", "b", base=1, by="bo@x", of=0)
    assert [one.version for one in await publishing.history("", "default")] == [1, 2]
    assert await publishing.history("", "other") == ()
    assert [(one.kind, one.actor, one.data) for one in kafka.noted] == [
        ("policy.published", "ann@x", {"would change": "1 of 2"}),
        ("policy.rolled-back", "bo@x", {"of": "0"}),
    ]
    assert back.of == 0


async def test_a_text_that_began_from_an_older_version_is_not_published(kafka: Kafka) -> None:
    await publishing.publish("", "default", "a")
    with pytest.raises(Rejected, match="Version 1 was published meanwhile") as refused:
        await publishing.publish("", "default", "b", base=0)
    assert (refused.value.status, refused.value.code) == (409, "policy-overtaken")
    assert len(kafka.policies) == 1


async def test_of_two_who_publish_at_once_the_first_one_counts_and_the_other_one_is_told(kafka: Kafka) -> None:
    kafka.meanwhile = [RoutingPolicy(name="default", version=1, published_at=NOW, yaml="first")]
    with pytest.raises(Rejected, match="Version 1 was published meanwhile"):
        await publishing.publish("", "default", "second", base=0)
    assert [one.yaml for one in await publishing.history("", "default")] == ["first"]
    assert kafka.noted == []


async def test_what_is_in_force_already_is_not_published_again_and_is_noted_once(kafka: Kafka) -> None:
    first = await publishing.publish("", "default", "a", base=0)
    again = await publishing.publish("", "default", "a", base=0)
    assert again == first
    assert {one.id for one in kafka.noted} == {"policy:default@1"}


async def test_a_record_that_cannot_be_read_hides_no_version(kafka: Kafka) -> None:
    kafka.policies.append(("default", b"{"))
    assert (await publishing.publish("", "default", "a")).version == 1


async def test_where_the_newest_version_cannot_be_used_the_next_takes_its_place(
    kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_api, "_LOOKS", 1)
    refused = await publishing.publish("", "default", "no: policy")
    published = {"default": refused}
    policies = Policies("default", published, Models(), Health())
    history = policy_api.History("", "default", published)
    assert (policies.current().version, policies.trouble != "") == (0, True)
    asked = PolicyToPublish(yaml=TEXT, base=0, by="ann@x")
    assert await history.publish(asked, policies) == 2
    with pytest.raises(Rejected, match="Version 2 was published meanwhile"):
        await history.publish(structs.replace(asked, yaml=TEXT + "# mine"), policies)


async def test_a_preview_may_have_a_lot_to_say_on_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    says_it_again = tmp_path / "python"
    says_it_again.write_text("#!/bin/sh\nexec cat\n", "utf-8")
    says_it_again.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(says_it_again))
    told = [line async for line in policy_api._previewed("a" * 200_000 + "\n")]
    assert [len(line) for line in told] == [200_001]


def problems(text: str, *skills: str) -> list[tuple[int, str]]:
    draft = PolicyDraft(yaml=text, skills=skills)
    current = policy_yaml.shipped()
    return [(each.line, each.text) for each in policy_api._problems(draft, "default", current, Models())]


def test_a_skill_that_nobody_has_is_refused_with_its_line() -> None:
    text = TEXT.replace("[fr]}, skills: [french]", "[fr]}, skills: [french, chirping]")
    line = next(number for number, each in enumerate(text.splitlines(), 1) if "chirping" in each)
    ((found, said),) = problems(text)
    assert (found, "'chirping' is not known; known are " in said) == (line, True)
    assert problems(text, "chirping") == []
    assert problems(TEXT) == []


def test_another_name_than_the_router_follows_is_refused_with_its_line() -> None:
    text = TEXT.replace("name: default", "name: mine")
    ((line, said),) = problems(text)
    assert text.splitlines()[line - 1].startswith("name: mine")
    assert "must be 'default'" in said


def archive(count: int) -> recorded.Archive:
    texts = ["My shop is down", "When do you open?", "How do I change the colour?", "Thank you"]
    found = recorded.Archive()
    for n in range(count):
        message = mail(texts[n % 4], id=f"m{n}", provider_id=f"<{n}@example.org>")
        at = NOW + n * timedelta(minutes=1)
        found.decisions.append((at, RoutedMessage(message=message, decision=decided(message))))
    found.seen = count + 5
    shipped = policy_yaml.shipped()
    found.policies[shipped.label] = shipped
    return found


def lowered() -> Policy:
    return policy_yaml.parse(TEXT.replace("  urgent: 65", "  urgent: 19").replace("  high: 45", "  high: 18"), "draft")


def test_a_preview_tells_how_many_would_change_from_what_to_what_with_examples() -> None:
    *steps, last = previewing.lines(archive(450), lowered(), NOW, NOW + timedelta(days=7), time.monotonic() + 600)
    assert [(step.done, step.of) for step in steps] == [(0, 450), (200, 450), (400, 450), (450, 450)]
    found = last.result
    assert found
    assert (found.messages, found.of, found.base) == (450, 455, 0)
    assert 0 < found.changed < 450
    (move,) = [each for each in found.moves if (each.field, each.before) == ("level", "normal")]
    assert (move.after, move.messages > 100) == ("urgent", True)
    assert len(found.examples) == SHOWN == len({each.ticket_id for each in found.examples})
    assert found.examples[0].before["level"] == "normal"


def test_a_preview_that_has_no_time_left_tells_what_it_has() -> None:
    *_, last = previewing.lines(archive(10), lowered(), NOW, NOW, time.monotonic() - 1)
    assert last.result
    assert (last.result.messages, last.result.of) == (0, 15)


def test_a_draft_is_compared_with_the_policy_in_force_and_not_with_what_was_in_force_earlier() -> None:
    found = archive(8)
    newer = policy_yaml.parse(TEXT.replace("  urgent: 65", "  urgent: 19").replace("  high: 45", "  high: 18"), "p", 4)
    found.policies[newer.label] = newer
    *_, last = previewing.lines(found, lowered(), NOW, NOW, time.monotonic() + 600)
    assert last.result
    assert (last.result.base, last.result.changed) == (4, 0)


def test_of_very_long_messages_fewer_are_kept_the_newest() -> None:
    decisions = archive(10).decisions
    assert recorded.newest(decisions, 4) == decisions[-4:]
    assert recorded.newest(reversed(decisions), 100, 2100 * 3) == decisions[-3:]
    assert recorded.newest(decisions, 100, 10) == []


def test_of_a_conversation_there_is_one_example() -> None:
    found = archive(8)
    found.decisions = [
        (at, structs.replace(routed, decision=structs.replace(routed.decision, ticket_id="one")))
        for at, routed in found.decisions
    ]
    *_, last = previewing.lines(found, lowered(), NOW, NOW, time.monotonic() + 600)
    assert last.result
    assert [each.ticket_id for each in last.result.examples] == ["one"]
    assert last.result.changed > 1
