"""What was done is counted, once, whatever is killed; and nobody reads another's figures."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import insert
from sqlalchemy import text as sql

from services.desk.actors import COMMAND
from services.desk.context import Desk
from services.desk.intake.messages import apply
from services.desk.people import presence
from services.desk.people import service as people
from services.desk.reports import counting, mails
from services.desk.reports import service as reports
from services.desk.reports.domain import DUE, FIRST, MORE, NEXT, OPEN, OPENED, SOLVED
from services.desk.reports.mails import Wanted
from services.desk.reports.models import FACTS
from services.desk.reports.schemas import Times
from services.desk.reports.service import Query
from services.desk.tickets import deliveries
from services.desk.tickets import service as tickets
from shared.clock import utc_now
from shared.errors import Rejected, Unavailable
from shared.events import DeliveryReport, DeliveryState, RoutedMessage
from shared.kernel import stable_id
from shared.topics import deliveries_requested
from tests.integration.desk_parts import acting, app_of, desk_on, migrate, outbox, scalar, with_channels
from tests.unit.desk.examples import routed

BO, KIM, SUE = acting("bo@desk"), acting("kim@desk"), acting("sue@desk", "supervisor")
ALL = "SELECT json_agg(f ORDER BY ticket_id, no)::text FROM desk.report_facts AS f"


@pytest.fixture
async def desk(database: str, storage_url: str) -> AsyncIterator[Desk]:
    await migrate(database)
    async with desk_on(database, storage_url) as made:
        for who in ("bo@desk", "kim@desk", "sue@desk"):
            await people.create_agent(
                made.database, email=who, name=who, role="agent", password="a long password", actor=COMMAND
            )
        yield with_channels(made)


def mail(number: int, **more: Any) -> RoutedMessage:
    own = f"<{number}@example.org>"
    return routed(
        own, thread=f"email:{own}", sender=f"email:c{number}@example.org", **({"received_at": utc_now()} | more)
    )


async def count(desk: Desk) -> None:
    while await counting.advance(desk):
        pass


async def anew(desk: Desk) -> None:
    await counting.rebuild(desk.database)
    await count(desk)


async def run(desk: Desk, statement: str, **values: Any) -> None:
    async with desk.database.transaction() as session:
        await session.execute(sql(statement), values)


async def told(desk: Desk, query: Query | None = None, actor: Any = SUE) -> Any:
    await count(desk)
    return await reports.report(desk, query or Query(period="today", by="agent", only={}), actor=actor)


async def long_ago(desk: Desk, ticket: str, kind: str, minutes: int) -> None:
    """Moves the newest such event of a ticket back, as if it had happened then."""
    values = {"ticket": ticket, "kind": kind, "minutes": minutes}
    newest = "(SELECT max(seq) FROM desk.ticket_events WHERE ticket_id = :ticket AND kind = :kind)"
    back = f"UPDATE desk.ticket_events SET at = now() - :minutes * interval '1 min' WHERE seq = {newest}"
    await run(desk, back, **values)


async def test_a_day_s_work_is_counted_with_who_did_it_and_the_conversations_behind_each_number(desk: Desk) -> None:
    ann, ben, cy = mail(1, reply_within=600), mail(2, team="billing"), mail(3)
    await apply(desk, [ann, ben, cy])
    await tickets.reply(desk, ann.decision.ticket_id, tickets.Draft(text="Done.", status="solved"), actor=BO)
    await tickets.reply(desk, ben.decision.ticket_id, tickets.Draft(text="Hm."), actor=KIM)
    report = await told(desk)
    assert (report.figures.new, report.figures.replies, report.figures.resolution.count) == (3, 2, 1)
    assert (report.figures.due, report.figures.met, report.figures.backlog) == (1, 1, 2)
    assert report.before.new == 0
    by_agent = {line.value: (line.figures.replies, line.figures.resolution.count) for line in report.lines}
    assert by_agent == {"bo@desk": (1, 1), "kim@desk": (1, 0), "": (0, 0)}
    by_team = await told(desk, Query(period="today", by="team", only={"channel": "email"}))
    assert {line.value: line.figures.new for line in by_team.lines} == {"support": 2, "billing": 1}
    (found,) = await reports.behind(desk, Query(period="today", only={}), "resolution", actor=SUE)
    assert (found.ticket_id, found.agent, found.status) == (ann.decision.ticket_id, "bo@desk", "solved")
    unsolved = await reports.behind(desk, Query(period="today", only={}), "backlog", actor=SUE)
    assert {each.ticket_id for each in unsolved} == {ben.decision.ticket_id, cy.decision.ticket_id}
    assert (await reports.choices(desk, actor=SUE))["team"] == ["billing", "support"]


async def test_reopened_not_delivered_handed_on_and_deleted_the_figures_are_right(desk: Desk) -> None:
    one, two = mail(1), mail(2)
    await apply(desk, [one, two])
    own = one.decision.ticket_id
    reply = await tickets.reply(desk, own, tickets.Draft(text="Done.", status="solved"), actor=BO)
    assert (await told(desk)).figures.resolution.count == 1
    failed = DeliveryReport(
        id=stable_id("x"), outbound_id=reply.id, ticket_id="", channel="email", at=utc_now(), state=DeliveryState.FAILED
    )
    await deliveries.report(desk, [failed])
    report = await told(desk)
    assert (report.figures.resolution.count, report.figures.replies, report.figures.backlog) == (0, 0, 2)
    again = await tickets.reply(desk, own, tickets.Draft(text="Done!", status="solved"), actor=KIM)
    await long_ago(desk, own, "ticket.status", 300)
    follow = routed("<9@x>", thread="email:<1@example.org>", sender="email:c1@example.org", received_at=utc_now())
    await apply(desk, [follow])
    await anew(desk)
    report = await told(desk, Query(period="28-days", only={}))
    assert again.id
    assert (report.figures.new, report.figures.resolution.count, report.figures.reopened) == (2, 1, 1)
    await run(desk, "DELETE FROM desk.ticket_events")
    await run(desk, "DELETE FROM desk.messages")
    await run(desk, "DELETE FROM desk.tickets WHERE id = :own", own=own)
    assert (await told(desk)).figures.new == 1, "what is deleted counts nowhere any more"


async def test_killed_at_any_time_and_by_two_at_once_each_thing_counts_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = [mail(number, reply_within=60) for number in range(1, 9)]
    await apply(desk, batch)
    for each in batch[:5]:
        await tickets.reply(desk, each.decision.ticket_id, tickets.Draft(text="Yes.", status="solved"), actor=BO)
    fetch, calls = counting.fetch, 0

    async def killed(*given: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls in (3, 5, 7):
            raise Unavailable("the process ends here")
        return await fetch(*given)

    with monkeypatch.context() as patch:
        patch.setattr(counting, "fetch", killed)
        patch.setattr(counting, "_EVENTS", 7)
        for _ in range(40):
            await asyncio.gather(counting.advance(desk), counting.advance(desk), return_exceptions=True)
    await count(desk)
    before = await scalar(desk, ALL)
    assert before.count('"solved"') == 5
    await run(desk, "UPDATE desk.report_facts SET seconds = 1, team = 'wrong'")
    monkeypatch.setattr(counting, "_TICKETS", 3)
    await anew(desk)
    assert await scalar(desk, ALL) == before


async def test_other_business_hours_are_counted_with_anew(desk: Desk, database: str, storage_url: str) -> None:
    first = mail(1, received_at=utc_now() - timedelta(days=7))
    await apply(desk, [first])
    await tickets.reply(desk, first.decision.ticket_id, tickets.Draft(text="Sorry."), actor=BO)
    query = Query(period="28-days", clock="business", only={})
    assert (await told(desk, query)).figures.first_reply.half == 7 * 86_400
    async with desk_on(database, storage_url, business_hours="mon-sun 09:00-10:00") as shut:
        assert (await told(with_channels(shut), query)).figures.first_reply.half in (6 * 3600, 7 * 3600, 8 * 3600)


async def test_an_agent_is_occupied_while_somebody_waits_for_them_or_they_speak(desk: Desk) -> None:
    one = mail(1)
    await apply(desk, [one])
    await presence.set_presence(desk, "bo@desk", "ready", actor=BO)
    await tickets.assign(desk, one.decision.ticket_id, "bo@desk", actor=SUE) if hasattr(tickets, "assign") else None
    await count(desk)
    hour = "now() - interval '{} min'"
    await run(desk, "DELETE FROM desk.report_presence")
    for seq, begin, end, what in ((1, 100, 40, "ready"), (2, 40, 20, "busy"), (3, 20, 0, "ready")):
        values = f"({seq}, 'bo@desk', {hour.format(begin)}, {hour.format(end)}, '{what}')"
        await run(desk, f"INSERT INTO desk.report_presence (seq, agent, at, until, presence) VALUES {values}")
    work = f"'{one.decision.ticket_id}', 900, 'work', {hour.format(60)}, {hour.format(30)}, '', 'bo@desk', '', '', ''"
    await run(
        desk,
        f"INSERT INTO desk.report_facts (ticket_id, no, kind, at, until, team, agent, channel, language, tier) VALUES ({work})",
    )
    found = await reports.report(desk, Query(period="7-days", by="agent", only={}), actor=SUE)
    (line,) = [line for line in found.lines if line.value == "bo@desk"]
    assert (line.figures.there, line.figures.occupied) == (6000, 2400)
    assert found.figures.occupancy == pytest.approx(0.4)
    filtered = await reports.report(desk, Query(period="7-days", only={"team": "support"}), actor=SUE)
    assert filtered.figures.there is None, "presence belongs to no team"


async def test_presence_is_counted_as_it_was_told_and_again_when_all_is_counted_anew(desk: Desk) -> None:
    for what in ("ready", "busy", "away", "ready"):
        await presence.set_presence(desk, "bo@desk", what, actor=BO)
    rows = "SELECT json_agg(p ORDER BY seq)::text FROM desk.report_presence AS p"
    await count(desk)
    before = await scalar(desk, rows)
    assert [before.count(word) for word in ('"ready"', '"busy"', '"until":null')] == [2, 1, 1]
    await anew(desk)
    assert await scalar(desk, rows) == before


async def test_callers_who_gave_up_are_a_share_of_those_who_waited(desk: Desk) -> None:
    row = "('c{0}', 1, '{1}', now(), 'in', 'tel:+33', 'en', '', now() - interval '5 min', '', '', '', '', '', '{{}}', '', '{{}}', '', '', 0, false, false)"
    columns = "call_id, version, state, at, direction, customer, language, message_id, waiting_since, agent, request_id, outcome, detail, about, asked, offered_to, offer_missing, answered_by, answer_id, position, counted, noted"
    values = ", ".join(row.format(n, state) for n, state in enumerate(("abandoned", "ended", "voicemail", "abandoned")))
    await run(desk, f"INSERT INTO desk.calls ({columns}) VALUES {values}")
    query = Query(period="28-days", by="language", only={})
    report = await told(desk, query)
    assert (report.figures.calls, report.figures.abandoned, report.figures.abandonment) == (4, 2, 0.5)
    assert [(line.value, line.figures.calls) for line in report.lines] == [("en", 4)]
    assert (await told(desk, Query(period="28-days", only={"agent": "bo@desk"}))).figures.calls is None


async def test_an_agent_reads_their_own_figures_and_nobody_else_s(desk: Desk) -> None:
    one, two = mail(1), mail(2)
    await apply(desk, [one, two])
    await tickets.reply(desk, one.decision.ticket_id, tickets.Draft(text="Yes.", status="solved"), actor=BO)
    await tickets.reply(desk, two.decision.ticket_id, tickets.Draft(text="Yes.", status="solved"), actor=KIM)
    spying = Query(period="today", by="agent", only={"agent": "kim@desk"})
    report = await told(desk, spying, BO)
    assert ([line.value for line in report.lines], report.figures.replies) == (["bo@desk"], 1)
    (mine,) = await reports.behind(desk, spying, "resolution", actor=BO)
    assert mine.agent == "bo@desk"
    assert (await reports.choices(desk, actor=BO))["agent"] == ["bo@desk"]
    token = await people.create_token(desk.database, name="bi", scopes=("read",), actor=COMMAND)
    async with client(desk, token) as api:
        for path in ("/reports", "/reports/figures.csv", "/reports/conversations?metric=new"):
            assert (await api.get(path)).status_code == 403
    with pytest.raises(Rejected):
        await reports.report(desk, spying, actor=acting("api:bi"))


def client(desk: Desk, token: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app_of(desk)),
        base_url="http://desk/api/v1",
        headers={"Authorization": f"Bearer {token}"},
    )


async def test_a_program_reads_reports_page_by_page_and_as_csv_that_no_spreadsheet_calculates(desk: Desk) -> None:
    await apply(desk, [mail(number, subject=f"=HYPERLINK({number})") for number in range(1, 6)])
    await count(desk)
    token = await people.create_token(desk.database, name="bi", scopes=("admin",), actor=COMMAND)
    async with client(desk, token) as api:
        report = (await api.get("/reports", params={"period": "today", "by": "channel"})).json()
        assert (report["figures"]["new"], report["lines"][0]["value"], report["rebuilding"]) == (5, "email", False)
        seen, cursor = list[int](), ""
        while True:
            asked = {"metric": "new", "period": "today", "limit": 2, "cursor": cursor}
            page = (await api.get("/reports/conversations", params=asked)).json()
            seen += [each["number"] for each in page["items"]]
            if not (cursor := page["next"]):
                break
        assert sorted(seen) == [1001, 1002, 1003, 1004, 1005]
        table = await api.get("/reports/conversations.csv", params={"metric": "new", "period": "today"})
        assert table.headers["content-type"] == "text/csv; charset=utf-8"
        assert table.text.count("'=HYPERLINK(") == 5
        figures = (await api.get("/reports/figures.csv", params={"period": "today"})).text.splitlines()
        assert figures[0].startswith("of,value,new,replies")
        assert figures[1].split(",")[2] == "5"
        for params, code in (
            ({"period": "ever"}, "report-period"),
            ({"period": "own"}, "report-days"),
            ({"period": "own", "first": "2020-01-01", "last": "2026-01-01"}, "report-long"),
            ({"by": "mood"}, "report-by"),
            ({"clock": "sun"}, "report-clock"),
        ):
            refused = await api.get("/reports", params=params)
            assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (422, code)
        for path in ("/reports/conversations", "/reports/conversations.csv"):
            assert (await api.get(path, params={"metric": "joy"})).status_code == 422
        assert (await api.get("/reports/conversations", params={"metric": "new", "cursor": "x"})).status_code == 422


async def test_what_postgresql_counts_is_what_one_counts_by_hand(desk: Desk) -> None:
    """Random facts over 70 days in a zone with a change of the clocks, against plain loops."""
    chance, now = random.Random(14), utc_now()
    rows = []
    for number in range(1500):
        at = now - timedelta(minutes=chance.randrange(1, 70 * 1440))
        kind = chance.choice((OPENED, FIRST, NEXT, MORE, SOLVED, DUE, OPEN))
        seconds = (
            chance.choice((chance.randrange(3000), chance.randrange(200_000)))
            if kind in (FIRST, NEXT, SOLVED)
            else None
        )
        until = min(now, at + timedelta(minutes=chance.randrange(30_000))) if chance.random() < 0.5 else None
        rows.append(
            {
                "ticket_id": stable_id(str(number)),
                "no": 0,
                "kind": kind,
                "at": at,
                "until": until if kind in (SOLVED, OPEN) else None,
                "since": at,
                "seconds": seconds,
                "work_seconds": seconds and seconds // 3,
                "met": chance.choice((True, False, None)) if kind == DUE else None,
                "team": chance.choice(("", "support", "billing")),
                "agent": chance.choice(("bo@desk", "kim@desk", "")),
                "channel": chance.choice(("email", "chat")),
                "language": "en",
                "tier": "",
            }
        )
    async with desk.database.transaction() as session:
        await session.execute(insert(FACTS), rows)
    for query in (
        Query(period="28-days", by="team", only={}),
        Query(period="7-days", by="agent", clock="business", only={"channel": "chat", "team": ""}),
    ):
        report = await reports.report(desk, query, actor=SUE)
        mine = [row for row in rows if all(row[name] == value for name, value in query.only.items())]
        took = "work_seconds" if query.clock == "business" else "seconds"
        for since, until, figures in (
            (report.since, report.until, report.figures),
            (report.before_since, report.before_until, report.before),
        ):
            during = [row for row in mine if since <= row["at"] < until]
            of = {
                kind: [row for row in during if row["kind"] == kind]
                for kind in (OPENED, FIRST, NEXT, MORE, SOLVED, DUE)
            }
            assert figures.new == len(of[OPENED])
            assert figures.replies == len(of[FIRST]) + len(of[NEXT]) + len(of[MORE])
            for kind, found in ((FIRST, figures.first_reply), (NEXT, figures.next_reply), (SOLVED, figures.resolution)):
                assert found == by_rank([row[took] for row in of[kind]])
            assert figures.reopened == sum(row["until"] is not None for row in of[SOLVED])
            assert (figures.due, figures.met) == (len(of[DUE]), sum(row["met"] is True for row in of[DUE]))
            assert figures.backlog == unsolved(mine, until)
        for line in report.lines:
            theirs = [row for row in mine if row[query.by] == line.value]
            assert line.figures.new == sum(
                row["kind"] == OPENED and report.since <= row["at"] < report.until for row in theirs
            )
            assert (line.figures.backlog or 0) == unsolved(theirs, report.until)
        assert sum(point.figures.new for point in report.points) == report.figures.new
        ends = [*(point.at for point in report.points[1:]), report.until]
        assert [point.figures.backlog for point in report.points] == [unsolved(mine, end) for end in ends]


def by_rank(took: list[int]) -> Times:
    ordered = sorted(took)
    ranks = [ordered[-(-len(ordered) * share // 100) - 1] for share in (50, 90)] if ordered else []
    return Times(count=len(ordered), **dict(zip(("half", "most"), map(rounded, ranks), strict=False)))


def rounded(seconds: int) -> int:
    for longest, step in ((3600, 1), (86_400, 60)):
        if seconds < longest:
            return seconds // step * step
    return seconds // 3600 * 3600


def unsolved(rows: list[dict[str, Any]], at: datetime) -> int:
    assert at.tzinfo == UTC
    held = [row for row in rows if row["kind"] == OPEN and row["at"] < at]
    return sum(row["until"] is None or row["until"] >= at for row in held)


async def test_a_supervisor_gets_the_week_by_mail_once_as_long_as_they_may_read_it(desk: Desk) -> None:
    await run(desk, "UPDATE desk.agents SET role = 'supervisor', language = 'fr' WHERE email = 'sue@desk'")
    await apply(desk, [mail(1, received_at=utc_now() - timedelta(days=7), team="billing"), mail(2)])
    await count(desk)
    wanted = Wanted(every="weekly", by="agent", only={"team": "billing"})
    assert await mails.choose(desk, "sue@desk", wanted, actor=SUE) == await mails.chosen(desk, "sue@desk", actor=SUE)
    assert await mails.send(desk) == 0, "not yet"
    late = "UPDATE desk.report_mails SET next_at = now() - interval '1 min'"
    await run(desk, late)
    await asyncio.gather(mails.send(desk), mails.send(desk))
    (sent,) = await outbox(desk, deliveries_requested("email").name)
    assert (sent.to, sent.automatic, sent.subject.startswith("Rapport du")) == ("email:sue@desk", True, True)
    assert "Nouvelles conversations : 1 (avant : 0)" in sent.text
    assert "by=agent&team=billing" in sent.text
    for change in ("role = 'agent'", "role = 'supervisor', active = false"):
        await run(desk, late)
        await run(desk, f"UPDATE desk.agents SET {change} WHERE email = 'sue@desk'")
        assert await mails.send(desk) == 0
    await run(desk, "UPDATE desk.agents SET active = true WHERE email = 'sue@desk'")
    await counting.rebuild(desk.database)
    assert await mails.send(desk) == 0, "figures are incomplete"
    await count(desk)
    await mails.choose(desk, "sue@desk", Wanted(), actor=SUE)
    assert (await mails.send(desk), await mails.chosen(desk, "sue@desk", actor=SUE)) == (0, Wanted())


async def test_nobody_orders_mail_for_another_or_mail_that_is_none(desk: Desk) -> None:
    for who, wanted, code in (
        ("bo@desk", Wanted(every="weekly"), "permission"),
        ("sue@desk", Wanted(every="hourly"), "report-every"),
        ("sue@desk", Wanted(every="weekly", by="mood"), "report-by"),
    ):
        with pytest.raises(Rejected) as refused:
            await mails.choose(desk, who, wanted, actor=SUE)
        assert refused.value.code == code
    token = await people.create_token(desk.database, name="bi", scopes=("admin",), actor=COMMAND)
    async with client(desk, token) as api:
        body = {"every": "monthly", "by": "tier", "only": {"channel": "email"}}
        kept = (await api.put("/reports/mails/sue@desk", json=body)).json()
        assert kept == (await api.get("/reports/mails/sue@desk")).json() == body | {"clock": "wall"}
        assert (await api.get("/reports/mails/nobody@desk")).status_code == 404
    whose = "SELECT string_agg(actor || ' ' || (data ->> 'what'), ',') FROM desk.audit_log WHERE subject = 'sue@desk' AND kind = 'person.changed'"
    assert await scalar(desk, whose) == "api:bi report mail"
