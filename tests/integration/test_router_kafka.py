"""The router as its own process, on a real broker."""

from __future__ import annotations

import signal
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import httpx

from services.router.adapters import policy_yaml
from shared.bus import TAKEN, WRITTEN, Encoded
from shared.bus.kafka import KafkaBus
from shared.clock import utc_now
from shared.events import Profile, Stated
from shared.topics import AUDIT_NOTED, CUSTOMERS_UPDATED, MESSAGES_RECEIVED
from tests.integration.router_process import Outputs, RouterProcess, mails, send
from tests.topic import events_on
from tests.unit.router.makers import NOW
from tests.waiting import until


async def test_each_message_is_routed_under_its_ticket_and_a_bad_record_is_set_aside_alone(
    router: RouterProcess, outputs: Outputs, bus: KafkaBus
) -> None:
    run, began = uuid4().hex, utc_now()
    before, after = mails(60), mails(60, text="The site is down,")
    ids = await send(bus, before)
    await bus.publish_encoded([Encoded(MESSAGES_RECEIVED.name, run, b"{not json", "InboundMessage", run)])
    ids += await send(bus, after)
    await router.start()
    await outputs.wait_for(ids)
    await outputs.wait(
        lambda: any(dict(headers)["source_key"] == run.encode() for _, headers in outputs.dead), "no dead letter"
    )
    value, headers = next(letter for letter in outputs.dead if letter[1]["source_key"] == run.encode())
    assert value == b"{not json"
    assert headers["error"].startswith(b"MalformedEvent")
    for number in ids:
        routed = outputs.routed[number]
        assert outputs.keys[number] == routed.decision.ticket_id
        assert outputs.times[number] == 1
        taken, routed_at = (datetime.fromisoformat(outputs.headers[number][name].decode()) for name in (TAKEN, WRITTEN))
        assert began <= taken <= routed_at, "when each stage was passed is told beside the decision"
    assert outputs.routed[ids[-1]].decision.level == "urgent"
    async with httpx.AsyncClient(trust_env=False) as client:
        metrics = (await client.get(f"http://127.0.0.1:{router.port}/metrics")).text
    assert 'switchboard_messages_routed_total{channel="email",level="urgent",team="technical"}' in metrics


async def test_what_the_desk_learned_of_a_customer_changes_the_next_decision(
    router: RouterProcess, outputs: Outputs, bus: KafkaBus
) -> None:
    run = uuid4().hex
    await router.start()
    first, *later = mails(200, run)
    (before,) = await send(bus, [first])
    await outputs.wait_for([before])
    assert [choice.channel for choice in outputs.routed[before].decision.channels] == ["email"]
    point = first.sender
    profile = Profile(
        contact_point=point,
        customer_id="c",
        version=3,
        updated_at=NOW,
        stated=Stated(channel="phone", source="survey", at=NOW),
    )
    await bus.publish(CUSTOMERS_UPDATED, point, profile)
    for message in (message for message in later if message.sender == point):
        await send(bus, [message])
        await outputs.wait_for([message.id])
        decision = outputs.routed[message.id].decision
        if decision.profile_version == 3:
            break
    assert decision.profile_version == 3
    assert decision.channels[0].channel == "phone"


async def test_a_published_policy_takes_effect_without_a_restart(
    router: RouterProcess, outputs: Outputs, bus: KafkaBus, tmp_path: Path
) -> None:
    name = f"policy-{uuid4().hex[:8]}"
    router.environment["ROUTER_POLICY"] = name
    await router.start()
    assert "nothing is published" in (await router.command("policy", "show")).stdout
    text = policy_yaml.SHIPPED.read_text(encoding="utf-8").replace("name: default", f"name: {name}")
    file = tmp_path / "mine.yaml"
    file.write_text(text.replace("team: support", "team: everybody"), encoding="utf-8")
    assert f"{name}@1 is published" in (await router.command("policy", "publish", str(file))).stdout
    assert "is this already" in (await router.command("policy", "publish", str(file))).stdout
    noted = {
        (event.id, event.subject) for event in await events_on(router.servers, AUDIT_NOTED) if name in event.subject
    }
    assert [subject for _, subject in noted] == [f"{name}@1"], "told again, it is the same"
    shown = (await router.command("policy", "show")).stdout
    assert shown.partition("\n")[2] == file.read_text(), "after a comment, so that it can be kept as it is printed"
    for message in mails(200):
        (sent,) = await send(bus, [message])
        await outputs.wait_for([sent])
        if outputs.routed[sent].decision.policy == f"{name}@1":
            break
    assert outputs.routed[sent].decision.team == "everybody"
    file.write_text(text.replace("live: 45", "live: many"), encoding="utf-8")
    refused = await router.command("policy", "publish", str(file))
    assert refused.returncode == 1
    assert "signals.live: must be a number from 0 to 100" in refused.stderr


async def test_who_is_waiting_right_now_does_not_queue_behind_a_flood_of_mail(
    router: RouterProcess, outputs: Outputs, bus: KafkaBus
) -> None:
    router.environment["ROUTER_BATCH"] = "50"
    flood = await send(bus, mails(4000))
    waiting = await send(bus, mails(40, live=True))
    await router.start(ready=False)
    await outputs.wait_for([*flood, *waiting])
    place = {number: place for place, number in enumerate(outputs.order)}
    assert max(place[number] for number in waiting) < len(flood) / 2


async def test_an_orderly_stop_finishes_what_was_started_and_repeats_nothing(
    router: RouterProcess, outputs: Outputs, bus: KafkaBus
) -> None:
    ids = await send(bus, mails(3000))
    await router.start(ready=False)
    await outputs.wait(lambda: len(outputs.routed) > 200, "nothing was routed")
    assert await router.end(signal.SIGTERM) == 0
    await router.start(ready=False)
    await outputs.wait_for(ids)
    assert {outputs.times[number] for number in ids} == {1}


async def test_a_router_waits_for_kafka_and_says_so(router: RouterProcess, free_port: int) -> None:
    router.environment["SWITCHBOARD_KAFKA"] = "127.0.0.1:1"
    await router.start(ready=False)

    async def told() -> bool:
        async with httpx.AsyncClient(trust_env=False) as client:
            try:
                answer = await client.get(f"http://127.0.0.1:{router.port}/health/ready")
            except httpx.TransportError:
                return False
        views = answer.json()["parts"]["views"]
        return answer.status_code == 503 and "customers-updated: waiting for Kafka" in views["detail"]

    await until(told, "not told")
    assert await router.end(signal.SIGTERM) == 0
