"""Everything that can be set, in one place: what somebody may change, found by its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from services.desk.actors import Permission
from services.desk.web.answers import ConsoleRoute, html
from services.desk.web.pages.inbox import console_of
from services.desk.web.render import gettext
from services.desk.web.viewer import Viewer, viewer
from services.desk.web.words import N_, Gettext

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)


@dataclass(frozen=True, slots=True)
class Place:
    """A page on which something is set."""

    url: str
    icon: str
    title: str
    about: str
    needs: Permission | None = None


PLACES: tuple[tuple[str, tuple[Place, ...]], ...] = (
    (
        N_("People and work"),
        (
            Place(
                "/people",
                "users",
                N_("People"),
                N_("Invitations, roles, passwords, two-step verification"),
                Permission.MANAGE_PEOPLE,
            ),
            Place(
                "/teams",
                "users",
                N_("Teams"),
                N_("Members and how each team gets its work"),
                Permission.MANAGE_TEAMS,
            ),
            Place(
                "/teams",
                "clock",
                N_("Skills, capacity and hours"),
                N_("Languages, conversations at once, working hours, time off: open a team, then a person"),
                Permission.MANAGE_TEAMS,
            ),
        ),
    ),
    (
        N_("Messages"),
        (
            Place(
                "/policy",
                "route",
                N_("Routing policy"),
                N_("Priorities, opening hours, promised answers, teams, skills, channels"),
                Permission.READ_ROUTING,
            ),
            Place(
                "/routing/test",
                "search",
                N_("Test a message"),
                N_("How a text would be routed, and why"),
                Permission.MANAGE_ROUTING,
            ),
            Place(
                "/learning",
                "gauge",
                N_("Urgency model"),
                N_("What was learned from agents"),
                Permission.READ_AUDIT,
            ),
            Place(
                "/service-levels",
                "clock",
                N_("Service levels"),
                N_("Policies, calendars, holidays, warnings and escalation"),
                Permission.MANAGE_SERVICE_LEVELS,
            ),
            Place(
                "/automatic-replies",
                "reply",
                N_("Automatic replies"),
                N_("What customers are told when their message is in, opening hours, languages"),
                Permission.MANAGE_AUTOREPLIES,
            ),
            Place(
                "/mailboxes",
                "mail",
                N_("Mailboxes"),
                N_("Email addresses, IMAP servers, Google and Microsoft"),
                Permission.MANAGE_MAILBOXES,
            ),
        ),
    ),
    (
        N_("Looking after it"),
        (
            Place(
                "/wallboard",
                "monitor",
                N_("Wallboard displays"),
                N_("Links for screens in the room"),
                Permission.MANAGE_DISPLAYS,
            ),
            Place("/audit", "history", N_("Audit log"), N_("Who did what, and when"), Permission.READ_AUDIT),
            Place(
                "/dead-letters",
                "triangle-alert",
                N_("Dead letters"),
                N_("What could not be handled, and its way back"),
                Permission.MANAGE_DEAD_LETTERS,
            ),
        ),
    ),
    (
        N_("Your own"),
        (
            Place(
                "/me/notifications",
                "bell",
                N_("Notifications"),
                N_("What you are told of, and how: console, desktop, sound, email, quiet hours"),
            ),
            Place("/account", "user", N_("My account"), N_("Password, two-step verification, sessions")),
            Place(
                "/me/notifications",
                "bell",
                N_("Notification settings"),
                N_("What you are told, on the desktop, by sound and by email, and quiet hours"),
            ),
            Place("/calls#my-presence", "headset", N_("Your availability"), N_("Phone number, work you take now")),
        ),
    ),
)
"""A new page of settings is a line here."""


def found(viewer: Viewer, words: str, _: Gettext) -> list[tuple[str, list[tuple[Place, str, str]]]]:
    """Returns what somebody may open whose title or description has all of these words, by group,
    with both translated."""
    wanted, groups = words.casefold().split(), []
    for title, places in PLACES:
        shown = [
            (place, name, about)
            for place in places
            if place.needs is None or viewer.actor.may(place.needs)
            if all(
                word in f"{(name := _(place.title))} {(about := _(place.about))}".casefold() for word in wanted or [""]
            )
        ]
        if shown:
            groups.append((_(title), shown))
    return groups


@router.get("/settings")
async def settings_page(
    request: Request, who: Annotated[Viewer, Depends(viewer)], q: Annotated[str, Query(max_length=100)] = ""
) -> Response:
    """Lists what somebody may set, or what of it has these words."""
    console = console_of(request)
    body = console.render(
        "settings.html",
        who.language,
        viewer=who,
        theme=who.theme,
        section="settings",
        back="/settings",
        after=console.live.newest,
        groups=found(who, q, gettext(who.language)),
        words=q,
    )
    return html(body)
