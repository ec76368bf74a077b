"""What customers sent, as they sent it: formatted mail in a frame that can do nothing, and files
that are only downloaded."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse

from services.desk.security import desk_of
from services.desk.tickets import originals
from services.desk.tickets import service as tickets
from services.desk.web.answers import ConsoleRoute
from services.desk.web.conversation import formatted
from services.desk.web.viewer import Viewer, viewer

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
FRAME = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; form-action 'none'; base-uri 'none'; "
        "frame-ancestors 'self'; sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
    ),
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""No scripts, no forms, no plug-ins, nothing fetched from elsewhere: also when the page is opened
by itself. It is of our origin, which without scripts it can do nothing with, so that the page
around it sees how high it is."""
_REMOTE = FRAME | {"Content-Security-Policy": FRAME["Content-Security-Policy"].replace("data:", "data: http: https:")}
_LONGEST_SHOWN = 2_000_000
"""Bytes that a browser shows as text without trouble."""
_PAGE = """<!doctype html><meta charset="utf-8"><base target="_blank"><title></title>
<style>body{{font:14px/1.5 system-ui,sans-serif;margin:12px;color:#16191f;background:#fff;overflow-wrap:anywhere}}
blockquote{{margin:0 0 0 8px;padding-left:8px;border-left:2px solid #dfe3e9}}img{{max-width:100%;height:auto}}
img:not([src]){{color:#565f6e}}</style>
{}"""


@router.get("/m/{message}/original")
async def original(
    request: Request, message: str, who: Annotated[Viewer, Depends(viewer)], *, images: bool = False
) -> Response:
    """Shows a message's own formatting, cleaned once more. `images`: somebody allowed those from
    elsewhere."""
    del who
    found = await tickets.get_message(desk_of(request), message)
    return HTMLResponse(_PAGE.format(formatted.body(found, remote=images)), headers=_REMOTE if images else FRAME)


@router.get("/m/{message}/raw")
async def raw(request: Request, message: str, who: Annotated[Viewer, Depends(viewer)]) -> Response:
    """Shows the raw original of a message; a very long one is a download."""
    data, media_type, headers = await originals.raw(desk_of(request), message, who.actor)
    if len(data) <= _LONGEST_SHOWN:
        headers = headers | {"Content-Disposition": "inline"}
    return Response(data, media_type=media_type, headers=FRAME | headers)


@router.get("/m/{message}/files/{index}")
async def download(request: Request, message: str, index: int, who: Annotated[Viewer, Depends(viewer)]) -> Response:
    """Serves a file that came with a message, as a download."""
    data, media_type, headers = await originals.file(desk_of(request), message, index, who.actor)
    return Response(data, media_type=media_type, headers=FRAME | headers)


@router.get("/m/{message}/pictures/{index}")
async def picture(request: Request, message: str, index: int, who: Annotated[Viewer, Depends(viewer)]) -> Response:
    """Serves a picture in a message, or a small one beside it."""
    del who
    data, media_type, headers = await originals.picture(desk_of(request), message, index)
    return Response(data, media_type=media_type, headers=FRAME | headers)
