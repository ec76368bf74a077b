"""An operator is told of what goes wrong, in words, and of nothing else: rules, alerts and
dashboard against the code."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import Counter, Histogram

import shared
from deploy.grafana import dashboard
from deploy.local import tools, watch
from deploy.local.watch import Watch
from services.__main__ import names
from shared.metrics import METRICS
from tests.conftest import ON_CI

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
RULES = sorted((ROOT / "deploy/prometheus/rules").glob("*.yml"))
STORIES = sorted((ROOT / "tests/data/watch").glob("*.yml"))
RUNBOOK = ROOT / "docs/how-to/watch.md"
GIVEN = {"job", "instance", "le", "alertstate", "alertname"}
"""Labels that no metric of ours names."""
HEARTBEAT = "Watchdog"
"""It fires whatever happens."""


def promtool(*arguments: str) -> str:
    """What it says; fails where it complains. Skips where it is not there, but never on CI."""
    program = tools.find("amtool" if arguments[0] == "check-config" else "promtool")
    if program is None:
        assert not ON_CI, f"promtool and amtool have to be there on CI: {tools.HOW}"
        pytest.skip(tools.HOW)
    done = subprocess.run([program, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def groups() -> list[dict[str, Any]]:
    return [group for path in RULES for group in yaml.safe_load(path.read_text())["groups"]]


def rules(kind: str) -> dict[str, dict[str, Any]]:
    return {rule[kind]: rule for group in groups() for rule in group["rules"] if kind in rule}


def alerts() -> dict[str, dict[str, Any]]:
    return rules("alert")


def test_prometheus_takes_its_settings_and_rules() -> None:
    assert "SUCCESS" in promtool("check", "config", "deploy/prometheus/prometheus.yml")


def test_alertmanager_takes_its_settings() -> None:
    assert "SUCCESS" in promtool("check-config", "deploy/alertmanager/alertmanager.yml")


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.stem)
def test_each_alert_fires_when_it_should_and_not_when_it_should_not(story: Path) -> None:
    promtool("test", "rules", str(story))


@pytest.mark.parametrize("alert", alerts())
def test_each_alert_has_a_story_in_which_it_fires_and_one_in_which_it_does_not(alert: str) -> None:
    looks = [
        look
        for story in STORIES
        for test in yaml.safe_load(story.read_text())["tests"]
        for look in test["promql_expr_test"]
        if re.search(rf"\b{alert}\b", look["expr"])
    ]
    fires = [look for look in looks if look["exp_samples"]]
    assert any("firing" in look["expr"] for look in fires)
    series = [
        line["series"]
        for story in STORIES
        for test in yaml.safe_load(story.read_text())["tests"]
        if any(alert in look["expr"] for look in test["promql_expr_test"])
        for line in test["input_series"]
    ]
    quiet = [look for look in looks if not look["exp_samples"]] or alert == HEARTBEAT
    assert quiet or len(series) > sum(len(look["exp_samples"]) for look in fires), "nothing here must stay quiet"


@pytest.mark.parametrize(("alert", "rule"), alerts().items())
def test_whoever_is_woken_reads_what_the_matter_is_and_what_to_do_first(alert: str, rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ({"none"} if alert == HEARTBEAT else {"critical", "warning"})
    said = rule["annotations"]
    assert said["summary"]
    assert said["summary"][-1] not in ".!"
    assert said["description"].endswith(".")
    assert "switchboard_" not in said["summary"] + said["description"], "names of metrics are not words"
    page, _, anchor = said["runbook_url"].partition("#")
    assert (page, anchor) == ("docs/how-to/watch.md", alert.lower())
    sections = dict(re.findall(r"^### (\w+)\n(.+?)(?=^##|\Z)", RUNBOOK.read_text(), re.MULTILINE | re.DOTALL))
    assert "First:" in sections.get(alert, ""), f"{page} has no section {alert} that says what to do first"


def test_the_runbook_has_no_section_of_an_alert_that_is_gone() -> None:
    assert set(re.findall(r"^### (\w+)$", RUNBOOK.read_text(), re.MULTILINE)) == set(alerts())


def exposed() -> dict[str, set[str]]:
    """Series that services expose, with their labels."""
    found: dict[str, set[str]] = {name: set() for name in ("up", "ALERTS", "process_start_time_seconds")}
    for name in ("resident_memory_bytes", "open_fds", "max_fds", "cpu_seconds_total"):
        found[f"process_{name}"] = set()
    for field in fields(METRICS):
        metric = getattr(METRICS, field.name)
        endings = ("_total",) if isinstance(metric, Counter) else ("",)
        if isinstance(metric, Histogram):
            endings = ("_bucket", "_count", "_sum")
        for ending in endings:
            found[metric._name + ending] = set(metric._labelnames)
    for rule in groups():
        for one in rule["rules"]:
            if "record" in one:
                by = re.search(r"by \(([\w, ]+)\)", one["expr"])
                found[one["record"]] = set(re.split(r", *", by[1])) - {"le"} if by else set()
                found[one["record"]] |= set(one.get("labels", {}))
    return found


def expressions() -> dict[str, str]:
    """Every expression of rules and dashboard, by where it is."""
    found = {f"{name} {number}": rule["expr"] for number, (name, rule) in enumerate({**alerts()}.items())}
    found |= {
        f"record {number}": rule["expr"]
        for number, rule in enumerate(rule for group in groups() for rule in group["rules"] if "record" in rule)
    }
    for _, panels in dashboard.ROWS.values():
        for panel in panels:
            found |= {f"{panel.title} {number}": query for number, (query, _) in enumerate(panel.queries)}
    return found


@pytest.mark.parametrize("expression", expressions().values(), ids=expressions().keys())
def test_no_rule_and_no_panel_names_a_metric_or_a_label_that_does_not_exist(expression: str) -> None:
    known = exposed()
    bare = re.sub(r'"[^"]*"', '""', expression)
    series = re.findall(r"\b(?:switchboard[_:][\w:]+|process_\w+|up\b|ALERTS)", bare)
    assert series or expression == "vector(1)"
    assert set(series) <= set(known)
    allowed = GIVEN | {"week", "group"} | set().union(*(known[name] for name in series))
    for name, selector in re.findall(r"\b(switchboard[_:][\w:]+)\{([^}]*)\}", bare):
        assert set(re.findall(r"(\w+) *(?:=|!=|=~|!~)", selector)) <= known[name] | GIVEN
    for labels in re.findall(r"\b(?:by|on) \(([\w, ]+)\)", bare):
        assert set(re.split(r", *", labels)) <= allowed, labels


def test_every_service_is_watched_at_its_own_port() -> None:
    jobs = {
        job["job_name"]: job["static_configs"][0]["targets"] for job in watch.shipped("prometheus")["scrape_configs"]
    }
    ports = {"desk": 8000, "dashboard": 8001, "email": 8002, "router": 8003, "phone": 8004, "social": 8005}
    assert {name: jobs[name] for name in names()} == {name: [f"{name}:{ports[name]}"] for name in names()}


def test_a_run_without_containers_is_watched_by_the_same_rules_at_its_own_addresses(tmp_path: Path) -> None:
    run = {"services": {"desk": {"url": "http://127.0.0.1:9000", "pid": 1}, "email": {"url": "http://127.0.0.1:9002"}}}
    made = watch.prometheus_config(watch.shipped("prometheus"), watch.targets_of(run), Watch(tmp_path, 9090, 9091))
    jobs = {job["job_name"]: job["static_configs"] for job in made["scrape_configs"]}
    assert jobs == {
        "desk": [{"targets": ["127.0.0.1:9000"]}],
        "email": [{"targets": ["127.0.0.1:9002"]}],
        "alertmanager": [{"targets": ["127.0.0.1:9091"]}],
    }
    assert made["alerting"] == {"alertmanagers": [{"static_configs": [{"targets": ["127.0.0.1:9091"]}]}]}
    assert [Path(path).parent for path in made["rule_files"]] == [ROOT / "deploy/prometheus/rules"]


def test_the_dashboard_that_grafana_reads_is_the_one_that_is_written_here() -> None:
    assert dashboard.FILE.read_text() == dashboard.text(), "run `python -m deploy.grafana.dashboard`"
    made = json.loads(dashboard.FILE.read_text())
    sources = yaml.safe_load((ROOT / "deploy/grafana/provisioning/datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    assert {target["datasource"]["uid"] for panel in made["panels"] for target in panel.get("targets", [])} <= {
        source["uid"] for source in sources
    }
    assert len({panel["id"] for panel in made["panels"]}) == len(made["panels"])


def test_no_two_panels_lie_on_each_other_and_none_beyond_the_edge() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard.dashboard()["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_the_version_that_a_service_tells_is_the_one_in_the_project() -> None:
    assert f'version = "{shared.VERSION}"' in (ROOT / "pyproject.toml").read_text()


def test_the_heartbeat_goes_somewhere_else_often_and_is_counted_as_no_alert() -> None:
    route = watch.shipped("alertmanager")["route"]
    first = route["routes"][0]
    assert (first["matchers"], first["repeat_interval"]) == ([f'alertname="{HEARTBEAT}"'], "5m")
    assert first["receiver"] != route["receiver"]
    counting = [query for query in expressions().values() if "ALERTS{" in query]
    assert counting
    assert all(f'alertname!="{HEARTBEAT}"' in query for query in counting)


def test_an_alert_that_follows_from_another_names_it_rightly() -> None:
    for rule in watch.shipped("alertmanager")["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            if found := re.fullmatch(r'alertname=~?"(.+)"', matcher):
                assert set(found[1].split("|")) <= set(alerts()), matcher
