"""The views of the inbox and what is in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from services.desk.context import Desk
from services.desk.search import finding
from services.desk.tickets import service as tickets
from services.desk.tickets.schemas import TicketPage, TicketQuery
from services.desk.web.words import N_, team

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

    @property
    def url(self) -> str:
        """Its page."""
        return f"/inbox/{quote(self.name, safe='')}"


_QUEUE = "team:"
"""Begins the name of a view of one team's tickets."""
VIEWS = {
    view.name: view
    for view in (
        View("mine", N_("Mine"), N_("You have no open conversations."), "unassigned"),
        View("unassigned", N_("Unassigned"), N_("No unassigned conversations."), "all"),
        View("urgent", N_("Urgent"), N_("No urgent conversations."), "all"),
        View("overdue", N_("Overdue"), N_("No overdue conversations."), "soon"),
        View("soon", N_("Due soon"), N_("Nothing due in the next 30 minutes."), "all"),
        View("waiting", N_("Waiting for our reply"), N_("No one is waiting for a reply."), "all"),
        View("all", N_("All open"), N_("All done. No open conversations."), "solved"),
        View("pending", N_("Pending"), N_("No pending conversations."), "all"),
        View("solved", N_("Solved"), N_("No solved conversations yet."), "all"),
    )
}


def team_of(name: str) -> str:
    """Returns whose queue a view shows; empty where it shows none."""
    return name.removeprefix(_QUEUE) if name.startswith(_QUEUE) else ""


def view_of(name: str) -> View | None:
    """Returns the view of this name; None if there is none."""
    if name.removeprefix(_QUEUE) and name.startswith(_QUEUE):
        return View(name, team(name.removeprefix(_QUEUE)), N_("No one is waiting in this queue."), "all")
    return VIEWS.get(name)


def query(view: str, agent: str, words: str = "", cursor: str = "") -> TicketQuery:
    """Builds the query of a view or a search. A search looks everywhere; views show tickets
    about the same as one."""
    if words:
        return TicketQuery(q=words, me=agent, order="newest", limit=PAGE, cursor=cursor)
    found: dict[str, Any] = {"status": ("open",)}
    match view:
        case "mine":
            found["assignee"] = agent
        case "unassigned":
            found |= {"assignee": "none", "status": ("open", "pending")}
        case "urgent":
            found["level"] = ("urgent",)
        case "waiting":
            found["waiting"] = True
        case "overdue" | "soon":
            found["due"] = view
        case "pending" | "solved":
            found = {"status": ("pending",) if view == "pending" else ("solved", "closed"), "order": "newest"}
        case _:
            found["team"] = view.removeprefix(_QUEUE) if view.startswith(_QUEUE) else ""
    return TicketQuery(**found, grouped=False, limit=PAGE, cursor=cursor)


async def page(desk: Desk, view: str, agent: str, words: str = "", cursor: str = "") -> TicketPage:
    """Returns one page of a view."""
    return await finding.list_tickets(desk, query(view, agent, words, cursor))


async def counts(desk: Desk, agent: str) -> dict[str, str]:
    """Badges by view, `99+` above the cap: of all views, and of each team that has tickets."""
    found = {count.name: count.label for count in await tickets.view_counts(desk, agent, grouped=False)}
    found["all"] = found.get("open", "0")
    return dict.fromkeys(VIEWS, "0") | {name: found[name] for name in found if view_of(name)}


def queues(counts: Mapping[str, str]) -> list[View]:
    """Lists the views of teams among these, by name."""
    return [found for name in sorted(counts) if name not in VIEWS and (found := view_of(name))]
