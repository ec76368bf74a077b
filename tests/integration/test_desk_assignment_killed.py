"""Desks are killed in the middle of assigning and offering: each conversation is somebody's once,
and none is forgotten."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from deploy.local import ports
from services.desk.assignment import offers, pushing
from services.desk.people import work
from services.desk.people.work import WorkChange
from services.desk.tickets import service as tickets
from shared.bus.kafka import KafkaBus, create_topics
from shared.topics import CHANNELS_ANNOUNCED, MESSAGES_ROUTED, MESSAGES_ROUTED_LIVE, all_topics
from tests.integration.desk_parts import EMAIL, acting, desk_on, migrate, with_channels
from tests.integration.router_process import RouterProcess as ServiceProcess
from tests.integration.test_desk_assignment import LIVE, SUE, owners, sql, team_of, wrote
from tests.waiting import until

MAILS = 240
TEAM = "killed"
"""Its own: messages of other tests are on the same topics."""
OF_TEAM = f"JOIN desk.tickets AS t ON t.id = ticket_id WHERE t.team = '{TEAM}'"


def process(kafka: str, database: str, storage: str, port: int, log: Path) -> ServiceProcess:
    environment = {
        "DESK_DATABASE": database,
        "DESK_PORT": str(port),
        "SWITCHBOARD_STORAGE": storage,
        "SWITCHBOARD_SECRET": "s" * 40,
    }
    return ServiceProcess(kafka, port, log, environment=environment, service="desk")


async def test_two_desks_of_which_one_is_killed_again_and_again_give_each_conversation_once(
    kafka: str, database: str, storage_url: str, tmp_path: Path
) -> None:
    await migrate(database)
    await create_topics(kafka, all_topics([EMAIL.name, LIVE.name]))
    bus = KafkaBus(kafka, "tests")
    await bus.start()
    await bus.publish_all([(CHANNELS_ANNOUNCED, one.name, one) for one in (EMAIL, LIVE)])
    async with desk_on(database, storage_url) as plain:
        desk = with_channels(plain, EMAIL, LIVE)
        people = await team_of(desk, "Ann", "Bo", "Cleo", "Dan", team=TEAM)
        for email in people:
            await work.set_work(desk, email, WorkChange(capacity={"mail": 100, "chat": 1}), actor=SUE)
        await sql(desk, "UPDATE desk.agents SET seen_at = NULL")
        desks = [process(kafka, database, storage_url, port, tmp_path / f"desk-{port}.log") for port in ports.free(2)]
        try:
            await asyncio.gather(*(one.start() for one in desks))
            for turn in range(4):
                mails = [wrote(number, team=TEAM) for number in range(turn * MAILS // 4, (turn + 1) * MAILS // 4)]
                await bus.publish_all([(MESSAGES_ROUTED, one.decision.ticket_id, one) for one in mails])

                async def begun(before: int = turn * MAILS // 4) -> bool:
                    return sum((await owners(desk, TEAM)).values()) > before

                await until(begun, "some of them are there")
                await desks[turn % 2].end(signal.SIGKILL)
                await desks[turn % 2].start(ready=False)

            async def all_given() -> bool:
                found = await owners(desk, TEAM)
                return sum(found.values()) == MAILS and not found[""]

            await until(all_given, f"everybody is somebody's, see {tmp_path}")
            assert sorted((await owners(desk, TEAM)).values()) == [MAILS // 4] * 4, "evenly, whoever was killed"
            events = await sql(desk, f"SELECT ticket_id FROM desk.ticket_events {OF_TEAM} AND kind = 'ticket.assigned'")
            assert len(events) == len({each.ticket_id for each in events}) == MAILS
            given = await sql(desk, f"SELECT ticket_id FROM desk.assignments {OF_TEAM} AND outcome = 'given'")
            assert sorted(str(each.ticket_id) for each in given) == sorted(str(each.ticket_id) for each in events)

            chat = wrote(MAILS, channel=LIVE.name, minutes_ago=1, team=TEAM)
            await bus.publish(MESSAGES_ROUTED_LIVE, chat.decision.ticket_id, chat)

            async def offered() -> list[str]:
                return [email for email in people if await offers.of_agent(desk, email)]

            await until(offered, "the chat is offered")
            waits = (await tickets.get_ticket(desk, chat.decision.ticket_id)).row.waiting_since
            for one in desks:
                await one.end(signal.SIGKILL)
            (who,) = await offered()
            taken = await offers.accept(desk, chat.decision.ticket_id, actor=acting(who))
            assert (taken.assignee, taken.waiting_since) == (who, waits), "who accepts it has it, with its age"
            await pushing.serve(desk)
            assert await offered() == []
        finally:
            for one in desks:
                if one.process:
                    await one.end(signal.SIGKILL)
            await bus.stop()
