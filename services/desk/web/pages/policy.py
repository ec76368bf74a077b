"""The routing policy: which one is in force, drafts with their previews, all versions. Admins
change it, supervisors read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Path, Query, Request, Response

from services.desk.actors import Permission
from services.desk.policy import service as policy
from services.desk.policy.domain import differences
from services.desk.policy.service import Draft, Wrong
from services.desk.tickets import service as tickets
from services.desk.web import words
from services.desk.web.answers import ConsoleRoute, html, redirect
from services.desk.web.pages.inbox import console_of
from services.desk.web.render import gettext
from services.desk.web.viewer import Viewer, viewer, writer
from shared.errors import Rejected, Unavailable
from shared.logs import log
from shared.policies import LONGEST, PolicyProblem, PolicyState

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
_URL = "/policy"
Own = Annotated[str, Path(pattern="^[0-9a-f-]{36}$")]
Number = Annotated[int, Form(ge=0, le=2**31 - 1)]


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page is made of."""

    state: PolicyState | None
    """None while the router is away."""
    drafts: tuple[Draft, ...]
    mine: Draft | None


@router.get(_URL)
async def policy_page(
    request: Request,
    who: Annotated[Viewer, Depends(viewer)],
    done: Annotated[str, Query(max_length=20)] = "",
    version: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
) -> Response:
    """Shows the policy in force, one's own draft and those of others, and all versions."""
    who.actor.require(Permission.READ_ROUTING)
    return await _page(request, who, done=done, number=version)


@router.post(_URL)
async def save(
    request: Request,
    who: Annotated[Viewer, Depends(writer)],
    text: Annotated[str, Form()] = "",
    base: Number = 0,
    revision: Number = 0,
    do: Annotated[str, Form(max_length=10)] = "save",
) -> Response:
    """Keeps one's own draft, checks it, and has it previewed or published if it is right."""
    desk, text = console_of(request).desk, text.replace("\r\n", "\n")
    try:
        draft = await policy.save(desk, text, base=base, revision=revision, actor=who.actor)
    except Rejected as error:
        if error.status not in (409, 422):
            raise
        problem = words.problem(error, gettext(who.language))
        return await _page(request, who, error.status, typed=text, problem=problem)
    try:
        if problems := await policy.check(desk, text, actor=who.actor):
            return await _page(request, who, 422, problems=problems)
        if do == "preview":
            await policy.ask_preview(desk, draft.id, actor=who.actor)
            return redirect(f"{_URL}?done=asked#preview")
        if do == "publish":
            return await _publish(request, who, draft.id, draft.revision)
    except Unavailable as error:
        log.warning("a policy cannot be checked", error=str(error))
        return await _page(request, who, 503, done="unchecked")
    return redirect(f"{_URL}?done=right")


@router.post(f"{_URL}/begin-again")
async def begin_again(
    request: Request,
    who: Annotated[Viewer, Depends(writer)],
    base: Number = 0,
    revision: Number = 0,
    text: Annotated[str, Form()] = "",
) -> Response:
    """Goes on with one's own draft on top of the version that is in force now."""
    await policy.save(console_of(request).desk, text, base=base, revision=revision, actor=who.actor)
    return redirect(f"{_URL}#text")


@router.post(f"{_URL}/roll-back")
async def roll_back(
    request: Request, who: Annotated[Viewer, Depends(writer)], back: Number = 0, base: Number = 0
) -> Response:
    """Brings a former version back."""
    try:
        made = await policy.roll_back(console_of(request).desk, back, base=base, actor=who.actor)
    except Rejected as error:
        if error.status != 409:
            raise
        return await _page(request, who, 409, problem=words.problem(error, gettext(who.language)))
    return redirect(f"{_URL}?done=back&version={made}")


@router.get(f"{_URL}/versions/{{number}}")
async def version_page(
    request: Request, who: Annotated[Viewer, Depends(viewer)], number: Annotated[int, Path(ge=0, le=2**31 - 1)]
) -> Response:
    """Shows what a version changed, and its text."""
    desk = console_of(request).desk
    state = await policy.state(desk, actor=who.actor)
    own = await policy.version(desk, number, actor=who.actor)
    before = max((each.version for each in state.versions if each.version < number), default=None)
    former = own if before is None else await policy.version(desk, before, actor=who.actor)
    told = next(each for each in state.versions if each.version == number)
    context: dict[str, Any] = {"told": told, "before": before, "text": own, "state": state}
    context |= {"lines": differences(former, own), "undone": differences(state.yaml, own)}
    return await _render(request, who, "policy_version.html", 200, **context)


@router.get(f"{_URL}/drafts/{{own}}")
async def draft_page(request: Request, who: Annotated[Viewer, Depends(viewer)], own: Own) -> Response:
    """Shows a colleague's draft, to be looked at and published."""
    return await _draft_page(request, who, own)


@router.post(f"{_URL}/drafts/{{own}}/publish")
async def publish(
    request: Request, who: Annotated[Viewer, Depends(writer)], own: Own, revision: Number = 0
) -> Response:
    """Puts a draft in force."""
    return await _publish(request, who, own, revision)


@router.post(f"{_URL}/drafts/{{own}}/preview")
async def ask_preview(request: Request, who: Annotated[Viewer, Depends(writer)], own: Own) -> Response:
    """Has it found out what a draft would have changed."""
    await policy.ask_preview(console_of(request).desk, own, actor=who.actor)
    return redirect(f"{_URL}/drafts/{own}#preview")


@router.get(f"{_URL}/drafts/{{own}}/preview")
async def preview_part(request: Request, who: Annotated[Viewer, Depends(viewer)], own: Own) -> Response:
    """Shows how far a preview is; the browser asks again until it is there."""
    console = console_of(request)
    draft = await policy.draft(console.desk, own, actor=who.actor)
    context = {"draft": draft, "rows": await _rows(request, draft), "viewer": who}
    return html(console.render("parts/policy-preview.html", who.language, **context))


@router.post(f"{_URL}/drafts/{{own}}/discard")
async def discard(request: Request, who: Annotated[Viewer, Depends(writer)], own: Own) -> Response:
    """Throws a draft away."""
    await policy.discard(console_of(request).desk, own, actor=who.actor)
    return redirect(f"{_URL}?done=discarded")


async def _publish(request: Request, who: Viewer, own: str, revision: int) -> Response:
    desk = console_of(request).desk
    draft = await policy.draft(desk, own, actor=who.actor)
    mine = draft.author == who.actor.stored
    more: dict[str, Any]
    try:
        made = await policy.publish(desk, own, revision=revision, actor=who.actor)
    except Wrong as wrong:
        status, more = 422, {"problems": wrong.problems}
    except Rejected as error:
        if error.status != 409:
            raise
        status, more = 409, {"problem": words.problem(error, gettext(who.language))}
    except Unavailable as error:
        log.warning("a policy cannot be published", error=str(error))
        status, more = 503, {"done": "unpublished"}
    else:
        return redirect(f"{_URL}?done=published&version={made}")
    return await (_page(request, who, status, **more) if mine else _draft_page(request, who, own, status, **more))


async def _shown(request: Request, who: Viewer) -> Shown:
    desk = console_of(request).desk
    drafts = await policy.drafts(desk, actor=who.actor)
    mine = next((each for each in drafts if each.author == who.actor.stored), None)
    try:
        state = await policy.state(desk, actor=who.actor)
    except Unavailable as error:
        log.warning("the policy cannot be shown", error=str(error))
        state = None
    return Shown(state, drafts, mine)


async def _page(request: Request, who: Viewer, status: int = 200, **more: Any) -> Response:
    shown = await _shown(request, who)
    mine, state = shown.mine, shown.state
    overtaken = bool(state and mine and mine.base != state.version)
    context = {
        "state": state,
        "mine": mine,
        "others": [each for each in shown.drafts if each != mine],
        "overtaken": overtaken,
        "lines": differences(state.yaml, mine.text) if state and mine else (),
        "rows": await _rows(request, mine) if mine else {},
        "typed": None,
        "problem": "",
        "problems": (),
        "done": "",
        "number": 0,
    }
    return await _render(request, who, "policy.html", status, **(context | more))


async def _draft_page(request: Request, who: Viewer, own: str, status: int = 200, **more: Any) -> Response:
    draft = await policy.draft(console_of(request).desk, own, actor=who.actor)
    shown = await _shown(request, who)
    problems: tuple[PolicyProblem, ...] = ()
    if shown.state and status == 200:
        problems = await policy.check(console_of(request).desk, draft.text, actor=who.actor)
    context = {
        "draft": draft,
        "state": shown.state,
        "lines": differences(shown.state.yaml, draft.text) if shown.state else (),
        "rows": await _rows(request, draft),
        "problem": "",
        "problems": problems,
        "done": "",
        "own": draft.author == who.actor.stored,
    }
    return await _render(request, who, "policy_draft.html", status, **(context | more))


async def _rows(request: Request, draft: Draft) -> dict[str, Any]:
    """Returns the conversations of a preview's examples that are still there."""
    if draft.preview is None or draft.preview.result is None:
        return {}
    ids = [each.ticket_id for each in draft.preview.result.examples]
    return await tickets.get_rows(console_of(request).desk, ids)


async def _render(request: Request, who: Viewer, template: str, status: int, **context: Any) -> Response:
    console = console_of(request)
    names = await console.agents()
    body = console.render(
        template,
        who.language,
        viewer=who,
        theme=who.theme,
        section="settings",
        back=_URL,
        after=console.live.newest,
        names=names,
        two_person=console.desk.settings.two_person,
        most=LONGEST,
        **context,
    )
    return html(body, status)
