"""What people see of a report, and what they take along."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from services.desk.actors import ROLES, Actor, Kind
from services.desk.reports import export, words
from services.desk.reports.schemas import Counted, Figures, Line, Point, ReportView, Times
from services.desk.web.pages import reports as page
from services.desk.web.render import render
from shared.errors import Rejected

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
FIGURES = Figures(
    new=5,
    replies=4,
    first_reply=Times(count=3, half=60, most=4000),
    next_reply=Times(count=1, half=100, most=100_000),
    resolution=Times(count=4, half=400, most=500),
    reopened=1,
    due=3,
    met=2,
    backlog=7,
    age=Times(count=7, half=400_000, most=900_000),
    calls=5,
    abandoned=1,
    there=36_000,
    occupied=9000,
)


def report(figures: Figures = FIGURES, unit: str = "day") -> ReportView:
    return ReportView(
        since=NOW - timedelta(days=7),
        until=NOW,
        before_since=NOW - timedelta(days=14),
        before_until=NOW - timedelta(days=7),
        unit=unit,
        zone="Europe/Paris",
        counted_at=NOW,
        rebuilding=False,
        figures=figures,
        before=Figures(backlog=0),
        points=(Point(at=NOW - timedelta(days=1), figures=figures),),
        lines=(Line(value="=support", figures=figures), Line(value="", figures=Figures())),
    )


def asked(**given: str) -> page.Asked:
    usual = {"period": "7-days", "first": "", "last": "", "clock": "wall", "by": "agent", "channel": "", "team": ""}
    return page.Asked(**(usual | {"agent": "", "language": "", "tier": ""} | given))


def rendered(found: ReportView, monkeypatch: pytest.MonkeyPatch, language: str = "en", **more: Any) -> str:
    monkeypatch.setattr(page, "console_of", lambda request: SimpleNamespace(channels={}))
    who: Any = SimpleNamespace(language=language, actor=Actor(Kind.AGENT, "sue@desk", permissions=ROLES["supervisor"]))
    names = {
        "day_name": partial(page._day_name, found, language),
        "point_name": partial(page._point_name, found, language),
    }
    context = {"report": found, "problem": "", "charts": page._charts(found), "stale": False} | names | more
    request: Any = None
    return render("parts/report.html", language, {}, **page._shown(request, who, asked(), {}), **context)


@pytest.mark.parametrize("language", ["en", "fr", "ko"])
@pytest.mark.parametrize("unit", ["hour", "day"])
def test_figures_are_told_in_each_language(language: str, unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    page_of_it = rendered(report(unit=unit), monkeypatch, language, stale=True)
    assert page_of_it.count("data-chart=") == 4
    assert "25" in page_of_it, "occupancy and reopened in percent"


def test_a_period_without_anything_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Nothing happened in this period" in rendered(report(Figures(backlog=0)), monkeypatch)
    assert "Nothing happened in this period" not in rendered(report(), monkeypatch)


def test_what_went_wrong_stands_where_the_figures_would(monkeypatch: pytest.MonkeyPatch) -> None:
    told = rendered(report(), monkeypatch, report=None, problem="Too slow.")
    assert 'role="alert"' in told
    assert "Try again" in told


def test_an_address_keeps_what_is_asked_for() -> None:
    mine = asked(team="-", first="2026-11-01", last="2026-11-30", period="own")
    assert mine.address(agent="bo@desk").endswith("by=agent&team=-&agent=bo%40desk")
    assert mine.query.only == {"team": ""}
    assert asked(channel="email").query.only == {"channel": "email"}
    with pytest.raises(Rejected):
        _ = asked(first="yesterday").query


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        (-5, "-5"),
        ("Lamp", "Lamp"),
        ("=1+1", "'=1+1"),
        (" @SUM(A1)", "' @SUM(A1)"),
        ("-2", "'-2"),
        ("+33 6", "'+33 6"),
        ("\tx", "'\tx"),
        ("a\x00b", "ab"),
    ],
)
def test_no_cell_is_calculated(value: object, cell: str) -> None:
    assert export.safe(value) == cell


def test_figures_as_csv_have_the_periods_each_point_and_each_line() -> None:
    head, *rows = export.figures(report(), "team").decode().splitlines()
    assert [row.split(",")[0] for row in rows] == ["period", "period before", "day", "team", "team"]
    assert dict(zip(head.split(","), rows[3].split(","), strict=True))["value"] == "'=support"
    assert dict(zip(head.split(","), rows[0].split(","), strict=True))["first_reply_p90_s"] == "4000"


async def test_conversations_come_as_csv_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "_AT_ONCE", 3)

    async def found() -> AsyncIterator[Counted]:
        for number in range(5):
            yield Counted(
                ticket_id="t",
                number=number,
                subject="Lamp, broken",
                status="open",
                at=NOW,
                seconds=9,
                work_seconds=None,
                channel="email",
                team="",
                agent="",
                language="",
                tier="",
            )

    pieces = [piece async for piece in export.conversations(found())]
    lines = b"".join(pieces).decode().splitlines()
    assert (len(pieces), len(lines)) == (3, 6)
    assert lines[1].startswith('0,"Lamp, broken",open,2026-12-01T12:00:00+00:00,9,,email')


@pytest.mark.parametrize(
    ("language", "subject", "line"),
    [
        ("en", "Report, Nov 23, 2026 to Nov 29, 2026", "First reply, median: 1 min (before: –)"),
        ("fr", "Rapport du 23 nov. 2026 au 29 nov. 2026", "Première réponse, médiane : 1 min (avant : –)"),
        ("ko", "보고서, 2026. 11. 23. ~ 2026. 11. 29.", "첫 답변, 중앙값: 1분 (이전: –)"),
    ],
)
def test_a_mailed_report_tells_the_figures_and_where_to_look(language: str, subject: str, line: str) -> None:
    mail = words.mail(report(), date(2026, 11, 23), date(2026, 11, 29), language, "https://desk/reports?by=team")
    assert mail.subject == subject
    assert line in mail.text.replace("\N{NO-BREAK SPACE}", " ").splitlines()
    assert "https://desk/reports?by=team#mail" in mail.text


def test_a_duration_is_told_by_its_two_largest_units() -> None:
    told = [words.took(seconds, "en") for seconds in (None, 0, 59, 60, 3661, 90_061, 86_400)]
    assert told == ["–", "0 sec", "59 sec", "1 min", "1 hr 1 min", "1 day 1 hr", "1 day"]
