"""Every metric, named once, with its meaning. A service imports `METRICS` and a typo fails type checking."""

from __future__ import annotations

from dataclasses import dataclass, fields

from prometheus_client import Counter, Gauge, Histogram

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
"""From the router's few milliseconds to the five minutes after which a customer has given up."""


def _counter(name: str, meaning: str, *labels: str) -> Counter:
    return Counter(f"switchboard_{name}", meaning, labels)


def _gauge(name: str, meaning: str, *labels: str) -> Gauge:
    return Gauge(f"switchboard_{name}", meaning, labels)


def _histogram(name: str, meaning: str, *labels: str) -> Histogram:
    return Histogram(f"switchboard_{name}", meaning, labels, buckets=SECONDS)


@dataclass(frozen=True)
class Metrics:
    """The typed list. Each has the prefix `switchboard_`."""

    received: Counter
    refused: Counter
    routed: Counter
    applied: Counter
    delivered: Counter
    published: Counter
    dead_lettered: Counter
    retried: Counter
    handling_seconds: Histogram
    arrival_seconds: Histogram
    view_entries: Gauge
    outbox_waiting: Gauge
    live_viewers: Gauge
    policy_version: Gauge
    policy_refused: Gauge
    records_behind: Gauge
    posts: Counter
    source_read: Gauge
    http_requests: Counter
    http_seconds: Histogram


METRICS = Metrics(
    received=_counter("messages_received_total", "Messages accepted from customers", "channel", "live"),
    refused=_counter(
        "messages_refused_total",
        "Messages refused at the door, with the reason told to the sender",
        "channel",
        "reason",
    ),
    routed=_counter("messages_routed_total", "Messages decided on by the router", "level", "team"),
    applied=_counter("messages_applied_total", "Messages written to the desk's database", "channel", "level"),
    delivered=_counter("deliveries_total", "Outcomes of answers to customers", "channel", "state"),
    published=_counter("events_published_total", "Events acknowledged by Kafka", "topic"),
    dead_lettered=_counter("dead_letters_total", "Records set aside because they could not be handled", "topic"),
    retried=_counter("retries_total", "Attempts repeated because something was away", "what"),
    handling_seconds=_histogram("handling_seconds", "Time to handle one batch of records", "stage"),
    arrival_seconds=_histogram(
        "arrival_seconds", "From receipt at the door to the desk's database", "channel", "level"
    ),
    view_entries=_gauge("view_entries", "Keys held by a materialised view", "topic"),
    outbox_waiting=_gauge("outbox_waiting", "Events committed but not yet acknowledged by Kafka", "service"),
    live_viewers=_gauge("live_viewers", "Open live streams and sockets", "service"),
    policy_version=_gauge("policy_version", "Version of the routing policy in force", "policy"),
    policy_refused=_gauge(
        "policy_refused", "1 where the newest published policy could not be read and the former stays", "policy"
    ),
    records_behind=_gauge("records_behind", "Records on a topic that the router has not read yet", "topic"),
    posts=_counter("posts_total", "Posts read from social networks, by what became of them", "network", "outcome"),
    source_read=_gauge(
        "source_read_timestamp_seconds", "When a social network's source was last read to its end", "network", "source"
    ),
    http_requests=_counter("http_requests_total", "HTTP requests answered", "method", "route", "status"),
    http_seconds=_histogram("http_seconds", "Time to answer an HTTP request", "route"),
)


def reference() -> str:
    """The metrics as a Markdown table, for docs/reference."""
    rows = ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
    for field in fields(METRICS):
        metric = getattr(METRICS, field.name)
        name = metric._name + ("_total" if isinstance(metric, Counter) else "")
        labels = ", ".join(f"`{label}`" for label in metric._labelnames)
        rows.append(f"| `{name}` | {type(metric).__name__.lower()} | {labels} | {metric._documentation} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(reference())
