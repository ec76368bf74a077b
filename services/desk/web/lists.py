"""The views of the inbox and what is in them."""

from __future__ import annotations

from dataclasses import dataclass

from services.desk.context import Desk
from services.desk.tickets import service as tickets
from services.desk.tickets.repository import DUE
from services.desk.tickets.views import TicketPage, TicketQuery
from services.desk.web.words import N_

PAGE = 40
"""Rows at a time: two screens of them."""


@dataclass(frozen=True, slots=True)
class View:
    """One entry beside the list."""

    name: str
    label: str
    empty: str
    """What to say when nothing is in it."""
    next: str
    """Where to look then."""


VIEWS = {
    view.name: view
    for view in (
        View("mine", N_("Mine"), N_("Nothing waits for you."), "unassigned"),
        View("unassigned", N_("Unassigned"), N_("Everything has somebody who takes care of it."), "all"),
        View("urgent", N_("Urgent"), N_("Nothing is urgent right now."), "all"),
        View("overdue", N_("Overdue"), N_("Nobody has waited too long."), "soon"),
        View("soon", N_("Due soon"), N_("Nothing is due within half an hour."), "all"),
        View("waiting", N_("Waiting for us"), N_("Nobody waits for an answer."), "all"),
        View("all", N_("All open"), N_("All done. Nobody is waiting for an answer."), "solved"),
        View("pending", N_("Pending"), N_("No conversation waits for a customer."), "all"),
        View("solved", N_("Solved"), N_("Nothing has been solved yet."), "all"),
    )
}


def query(view: str, agent: str, words: str = "", cursor: str = "") -> TicketQuery:
    """What the desk is asked for. A search looks everywhere; views show tickets about the same as one."""
    if words:
        return TicketQuery(q=words, order="newest", limit=PAGE, cursor=cursor)
    match view:
        case "mine":
            return TicketQuery(status=("open",), assignee=agent, grouped=False, limit=PAGE, cursor=cursor)
        case "unassigned":
            return TicketQuery(status=("open",), assignee="none", grouped=False, limit=PAGE, cursor=cursor)
        case "urgent":
            return TicketQuery(status=("open",), level=("urgent",), grouped=False, limit=PAGE, cursor=cursor)
        case "pending" | "solved":
            status = ("pending",) if view == "pending" else ("solved", "closed")
            return TicketQuery(status=status, order="newest", grouped=False, limit=PAGE, cursor=cursor)
        case _:
            due = view if view in DUE else ""
            return TicketQuery(
                status=("open",), due=due, waiting=view == "waiting", grouped=False, limit=PAGE, cursor=cursor
            )


async def page(desk: Desk, view: str, agent: str, words: str = "", cursor: str = "") -> TicketPage:
    """One page of a view."""
    return await tickets.list_tickets(desk, query(view, agent, words, cursor))


async def counts(desk: Desk, agent: str) -> dict[str, str]:
    """Badges by view, `99+` above the cap."""
    found = {count.name: count.label for count in await tickets.view_counts(desk, agent, grouped=False)}
    found["all"] = found.get("open", "0")
    return {name: found.get(name, "0") for name in VIEWS}
