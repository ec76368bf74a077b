"""What `make bench` writes."""

from __future__ import annotations

from pathlib import Path

from deploy.local import jars
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


def test_everyone_is_told_how_the_router_compares_with_them() -> None:
    latency = Latency.of([0.005])
    results = {name: Round(10.0 + number, 4.0, 100.0) for number, name in enumerate(CONTENDERS)}
    rows = table(results, dict.fromkeys([*results, ALONE], latency), 100_000, 3).splitlines()
    assert f"| {OURS} | 10,000 (1.00) | 0.40 (1.00) | 100 (1.00) | p50 5.0 ms, p99 5.0 ms |" in rows
    assert any("| plain aiokafka loop | 8,333 (1.20) |" in row for row in rows)
    assert f"| {ALONE} | | | | p50 5.0 ms, p99 5.0 ms |" in rows


def test_kafka_streams_is_measured_in_the_version_of_the_broker() -> None:
    assert f"org.apache.kafka:kafka-streams:{jars.VERSION}" in (STREAMS / "jars.lock").read_text()
