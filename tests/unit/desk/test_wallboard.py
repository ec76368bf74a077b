"""What the wallboard makes of what was counted."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from services.desk.tickets.domain import SOON
from services.desk.wallboard import domain
from services.desk.wallboard.domain import Counted
from services.desk.wallboard.schemas import Mood, Pace, Pipeline, Queue, Reading, Snapshot, Staff, Stage, Times, Work
from services.desk.web import render, words
from services.desk.web.conversation import samples
from services.desk.web.wallboard import figures as wall
from shared.clock import utc_now
from tests.unit.desk.examples import NOON

ENGLISH = render.gettext("en")


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


class TestQueues:
    def counted(
        self, team: str = "billing", *skills: str, waiting: int = 1, late: int = 0, since: float = 5
    ) -> Counted:
        return Counted(team, frozenset(skills), waiting, NOON - minutes(since), waiting, late)

    def test_a_team_is_one_row_whatever_skills_its_tickets_need(self) -> None:
        (row,) = domain.queues(
            [self.counted(waiting=3, late=1), self.counted("billing", "french", waiting=1, since=9)], [], []
        )
        assert (row.waiting, row.aimed, row.late, row.oldest) == (4, 4, 1, NOON - minutes(9))
        assert row.in_time == 0.75

    def test_only_agents_who_can_take_a_ticket_of_the_team_are_ready_for_it(self) -> None:
        french, everything, korean = frozenset({"french"}), frozenset[str](), frozenset({"korean"})
        (row,) = domain.queues([self.counted("billing", "french")], [], [french, everything, korean])
        assert row.ready == 2

    def test_a_team_for_which_nothing_waits_is_shown_with_nothing(self) -> None:
        rows = domain.queues([self.counted()], ["billing", "technical"], [frozenset()])
        assert rows[1] == Queue(team="technical", ready=1)
        assert rows[1].in_time is None

    def test_a_display_shows_the_worst_queues_by_name_and_all_others_as_one(self) -> None:
        rows = domain.queues(
            [self.counted(name, waiting=number, late=name == "sales", since=number) for number, name in enumerate(
                ["sales", "billing", "orders", "parts", "press"], 1)],
            [], [],
        )  # fmt: skip
        shown, rest = domain.worst(rows, 3)
        assert [row.team for row in shown] == ["press", "sales"]
        assert rest == Queue(team="", waiting=9, oldest=NOON - minutes(4), aimed=9)
        assert domain.worst(rows, 5) == (rows, None)
        assert domain.worst([], 5) == ((), None)
        idle = tuple(Queue(team=name) for name in "cab")
        assert domain.worst(idle, 2) == ((Queue(team="a"),), Queue(team=""))


class TestPercentiles:
    def test_one_slow_answer_among_twenty_is_not_the_95th_percentile_but_two_are(self) -> None:
        assert domain.percentile([1.0] * 19 + [600.0], 0.95) == 1.0
        assert domain.percentile([1.0] * 18 + [600.0] * 2, 0.95) == 600.0
        assert domain.percentile([], 0.95) is None

    def test_each_point_of_the_chart_looks_back_five_minutes(self) -> None:
        replies = [(NOON, 60.0), (NOON + minutes(3), 90.0)]
        times = [NOON - minutes(1), NOON, NOON + minutes(4), NOON + minutes(7), NOON + minutes(8)]
        assert domain.trailing(replies, times) == (None, 60.0, 90.0, 90.0, None)


class TestPaces:
    def test_each_stage_is_told_for_all_and_by_channel(self) -> None:
        times = domain.paces(
            [
                (None, {"router": [0.02, 0.1], "desk": [0.01, 0.05]}),
                ("email", {"router": [0.02, 0.1], "desk": None}),
                (None, {"delivery": [1, 4]}),
                ("email", {"delivery": [1, 4]}),
            ]
        )
        assert times.everything == {
            "router": Pace(half=0.02, most=0.1),
            "desk": Pace(half=0.01, most=0.05),
            "delivery": Pace(half=1, most=4),
        }
        assert set(times.channels["email"]) == {"router", "delivery"}, "what carried no time is not told"

    def test_clocks_that_differ_give_no_time_below_nothing(self) -> None:
        assert domain.paces([(None, {"router": [-0.3, 0.2]})]).everything["router"] == Pace(half=0.0, most=0.2)

    def test_where_nothing_passed_nothing_is_told(self) -> None:
        assert domain.paces([(None, {"router": None}), ("chat", {"router": None})]) == Times()


def test_messages_are_counted_to_the_end_of_their_minute() -> None:
    times = [NOON + minutes(1), NOON + minutes(2)]
    counts = [(NOON, "email", 3), (NOON + minutes(1), "x", 2), (NOON + minutes(1), "email", 1)]
    assert domain.per_minute(counts, times, ["email", "chat"]) == {"email": (3, 1), "chat": (0, 0), "x": (0, 2)}


@pytest.mark.parametrize(
    ("samples_", "told"),
    [([], 0), ([(0, 5)], 0), ([(0, 100), (5, 150), (10, 300)], 20), ([(0, 100), (10, 3)], 0), ([(3, 1), (3, 2)], 0)],
)
def test_a_rate_is_the_growth_between_the_first_and_the_last_look(
    samples_: list[tuple[float, int]], told: float
) -> None:
    assert domain.rate(samples_) == told


class TestLag:
    BEGINS = {("in", 0): 10, ("in", 1): 0, ("out", 0): 0}
    ENDS = {("in", 0): 100, ("in", 1): 50, ("out", 0): 7}

    def test_what_a_group_has_not_committed_waits(self) -> None:
        assert domain.lag({("in", 0): 90, ("in", 1): 50}, self.BEGINS, self.ENDS, ["in", "out"]) == 10

    def test_a_partition_that_was_never_committed_waits_as_a_whole(self) -> None:
        assert domain.lag({("in", 0): 100}, self.BEGINS, self.ENDS, ["in"]) == 50
        assert domain.lag({("in", 1): 50}, self.BEGINS, self.ENDS, ["in"]) == 90, "what was deleted waits no more"

    def test_the_slowest_reader_of_a_topic_counts(self) -> None:
        fast, slow = {("in", 0): 100, ("in", 1): 50}, {("in", 0): 40, ("in", 1): 50}
        assert domain.waiting([fast, slow], self.BEGINS, self.ENDS, ["in"]) == 60

    def test_what_nobody_ever_read_waits(self) -> None:
        assert domain.waiting([], self.BEGINS, self.ENDS, ["in", "out"]) == 90 + 50 + 7


class TestWords:
    def snapshot(self, **more: object) -> Snapshot:
        at = utc_now()
        work = Work(
            last_event=at,
            queues=(Queue(team="billing <b>", waiting=12, oldest=at - timedelta(seconds=372), aimed=8, late=2),),
            messages={"email": 3, "x": 9},
        )
        pipeline = Pipeline(stages=(), groups={"desk": 4}, dead_letters=9, dead_letters_new=1)
        whole = Snapshot(
            at=at,
            work=Reading(value=work, at=at),
            mood=Reading(value=Mood(complaints=2), at=at),
            pipeline=Reading(value=pipeline, at=at),
            times=Reading(value=Times(), at=at),
        )
        return replace(whole, **more)  # type: ignore[arg-type]

    def said(self, snapshot: Snapshot, language: str = "en", *, links: bool = True) -> str:
        return wall.parts(snapshot, language, samples.CHANNELS, links=links)

    @pytest.mark.parametrize("language", ["en", "fr", "ko"])
    def test_every_state_can_be_said_in_every_language(self, language: str) -> None:
        away: Reading[object] = Reading(ok=False)
        for snapshot in (self.snapshot(), self.snapshot(work=away, mood=away, pipeline=away, times=away)):
            said = self.said(snapshot, language)
            assert 'id="wall-waiting"' in said
            assert "%(" not in said

    def test_an_agent_who_is_busy_is_counted_and_a_slow_stage_has_a_decimal(self) -> None:
        stages = tuple(Stage(name=name, per_second=rate) for name, rate in (("router", 5.0), ("desk", 1234.4)))
        pipeline = Pipeline(stages=stages, groups={}, dead_letters=0, dead_letters_new=0)
        now = self.snapshot(pipeline=Reading(value=pipeline, at=utc_now()))
        work = replace(now.work, value=Work(staff=Staff(all=1, busy=1)))
        said = self.said(replace(now, work=work))
        assert "0 on a call, 1 busy, 0 away" in said
        assert "<td>5.0</td>" in said
        assert "<td>1,234</td>" in said

    def test_each_stage_says_how_long_it_takes_and_each_channel_too(self) -> None:
        names = ("received", "router", "desk", "delivery")
        pipeline = Pipeline(
            stages=tuple(Stage(name=name, per_second=1) for name in names),
            groups={},
            dead_letters=0,
            dead_letters_new=0,
        )
        paces = {name: Pace(half=0.012 * number, most=0.34 * number) for number, name in enumerate(names, 1)}
        times = Times(
            everything=paces | {"arrival": Pace(half=0.09, most=2.1)}, channels={"x": {"router": paces["router"]}}
        )
        said = self.said(self.snapshot(pipeline=Reading(value=pipeline, at=utc_now()), times=Reading(value=times)))
        table = re.sub(r"<[^>]+>", " ", said[said.index('id="wall-pipeline"') :])
        assert re.findall(r"(\d+ ms|[\d.]+ s)\b", table[: table.index("Dead letters")]) == [
            "12 ms", "340 ms", "24 ms", "680 ms", "36 ms", "1 s", "48 ms", "1.4 s",
        ]  # fmt: skip
        assert "From receipt to the desk: 95th percentile 2.1 s, median 90 ms." in said
        by_channel = said[said.index('id="wall-paces"') : said.index('id="wall-groups"')]
        assert re.findall(r"<td>(.*?)</td>", by_channel) == ["–", "680 ms", "–", "–", "–"]

    def test_a_number_is_a_way_to_its_list_but_not_for_a_display(self) -> None:
        said = self.said(self.snapshot())
        assert 'href="/inbox/overdue"' in said
        assert "href" not in self.said(self.snapshot(), links=False).replace("<use href", "")

    def test_the_big_numbers_say_who_waits_and_what_is_late(self) -> None:
        said = self.said(self.snapshot())
        assert "Oldest 6 min 12 s" in said
        assert "2 billing &lt;b&gt;" in said
        assert "12 in the last minute. Most: X, 9." in said
        assert "75%" in said
        assert "1 in the last hour, 9 kept" in said

    def test_while_the_database_is_away_the_last_figures_stay_and_say_how_old_they_are(self) -> None:
        now = self.snapshot()
        before = replace(now.work, at=now.at - timedelta(seconds=12), ok=False)
        said = self.said(replace(now, work=before))
        assert "The database is unavailable. Last figures 12 s ago." in said
        assert "Oldest 6 min 12 s" in said
        assert "t" not in wall.point(replace(now, work=before)), "the chart gets no point that nobody measured"

    def test_without_any_figures_there_is_still_a_page(self) -> None:
        said = self.said(self.snapshot(work=Reading(ok=False)))
        assert "No figures yet" in said
        assert "–" in said

    @pytest.mark.parametrize(
        ("seconds", "text"),
        [(0, "0 s"), (59.9, "59 s"), (372, "6 min 12 s"), (3725, "1 h 2 min"), (100_000, "1 d 3 h"), (-3, "0 s")],
    )
    def test_a_duration_is_said_in_two_units(self, seconds: float, text: str) -> None:
        assert wall.span(seconds, ENGLISH) == text

    @pytest.mark.parametrize(
        ("seconds", "text"), [(0, "0 ms"), (0.34, "340 ms"), (1.24, "1.2 s"), (90, "1 min 30 s"), (300, "5 min 0 s")]
    )
    def test_short_times_are_said_finely(self, seconds: float, text: str) -> None:
        assert wall.brief(seconds, ENGLISH, "en") == text


@pytest.mark.parametrize(
    ("away", "text", "class_"),
    [
        (minutes(25.5), "Due in 25 min", "soon"),
        (SOON + minutes(89.5), "Due in 1 hr 59 min", ""),
        (minutes(-8.5), "Overdue 8 min", "late"),
        (timedelta(days=-2, hours=-1), "Overdue 2 days 1 hr", "late"),
    ],
)
def test_a_chip_says_how_long_there_is_left(away: timedelta, text: str, class_: str) -> None:
    at: datetime = utc_now() + away
    assert render.due(at, "en") == text
    assert render.due_class(at) == class_


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("billing", "Billing"),
        ("plugin-support", "Plugin support"),
        ("EU-sales", "EU-sales"),
        ("결제", "결제"),
        ("", ""),
    ],
)
def test_a_team_is_written_as_a_title(name: str, title: str) -> None:
    assert words.team(name) == title
