"""The agents' console: pages made on the server, kept live by one stream per browser, readable
without JavaScript."""

from __future__ import annotations

from fastapi import FastAPI

from services.desk.web import static
from services.desk.web.answers import errors_as_pages
from services.desk.web.console import Console
from services.desk.web.pages import (
    account,
    actions,
    audit,
    autoreplies,
    calls,
    customers,
    dead_letters,
    handing,
    inbox,
    learning,
    live,
    mailboxes,
    mentions,
    notifications,
    originals,
    people,
    policy,
    preferences,
    reports,
    service_levels,
    settings,
    sign_in,
    steering,
    styleguide,
    teams,
    trials,
    wallboard,
    watching,
)


def mount(app: FastAPI, console: Console) -> None:
    """Adds the console's pages and files to the desk's app."""
    app.state.console = console
    app.state.feed = live.Feed(app.state.console)
    static.files()
    for part in (
        static,
        sign_in,
        inbox,
        actions,
        calls,
        customers,
        originals,
        preferences,
        reports,
        account,
        people,
        policy,
        settings,
        audit,
        autoreplies,
        dead_letters,
        handing,
        learning,
        live,
        mailboxes,
        mentions,
        notifications,
        service_levels,
        steering,
        styleguide,
        teams,
        trials,
        wallboard,
        watching,
    ):
        app.include_router(part.router)
    errors_as_pages(app)
