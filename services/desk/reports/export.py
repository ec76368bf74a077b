"""Reports as CSV, a piece at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence

from services.desk.reports.schemas import Counted, Figures, ReportView

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""How a cell begins that a spreadsheet would take for more than text."""
_AT_ONCE = 200
"""Lines of a piece."""
COLUMNS = (
    "new", "replies", "first_reply_median_s", "first_reply_p90_s", "next_reply_median_s", "next_reply_p90_s", "resolved",
    "resolution_median_s", "resolution_p90_s", "reopened", "due", "answered_in_time", "backlog", "backlog_age_median_s",
    "callers", "abandoned", "there_s", "occupied_s",
)  # fmt: skip
_BEHIND = (
    "number", "subject", "status", "at", "seconds", "business_seconds", "channel", "team", "agent", "language", "tier",
    "ticket_id",
)  # fmt: skip


def safe(value: object) -> str:
    """Returns a cell that no spreadsheet calculates: what begins like a formula gets an
    apostrophe before it. Numbers stay as they are."""
    if value is None:
        return ""
    if isinstance(value, int):
        return str(value)
    text = str(value).replace("\x00", "")
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def figures(report: ReportView, by: str) -> bytes:
    """Returns a table: all of the period, the period before, each point of time, each line."""
    head = ("of", "value", *COLUMNS)
    rows = [
        ("period", report.since.isoformat(), *_cells(report.figures)),
        ("period before", report.before_since.isoformat(), *_cells(report.before)),
        *((report.unit, point.at.isoformat(), *_cells(point.figures)) for point in report.points),
        *((by, line.value, *_cells(line.figures)) for line in report.lines),
    ]
    return _lines([head, *rows])


async def conversations(found: AsyncIterator[Counted]) -> AsyncIterator[bytes]:
    """Yields the tickets behind a number."""
    rows: list[Sequence[object]] = [_BEHIND]
    async for each in found:
        rows.append(
            (
                each.number,
                each.subject,
                each.status,
                each.at.isoformat(),
                each.seconds,
                each.work_seconds,
                each.channel,
                each.team,
                each.agent,
                each.language,
                each.tier,
                each.ticket_id,
            )
        )
        if len(rows) >= _AT_ONCE:
            yield _lines(rows)
            rows = []
    yield _lines(rows)


def _cells(found: Figures) -> tuple[object, ...]:
    return (
        found.new,
        found.replies,
        found.first_reply.half,
        found.first_reply.most,
        found.next_reply.half,
        found.next_reply.most,
        found.resolution.count,
        found.resolution.half,
        found.resolution.most,
        found.reopened,
        found.due,
        found.met,
        found.backlog,
        found.age.half,
        found.calls,
        found.abandoned,
        found.there,
        found.occupied,
    )


def _lines(rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([safe(cell) for cell in row] for row in rows)
    return text.getvalue().encode()
