"""What another policy would change, for people: as text, as data and as a page with plots."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

import jinja2

from services.router.domain.queueing import Job, Staff, Wait, waits
from services.router.domain.replay import Change, Comparison, Recorded, summary
from shared.kernel import Level

SHOWN = 10
"""The most changed messages that a report lists."""
_PAGE = Path(__file__).parent / "templates" / "simulation.html"


@dataclass(frozen=True, slots=True)
class Report:
    """One simulation. Waiting times are of tickets, everything else of messages."""

    policy: str
    since: datetime
    until: datetime
    comparison: Comparison
    staff: Staff
    waits_before: Mapping[Level, Wait]
    waits_after: Mapping[Level, Wait]

    @property
    def most_changed(self) -> Sequence[Change]:
        """The largest changes first."""
        return sorted(self.comparison.changes, key=lambda change: (-change.size, change.recorded.at))[:SHOWN]


def make(
    policy: str, since: datetime, until: datetime, recording: Sequence[Recorded], comparison: Comparison, staff: Staff
) -> Report:
    """Adds the waiting times, by serving both queues with the same agents."""
    after = {change.recorded.routed.message.id: change.after for change in comparison.changes}
    decisions = [(recorded.routed.decision, recorded) for recorded in recording]
    before = _jobs([(decision.ticket_id, decision.level, decision.score, recorded) for decision, recorded in decisions])
    changed = [
        (new.ticket_id, new.level, new.score, recorded)
        for decision, recorded in decisions
        if (new := after.get(recorded.routed.message.id, decision))
    ]
    return Report(policy, since, until, comparison, staff, waits(before, staff), waits(_jobs(changed), staff))


def _jobs(decided: Sequence[tuple[str, Level, int, Recorded]]) -> list[Job]:
    """Returns the jobs: a ticket is one piece of work, from its first message of the period on;
    machines' mail is none, and calls do not wait in this queue."""
    jobs: dict[str, Job] = {}
    for ticket, level, score, recorded in decided:
        message = recorded.routed.message
        if message.automatic or message.live:
            continue
        known = jobs.get(ticket)
        if known is None:
            jobs[ticket] = Job(message.received_at, level, score)
        elif score > known.score:
            jobs[ticket] = Job(known.at, level, score)
    return list(jobs.values())


def as_text(report: Report) -> str:
    """Formats the report for a terminal."""
    found = report.comparison
    if not found.messages:
        return f"nothing was decided from {_day(report.since)} to {_day(report.until)} UTC: there is nothing to compare"
    share = f" ({len(found.changes) / found.messages:.0%})" if found.messages else ""
    lines = [
        f"{found.messages:,} messages from {_day(report.since)} to {_day(report.until)} UTC, decided again under {report.policy}",
        f"{len(found.changes):,}{share} would be decided differently"
        + (": " + ", ".join(f"{name} {count}" for name, count in found.changed.most_common()) if found.changes else ""),
    ]
    if found.nearest_profiles:
        lines.append(f"{found.nearest_profiles:,} with the nearest known profile: the one of that time is forgotten")
    for name in ("level", "team", "channel"):
        lines += ["", f"{name:<24}{'before':>9}{'after':>9}"]
        lines += [f"  {key:<22}{old:>9,}{new:>9,}" for key, old, new in rows(found, name)]
    lines += ["", f"waiting: half / nine of ten waited at most, {staffing(report.staff)}"]
    for level, old, new in waiting_rows(report):
        lines.append(f"  {level:<12}{old:>24} → {new}")
    if found.changes:
        lines += ["", "most changed"]
        lines += [f"  {line}" for change in report.most_changed for line in change_lines(change)]
    return "\n".join(lines)


def rows(comparison: Comparison, name: str) -> list[tuple[str, int, int]]:
    """Returns key, messages before, messages after; levels in their order, all others by size."""
    before, after = comparison.before[name], comparison.after[name]
    keys = [level.value for level in Level] if name == "level" else [key for key, _ in (before + after).most_common()]
    return [(key, before[key], after[key]) for key in keys]


def waiting_rows(report: Report) -> list[tuple[str, str, str]]:
    """Returns level, waits before, waits after, in words."""
    levels = [level for level in Level if level in report.waits_before or level in report.waits_after]
    return [
        (level.value, _wait(report.waits_before.get(level)), _wait(report.waits_after.get(level))) for level in levels
    ]


def staffing(staff: Staff) -> str:
    """Describes in words how many agents there were."""
    most = max(staff.agents.values(), default=staff.others)
    agents = "1 agent" if most == 1 else f"{most} agents"
    there = f"up to {agents} as recorded" if staff.agents else f"{agents} all the time"
    return f"{there}, {staff.minutes.total_seconds() / 60:.1f} minutes a ticket"


def change_lines(change: Change) -> list[str]:
    """Returns a changed message in two lines."""
    message, before = change.recorded.routed.message, summary(change.recorded.routed.decision)
    after = summary(change.after)
    moved = ", ".join(f"{name} {_short(name, before)} → {_short(name, after)}" for name in change.fields)
    return [f"{message.id}  {message.subject[:50] or ' '.join(message.text.split())[:50]}", f"    {moved}"]


def as_data(report: Report) -> dict[str, object]:
    """Returns the report as data for other programs."""
    found = report.comparison
    return {
        "policy": report.policy,
        "since": report.since,
        "until": report.until,
        "messages": found.messages,
        "nearest_profiles": found.nearest_profiles,
        "changed": len(found.changes),
        "changed_fields": dict(found.changed),
        "before": {name: dict(counts) for name, counts in found.before.items()},
        "after": {name: dict(counts) for name, counts in found.after.items()},
        "minutes_a_ticket": report.staff.minutes.total_seconds() / 60,
        "waits_before": {level.value: _data(wait) for level, wait in report.waits_before.items()},
        "waits_after": {level.value: _data(wait) for level, wait in report.waits_after.items()},
        "most_changed": [
            {
                "message_id": change.recorded.routed.message.id,
                "fields": change.fields,
                "before": summary(change.recorded.routed.decision),
                "after": summary(change.after),
            }
            for change in report.most_changed
        ],
    }


def as_page(report: Report) -> str:
    """Renders a self-contained page, without any other file."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    bars = {name: _bars(rows(report.comparison, name)) for name in ("level", "team", "channel")}
    minutes = [
        (level.value, _half(report.waits_before.get(level)), _half(report.waits_after.get(level))) for level in Level
    ]
    return environment.from_string(_PAGE.read_text(encoding="utf-8")).render(
        report=report,
        found=report.comparison,
        bars=bars,
        waiting=_bars(minutes),
        waits=waiting_rows(report),
        staffing=staffing(report.staff),
        changes=[(change, change_lines(change)) for change in report.most_changed],
        fields=Counter(report.comparison.changed).most_common(),
    )


def _bars(values: Sequence[tuple[str, float, float]]) -> list[dict[str, object]]:
    """Widths in percent of the largest."""
    most = max((max(old, new) for _, old, new in values), default=0) or 1
    return [
        {"name": name, "old": old, "new": new, "old_width": 100 * old / most, "new_width": 100 * new / most}
        for name, old, new in values
    ]


def _wait(wait: Wait | None) -> str:
    return f"{_minutes(wait.median)} / {_minutes(wait.worst_tenth)} ({wait.tickets})" if wait else "none"


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _half(wait: Wait | None) -> float:
    return wait.median.total_seconds() / 60 if wait else 0.0


def _minutes(time: timedelta) -> str:
    minutes = time.total_seconds() / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def _data(wait: Wait) -> dict[str, object]:
    return {
        name: value.total_seconds() if isinstance(value, timedelta) else value for name, value in asdict(wait).items()
    }


def _short(name: str, told: Mapping[str, object]) -> str:
    value = told[name]
    if name == "reply_within":
        return _minutes(timedelta(seconds=float(str(value)))) if value else "none"
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return _SECONDS.sub(lambda found: _minutes(timedelta(seconds=float(found[1]))), text)[:36] or "none"


_SECONDS = re.compile(r"\b(\d+) s\b")
