"""`python -m deploy.grafana.dashboard` writes the dashboard: panels as data here, Grafana's JSON
there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "dashboards" / "switchboard.json"
_SOURCE = {"type": "prometheus", "uid": "prometheus"}
_WIDTH = 24
"""Columns of Grafana's grid."""


@dataclass(frozen=True)
class Panel:
    """One picture: each of its expressions with the legend of its series. `kind`: `timeseries`,
    `stat` or `table`.

    `limits`: from where on a number is amber and red.
    """

    title: str
    about: str
    queries: Sequence[tuple[str, str]]
    unit: str = "short"
    kind: str = "timeseries"
    limits: tuple[float, float] | None = None
    stacked: bool = False


_RATE = "$__rate_interval"
ROWS: dict[str, tuple[int, Sequence[Panel]]] = {
    "Now": (
        4,
        [
            Panel(
                "Alerts",
                "Firing now",
                [('count(ALERTS{alertstate="firing", alertname!="Watchdog"}) or vector(0)', "")],
                "short",
                "stat",
                (1, 3),
            ),
            Panel(
                "Waiting for a reply",
                "Tickets whose customer waits",
                [("sum(max by (channel, level) (switchboard_tickets_waiting)) or vector(0)", "")],
                kind="stat",
            ),
            Panel(
                "Longest wait",
                "Of all tickets",
                [("max(switchboard_tickets_oldest_waiting_seconds)", "")],
                "s",
                "stat",
                (14_400, 86_400),
            ),
            Panel(
                "Overdue",
                "Replies later than promised",
                [("sum(max by (level) (switchboard_tickets_overdue))", "")],
                "short",
                "stat",
                (1, 5),
            ),
            Panel("Calls waiting", "In the queue", [("max(switchboard_calls_waiting)", "")], "short", "stat", (1, 3)),
            Panel(
                "Longest call", "In the queue", [("max(switchboard_calls_oldest_seconds)", "")], "s", "stat", (60, 120)
            ),
            Panel(
                "Agents ready",
                "For calls",
                [("max(switchboard_agents_for_calls) or vector(0)", "")],
                kind="stat",
            ),
            Panel("Services up", "Of those that are watched", [('sum(up{job!="alertmanager"})', "")], "short", "stat"),
        ],
    ),
    "Messages": (
        8,
        [
            Panel(
                "Received",
                "From customers, by channel, a minute",
                [(f"sum by (channel) (rate(switchboard_messages_received_total[{_RATE}])) * 60", "{{channel}}")],
                stacked=True,
            ),
            Panel(
                "Routed",
                "Decisions by level, a minute",
                [(f"sum by (level) (rate(switchboard_messages_routed_total[{_RATE}])) * 60", "{{level}}")],
                stacked=True,
            ),
            Panel(
                "Applied",
                "Written to the desk, by channel, a minute",
                [(f"sum by (channel) (rate(switchboard_messages_applied_total[{_RATE}])) * 60", "{{channel}}")],
                stacked=True,
            ),
            Panel(
                "Answers",
                "By channel and what became of them, a minute",
                [
                    (
                        f"sum by (channel, state) (rate(switchboard_deliveries_total[{_RATE}])) * 60",
                        "{{channel}} {{state}}",
                    )
                ],
            ),
            Panel(
                "This hour and the usual one",
                "Messages within the last hour, and the median of the same hour in the last four weeks",
                [
                    ('switchboard:messages_received:increase{window="1h"}', "{{channel}}"),
                    ('switchboard:messages_received:usual{window="1h"}', "{{channel}}, usual"),
                ],
            ),
            Panel(
                "Set aside, refused, repeated",
                "Within five minutes: dead letters by topic, refusals by reason, repetitions by channel",
                [
                    ("sum by (topic) (increase(switchboard_dead_letters_total[5m])) > 0", "dead letters {{topic}}"),
                    (
                        "sum by (channel, reason) (increase(switchboard_messages_refused_total[5m])) > 0",
                        "refused {{channel}} {{reason}}",
                    ),
                    (
                        "sum by (channel) (increase(switchboard_messages_repeated_total[5m])) > 0",
                        "repeated {{channel}}",
                    ),
                ],
            ),
        ],
    ),
    "How long it takes": (
        8,
        [
            Panel(
                "From receipt to the desk",
                "95 of 100 messages are faster, by channel",
                [("switchboard:arrival_seconds:p95", "{{channel}}")],
                "s",
            ),
            Panel(
                "From receipt to the desk, by priority",
                "95 of 100 messages are faster",
                [
                    (
                        f"histogram_quantile(0.95, sum by (level, le) (rate(switchboard_arrival_seconds_bucket[{_RATE}])))",
                        "{{level}}",
                    )
                ],
                "s",
            ),
            Panel(
                "To the first reply",
                "Half of the customers of the last day heard from us sooner",
                [
                    (
                        "histogram_quantile(0.5, sum by (channel, le) (increase(switchboard_first_reply_seconds_bucket[1d])))",
                        "{{channel}}",
                    )
                ],
                "s",
            ),
            Panel(
                "To the first reply, by priority",
                "Half of the customers of the last day heard from us sooner",
                [
                    (
                        "histogram_quantile(0.5, sum by (level, le) (increase(switchboard_first_reply_seconds_bucket[1d])))",
                        "{{level}}",
                    )
                ],
                "s",
            ),
            Panel(
                "Waiting tickets",
                "By level",
                [("sum by (level) (max by (channel, level) (switchboard_tickets_waiting))", "{{level}}")],
                stacked=True,
            ),
            Panel(
                "Due soon and overdue",
                "Tickets by level",
                [
                    ("max by (level) (switchboard_tickets_due_soon)", "due soon: {{level}}"),
                    ("max by (level) (switchboard_tickets_overdue)", "overdue: {{level}}"),
                ],
            ),
            Panel(
                "Calls waiting",
                "And how long the first of them has waited, in seconds",
                [
                    ("max(switchboard_calls_waiting)", "calls"),
                    ("max(switchboard_calls_oldest_seconds)", "longest wait (s)"),
                ],
            ),
            Panel("Agents", "By presence", [("max by (presence) (switchboard_agents)", "{{presence}}")], stacked=True),
        ],
    ),
    "Calls, posts, live pages": (
        8,
        [
            Panel(
                "Calls answered",
                "95 of 100 callers were put through sooner",
                [("histogram_quantile(0.95, sum by (le) (increase(switchboard_calls_answer_seconds_bucket[1h])))", "")],
                "s",
            ),
            Panel(
                "Posts read",
                "By what became of them, an hour",
                [("sum by (network, outcome) (increase(switchboard_posts_total[1h]))", "{{network}} {{outcome}}")],
            ),
            Panel(
                "Live pages",
                "Open streams and sockets of agents and customers",
                [("sum by (service) (switchboard_live_viewers)", "{{service}}")],
            ),
        ],
    ),
    "Between the services": (
        8,
        [
            Panel(
                "Records behind",
                "Not yet handled, by consumer and topic",
                [("switchboard:records_behind:sum", "{{group}} {{topic}}")],
            ),
            Panel(
                "Time for a batch",
                "95 of 100 are faster, by stage",
                [
                    (
                        f"histogram_quantile(0.95, sum by (stage, le) (rate(switchboard_handling_seconds_bucket[{_RATE}])))",
                        "{{stage}}",
                    )
                ],
                "s",
            ),
            Panel(
                "Stored and not published",
                "Events in each outbox, and for how long",
                [
                    ("max by (service) (switchboard_outbox_waiting)", "{{service}}"),
                    (
                        "time() - max by (service) (switchboard_outbox_emptied_timestamp_seconds)",
                        "{{service}}, seconds since it was empty",
                    ),
                ],
            ),
            Panel(
                "Tried again",
                "Because something was away, a minute",
                [(f"sum by (what) (rate(switchboard_retries_total[{_RATE}])) * 60 > 0", "{{what}}")],
            ),
        ],
    ),
    "Channels and services": (
        8,
        [
            Panel(
                "Last message",
                "Since a channel last accepted one",
                [("time() - max by (channel) (switchboard_channel_last_received_timestamp_seconds)", "{{channel}}")],
                "s",
                "table",
            ),
            Panel(
                "Channels",
                "1 where it is on",
                [("max by (channel) (switchboard_channel_enabled)", "{{channel}}")],
                kind="table",
            ),
            Panel(
                "Versions",
                "That run",
                [("count by (service, version) (switchboard_build_info)", "{{service}} {{version}}")],
                kind="table",
            ),
            Panel("Memory", "Resident", [("process_resident_memory_bytes", "{{job}}")], "bytes"),
            Panel("Processor", "Cores in use", [(f"rate(process_cpu_seconds_total[{_RATE}])", "{{job}}")]),
            Panel(
                "HTTP",
                "95 of 100 requests are answered faster, by service",
                [
                    (
                        f"histogram_quantile(0.95, sum by (job, le) (rate(switchboard_http_seconds_bucket[{_RATE}])))",
                        "{{job}}",
                    )
                ],
                "s",
            ),
        ],
    ),
}


def dashboard() -> dict[str, Any]:
    """Returns the dashboard in Grafana's own JSON form."""
    panels: list[dict[str, Any]] = []
    top = 0
    for title, (height, row) in ROWS.items():
        panels.append(
            {"type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": _place(0, top, _WIDTH, 1)}
        )
        top += 1
        across = 8 if height < 8 else 3
        width = _WIDTH // across
        for number, panel in enumerate(row):
            panels.append(
                _panel(panel, _place(width * (number % across), top + height * (number // across), width, height))
            )
        top += height * -(-len(row) // across)
    for number, one in enumerate(panels, 1):
        one["id"] = number
    return {
        "uid": "switchboard",
        "title": "Switchboard",
        "description": "Made by `python -m deploy.grafana.dashboard`; change that instead.",
        "tags": ["switchboard"],
        "schemaVersion": 39,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "15s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": []},
        "annotations": {"list": [_ALERTS]},
        "panels": panels,
    }


_ALERTS = {
    "name": "Alerts",
    "enable": True,
    "datasource": _SOURCE,
    "expr": 'ALERTS{alertstate="firing", alertname!="Watchdog"}',
    "titleFormat": "{{alertname}}",
    "iconColor": "red",
    "step": "60s",
}


def _place(x: int, y: int, width: int, height: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": width, "h": height}


def _panel(panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    now = panel.kind != "timeseries"
    steps: list[dict[str, Any]] = [{"color": "green" if panel.limits else "text", "value": None}]
    if panel.limits:
        steps += [{"color": color, "value": at} for color, at in zip(("orange", "red"), panel.limits, strict=True)]
    custom = {"fillOpacity": 20, "stacking": {"mode": "normal"}} if panel.stacked else {}
    options: dict[str, Any] = {}
    if panel.kind == "timeseries":
        options = {
            "legend": {"displayMode": "list", "placement": "bottom"},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
    elif panel.kind == "stat":
        options = {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value", "graphMode": "none"}
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": _SOURCE,
        "gridPos": place,
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "datasource": _SOURCE,
                "expr": query,
                "legendFormat": legend,
                "instant": now,
                "range": not now,
                "format": "table" if panel.kind == "table" else "time_series",
            }
            for number, (query, legend) in enumerate(panel.queries)
        ],
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "min": 0,
                "custom": custom,
                "thresholds": {"mode": "absolute", "steps": steps},
            },
            "overrides": [],
        },
        "options": options,
    }


def text() -> str:
    """Returns the text of the dashboard's file."""
    return json.dumps(dashboard(), indent=2) + "\n"


def main() -> None:
    """Writes the dashboard's file."""
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(text())


if __name__ == "__main__":
    main()
