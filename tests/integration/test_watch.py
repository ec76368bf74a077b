"""Real Prometheus and Alertmanager beside a real service: an operator hears of it before the
customers do."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from deploy.grafana import dashboard
from deploy.local import ports, tools, watch
from deploy.local.watch import Watch
from shared.bus.kafka import KafkaBus, create_topics
from shared.topics import all_topics
from tests.conftest import ON_CI
from tests.integration.router_process import RouterProcess, mails, send
from tests.waiting import until

QUICK = "250ms"


class Operator:
    """Whom Alertmanager tells: a webhook."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        heard = self.heard

        class Ear(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                heard.extend(body["alerts"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Tests are quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Ear)
        self._thread = threading.Thread(target=self.server.serve_forever)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/"

    def told(self, alert: str, status: str, **labels: str) -> list[dict[str, Any]]:
        wanted = {"alertname": alert, **labels}
        return [one for one in self.heard if one["status"] == status and wanted.items() <= one["labels"].items()]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


@pytest.fixture
def operator() -> Iterator[Operator]:
    person = Operator()
    yield person
    person.close()


@pytest.fixture
async def router(kafka: str, free_port: int, tmp_path: Path) -> AsyncIterator[RouterProcess]:
    await create_topics(kafka, all_topics(["email"]))
    worker = RouterProcess(kafka, free_port, tmp_path / "router.log")
    await worker.start()
    yield worker
    await worker.end(signal.SIGKILL)


def impatient(folder: Path) -> list[str]:
    """The shipped rules, but nobody waits to be sure."""
    folder.mkdir()
    for path in (Path(watch.__file__).parents[1] / "prometheus" / "rules").glob("*.yml"):
        rules = yaml.safe_load(path.read_text())
        for group in rules["groups"]:
            group["interval"] = QUICK
            for rule in group["rules"]:
                if "for" in rule:
                    rule["for"] = "1s"
        (folder / path.name).write_text(yaml.safe_dump(rules))
    return [str(folder / "*.yml")]


@pytest.fixture
async def watched(router: RouterProcess, operator: Operator, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Prometheus' API. It watches the router and tells the operator."""
    if tools.missing():
        assert not ON_CI, f"Prometheus and Alertmanager have to be there on CI: {tools.HOW}"
        pytest.skip(tools.HOW)
    own = Watch(tmp_path / "watch", *ports.free(2))
    prometheus = watch.prometheus_config(watch.shipped("prometheus"), {"router": f"127.0.0.1:{router.port}"}, own)
    prometheus["rule_files"] = impatient(tmp_path / "rules")
    prometheus["global"] = {"scrape_interval": QUICK, "evaluation_interval": QUICK}
    manager = watch.shipped("alertmanager")
    manager["route"] |= {"group_wait": "100ms", "group_interval": "500ms"}
    hears = [{"url": operator.url, "send_resolved": True}]
    manager["receivers"] = [{"name": one["name"], "webhook_configs": hears} for one in manager["receivers"]]
    watch.write(own, prometheus, manager)
    both = watch.running(own)
    await asyncio.to_thread(both.__enter__)
    try:
        async with httpx.AsyncClient(base_url=f"{own.prometheus}/api/v1", trust_env=False, timeout=10) as api:
            yield api
    finally:
        await asyncio.to_thread(both.__exit__, None, None, None)


async def value(api: httpx.AsyncClient, expression: str) -> float | None:
    answer = (await api.get("/query", params={"query": expression})).raise_for_status().json()
    series = answer["data"]["result"]
    return float(series[0]["value"][1]) if series else None


async def test_an_operator_hears_of_a_dead_service_before_the_customers_do_and_that_it_is_back(
    router: RouterProcess, operator: Operator, watched: httpx.AsyncClient
) -> None:
    async def up() -> bool:
        return await value(watched, 'up{job="router"}') == 1

    await until(up, "the router to be seen")
    assert not operator.told("ServiceDown", "firing", job="router")

    async def heartbeat() -> bool:
        return bool(operator.told("Watchdog", "firing", severity="none"))

    await until(heartbeat, "the heartbeat, though all is well")

    await router.end(signal.SIGKILL)

    async def told() -> bool:
        return bool(operator.told("ServiceDown", "firing", job="router"))

    await until(told, "the operator to hear of it")
    (alert, *_) = operator.told("ServiceDown", "firing", job="router")
    assert alert["annotations"]["summary"] == "router does not answer"
    assert alert["annotations"]["runbook_url"] == "docs/how-to/watch.md#servicedown"
    assert alert["labels"]["severity"] == "critical"

    await router.start()

    async def resolved() -> bool:
        return bool(operator.told("ServiceDown", "resolved", job="router"))

    await until(resolved, "the operator to hear that it is back")


async def test_what_the_router_does_can_be_read_and_every_panel_and_rule_can_be_drawn(
    kafka: str, router: RouterProcess, watched: httpx.AsyncClient
) -> None:
    bus = KafkaBus(kafka, "email")
    await bus.start()
    try:
        await send(bus, mails(5))
    finally:
        await bus.stop()

    async def routed() -> bool:
        return (await value(watched, 'sum(switchboard_messages_routed_total{channel="email"})') or 0) >= 5

    await until(routed, "five decisions to be counted")

    async def caught_up() -> bool:
        return await value(watched, f'sum(switchboard:records_behind:sum{{group="{router.group}"}})') == 0

    await until(caught_up, "the router to have read everything")
    assert await value(watched, 'switchboard_build_info{service="router"}') == 1
    assert await value(watched, 'min(switchboard_part_ready{job="router"})') == 1
    assert (await value(watched, "process_resident_memory_bytes") or 0) > 1e6
    for _, panels in dashboard.ROWS.values():
        for panel in panels:
            for query, _ in panel.queries:
                answer = await watched.get("/query", params={"query": query.replace("$__rate_interval", "1m")})
                assert answer.status_code == 200, f"{panel.title}: {answer.text}"
    rules = (await watched.get("/rules")).json()["data"]["groups"]
    unwell = {rule["name"]: rule["lastError"] for group in rules for rule in group["rules"] if rule["health"] == "err"}
    assert not unwell
