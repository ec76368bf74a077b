"""The table at the end of a run. `tests/conftest.py` takes it up: it is loaded also where others
run the tests and one process reports."""

from __future__ import annotations

from collections import defaultdict
from typing import Any


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Each case in a line, as Markdown; `2 / 3 / 2` are the figures of its repeats."""
    runs: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            for figures in (value for name, value in getattr(report, "user_properties", ()) if name == "faults"):
                runs[figures["case"]].append(figures)
    if runs:
        terminalreporter.section("faults")
        for line in table(runs):
            terminalreporter.write_line(line)


def table(runs: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Of sums where they are promised to be 0 and of each run where they are not."""
    lines = [
        "| what breaks | sent | lost | twice at the desk | twice on the topic | longest wait, s |",
        "|---|---|---|---|---|---|",
    ]
    for case, each in runs.items():
        sums = [f"{sum(run[name] for run in each):,}" for name in ("sent", "lost", "twice_at_desk")]
        twice = " / ".join(str(run["twice_on_topic"]) for run in each)
        waits = " / ".join(f"{run['longest_wait']:.1f}" for run in each)
        lines.append(f"| {case} | {' | '.join(sums)} | {twice} | {waits} |")
    return lines
