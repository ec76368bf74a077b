"""Dead letters, for admins: what is set aside, why, and the button that puts it back."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, Query, Request, Response

from services.desk.actors import Permission
from services.desk.dead_letters.service import MOST
from services.desk.people import audit
from services.desk.web.answers import ConsoleRoute, html, redirect
from services.desk.web.pages.inbox import console_of
from services.desk.web.render import gettext
from services.desk.web.viewer import Viewer, is_part, viewer, writer
from shared.clock import utc_now
from shared.errors import Unavailable
from shared.logs import log

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
LetterId = Annotated[int, Path(ge=0, le=2**62)]


@router.get("/dead-letters")
async def letters_page(
    request: Request, who: Annotated[Viewer, Depends(viewer)], show: Annotated[str, Query(max_length=20)] = ""
) -> Response:
    """Shows the newest dead letters. While Kafka is unavailable: those that were read last, and
    a notice of it."""
    who.actor.require(Permission.MANAGE_DEAD_LETTERS)
    console, away = console_of(request), False
    letters = console.dead_letters.last
    try:
        letters = await console.dead_letters.newest()
    except Unavailable as error:
        log.warning("dead letters cannot be shown", error=str(error))
        away = True
    who = replace(who, letters=console.dead_letters.waiting(utc_now()))  # as of this look
    await console.agents()
    waiting = [letter for letter in letters if letter.replayed_at is None]
    body = console.render(
        "dead_letters.html",
        who.language,
        viewer=who,
        theme=who.theme,
        section="dead-letters",
        back="/dead-letters",
        after=console.live.newest,
        letters=waiting if show == "waiting" else letters,
        counts={"": len(letters), "waiting": len(waiting)},
        show=show,
        most=MOST,
        away=away,
    )
    return html(body, 503 if away else 200)


@router.get("/dead-letters/{letter}")
async def letter_page(request: Request, letter: LetterId, who: Annotated[Viewer, Depends(viewer)]) -> Response:
    """Shows one dead letter, with its stack and the beginning of its raw record."""
    who.actor.require(Permission.MANAGE_DEAD_LETTERS)
    console = console_of(request)
    found = await console.dead_letters.one(letter)
    await audit.noted(console.desk.database, "letter.read", who.actor, str(letter))
    await console.agents()
    body = console.render(
        "dead_letter.html",
        who.language,
        viewer=who,
        theme=who.theme,
        section="dead-letters",
        back=f"/dead-letters/{letter}",
        after=console.live.newest,
        found=found,
        letter=found.letter,
    )
    return html(body)


@router.post("/dead-letters/{letter}/replay")
async def replay(
    request: Request, letter: LetterId, who: Annotated[Viewer, Depends(writer)], again: Annotated[bool, Form()] = False
) -> Response:
    """Publishes a dead letter to its topic again."""
    who.actor.require(Permission.MANAGE_DEAD_LETTERS)
    console, _ = console_of(request), gettext(who.language)
    done = await console.dead_letters.replay(letter, by=who.actor.stored, again=again)
    await audit.noted(console.desk.database, "letter.replayed", who.actor, str(letter), topic=done.topic)
    if not is_part(request):
        return redirect(f"/dead-letters/{letter}")
    await console.agents()
    body = console.render("parts/letter-state.html", who.language, letter=done, stays="", viewer=who)
    return html(body + console.toast(who.language, _("Replayed to its topic: %(topic)s", topic=done.topic)))
