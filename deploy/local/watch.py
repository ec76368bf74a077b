"""`python -m deploy.local.watch`: Prometheus and Alertmanager beside a running `make run`, until
Ctrl-C.

The same rules and the same Alertmanager settings as in the containers; only the addresses differ.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from deploy.local import ports, tools
from deploy.local.plan import ALERTMANAGER, PROMETHEUS
from deploy.local.problem import Problem
from deploy.local.process import Engine

_DEPLOY = Path(__file__).parents[1]
_PATIENCE = 30.0
"""Seconds for both to be ready; usual is one."""
_KEPT = "30d"
"""What is usual at this hour is learned from four weeks."""


@dataclass(frozen=True)
class Watch:
    """Where both answer, and where their data and settings are."""

    folder: Path
    prometheus_port: int
    alertmanager_port: int

    @property
    def prometheus(self) -> str:
        """Graphs, rules and alerts."""
        return f"http://{ports.HOST}:{self.prometheus_port}"

    @property
    def alertmanager(self) -> str:
        """Alerts as they are told."""
        return f"http://{ports.HOST}:{self.alertmanager_port}"


def prometheus_config(shipped: Mapping[str, Any], targets: Mapping[str, str], watch: Watch) -> dict[str, Any]:
    """Returns the shipped prometheus.yml for these addresses by service. A job without an
    address is left out."""
    where = {**targets, "alertmanager": f"{ports.HOST}:{watch.alertmanager_port}"}
    jobs = [
        {**job, "static_configs": [{"targets": [where[job["job_name"]]]}]}
        for job in shipped["scrape_configs"]
        if job["job_name"] in where
    ]
    managers = [{"static_configs": [{"targets": [where["alertmanager"]]}]}]
    return {
        **shipped,
        "rule_files": [str(_DEPLOY / "prometheus" / "rules" / "*.yml")],
        "alerting": {"alertmanagers": managers},
        "scrape_configs": jobs,
    }


def targets_of(run: Mapping[str, Any]) -> dict[str, str]:
    """Addresses by service, from the `run.json` of a running system."""
    return {name: urlsplit(service["url"]).netloc for name, service in run["services"].items()}


def write(watch: Watch, prometheus: Mapping[str, Any], alertmanager: Mapping[str, Any]) -> None:
    """Writes the settings of both into the folder."""
    watch.folder.mkdir(parents=True, exist_ok=True)
    (watch.folder / "prometheus.yml").write_text(yaml.safe_dump(dict(prometheus)))
    (watch.folder / "alertmanager.yml").write_text(yaml.safe_dump(dict(alertmanager)))


def shipped(name: str) -> dict[str, Any]:
    """Returns the settings of `prometheus` or `alertmanager` as they are in the containers."""
    return dict(yaml.safe_load((_DEPLOY / name / f"{name}.yml").read_text()))


@contextmanager
def running(watch: Watch) -> Iterator[None]:
    """Yields while both run with what `write` wrote. Raises Problem where they are not
    installed, or do not start."""
    programs = [tools.find("prometheus-alertmanager"), tools.find("prometheus")]
    if not all(programs):
        raise Problem(f"Prometheus and Alertmanager are not here: {tools.HOW}")
    options = [
        [
            "--config.file=alertmanager.yml",
            f"--storage.path={watch.folder / 'alertmanager'}",
            f"--web.listen-address={ports.HOST}:{watch.alertmanager_port}",
            "--cluster.listen-address=",
        ],
        [
            "--config.file=prometheus.yml",
            f"--storage.tsdb.path={watch.folder / 'prometheus'}",
            f"--storage.tsdb.retention.time={_KEPT}",
            f"--web.listen-address={ports.HOST}:{watch.prometheus_port}",
        ],
    ]
    engines = [Engine(name, watch.folder / f"{name.lower()}.log") for name in ("Alertmanager", "Prometheus")]
    try:
        for engine, program, own, url in zip(
            engines, programs, options, (watch.alertmanager, watch.prometheus), strict=True
        ):
            engine.start([str(program), *own])
            engine.wait_until(lambda url=url: _ready(url), _PATIENCE)  # type: ignore[misc]
        yield
    finally:
        for engine in reversed(engines):
            engine.stop()


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=2) as answer:  # noqa: S310 - our own http:// address
            return bool(answer.status == 200)
    except OSError:
        return False


def main(arguments: list[str]) -> int:
    """Runs both until Ctrl-C. Exit code: 0 after Ctrl-C, 1 after a problem, which is reported in
    one line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.watch", description=__doc__)
    parser.add_argument("--home", type=Path, default=Path(os.environ.get("SWITCHBOARD_HOME") or "var"))
    home: Path = parser.parse_args(arguments).home.absolute()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        run_file = home / "run.json"
        if not run_file.is_file():
            raise Problem(f"nothing runs on {home}: start it with `make run`, or name its home with SWITCHBOARD_HOME")
        run = json.loads(run_file.read_text())
        first = urlsplit(run["services"]["desk"]["url"]).port or 0
        watch = Watch(home / "watch", first + PROMETHEUS, first + ALERTMANAGER)
        for port, who in ((watch.prometheus_port, "Prometheus"), (watch.alertmanager_port, "Alertmanager")):
            ports.require_free(port, who)
        write(watch, prometheus_config(shipped("prometheus"), targets_of(run), watch), shipped("alertmanager"))
        with running(watch):
            print(f"Alerts      {watch.alertmanager}\nPrometheus  {watch.prometheus}\nCtrl-C stops both.", flush=True)
            stop.wait()
    except Problem as problem:
        print(f"switchboard: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
