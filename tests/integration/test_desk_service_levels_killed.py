"""Desks are killed while they find what has become due: it is told once, and acted upon."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from deploy.local import ports
from services.desk.intake.messages import apply
from services.desk.service_levels import service
from services.desk.service_levels.domain import Actions, Policy
from tests.integration.desk_parts import EMAIL, acting, desk_on, migrate, with_channels
from tests.integration.test_desk_assignment import sql
from tests.integration.test_desk_assignment_killed import process
from tests.integration.test_desk_service_levels import asked
from tests.waiting import until

TICKETS = 600
NO_KAFKA = "127.0.0.1:9"
"""Messages of other tests would become tickets here."""


async def test_two_desks_of_which_one_is_killed_again_and_again_tell_each_missed_target_once(
    database: str, storage_url: str, tmp_path: Path
) -> None:
    await migrate(database)
    async with desk_on(database, storage_url) as plain:
        desk = with_channels(plain, EMAIL)
        promised = Policy(name="All", first=60, on_breach=Actions(level="high"))
        await service.put_policy(desk, promised, actor=acting("ada@desk.example", "admin"))
        await apply(desk, [asked(sender=f"email:ann{number}@example.org") for number in range(TICKETS)])
        await sql(desk, "UPDATE desk.tickets SET waiting_since = waiting_since - interval '2 hours'")
        await sql(desk, "UPDATE desk.sla_standings SET targets = '[]', next_at = now()")

        async def missed() -> int:
            return len(await sql(desk, "SELECT seq FROM desk.ticket_events WHERE kind = 'sla.breached'"))

        desks = [
            process(NO_KAFKA, database, storage_url, port, tmp_path / f"desk-{port}.log") for port in ports.free(2)
        ]
        try:
            await asyncio.gather(*(one.start(ready=False) for one in desks))
            for turn in range(4):

                async def more(before: int = await missed()) -> bool:
                    return await missed() > before or before == TICKETS

                await until(more, f"some are told, see {tmp_path}")
                await desks[turn % 2].end(signal.SIGKILL)
                await desks[turn % 2].start(ready=False)

            async def all_told() -> bool:
                return await missed() >= TICKETS

            await until(all_told, f"all are told, see {tmp_path}")
        finally:
            for one in desks:
                if one.process:
                    await one.end(signal.SIGKILL)
        for kind in ("sla.breached", "ticket.prioritised"):
            events = await sql(desk, f"SELECT ticket_id FROM desk.ticket_events WHERE kind = '{kind}'")
            assert len(events) == len({each.ticket_id for each in events}) == TICKETS, kind
        assert await sql(desk, "SELECT ticket_id FROM desk.sla_standings WHERE next_at IS NOT NULL") == []
