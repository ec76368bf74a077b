"""What `make bench` writes."""

from __future__ import annotations

from pathlib import Path

from deploy.local import jars
from tests.benchmarks import builds
from tests.benchmarks.__main__ import SECTIONS, page
from tests.benchmarks.contenders import CONTENDERS, OURS
from tests.benchmarks.end_to_end import Latency
from tests.benchmarks.router import ALONE, Round, table

STREAMS = Path(__file__).parents[2] / "benchmarks" / "streams"


def test_a_section_measured_alone_leaves_the_others_as_they_were() -> None:
    titles = [title for title, _ in SECTIONS.values()]
    first = page(page("", titles[2], "| old |"), titles[0], "a\n\nb")
    again = page(first, titles[2], "| new |")
    assert again == first.replace("| old |", "| new |")
    assert again.index(titles[0]) < again.index(titles[2])


def test_a_section_that_is_measured_elsewhere_stays_on_the_page() -> None:
    before = page(page("", "Reading", "| theirs |"), "The desk's way of a message", "| old |")
    again = page(before, "The desk's way of a message", "| new |")
    assert again == before.replace("| old |", "| new |")


def test_a_ratio_stands_first_and_says_how_far_rounds_were_apart() -> None:
    rows = builds.compared([("mails a second", 0, [200.0, 210.0, 190.0], [100.0, 105.0, 95.0])]).splitlines()
    assert rows[2] == "| mails a second | **2.00** (1.81 to 2.21) | 200 (190 to 210) | 100 (95 to 105) |"


def test_builds_take_turns_and_each_round_begins_with_another_one() -> None:
    order: list[str] = []
    trees = {"this build": Path("a"), "before": Path("b")}
    found = builds.in_turn(trees, lambda tree: order.append(tree.name), 3)
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert [len(values) for values in found.values()] == [3, 3]


def test_everyone_is_told_how_the_router_compares_with_them() -> None:
    latency = Latency.of([0.005])
    results = {name: Round(10.0 + number, 4.0, 100.0) for number, name in enumerate(CONTENDERS)}
    rows = table(results, dict.fromkeys([*results, ALONE], latency), 100_000, 3).splitlines()
    assert f"| {OURS} | 10,000 (1.00) | 0.40 (1.00) | 100 (1.00) | p50 5.0 ms, p99 5.0 ms |" in rows
    assert any("| plain aiokafka loop | 7,692 (1.30) |" in row for row in rows)
    assert f"| {ALONE} | | | | p50 5.0 ms, p99 5.0 ms |" in rows


def test_kafka_streams_is_measured_in_the_version_of_the_broker() -> None:
    assert f"org.apache.kafka:kafka-streams:{jars.VERSION}" in (STREAMS / "jars.lock").read_text()
