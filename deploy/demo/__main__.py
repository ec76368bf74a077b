"""`python -m deploy.demo`: a practice system, a street of customers, and what to look at, until
Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from dotenv import dotenv_values

from deploy.demo import children, practice, report, trickle
from deploy.demo.cast import (
    AGENT,
    BURST,
    CALLERS,
    CHATS,
    LETTERS,
    POSTS,
    TELEPHONES,
    TEXTS,
    Caller,
    Chat,
    Letter,
    Telephone,
    Text,
)
from deploy.demo.desk import Ticket, ask, wait_for_tickets
from deploy.demo.doors import Sent, make_calls, send_chats, send_mails, send_posts, send_texts
from deploy.demo.practice import Practice
from deploy.demo.running import System, describe, runs_at
from deploy.demo.street import app as street
from deploy.local.commands import ADMIN
from deploy.local.console import Console
from deploy.local.problem import Problem
from deploy.local.secrets_kept import write_private


@dataclass
class Demo:
    """One demonstration. `stopping` is set by a signal."""

    practice: Practice
    minutes: float
    pace: float
    console: Console = field(default_factory=Console)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Runs until Ctrl-C. Raises Problem."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self.stopping.set)
        await self._unless_stopped(self._play())

    async def _play(self) -> None:
        say = self.console.say
        async with AsyncExitStack() as stack:
            stack.callback(lambda: say("stopping the practice system"))
            say(
                f"a practice system of its own, in {report.short(self.practice.home)}; nothing here reaches a real person or a real account"
            )
            practice.begin_anew(self.practice.home)
            exchange, account = await children.start_exchange(self.practice, self.pace)
            stack.push_async_callback(exchange.stop, signal.SIGKILL)  # it holds nothing
            network, keys = await children.start_network(self.practice)
            stack.push_async_callback(network.stop, signal.SIGKILL)
            file = dotenv_values(children.ROOT / ".env")
            environment = practice.settings(self.practice, os.environ, file, account, keys)
            run = await children.Run.start(self.practice.home, environment, say)
            stack.push_async_callback(run.stop)
            facts = await run.wait_until_up()
            system = describe(facts, account["url"], f"http://127.0.0.1:{self.practice.network}", account["number"])
            agents = await asyncio.to_thread(_give_telephones, system, self.console)
            address = await stack.enter_async_context(
                street.serving(street.Street(system, TELEPHONES, agents), self.practice.street)
            )
            write_private(self.practice.home / "street.json", f'{{"street": "{address}"}}\n')
            self.console.table("The practice system is up.", report.addresses(system, address))
            tickets = await self._arrive(system)
            print(f"\n{report.table(tickets, report.columns())}\n", flush=True)
            print(report.look_at(system, address, tickets), flush=True)
            await self._go_on(run, system)

    async def _arrive(self, system: System) -> list[Ticket]:
        """Sends the cast's messages through all channels; returns the tickets that became of
        them."""
        since = datetime.now(UTC) - timedelta(seconds=1)
        sent: list[Sent] = []
        for what, work in (
            (f"{len(LETTERS)} mails come in, by SMTP", partial(send_mails, system, LETTERS)),
            (
                f"{len(CHATS)} messages from inside the product, by HTTP and WebSocket",
                partial(send_chats, system, CHATS),
            ),
            (f"{len(TEXTS)} text messages, by signed webhooks", partial(send_texts, system, TEXTS)),
            (f"{len(CALLERS)} people call the line", partial(make_calls, system, CALLERS)),
            (f"{len(POSTS)} posts on X: complaints, praise and noise", partial(send_posts, system, POSTS)),
            (f"{len(BURST)} more there, about one and the same thing", partial(send_posts, system, BURST)),
        ):
            self.console.say(what)
            sent += await asyncio.to_thread(work)
        return await asyncio.to_thread(
            wait_for_tickets,
            system,
            sent,
            since,
            lambda count: self.console.progress("at the desk", count, len(sent)),
            self.stopping.is_set,
        )

    async def _go_on(self, run: children.Run, system: System) -> None:
        """Creates more customers, one every few seconds, then no more; waits until the run ends."""
        ended = asyncio.ensure_future(run.wait())
        try:
            for later in trickle.events(self.minutes * 60):
                await asyncio.wait({ended}, timeout=later.seconds)
                if ended.done():
                    break
                self.console.say(f"{datetime.now():%H:%M:%S} {later.title}")  # noqa: DTZ005 - the wall clock beside it
                try:
                    await asyncio.to_thread(_happen, system, later.event)
                except Problem as problem:
                    self.console.warn(str(problem))
            self.console.say("no more customers come by themselves; the street and the desk stay open until Ctrl-C")
            await ended
        finally:
            ended.cancel()

    async def _unless_stopped(self, work: Awaitable[None]) -> None:
        working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(self.stopping.wait())
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not working.done():
            working.cancel()
        try:
            await working
        except asyncio.CancelledError:
            if not self.stopping.is_set():
                raise


def _give_telephones(system: System, console: Console) -> list[Telephone]:
    """Sets a telephone of the practice exchange as the one at which the agent is reached;
    returns it."""
    agent = Telephone(
        AGENT, "The agent’s telephone", f"{ADMIN} is called here, once somebody presses Answer at the desk."
    )
    try:
        ask(system, f"/agents/{ADMIN}/phone", {"number": AGENT}, "PUT")
    except Problem as problem:
        console.warn(f"set {AGENT} as your telephone at the desk yourself ({problem})")
    return [agent]


def _happen(system: System, event: trickle.Event) -> None:
    match event:
        case Letter():
            send_mails(system, (event,))
        case Chat():
            send_chats(system, (event,))
        case Text():
            send_texts(system, (event,))
        case Caller():
            make_calls(system, (event,))
        case _:
            send_posts(system, (event,))


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Runs the demonstration. Exit code: 0 after Ctrl-C, 1 after a problem, which is reported in
    one line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.demo", description=__doc__)
    parser.add_argument(
        "--minutes", type=float, default=30, help="how long customers keep coming by themselves (30, at most 240)"
    )
    parser.add_argument(
        "--pace", type=float, default=1, help="seconds of the telephone network for each real one; for tests"
    )
    chosen = parser.parse_args(arguments)
    home = Path(environment.get("SWITCHBOARD_HOME") or "var").expanduser()
    try:
        if runs_at(home / "demo"):
            raise Problem(
                f"the demonstration runs already{report.where_is(home / 'demo')}: stop it with Ctrl-C where it runs"
            )
        found = practice.choose(environment)
        if runs_at(home):
            print(
                "▸ your own Switchboard (make run) goes on beside this; the demonstration does not touch it", flush=True
            )
        asyncio.run(Demo(found, min(chosen.minutes, 240), chosen.pace).run())
    except Problem as problem:
        print(f"demo: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print("▸ stopped; nothing is left running", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
