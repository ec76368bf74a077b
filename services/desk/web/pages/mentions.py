"""Mentions: posts that opened no ticket, and what agents say of posts."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request, Response

from services.desk.mentions import labels
from services.desk.mentions import service as mentions
from services.desk.mentions.schemas import MentionQuery
from services.desk.tickets.domain import SETTLED
from services.desk.web.answers import ConsoleRoute, html, redirect
from services.desk.web.console import Undo
from services.desk.web.pages.inbox import console_of
from services.desk.web.render import gettext
from services.desk.web.social import words as posts
from services.desk.web.viewer import Viewer, is_part, viewer, writer

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
_PAGE = 30


@router.get("/mentions")
async def mentions_page(
    request: Request,
    who: Annotated[Viewer, Depends(viewer)],
    q: Annotated[str, Query(max_length=200)] = "",
    channel: Annotated[str, Query(max_length=50)] = "",
    language: Annotated[str, Query(max_length=10)] = "",
    cursor: Annotated[str, Query(max_length=500)] = "",
) -> Response:
    """Shows the list of mentions; for htmx its next rows."""
    console = console_of(request)
    after = console.live.newest
    asked = MentionQuery(q=q.strip(), channel=channel, language=language, cursor=cursor, limit=_PAGE)
    page = await mentions.page(console.desk, asked)
    await console.agents()
    filters = {"q": asked.q, "channel": channel, "language": language}
    more = "/mentions?" + urlencode({name: value for name, value in filters.items() if value} | {"cursor": page.next})
    context = {"page": page, "more": more, "viewer": who, "asked": asked}
    if is_part(request):
        return html(console.render("parts/mentions.html", who.language, **context))
    channels, languages = await mentions.filters(console.desk)
    body = console.render(
        "mentions.html",
        who.language,
        theme=who.theme,
        section="mentions",
        back="/mentions",
        after=after,
        days=console.desk.settings.mention_days,
        channel_codes=channels,
        language_codes=languages,
        **context,
    )
    return html(body)


@router.post("/mentions/{mention}")
async def judge(
    request: Request, mention: str, who: Annotated[Viewer, Depends(writer)], say: Annotated[str, Form()]
) -> Response:
    """Labels a mention as a complaint or a question, or simply makes it a ticket: all of them
    open one."""
    console, _ = console_of(request), gettext(who.language)
    label = "" if say == "ticket" else say
    found = await mentions.judge(console.desk, mention, actor=who.actor, label=label, ticket=say == "ticket")
    if not is_part(request):
        return redirect("/mentions")
    await console.agents()
    body = console.render("parts/mention-changed.html", who.language, mention=found, viewer=who)
    return html(body + console.toast(who.language, _("Thank you. The ticket is being created")))


@router.post("/m/{message}/label")
async def label(
    request: Request, message: str, who: Annotated[Viewer, Depends(writer)], label: Annotated[str, Form()]
) -> Response:
    """Labels a post that opened a ticket. If it is nothing to answer, the ticket can be closed
    with one more press."""
    console, _ = console_of(request), gettext(who.language)
    stored = await labels.judge(console.desk, message, label, actor=who.actor)
    if not is_part(request):
        return redirect(f"/c/{stored.ticket_id}")
    await console.agents()
    row = await console.row(stored.ticket_id)
    offer = None
    if label == "other" and row.status not in SETTLED:
        offer = Undo(f"/c/{row.id}/status", {"status": "closed"}, _("Close ticket"))
    text = _("Saved: %(label)s", label=_(posts.LABELS[label]))
    return html(
        console.ticket_parts(who.language, row, stored) + console.toast(who.language, text, offer, number=row.number)
    )
