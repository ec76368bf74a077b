"""Assignment by hand: to an agent, to a team, or back to the queue."""

from __future__ import annotations

from services.desk.context import Desk
from services.desk.people import service as people
from services.desk.tickets import changing
from services.desk.tickets.teams import team_names
from services.desk.tickets.views import TicketRow
from services.desk.work import unit_of_work
from shared.errors import Rejected

_MOST_TEAMS = 200
_LONGEST_TEAM = 60


async def assign(
    desk: Desk, ticket: str, *, agent: str, assignee: str | None = None, team: str | None = None
) -> TicketRow:
    """Give a ticket to `assignee` (an agent's e-mail address, empty to put it back into its queue) and/or to a team.
    None leaves that one as it is. Rejected 404 no such ticket, 422 `unknown-agent`."""
    changes: dict[str, str | None] = {}
    data: dict[str, str] = {}
    if assignee is not None:
        person = await people.agent_by_email(desk, assignee) if assignee else None
        if assignee and person is None:
            raise Rejected(422, "unknown-agent", f"No active agent has the address {assignee[:100]}.")
        changes["assignee_id"] = person.id if person else None
        data["assignee"], data["assignee_name"] = (person.email, person.name) if person else ("", "")
    if team is not None:
        team = team.strip()
        if len(team) > _LONGEST_TEAM or not team.isprintable():
            raise Rejected(422, "team", f"A team's name has at most {_LONGEST_TEAM} printable characters.")
        changes["team"] = data["team"] = team
    async with unit_of_work(desk) as work:
        return await changing.assign(work, ticket, changes, data, agent)


async def teams(desk: Desk) -> tuple[str, ...]:
    """Teams that have tickets, sorted."""
    async with desk.database.transaction() as session:
        return await team_names(session, _MOST_TEAMS)
