"""What customers sent, as they sent it: formatted mail in a frame that can do nothing, and files that are only downloaded."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse

from services.desk.tickets import originals
from services.desk.tickets import service as tickets
from services.desk.web.answers import ConsoleRoute
from services.desk.web.viewer import Viewer, desk_of, viewer
from shared.text import clean_html

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
FRAME = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; "
        "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
    ),
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""No scripts, no forms, no plug-ins, nothing fetched: also when the page is opened by itself."""
_PAGE = """<!doctype html><meta charset="utf-8"><base target="_blank"><title></title>
<style>body{{font:14px/1.5 system-ui,sans-serif;margin:12px;color:#16191f;background:#fff;overflow-wrap:anywhere}}
blockquote{{margin:0 0 0 8px;padding-left:8px;border-left:2px solid #dfe3e9}}table{{max-width:100%}}</style>
{}"""


@router.get("/m/{message}/original")
async def original(request: Request, message: str, who: Annotated[Viewer, Depends(viewer)]) -> Response:
    """A message's own formatting, cleaned once more."""
    del who
    found = await tickets.get_message(desk_of(request), message)
    return HTMLResponse(_PAGE.format(clean_html(found.html)), headers=FRAME)


@router.get("/m/{message}/raw")
async def raw(request: Request, message: str, who: Annotated[Viewer, Depends(viewer)]) -> Response:
    """The raw original of a message, as a download."""
    data, media_type, headers = await originals.raw(desk_of(request), message, who.by)
    return Response(data, media_type=media_type, headers=FRAME | headers)


@router.get("/m/{message}/files/{index}")
async def download(request: Request, message: str, index: int, who: Annotated[Viewer, Depends(viewer)]) -> Response:
    """A file that came with a message."""
    data, media_type, headers = await originals.file(desk_of(request), message, index, who.by)
    return Response(data, media_type=media_type, headers=FRAME | headers)
