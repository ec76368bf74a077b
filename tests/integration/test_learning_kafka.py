"""From an agent's word at the desk to what every router judges by, over a real broker."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from uuid import uuid4

import psutil

from services.desk.intake.messages import apply
from services.desk.tickets import corrections
from services.router import learning
from services.router.adapters import recorded
from services.router.domain.replay import verify
from shared.bus.kafka import KafkaBus
from shared.clock import utc_now
from shared.events.learning import in_use
from shared.kernel import ticket_id
from shared.topics import AUDIT_NOTED, MODELS_LEARNED, PRIORITIES_CORRECTED
from tests.integration.desk_parts import acting, desk_on, migrate, with_channels
from tests.integration.router_process import PATIENCE, ROOT, Outputs, RouterProcess, mails, send
from tests.topic import events_on
from tests.unit.desk.examples import routed
from tests.waiting import until

ODD = "The zorble of our kiosk flickers purple"
"""By which this company's customers mean that they were charged wrongly."""
TICKETS = 72
IN_THE_MIDDLE = 2.0
"""Seconds of CPU, of the five or so that it takes: it learns, and has published nothing."""


async def teach(dsn: str, storage: str, bus: KafkaBus) -> None:
    """Three agents tell of many tickets what they are really about."""
    await migrate(dsn)
    async with desk_on(dsn, storage, bus) as bare:
        desk, stop = with_channels(bare), asyncio.Event()
        names = [f"email:<{uuid4().hex}@example.org>" for _ in range(TICKETS)]
        sender = [f"email:{uuid4().hex}@example.org" for _ in names]
        await apply(
            desk,
            [
                routed(f"<{number}.{name}", thread=name, sender=sender[number], subject="", text=f"{ODD} {number}")
                for number, name in enumerate(names)
            ],
        )
        for number, name in enumerate(names):
            agent = acting(f"agent{number % 3}@desk.example")
            await corrections.prioritise(desk, ticket_id(name), "high", "payment", actor=agent)
        relay = asyncio.ensure_future(desk.outbox.run(stop))
        try:
            mine = {ticket_id(name) for name in names}

            async def all_there() -> bool:
                return mine <= {event.ticket_id for event in await events_on(bus.servers, PRIORITIES_CORRECTED)}

            await until(all_there, "every correction is on the topic")
        finally:
            stop.set()
            await relay


async def test_agents_teach_the_routers_and_an_operator_takes_it_back(
    kafka: str, database: str, storage_url: str, bus: KafkaBus, outputs: Outputs, router: RouterProcess
) -> None:
    began, name = utc_now() - timedelta(seconds=5), f"policy-{uuid4().hex[:8]}"
    router.environment |= {"ROUTER_POLICY": name, "ROUTER_LEARN_HOURS": "0"}
    await router.start()
    sent: list[str] = []

    async def judged_by() -> tuple[str, str]:
        """Which model judges now, and what it takes this company's words for."""
        ids = await send(bus, mails(1, text=ODD))
        await outputs.wait_for(ids)
        sent.extend(ids)
        judged = outputs.routed[ids[0]].decision.judged
        assert judged
        return judged.model, judged.kind

    base, kind = await judged_by()
    assert kind != "payment"
    nothing = await router.command("model", "roll-back")
    assert nothing.returncode != 0
    assert "there is none before it" in nothing.stderr

    await teach(database, storage_url, bus)
    killed = subprocess.Popen(
        [sys.executable, "-m", "services", "router", "model", "learn"], cwd=ROOT, env=router.variables
    )
    learns = psutil.Process(killed.pid)
    await until(lambda: learns.cpu_times().user > IN_THE_MIDDLE, "it is under way")
    assert killed.poll() is None
    killed.kill()
    await asyncio.to_thread(killed.wait, PATIENCE)
    assert in_use(name) not in await learning.newest(kafka, MODELS_LEARNED)
    assert await judged_by() == (base, kind), "who learns and is killed leaves everything as it was"

    unknown = await router.command("model", "learn", "--without", "eve@desk.example")
    assert unknown.returncode != 0
    assert "eve@desk.example corrected nothing; who did: agent0@desk.example" in unknown.stderr
    learned = await router.command("model", "learn")
    assert learned.returncode == 0, learned.stderr
    assert "taken, for it does better" in learned.stdout
    version = learned.stdout.split(",")[0]
    assert version.startswith(f"{base}+")

    async def taken_up() -> bool:
        return await judged_by() == (version, "payment")

    await until(taken_up, "the running router takes up the new model")
    await router.end(signal.SIGKILL)
    await router.start()
    assert await judged_by() == (version, "payment"), "a router that was killed finds it again"
    assert "make the same again" in (await router.command("model", "learn")).stdout
    few = await router.command("model", "learn", "--only-new")
    assert "0 corrections since the last time" in few.stdout

    back = await router.command("model", "roll-back")
    assert back.returncode == 0, back.stderr
    assert back.stdout.startswith(f"{base} is in use again")

    async def gone_back() -> bool:
        return (await judged_by())[0] == base

    await until(gone_back, "the running router goes back")
    waiting = await router.command("model", "learn")
    assert "waits, for it does better, but somebody went back before" in waiting.stdout
    wrong = await router.command("model", "take", "urgency-0")
    assert wrong.returncode != 0
    assert version in wrong.stderr
    assert (await router.command("model", "take", version)).returncode == 0
    await until(taken_up, "and takes it again when a person says so")
    shown = await router.command("model", "show")
    assert f"judges: {version}" in shown.stdout
    assert f"taken last: {version}" in shown.stdout
    noted = Counter(event.kind for event in await events_on(kafka, AUDIT_NOTED) if event.subject in (base, version))
    assert noted["model.taken"] >= 1
    assert noted["model.rolled-back"] >= 1

    archive = await recorded.from_kafka(kafka, began, utc_now() + timedelta(seconds=5))
    archive.decisions = [one for one in archive.decisions if one[1].message.id in set(sent)]
    models = {one.routed.decision.judged.model for one in archive.recording() if one.routed.decision.judged}
    assert models == {base, version}
    outcomes = Counter(verify(one, archive.policies, archive.models.of).outcome for one in archive.recording())
    assert outcomes.keys() == {"same"}
    assert outcomes["same"] >= len(sent), "what was read again after the kill is decided again"
