"""How a message would be decided on, for admins: any text, and the card of the model that judges
it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response

from services.desk.actors import Permission
from services.desk.trials import service as trials
from services.desk.web import words
from services.desk.web.answers import ConsoleRoute, html
from services.desk.web.pages.inbox import console_of
from services.desk.web.render import gettext
from services.desk.web.trials import card
from services.desk.web.viewer import Viewer, viewer, writer
from shared.clock import utc_now
from shared.errors import Rejected, Unavailable
from shared.logs import log
from shared.trials import Trial

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)


@dataclass(frozen=True, slots=True)
class Typed:
    """What the form holds."""

    text: str = ""
    channel: str = "email"
    language: str = ""
    tier: str = ""
    live: bool = False
    policy: str = ""


@router.get("/routing/test")
async def trial_page(request: Request, who: Annotated[Viewer, Depends(viewer)]) -> Response:
    """Shows the empty form."""
    who.actor.require(Permission.MANAGE_ROUTING)
    return _page(request, who)


@router.post("/routing/test")
async def trial(
    request: Request,
    who: Annotated[Viewer, Depends(writer)],
    text: Annotated[str, Form()] = "",
    channel: Annotated[str, Form()] = "email",
    language: Annotated[str, Form()] = "",
    tier: Annotated[str, Form()] = "",
    live: Annotated[bool, Form()] = False,
    policy: Annotated[str, Form()] = "",
) -> Response:
    """Shows what the router would decide. Nothing of it is kept."""
    who.actor.require(Permission.MANAGE_ROUTING)
    typed = Typed(_lines(text), channel, language, tier.strip(), live, _lines(policy))
    asked = Trial(
        text=typed.text,
        channel=typed.channel,
        language=typed.language,
        tier=typed.tier,
        live=typed.live,
        policy=typed.policy,
    )
    try:
        found = await trials.tried(console_of(request).desk, asked)
    except Rejected as error:
        return _page(request, who, error.status, typed=typed, problem=words.problem(error, gettext(who.language)))
    except Unavailable as error:
        log.warning("a message cannot be tested", error=str(error))
        return _page(request, who, 503, typed=typed, away=True)
    return _page(request, who, typed=typed, found=found)


@router.get("/routing/model")
async def model_page(request: Request, who: Annotated[Viewer, Depends(viewer)]) -> Response:
    """Shows what the urgency model was made of and how good it is."""
    who.actor.require(Permission.MANAGE_ROUTING)
    try:
        found = await trials.model_card(console_of(request).desk)
    except Unavailable as error:
        log.warning("the model's card cannot be shown", error=str(error))
        return _render(request, who, "model_card.html", 503, model="", card="", away=True)
    return _render(request, who, "model_card.html", 200, model=found.model, card=card.as_html(found.text), away=False)


def _lines(text: str) -> str:
    """Undoes what forms do to the ends of lines."""
    return text.replace("\r\n", "\n")


def _page(request: Request, who: Viewer, status: int = 200, **more: Any) -> Response:
    console = console_of(request)
    context = {
        "typed": Typed(),
        "problem": "",
        "away": False,
        "found": None,
        "at": utc_now(),
        "channel_names": sorted({*console.channels, "email"}),
        "codes": console.desk.common.languages,
    }
    return _render(request, who, "trial.html", status, **(context | more))


def _render(request: Request, who: Viewer, template: str, status: int, **context: Any) -> Response:
    console = console_of(request)
    body = console.render(
        template,
        who.language,
        viewer=who,
        theme=who.theme,
        section="routing",
        back=request.url.path,
        after=console.live.newest,
        **context,
    )
    return html(body, status)
