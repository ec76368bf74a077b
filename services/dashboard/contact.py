"""The contact page, for every browser: plain HTML forms, no script, in English, French and Korean.

The form carries an idempotency key, and a new visitor's token is made from it: a form that is sent
twice, even by a double click before the first answer, is one message of one visitor. The token is
then kept in a cookie that only this page gets; no cookie is set before somebody writes.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import jinja2
from babel.support import Translations
from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse

from services.dashboard import conversation, delivering, receiving, sessions
from services.dashboard.api import attachment
from services.dashboard.context import Dashboard
from services.dashboard.domain import forms
from services.dashboard.domain.drafts import MAX_TEXT, Author, draft
from services.dashboard.domain.forms import Form
from services.dashboard.domain.refusal import Refusal
from services.dashboard.domain.sites import Site, Speaker
from services.dashboard.requests import address
from shared import links
from shared.errors import Rejected, Unavailable
from shared.i18n import moment, negotiate, translations
from shared.kernel import contact_point, stable_id
from shared.metrics import METRICS
from shared.phone_numbers import typed
from shared.security.tokens import sign

_HERE = Path(__file__).parent
_REGIONS = {"fr": "FR", "ko": "KR"}
"""Where a number without a country code is likely to be from, by the page's language."""
_MAX_BODY = 400_000
"""Bytes of a form: 20,000 characters take up to 240,000 in the encoding of plain forms."""
_CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_NAMES = {"en": "English", "fr": "Français", "ko": "한국어"}


def routes(dashboard: Dashboard) -> APIRouter:
    """Returns the routes of `/contact/<site>` and the customer's own conversation below it."""
    pages = APIRouter(include_in_schema=False)
    _form_routes(pages, dashboard)
    _conversation_routes(pages, dashboard)
    return pages


def _own_page(request: Request) -> None:
    """Refuses a form that another site sent: it could put its own conversation under a visitor's
    hands.

    Browsers put Origin on every POST (Fetch, 3.2). Programs send none, and have no visitor to fool.
    Raises Rejected 403.
    """
    origin = request.headers.get("origin", "")
    if origin and urlsplit(origin).netloc != request.headers.get("host"):
        raise Rejected(403, "other-origin", "This form was sent from another site. Open the page itself and try again.")


def _form_routes(pages: APIRouter, dashboard: Dashboard) -> None:
    @pages.get("/static/contact.css")
    async def style() -> Response:
        return FileResponse(
            _HERE / "static" / "contact.css", media_type="text/css", headers={"Cache-Control": "max-age=3600"}
        )

    @pages.get("/static/favicon.svg")
    async def icon() -> Response:
        return FileResponse(_HERE / "static" / "favicon.svg", headers={"Cache-Control": "max-age=3600"})

    @pages.get("/contact/{site_id}")
    async def show(request: Request, site_id: str) -> Response:
        site = await _site(dashboard, site_id)
        return _form(request, site, Form(key=_new_key()))

    @pages.post("/contact/{site_id}")
    async def send(request: Request, site_id: str) -> Response:
        site = await _site(dashboard, site_id)
        _own_page(request)
        form = forms.read(await _fields(request))
        region = _REGIONS.get(_language(request), dashboard.settings.region)
        checked = forms.check(form, typed(form.phone, region) or None)
        if checked.draft is None:
            for code in checked.errors.values():
                METRICS.refused.labels(channel="chat", reason=code).inc()
            fresh = replace(form, key=_new_key()) if "form" in checked.errors else form
            return _form(request, site, fresh, checked.errors, 422)
        try:
            dashboard.gate.check_address(address(request))
            token, visitor = await _visitor(dashboard, request, site, form.key, checked)
            await receiving.receive(dashboard, visitor, checked.draft, form.key, live=False)
        except (Unavailable, Rejected) as error:
            again = replace(form, key=_new_key()) if _code(error) == "idempotency-key-reused" else form
            return _form(request, site, again, {"form": _code(error)}, _status(error))
        answer = RedirectResponse(f"/contact/{site.id}/thanks?lang={_language(request)}", 303)
        return _remember(dashboard, request, answer, site, token)

    @pages.get("/contact/{site_id}/thanks")
    async def thanks(request: Request, site_id: str) -> Response:
        return _page(request, await _site(dashboard, site_id), "thanks.html")


def _conversation_routes(pages: APIRouter, dashboard: Dashboard) -> None:
    @pages.get("/contact/{site_id}/conversation")
    async def show(request: Request, site_id: str) -> Response:
        site = await _site(dashboard, site_id)
        return await _conversation(dashboard, request, site, await _known(dashboard, request, site))

    @pages.post("/contact/{site_id}/conversation")
    async def reply(request: Request, site_id: str) -> Response:
        site = await _site(dashboard, site_id)
        _own_page(request)
        visitor = await _known(dashboard, request, site)
        fields = await _fields(request)
        text, key = fields.get("message", ""), fields.get("key", "")
        if visitor is None:
            return await _conversation(dashboard, request, site, None)
        try:
            dashboard.gate.check_visitor(visitor.author.point)
            message = draft(text, facts={"page": "contact"})
            await receiving.receive(
                dashboard, visitor, message, key if forms.usable_key(key) else _new_key(), live=False
            )
        except Refusal as refusal:
            code = "message-missing" if refusal.code == "text-missing" else "message-too-long"
            return await _conversation(dashboard, request, site, visitor, text, key, {"message": code}, 422)
        except (Unavailable, Rejected) as error:
            again = "" if _code(error) == "idempotency-key-reused" else key
            return await _conversation(
                dashboard, request, site, visitor, text, again, {"form": _code(error)}, _status(error)
            )
        return RedirectResponse(f"/contact/{site.id}/conversation?lang={_language(request)}#newest", 303)

    @pages.get("/contact/{site_id}/conversation/files/{message_id}/{place}")
    async def file(request: Request, site_id: str, message_id: str, place: int) -> Response:
        visitor = await _known(dashboard, request, await _site(dashboard, site_id))
        if visitor is None:
            raise HTTPException(404)
        return await attachment(dashboard, visitor, message_id, place)


async def _conversation(
    dashboard: Dashboard,
    request: Request,
    site: Site,
    visitor: Speaker | None,
    text: str = "",
    key: str = "",
    errors: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    if visitor is None:
        return _page(request, site, "stranger.html", 403)
    rows = await conversation.newest(dashboard, visitor)
    if rows:
        await delivering.mark_read(dashboard, visitor, rows[-1].seq)
    return _page(
        request, site, "conversation.html", status, messages=rows, text=text, key=key or _new_key(), errors=errors or {}
    )


async def _site(dashboard: Dashboard, site_id: str) -> Site:
    site = await dashboard.sites.of_id(site_id)
    if site is None:
        raise HTTPException(404, "There is no contact page at this address.")
    return site


async def _fields(request: Request) -> dict[str, str]:
    """Reads the form's text fields. Raises HTTPException 400, 411 or 413."""
    length = request.headers.get("content-length", "")
    if not length.isdigit():  # every browser tells it, and the parser of plain forms has no limit of its own
        raise HTTPException(411, "Send the form with its Content-Length.")
    if int(length) > _MAX_BODY:
        raise HTTPException(413)
    form = await request.form(max_files=0, max_fields=20, max_part_size=_MAX_BODY)
    return {name: value for name, value in form.items() if isinstance(value, str)}


async def _known(dashboard: Dashboard, request: Request, site: Site) -> Speaker | None:
    token = request.cookies.get(_cookie(request, site), "")
    try:
        return await sessions.speaker(dashboard, site, token) if token else None
    except Rejected:
        return None


async def _visitor(
    dashboard: Dashboard, request: Request, site: Site, key: str, checked: forms.Checked
) -> tuple[str, Speaker]:
    """Returns the visitor of the cookie, or the new one of this form, with their token. What they
    say about themselves is stored, unproven."""
    if site.mode == "required":
        raise Rejected(403, "identity-required", "")
    token, known = request.cookies.get(_cookie(request, site), ""), await _known(dashboard, request, site)
    point = known.author.point if known else contact_point("chat", stable_id("visitor", site.id, key))
    author = Author(point=point, name=checked.name, also=checked.also, locale=_language(request))
    dashboard.gate.check_visitor(point)
    if known is not None:
        await sessions.introduce(dashboard, author)
        return token, Speaker(site, author, known.expires_at)
    token = sign(dashboard.secret, "contact page", f"{site.id} {key}")
    return token, await sessions.enrol(dashboard, site, token, author)


def _remember(dashboard: Dashboard, request: Request, answer: Response, site: Site, token: str) -> Response:
    age = int(timedelta(days=dashboard.settings.visitor_days).total_seconds())
    answer.set_cookie(
        _cookie(request, site), token, max_age=age, secure=_is_secure(request), httponly=True, samesite="lax"
    )
    return answer


def _cookie(request: Request, site: Site) -> str:
    """Returns the cookie's name. Over https no other host under the same domain can set or read
    it (RFC 6265bis, 4.1.3)."""
    return f"{'__Host-' if _is_secure(request) else ''}switchboard_visitor_{site.id}"


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"


def _new_key() -> str:
    return secrets.token_urlsafe(24)


def _code(error: Unavailable | Rejected) -> str:
    return error.code if isinstance(error, Rejected) else "unavailable"


def _status(error: Unavailable | Rejected) -> int:
    return error.status if isinstance(error, Rejected) else 503


def _language(request: Request) -> str:
    return negotiate(request.headers.get("accept-language", ""), request.query_params.get("lang", ""))


def _form(
    request: Request, site: Site, form: Form, errors: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    if site.mode == "required":
        return _page(request, site, "sign_in.html", 403)
    return _page(request, site, "contact.html", status, form=form, errors=errors or {}, max_text=MAX_TEXT)


def _page(request: Request, site: Site, template: str, status: int = 200, **values: object) -> Response:
    language = _language(request)
    html = (
        _environment(language)
        .get_template(template)
        .render(site=site, language=language, languages=_NAMES, path=request.url.path, **values)
    )
    headers = {
        "Content-Security-Policy": _CSP,
        "Cache-Control": "no-store",
        "Content-Language": language,
        "Vary": "Accept-Language, Cookie",
    }
    if status in (429, 503):
        headers["Retry-After"] = "5"
    return HTMLResponse(html, status, headers)


@cache
def _environment(language: str) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    catalogue: Translations = translations(language, _HERE / "locales")
    environment.install_gettext_translations(catalogue, newstyle=True)  # type: ignore[attr-defined]
    environment.filters["linked"] = links.as_html
    environment.filters["moment"] = lambda at: f"{moment(at, language)} UTC"
    return environment
