"""One shape for every service: what a process runs, and the command line around it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from fastapi import FastAPI

from shared import logs
from shared.bus.api import Bus
from shared.bus.kafka import KafkaBus
from shared.db import migrate
from shared.errors import SwitchboardError
from shared.health import Health
from shared.run import Task, serve
from shared.settings import ServiceSettings, Settings, load, single

S = TypeVar("S", bound=ServiceSettings)


@dataclass(frozen=True, slots=True)
class Service:
    """One process, not yet running. `tasks` run beside HTTP; `resources` is entered before them and
    left after them."""

    api: FastAPI
    tasks: Mapping[str, Task]
    resources: Callable[[], AbstractAsyncContextManager[None]]


def bus_of(name: str, common: Settings, health: Health, given: Bus | None) -> tuple[Bus, dict[str, Task]]:
    """Returns `given`, or Kafka with the task that keeps it connected."""
    if given is not None:
        return given, {}
    health.expect("kafka")
    kafka = KafkaBus(common.kafka, name, health)
    return kafka, {"kafka": kafka.keep_connecting}


@dataclass(frozen=True, slots=True)
class Command:
    """A verb on the command line. `work`: gets the settings and, where `argument` describes one,
    it, or where the description ends in `...` any number; prints what it has to say."""

    work: Callable[..., Awaitable[None]]
    argument: str = ""

    def takes(self, given: int) -> bool:
        """Whether it can be called with so many arguments."""
        return self.argument.endswith("...") or given == bool(self.argument)


@dataclass(frozen=True, slots=True)
class Program(Generic[S]):
    """`python -m services <name> [command]`. `folder`: the service's own, with `migrations/` in it;
    its schema has its name."""

    name: str
    settings: type[S]
    create: Callable[[Settings, S], Service]
    folder: Path
    commands: Mapping[str, Command] = field(default_factory=dict)

    def main(self, arguments: list[str]) -> int:
        """Runs the service, migrates its schema or runs a command. Returns the exit code: 0, 1
        after a failure, 2 for a wrong command line. Raises Misconfigured."""
        logs.configure(self.name, single("SWITCHBOARD_LOG_FORMAT") or "json", single("SWITCHBOARD_LOG_LEVEL") or "info")
        match arguments:
            case []:
                return self._serve()
            case ["migrate"]:
                migrate(load(self.settings).database.get_secret_value(), self.name, self.folder / "migrations")
                return 0
            case [verb, *rest] if verb in self.commands and self.commands[verb].takes(len(rest)):
                return self._command(self.commands[verb], rest)
        verbs = [f"{verb} {command.argument}".strip() for verb, command in self.commands.items()]
        print(f"usage: python -m services {self.name} [{' | '.join(['migrate', *verbs])}]", file=sys.stderr)
        return 2

    def _serve(self) -> int:
        common, settings = load(Settings), load(self.settings)
        logs.configure(self.name, common.log_format, common.log_level)
        service = self.create(common, settings)
        return serve(self.name, common.host, settings.port, service.api, service.tasks, start=[service.resources()])

    def _command(self, command: Command, rest: list[str]) -> int:
        async def run() -> None:
            await command.work(load(self.settings), *rest)

        try:
            asyncio.run(run())
        except SwitchboardError as error:
            print(f"{self.name}: {error}", file=sys.stderr)
            return 1
        return 0
