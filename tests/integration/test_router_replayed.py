"""What was decided comes out again, byte for byte, though customers, policy and channels changed in
between."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from services.router.adapters import policy_yaml, recorded
from services.router.domain.replay import verify
from shared.bus.kafka import KafkaBus
from shared.clock import utc_now
from shared.events import Channel, Profile, Stated
from shared.topics import CHANNELS_ANNOUNCED, CUSTOMERS_UPDATED
from tests.integration.router_process import NOW, Outputs, RouterProcess, mails, send


async def test_a_day_of_decisions_comes_out_again_and_another_policy_is_tried_on_it(
    kafka: str, bus: KafkaBus, outputs: Outputs, router: RouterProcess, tmp_path: Path
) -> None:
    began, name = utc_now() - timedelta(seconds=5), f"policy-{uuid4().hex[:8]}"
    router.environment["ROUTER_POLICY"] = name
    await router.start()
    text = policy_yaml.SHIPPED.read_text(encoding="utf-8").replace("name: default", f"name: {name}")
    ids = await send(bus, mails(60, text="My shop is down"))
    await outputs.wait_for(ids)
    for version in (1, 2):
        file = tmp_path / f"{version}.yaml"
        file.write_text(text.replace("outage: 60", f"outage: {60 - version}"), encoding="utf-8")
        assert (await router.command("policy", "publish", str(file))).returncode == 0
        messages = mails(60, text="My shop is down")
        for message in messages[::7]:
            stated = Stated(channel="phone", source="survey", at=NOW)
            profile = Profile(
                contact_point=message.sender, customer_id="c", version=version, updated_at=NOW, stated=stated
            )
            await bus.publish(CUSTOMERS_UPDATED, message.sender, profile)
        await bus.publish(
            CHANNELS_ANNOUNCED, name, Channel(name=name, label=f"Pigeon {version}", icon="mail", reaches=("email",))
        )
        ids += await send(bus, messages)
        await outputs.wait_for(ids)

    archive = await recorded.from_kafka(kafka, began, utc_now() + timedelta(seconds=5))
    archive.decisions = [one for one in archive.decisions if one[1].message.id in set(ids)]
    verdicts = [verify(one, archive.policies, archive.models.of) for one in archive.recording()]
    assert Counter((verdict.outcome, verdict.fields) for verdict in verdicts) == {("same", ()): len(ids)}

    explained = await router.command("explain", ids[-1])
    assert explained.returncode == 0, explained.stderr
    assert "severity.outage" in explained.stdout
    assert "does not hold: written in ko" in explained.stdout
    unknown = await router.command("explain", "nobody")
    assert unknown.returncode != 0
    assert "no message with the id 'nobody'" in unknown.stderr

    file.write_text(text.replace("outage: 60", "outage: 5"), encoding="utf-8")
    page = tmp_path / "report.html"
    tried = await router.command(
        "simulate", "--policy", str(file), "--from", f"{began:%Y-%m-%dT%H:%M:%S}", "--html", str(page)
    )
    assert tried.returncode == 0, tried.stderr
    assert "would be decided differently" in tried.stdout
    assert "<svg" in page.read_text()
