"""Every metric, named once, with its meaning. A service imports `METRICS` and a typo fails type
checking."""

from __future__ import annotations

from dataclasses import dataclass, fields

from prometheus_client import Counter, Gauge, Histogram

from shared import VERSION

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
"""From the router's few milliseconds to the five minutes after which a customer has given up."""
A_WEEK = (60, 300, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400, 172_800, 259_200, 604_800)
"""From the minute of a chat to the week after which an answer is an apology."""


def _counter(name: str, meaning: str, *labels: str) -> Counter:
    return Counter(f"switchboard_{name}", meaning, labels)


def _gauge(name: str, meaning: str, *labels: str) -> Gauge:
    return Gauge(f"switchboard_{name}", meaning, labels)


def _histogram(name: str, meaning: str, *labels: str, buckets: tuple[float, ...] = SECONDS) -> Histogram:
    return Histogram(f"switchboard_{name}", meaning, labels, buckets=buckets)


@dataclass(frozen=True)
class Metrics:
    """The typed list. Each has the prefix `switchboard_`."""

    received: Counter
    last_received: Gauge
    channel_enabled: Gauge
    repeated: Counter
    refused: Counter
    mails_kept: Counter
    senders: Counter
    files_scanned: Counter
    mail_events: Counter
    imported: Counter
    routed: Counter
    applied: Counter
    delivered: Counter
    autoreplies: Counter
    autoreplies_paused: Gauge
    sla_warnings: Counter
    sla_breaches: Counter
    calendar_feeds_failing: Gauge
    published: Counter
    dead_lettered: Counter
    retried: Counter
    handling_seconds: Histogram
    arrival_seconds: Histogram
    first_reply_seconds: Histogram
    tickets_waiting: Gauge
    tickets_oldest_waiting: Gauge
    tickets_due_soon: Gauge
    tickets_overdue: Gauge
    assignments: Counter
    tickets_stranded: Gauge
    teams_unstaffed: Gauge
    notifications: Counter
    notification_mails: Counter
    calls_waiting: Gauge
    calls_oldest: Gauge
    agents: Gauge
    agents_for_calls: Gauge
    calls_answer_seconds: Histogram
    sampled: Gauge
    view_entries: Gauge
    view_bytes: Gauge
    outbox_waiting: Gauge
    outbox_emptied: Gauge
    live_viewers: Gauge
    policy_version: Gauge
    policy_refused: Gauge
    records_behind: Gauge
    posts: Counter
    stream_up: Gauge
    source_read: Gauge
    http_requests: Counter
    http_refused: Counter
    http_seconds: Histogram
    mailbox_up: Gauge
    mailbox_waiting: Gauge
    mailbox_delayed: Gauge
    mailbox_read: Gauge
    part_ready: Gauge
    storage_free: Gauge
    build: Gauge

    def took_in(self, channel: str, *, live: bool = False, count: int = 1) -> None:
        """Records that messages were accepted from customers, just now."""
        self.received.labels(channel=channel, live=str(live).lower()).inc(count)
        self.last_received.labels(channel=channel).set_to_current_time()

    def announced(self, channel: str, *, enabled: bool) -> None:
        """Records whether a channel is on or off. Its counters begin at 0 here: Prometheus
        cannot see the first step of one that begins at 1."""
        self.channel_enabled.labels(channel=channel).set(int(enabled))
        for live in ("false", "true"):
            self.received.labels(channel=channel, live=live)
        for state in ("sent", "delayed", "delivered", "failed"):
            self.delivered.labels(channel=channel, state=state)
        self.repeated.labels(channel=channel)

    def started(self, service: str) -> None:
        """Records that a process of this service has started."""
        self.build.labels(service=service, version=VERSION).set(1)


METRICS = Metrics(
    received=_counter("messages_received_total", "Messages accepted from customers", "channel", "live"),
    last_received=_gauge(
        "channel_last_received_timestamp_seconds", "When a channel last accepted a message from a customer", "channel"
    ),
    channel_enabled=_gauge(
        "channel_enabled", "1 where a channel takes and sends messages, 0 where it is off", "channel"
    ),
    repeated=_counter(
        "messages_repeated_total", "Messages and webhooks that had come before, and changed nothing", "channel"
    ),
    refused=_counter(
        "messages_refused_total",
        "Messages refused at the door, with the reason told to the sender",
        "channel",
        "reason",
    ),
    mails_kept=_counter(
        "mails_kept_total", "Mails that are no message and were kept: our own, returned ones, receipts", "reason"
    ),
    senders=_counter(
        "senders_checked_total",
        "Mails by who stands behind From: signed, sent, vouched, unproven, unknown (as where DNS is silent), forged",
        "standing",
    ),
    files_scanned=_counter(
        "files_scanned_total", "Files of mails that were looked at for viruses: clean, infected, unscanned", "result"
    ),
    mail_events=_counter(
        "mail_events_total",
        "Events of mail providers about our answers; `unknown`: about no answer of ours",
        "provider",
        "event",
    ),
    imported=_counter(
        "messages_imported_total",
        "Mails of archives that the desk took in, or knew already; counted nowhere else",
        "result",
    ),
    routed=_counter("messages_routed_total", "Messages decided on by the router", "channel", "level", "team"),
    applied=_counter("messages_applied_total", "Messages written to the desk's database", "channel", "level"),
    delivered=_counter("deliveries_total", "Outcomes of answers to customers", "channel", "state"),
    autoreplies=_counter(
        "autoreplies_total", "First messages by whether they were answered automatically, and why not", "channel", "why"
    ),
    autoreplies_paused=_gauge("autoreplies_paused", "1 while automatic replies are paused: there were too many"),
    sla_warnings=_counter("sla_warnings_total", "Targets of tickets that were due soon", "target"),
    sla_breaches=_counter("sla_breaches_total", "Targets of tickets that were missed", "target"),
    calendar_feeds_failing=_gauge(
        "calendar_feeds_failing", "Calendars whose feed could not be read the last time: the one before counts"
    ),
    published=_counter("events_published_total", "Events acknowledged by Kafka", "topic"),
    dead_lettered=_counter("dead_letters_total", "Records set aside because they could not be handled", "topic"),
    retried=_counter("retries_total", "Attempts repeated because something was away", "what"),
    handling_seconds=_histogram("handling_seconds", "Time to handle one batch of records", "stage"),
    arrival_seconds=_histogram(
        "arrival_seconds", "From receipt at the door to the desk's database", "channel", "level"
    ),
    first_reply_seconds=_histogram(
        "first_reply_seconds",
        "From the customer's first message to our first reply",
        "channel",
        "level",
        buckets=A_WEEK,
    ),
    tickets_waiting=_gauge("tickets_waiting", "Tickets whose customer waits for our reply", "channel", "level"),
    tickets_oldest_waiting=_gauge(
        "tickets_oldest_waiting_seconds",
        "How long the customer has waited who waits longest; 0 where nobody does",
        "level",
    ),
    tickets_due_soon=_gauge("tickets_due_soon", "Waiting tickets whose reply is due within half an hour", "level"),
    tickets_overdue=_gauge("tickets_overdue", "Waiting tickets whose reply is later than was promised", "level"),
    assignments=_counter(
        "assignments_total",
        "Conversations that the desk gave (`given`) or offered (`offered`) to an agent by itself; how offers ended (`accepted`, "
        "`declined`, `missed`, `withdrawn`); and those that went back to their team as their agent left (`back`)",
        "outcome",
    ),
    tickets_stranded=_gauge(
        "tickets_stranded",
        "Tickets of teams that are given their work whose customer waits, and whose agent has left. More than 0 for a minute is a fault",
    ),
    teams_unstaffed=_gauge(
        "teams_unstaffed", "Teams that are given their work where customers wait and nobody accepts any"
    ),
    notifications=_counter("notifications_total", "What agents were told", "kind"),
    notification_mails=_counter("notification_mails_total", "Mails to agents who were away, of what they had not read"),
    calls_waiting=_gauge("calls_waiting", "Callers in line, before an agent answers"),
    calls_oldest=_gauge(
        "calls_oldest_seconds", "How long the caller has waited who waits longest; 0 where nobody does"
    ),
    agents=_gauge("agents", "Agents by presence: who is there for work", "presence"),
    agents_for_calls=_gauge(
        "agents_for_calls", "Agents who are ready and take calls: with a telephone number, and within their hours"
    ),
    calls_answer_seconds=_histogram("calls_answer_seconds", "From a caller's place in line to an agent on the line"),
    sampled=_gauge(
        "sampled_timestamp_seconds", "When a service last counted in its database what it tells here", "service"
    ),
    view_entries=_gauge("view_entries", "Keys held by a materialised view", "topic"),
    view_bytes=_gauge("view_bytes", "Memory that a materialised view takes", "topic"),
    outbox_waiting=_gauge("outbox_waiting", "Events committed but not yet acknowledged by Kafka", "service"),
    outbox_emptied=_gauge(
        "outbox_emptied_timestamp_seconds", "When everything committed had last been acknowledged by Kafka", "service"
    ),
    live_viewers=_gauge("live_viewers", "Open live streams and sockets", "service"),
    policy_version=_gauge("policy_version", "Version of the routing policy in force", "policy"),
    policy_refused=_gauge(
        "policy_refused", "1 where the newest published policy could not be read and the former stays", "policy"
    ),
    records_behind=_gauge("records_behind", "Records that a consumer has not handled yet", "group", "topic"),
    posts=_counter("posts_total", "Posts read from social networks, by what became of them", "network", "outcome"),
    stream_up=_gauge("stream_up", "1 while a social network's stream of posts is heard", "network"),
    source_read=_gauge(
        "source_read_timestamp_seconds", "When a social network's source was last read to its end", "network", "source"
    ),
    http_refused=_counter(
        "http_refused_total", "HTTP connections closed: too many, slow or large headers, a slow body", "reason"
    ),
    http_requests=_counter("http_requests_total", "HTTP requests answered", "method", "route", "status"),
    http_seconds=_histogram("http_seconds", "Time to answer an HTTP request", "route"),
    mailbox_up=_gauge("mailbox_up", "1 where a mailbox at an IMAP server can be read, 0 where it cannot", "mailbox"),
    mailbox_waiting=_gauge("mailbox_waiting", "Mails of a mailbox that are found and not yet taken", "mailbox"),
    mailbox_delayed=_gauge(
        "mailbox_delayed", "Mails that their server does not hand out, mark or move; tried again later", "mailbox"
    ),
    mailbox_read=_gauge("mailbox_read_timestamp_seconds", "When a mailbox was last read to its end", "mailbox"),
    part_ready=_gauge("part_ready", "1 where what a service needs is there, 0 where it is away", "part"),
    storage_free=_gauge("storage_free_ratio", "Share of the attachments' disk that is free", "service"),
    build=_gauge("build_info", "1; which version of a service runs", "service", "version"),
)


def reference() -> str:
    """Returns the metrics as a Markdown table, for docs/reference."""
    rows = ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
    for field in fields(METRICS):
        metric = getattr(METRICS, field.name)
        name = metric._name + ("_total" if isinstance(metric, Counter) else "")
        labels = ", ".join(f"`{label}`" for label in metric._labelnames)
        rows.append(f"| `{name}` | {type(metric).__name__.lower()} | {labels} | {metric._documentation} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(reference())
